// SPDX-License-Identifier: Apache-2.0

package assoctest

import (
	"errors"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

// A Conn is an association being driven.
type Conn struct {
	Host  *Host
	Assoc *assoc.Association

	// OnMessage is called for each message that comes to the user, who has
	// consumed it then. If it is nil, messages wait for Recv.
	OnMessage func(assoc.Message)
	// OnEvent is called for each event.
	OnEvent func(assoc.Event)
	// OnWritable is called when there is room to send after Send has failed
	// with ErrWouldBlock.
	OnWritable func()

	// Up and Lost say whether EventCommUp and EventCommLost have come; Err
	// has the reason of the latter.
	Up, Lost bool
	Err      error
	// Restarts counts EventRestart, Failed EventSendFailed.
	Restarts, Failed int
	// TooLarge counts packets refused for the MTU of the first hop.
	TooLarge int

	inbox   []assoc.Message
	blocked bool
	pumping bool
	again   bool
	gone    bool
	timer   *simnet.Timer
	due     time.Time
	spins   int
	lastRun time.Time
}

// Send queues a message and sends what may be sent.
func (c *Conn) Send(m assoc.Message) error {
	err := c.Assoc.Send(c.Host.Sim.Now(), m)
	if errors.Is(err, assoc.ErrWouldBlock) {
		c.blocked = true
		return err
	}
	c.pump()
	return err
}

// Recv takes the next message which waits for the user.
func (c *Conn) Recv() (assoc.Message, bool) {
	if len(c.inbox) == 0 {
		return assoc.Message{}, false
	}
	m := c.inbox[0]
	c.inbox = c.inbox[1:]
	c.consumed(m)
	c.pump()
	return m, true
}

// Waiting is how many messages Recv would return.
func (c *Conn) Waiting() int { return len(c.inbox) }

// Shutdown begins a graceful shutdown.
func (c *Conn) Shutdown() {
	c.Assoc.Shutdown(c.Host.Sim.Now())
	c.pump()
}

// Abort aborts the association.
func (c *Conn) Abort(reason string) {
	c.Assoc.Abort(c.Host.Sim.Now(), reason)
	c.pump()
}

// Pump sends what must go out after the user has called a method of Assoc.
func (c *Conn) Pump() { c.pump() }

func (c *Conn) consumed(m assoc.Message) {
	if !c.gone {
		c.Assoc.Consumed(c.Host.Sim.Now(), 1, len(m.Data))
	}
}

// pump polls everything there is to poll, again if a callback has brought
// more, and arms the timer.
func (c *Conn) pump() {
	if c.gone {
		return
	}
	if c.pumping {
		c.again = true
		return
	}
	c.pumping = true
	for c.again = true; c.again && !c.gone; {
		c.again = false
		c.transmit()
		c.messages()
		c.events()
		c.sync()
		if c.blocked && c.Assoc.SendSpace() > 0 && c.OnWritable != nil {
			c.blocked = false
			c.OnWritable()
		}
	}
	c.pumping = false
	if c.gone {
		return
	}
	if c.Assoc.Closed() {
		c.close()
		return
	}
	c.arm()
}

func (c *Conn) transmit() {
	h := c.Host
	for n := 0; ; n++ {
		t, ok := c.Assoc.PollTransmit(h.Sim.Now(), h.buf)
		if !ok {
			return
		}
		if n == 1e6 {
			h.errorf("PollTransmit never ends")
			return
		}
		var tooLarge *udpencap.MTUError
		if err := h.send(t); errors.As(err, &tooLarge) {
			c.TooLarge++
			c.Assoc.HandleMTUError(h.Sim.Now(), t.Remote, t.Len, tooLarge.MTU)
		} else if err != nil {
			h.errorf("send: %v", err)
		}
	}
}

func (c *Conn) messages() {
	for {
		m, ok := c.Assoc.PollMessage()
		if !ok {
			return
		}
		if len(m.Data) == 0 && m.Part != assoc.PartCut {
			c.Host.errorf("empty message")
		}
		if c.Lost {
			c.Host.errorf("message after the last event")
		}
		if c.OnMessage == nil {
			c.inbox = append(c.inbox, m)
			continue
		}
		c.OnMessage(m)
		c.consumed(m)
		c.Assoc.Recycle(m.Data)
		c.again = true // the window may have opened
	}
}

func (c *Conn) events() {
	for {
		e, ok := c.Assoc.PollEvent()
		if !ok {
			return
		}
		if c.Lost {
			c.Host.errorf("%T after the last event", e)
		}
		switch e := e.(type) {
		case assoc.EventCommUp:
			if c.Up {
				c.Host.errorf("second EventCommUp")
			}
			c.Up = true
		case assoc.EventCommLost:
			c.Lost, c.Err = true, e.Err
		case assoc.EventRestart:
			c.Restarts++
		case assoc.EventSendFailed:
			c.Failed++
		}
		if c.OnEvent != nil {
			c.OnEvent(e)
		}
	}
}

func (c *Conn) sync() {
	if c.Assoc.IdentityChanged() {
		c.Host.Stack.Sync(c.Assoc)
	}
}

// close forgets an association that is over.
func (c *Conn) close() {
	if !c.Lost {
		c.Host.errorf("closed without EventCommLost")
	}
	if at, ok := c.Assoc.Deadline(); ok {
		c.Host.errorf("closed, but a timer is armed for %v", at)
	}
	c.Host.Stack.Sync(c.Assoc)
	c.Host.conns = slices.DeleteFunc(c.Host.conns, func(o *Conn) bool { return o == c })
	c.forget()
}

func (c *Conn) forget() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.gone = true
}

func (c *Conn) arm() {
	at, ok := c.Assoc.Deadline()
	if c.timer != nil {
		if ok && at.Equal(c.due) {
			return
		}
		c.timer.Stop()
		c.timer = nil
	}
	if ok {
		c.due = at
		c.timer = c.Host.Sim.At(at, c.timeout)
	}
}

func (c *Conn) timeout() {
	now := c.Host.Sim.Now()
	c.timer = nil
	if !now.Equal(c.lastRun) {
		c.lastRun, c.spins = now, 0
	}
	if c.spins++; c.spins > maxSpins {
		c.Host.errorf("deadline %v does not move; state %v", c.due, c.Assoc.State())
		c.close()
		return
	}
	c.Assoc.HandleTimeout(now)
	c.pump()
}
