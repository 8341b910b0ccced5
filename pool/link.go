// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
)

// maxOut bounds the messages waiting to be sent to a registrar. It is reached only if the registrar takes nothing any
// more, and then the association is given up.
const maxOut = 1024

var errStuck = errors.New("the registrar takes no messages")

// A link is an association with a registrar, a TCP connection to one, or an attempt.
type link struct {
	id   agent.LinkID
	stop context.CancelCauseFunc // of connecting, and of writing
	ctx  context.Context
	conn carrier       // nil while connecting
	over chan struct{} // closed when the association, or the attempt, has been ended
	out  chan []byte
}

func (c *Client) newLink(id agent.LinkID, conn carrier) *link {
	l := &link{id: id, conn: conn, out: make(chan []byte, maxOut), over: make(chan struct{})}
	l.ctx, l.stop = context.WithCancelCause(c.ctx)
	c.links[id] = l
	return l
}

func (l *link) cancel() { l.stop(nil) }

// send queues a message. The lock of the Client is held, so it must not wait.
func (l *link) send(data []byte) {
	select {
	case l.out <- data:
	default:
		l.stop(errStuck) // the writer ends the association
	}
}

// end ends the association or the attempt. The lock of the Client is held; the write of the ABORT waits for nobody, but
// takes the lock of the association, so somebody else does it.
func (l *link) end(c *Client, reason string) {
	l.cancel()
	c.ending[l] = struct{}{}
	if conn := l.conn; conn != nil {
		c.work.Go(func() {
			conn.Abort(reason)
			c.ended(l)
		})
	}
}

// ended says that nothing more is sent on a link.
func (c *Client) ended(l *link) {
	close(l.over)
	c.mu.Lock()
	delete(c.ending, l)
	c.mu.Unlock()
}

// write sends what is queued.
func (l *link) write() {
	for {
		select {
		case data := <-l.out:
			if l.conn.send(l.ctx, data) != nil {
				l.conn.Abort("cannot send")
				return
			}
		case <-l.ctx.Done():
			if context.Cause(l.ctx) == errStuck {
				l.conn.Abort(errStuck.Error())
			}
			return
		case <-l.conn.Done():
			return
		}
	}
}

// connect sets up an association with a registrar, from the port that elements are registered from, or a TCP connection.
//
// RFC 5352, Section 3.1, R1: "The PE's SCTP endpoint used to communicate with the Home ENRP server MUST be bound to all
// IP addresses that will be used by the PE". A registrar that takes the element over sets up an association to it.
func (c *Client) connect(x agent.Connect) {
	l := c.newLink(x.Link, nil)
	var before []*link
	if !x.Addr.TCP {
		before = slices.Collect(maps.Keys(c.ending))
	}
	c.work.Go(func() {
		for _, o := range before {
			<-o.over // it may have led to the same registrar, which would take both for one endpoint
		}
		conn, err := c.dialLink(l.ctx, x.Addr)
		wanted := false
		open := c.do(func(now time.Time) {
			if wanted = c.links[l.id] == l; !wanted {
				return
			}
			if err != nil {
				delete(c.links, l.id)
				c.agent.HandleLost(now, l.id, err)
				return
			}
			l.conn = conn
			c.agent.HandleConnected(now, l.id, conn.peer())
		})
		if err != nil || !wanted || !open {
			l.cancel()
			if err == nil {
				conn.Abort("not needed")
			}
			c.ended(l)
			return
		}
		c.work.Go(l.write)
		for {
			m, err := conn.recv(c.ctx)
			if err != nil {
				c.lost(l, err)
				return
			}
			c.do(func(now time.Time) { c.agent.HandleMessage(now, l.id, m) })
		}
	})
}

// lost ends a link whose association has ended.
func (c *Client) lost(l *link, err error) {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	l.cancel()
	c.do(func(now time.Time) {
		if c.links[l.id] == l {
			delete(c.links, l.id)
			c.agent.HandleLost(now, l.id, err)
		}
	})
	if c.ctx.Err() == nil {
		l.conn.Close()
	}
}
