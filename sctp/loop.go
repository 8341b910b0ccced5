// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// maxRounds bounds how many times one caller writes before it leaves the rest
// to the Stack's flusher: nobody shall be kept busy with the work of others.
const maxRounds = 8

// enter takes the association's lock and lets the engine know what the user
// has read meanwhile. The time is read under the lock: it never goes back.
func (c *Conn) enter() time.Time {
	c.mu.Lock()
	now := time.Now()
	c.reportTaken(now)
	c.askRoom()
	return now
}

func (c *Conn) reportTaken(now time.Time) {
	if !c.inbox.dirty.Load() {
		return
	}
	t := &c.taken
	c.inbox.take(t)
	c.a.Consumed(now, t.msgs, t.bytes)
	for i, b := range t.bufs {
		c.a.Recycle(b)
		t.bufs[i] = nil
	}
	t.msgs, t.bytes, t.bufs = 0, 0, t.bufs[:0]
}

// leave hands the engine's output to where it belongs and releases the lock.
// A lazy caller leaves less than a full buffer of packets to the flusher, which
// then finds more of them.
//
// Packets are written without the lock, by one writer at a time so that they
// stay in order; who finds a writer at work has nothing more to do, since the
// writer asks the engine again before it leaves.
//
// The Stack learns of new addresses of the peer before a packet leaves: as soon
// as the peer has our COOKIE ECHO, it sends from all of them.
func (c *Conn) leave(now time.Time, lazy bool) {
	c.collect(now)
	c.wake(now)
	c.syncIdentity()
	for round := 0; !c.writing; round++ {
		full := c.fill(now)
		if c.out == nil {
			break
		}
		if (lazy && !full || round == maxRounds) && c.stack.kick(c) {
			break
		}
		out := c.out
		c.out, c.writing = nil, true
		c.mu.Unlock()
		out.write(c.stack)
		c.mu.Lock()
		now = time.Now()
		c.writing = false
		c.wrote(now, out)
	}
	c.collect(now)
	c.wake(now)
	if c.a.Closed() && !c.gone && !c.writing && c.out == nil {
		c.remove()
	}
	c.rearm(now)
	c.wakeSettled()
	c.charge()
	logs := c.logs
	c.logs = nil
	c.mu.Unlock()
	for _, l := range logs {
		c.stack.log.LogAttrs(context.Background(), l.level, l.msg, l.attrs...)
	}
}

// syncIdentity brings the Stack's index up to date. With a closed association
// remove does it, after the last packet.
func (c *Conn) syncIdentity() {
	if c.a.IdentityChanged() && c.a.State() != assoc.StateClosed {
		c.stack.sync(c.a)
	}
}

// fill moves packets from the engine to c.out until there is no more of either.
func (c *Conn) fill(now time.Time) (full bool) {
	if c.out == nil {
		c.out = getOutput()
	}
	size := c.a.MaxPacketSize()
	for len(c.out.space()) >= size {
		t, ok := c.a.PollTransmit(now, c.out.space())
		if !ok {
			if c.out.used == 0 {
				putOutput(c.out)
				c.out = nil
			}
			return false
		}
		c.out.add(t)
	}
	return true
}

// wrote tells the engine what became of the packets, as far as it must know.
func (c *Conn) wrote(now time.Time, o *output) {
	for _, e := range o.mtus {
		c.a.HandleMTUError(now, e.dst, e.size, e.mtu)
	}
	if o.err != nil {
		c.writeErr = o.err
		if c.stack.debug {
			c.logf(slog.LevelDebug, "write failed", slog.Any("reason", o.err))
		}
	}
	putOutput(o)
}

// collect takes messages and events from the engine.
func (c *Conn) collect(now time.Time) {
	var end error
	for {
		ev, ok := c.a.PollEvent()
		if !ok {
			break
		}
		if err := c.handleEvent(now, ev); err != nil {
			end = err
		}
	}
	if m, ok := c.a.PollMessage(); ok {
		c.inbox.mu.Lock()
		for ; ok; m, ok = c.a.PollMessage() {
			c.inbox.deliver(m)
		}
		c.inbox.mu.Unlock()
		c.arrived = true
	}
	if end != nil {
		c.inbox.mu.Lock()
		c.inbox.fail(end)
		c.inbox.mu.Unlock()
	}
}

// wake wakes who waits for what collect found, and for room to send.
func (c *Conn) wake(now time.Time) {
	c.reconfig.check(c.a)
	if c.arrived {
		c.arrived = false
		c.inbox.mu.Lock()
		c.inbox.wake()
		c.inbox.mu.Unlock()
		c.reportTaken(now) // what was discarded
	}
	if c.open {
		least := c.stack.wakeSpace
		if c.stack.memory.tight() {
			least = 1
		}
		c.senders.wake(c.a.SendSpace(), least)
	} else {
		c.senders.wakeAll()
	}
}

// handleEvent acts on an event and queues it for the user. It returns what
// ends reception.
func (c *Conn) handleEvent(now time.Time, ev assoc.Event) (end error) {
	switch e := ev.(type) {
	case EventCommUp:
		c.open = true
		if c.isUp {
			return nil // again, after a restart
		}
		c.isUp = true
		c.stack.count.established.Add(1)
		c.logf(slog.LevelInfo, "association up",
			slog.Int("outbound", e.OutboundStreams), slog.Int("inbound", e.InboundStreams))
		close(c.up)
		if c.incoming && (c.listener == nil || !c.listener.offer(c)) {
			c.stack.count.refused.Add(1)
			c.a.Refuse(now, "accept backlog is full")
		}
	case EventRestart:
		c.logf(slog.LevelInfo, "association restarted by peer")
		c.inbox.mu.Lock()
		c.inbox.breakStreams(ErrRestart)
		c.inbox.mu.Unlock()
		if !c.open {
			c.a.Shutdown(now) // the end of reception has been reported
		}
	case EventPeerShutdown:
		c.open = false
		end = io.EOF
	case EventPathChange:
		if e.State == PathInactive {
			c.logf(slog.LevelWarn, "path failed", slog.Any("path", e.Remote))
		} else if c.stack.debug {
			c.logf(slog.LevelDebug, "path changed", slog.Any("path", e.Remote), slog.String("state", e.State.String()))
		}
	case EventPeerAddr:
		c.logf(slog.LevelInfo, "peer address "+e.Change.String(), slog.Any("address", e.Remote))
	case EventLocalAddr:
		if e.Err != nil {
			c.logf(slog.LevelInfo, "local address not "+e.Change.String(), slog.Any("address", e.Local), slog.Any("reason", e.Err))
		} else if c.stack.debug {
			c.logf(slog.LevelDebug, "local address "+e.Change.String(), slog.Any("address", e.Local))
		}
	case EventCommLost:
		c.open = false
		c.lost = e.Err
		if end = e.Err; end == nil {
			end = io.EOF
		}
		if c.isUp {
			c.logf(slog.LevelInfo, "association down", slog.Any("reason", end))
		}
	}
	c.events.push(ev)
	return end
}

type logRecord struct {
	level slog.Level
	msg   string
	attrs []slog.Attr
}

// logf keeps a record until the lock is released: a Handler is user code.
func (c *Conn) logf(level slog.Level, msg string, attrs ...slog.Attr) {
	if !c.stack.log.Enabled(context.Background(), level) {
		return
	}
	attrs = append([]slog.Attr{
		slog.Uint64("assoc", c.id), slog.Int("port", int(c.a.LocalPort())), slog.Int("peerport", int(c.a.PeerPort())),
	}, attrs...)
	c.logs = append(c.logs, logRecord{level, msg, attrs})
}

// rearm sets the timer if the deadline is closer than the timer. A timer that
// fires early arms itself again, which costs less than moving it for each
// packet.
func (c *Conn) rearm(now time.Time) {
	at, ok := c.a.Deadline()
	if !ok || c.gone || !c.timerAt.IsZero() && !at.Before(c.timerAt) {
		return
	}
	c.timerAt = at
	d := at.Sub(now)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.onTimer)
	} else {
		c.timer.Reset(d)
	}
}

func (c *Conn) onTimer() {
	now := c.enter()
	c.timerAt = time.Time{}
	if at, ok := c.a.Deadline(); ok && !at.After(now) {
		c.a.HandleTimeout(now)
	}
	c.leave(now, false)
}

// remove forgets the association: its last packet was written.
func (c *Conn) remove() {
	c.gone, c.open = true, false
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.isUp {
		close(c.up)
	}
	c.inbox.mu.Lock()
	c.inbox.fail(io.EOF)
	c.inbox.unwatch()
	c.inbox.mu.Unlock()
	c.senders.wakeAll()
	c.stack.forget(c)
	close(c.done)
}
