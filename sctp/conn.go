// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// A Conn is an association (RFC 9260). Its methods may be called from any
// number of goroutines.
type Conn struct {
	stack    *Stack
	id       uint64
	incoming bool      // the peer set it up
	listener *Listener // where an incoming one waits to be accepted

	inbox  inbox
	events eventQueue
	up     chan struct{} // closed when established, or gone
	done   chan struct{} // closed when the association is gone
	closed chan struct{} // closed by Close and Abort

	// mu is the association's one lock. It guards the engine and what follows.
	mu        sync.Mutex
	a         *assoc.Association
	timer     *time.Timer
	timerAt   time.Time // when it fires; zero: not armed
	out       *output   // packets to be written
	writing   bool      // someone is at it
	kicked    bool      // the flusher has been told
	taken     taken     // memory to swap with the inbox
	arrived   bool      // messages since the last wake
	isUp      bool      // was established
	open      bool      // may send
	gone      bool      // the Stack does not know it any more
	charged   int       // to the Stack's memory
	isClosed  bool      // closed was closed
	lost      error     // what ended it, nil if graceful
	writeErr  error     // the last one of a socket
	logs      []logRecord
	localPort uint16

	senders  sendLine
	reconfig reconfigWaiter
	settled  chan struct{} // closed when the peer knows our addresses; nil if nobody waits
}

func newConn(s *Stack, a *assoc.Association) *Conn {
	c := &Conn{
		stack: s, a: a, id: a.ID(), localPort: a.LocalPort(),
		up: make(chan struct{}), done: make(chan struct{}), closed: make(chan struct{}),
	}
	c.inbox.main = newQueue()
	c.inbox.main.able = true
	c.inbox.reportAt = s.params.RecvBuffer / reportDivisor
	c.events.signal = make(chan struct{}, 1)
	return c
}

// Send queues a message for sending and returns when the send buffer has taken
// it, for which it waits if need be (RFC 9260, Section 11.1.5). Data is copied.
// Its delivery is not confirmed; if the association ends before, the message
// is reported in EventSendFailed.
//
// Errors: ErrEmptyMessage, ErrMessageTooLarge, ErrInvalidStream; ErrShutdown
// after a shutdown has begun; *AbortError or *LostError after the association
// was lost; net.ErrClosed after Close or Abort; the context's.
func (c *Conn) Send(ctx context.Context, m Message) error {
	one := [1]Message{m}
	_, err := c.send(one[:], limit{ctx: ctx}, nil)
	return err
}

// SendBatch is Send for several messages, which share packets and system calls
// where one Send after the other would let each go alone. It returns how many
// messages the send buffer has taken; the error is about the next one.
func (c *Conn) SendBatch(ctx context.Context, ms []Message) (n int, err error) {
	return c.send(ms, limit{ctx: ctx}, nil)
}

// send waits until the limit is reached, or closed is.
func (c *Conn) send(ms []Message, l limit, closed <-chan struct{}) (n int, err error) {
	if err := l.err(); err != nil {
		return 0, err
	}
	if len(ms) == 0 {
		return 0, nil
	}
	var w *sendWaiter // in line, unless nil
	now := c.enter()
	for {
		if c.isClosed {
			c.quitLine(w)
			c.leave(now, true)
			return n, net.ErrClosed
		}
		// Alone on the way, the message goes out at once. Behind others it
		// waits for company: see leave.
		lazy := c.kicked || c.a.Outstanding() > 0 && !c.stack.params.NoNagle
		for n < len(ms) {
			if err = c.a.Send(now, ms[n]); err != nil {
				break
			}
			n++
		}
		if !errors.Is(err, assoc.ErrWouldBlock) {
			c.quitLine(w)
			c.leave(now, lazy)
			return n, err
		}
		if w == nil {
			w = c.senders.join(0)
		}
		w.size = len(ms[n].Data)
		c.leave(now, false)
		stop := l.done()
		select {
		case <-w.ready:
		case <-stop:
		case <-c.closed:
		case <-closed:
		}
		now = c.enter()
		err = l.err()
		select {
		case <-closed:
			err = net.ErrClosed
		default:
		}
		if err != nil {
			c.quitLine(w)
			c.leave(now, true)
			return n, err
		}
	}
}

// quitLine takes a sender that does not wait any more out of the line, and lets
// the next one see whether there is room for it.
func (c *Conn) quitLine(w *sendWaiter) {
	if w != nil {
		c.senders.quit(w)
		c.senders.wake(c.a.SendSpace(), 1)
	}
}

// Recv waits for the next message on any stream that is not shown as a Stream
// (RFC 9260, Section 11.1.6). Its Data belongs to the caller.
//
// With Config.PartialDeliveryPoint it may be a part of a message: see Part. All parts of a
// message go to where the first one went, Recv or a Stream.
//
// Errors: io.EOF after a graceful shutdown, *AbortError or *LostError after the
// association was lost, both only after all messages which arrived before;
// net.ErrClosed after Close or Abort; the context's, unless there is a message.
func (c *Conn) Recv(ctx context.Context) (Message, error) {
	return c.recv(ctx, nil, false)
}

// RecvBuf is Recv into the caller's memory: Data of the message returned is the
// beginning of buf. It allocates nothing. If buf is too small the message stays
// and the error is a *ShortBufferError, which tells its size.
func (c *Conn) RecvBuf(ctx context.Context, buf []byte) (Message, error) {
	return c.recv(ctx, buf, true)
}

func (c *Conn) recv(ctx context.Context, buf []byte, into bool) (Message, error) {
	in := &c.inbox
	q := &in.main
	_ = ctx.Err() // a nil context panics here, not while the lock is held
	in.mu.Lock()
	for {
		err := in.closed
		if err == nil && q.n > 0 {
			if size := len(q.front().Data); into && size > len(buf) {
				q.wake()
				in.mu.Unlock()
				return Message{}, &ShortBufferError{size}
			}
			m := q.pop()
			report := in.account(len(m.Data)) || c.stack.memory.tight()
			if q.n > 0 {
				q.wake()
			}
			in.mu.Unlock()
			if into {
				n := copy(buf, m.Data)
				in.mu.Lock()
				in.recycle(m.Data)
				in.mu.Unlock()
				m.Data = buf[:n]
			}
			if report {
				now := c.enter()
				c.leave(now, false)
			}
			return m, nil
		}
		if err == nil {
			err = in.err
		}
		if err != nil {
			q.wake()
		} else {
			err = ctx.Err()
		}
		if err != nil {
			in.mu.Unlock()
			return Message{}, err
		}
		if t := c.stack.direct.Load(); t != nil && q.waiters == 0 && c.readFor(t, q, ctx) {
			continue
		}
		in.wait(q, limit{ctx: ctx})
	}
}

// wait waits for something to happen to q. The lock is released meanwhile.
func (in *inbox) wait(q *queue, l limit) {
	q.waiters++
	in.mu.Unlock()
	if stop := l.done(); stop == nil {
		<-q.signal
	} else {
		select {
		case <-q.signal:
		case <-stop:
		}
	}
	in.mu.Lock()
	q.waiters--
}

// NextEvent waits for the next event of the association. The last 64 are kept
// for it, of path changes the latest of each path. It returns io.EOF after
// EventCommLost, net.ErrClosed after Close or Abort.
func (c *Conn) NextEvent(ctx context.Context) (Event, error) { return c.events.next(ctx) }

// Paths returns a snapshot of the paths, one for each address of the peer.
func (c *Conn) Paths() []PathInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.Paths(nil)
}

// SetPrimary makes the path to an address of the peer the primary one (RFC
// 9260, Section 11.1.10). It returns ErrNoSuchPath for any other address.
func (c *Conn) SetPrimary(remote netip.Addr) error {
	now := c.enter()
	err := c.a.SetPrimary(remote.Unmap())
	c.leave(now, false)
	return err
}

// RequestHeartbeat sends a HEARTBEAT on a path now (RFC 9260, Section
// 11.1.8).
func (c *Conn) RequestHeartbeat(remote netip.Addr) error {
	now := c.enter()
	err := c.a.RequestHeartbeat(now, remote.Unmap())
	c.leave(now, false)
	return err
}

// Shutdown ends the association gracefully: what was sent is delivered first
// (RFC 9260, Section 9.2). Nothing more can be sent, but the peer's messages
// can still be received. Shutdown waits until the association is over and
// returns nil, or what it was lost by; or until the context ends, and then
// returns the context's error while the shutdown goes on.
func (c *Conn) Shutdown(ctx context.Context) error {
	c.startShutdown()
	select {
	case <-c.done:
		return c.result()
	default:
	}
	select {
	case <-c.done:
		return c.result()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Conn) startShutdown() {
	now := c.enter()
	c.open = false
	c.a.Shutdown(now)
	c.senders.wakeAll()
	c.leave(now, false)
}

func (c *Conn) result() error {
	c.stack.waitRelease()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Close ends the association: what was sent is delivered first, what arrives is
// discarded, and calls which wait return net.ErrClosed. It returns when the
// peer has confirmed, or after Config.CloseTimeout, when the association is
// aborted: the error then is an *AbortError. Use Shutdown for another bound.
func (c *Conn) Close() error {
	timeout := c.stack.cfg.CloseTimeout
	if timeout < 0 {
		c.Abort("")
		return nil
	}
	if !c.markClosed() {
		<-c.done
		c.stack.waitRelease()
		return nil
	}
	c.startShutdown()
	select {
	case <-c.done:
	default:
		t := time.NewTimer(timeout)
		defer t.Stop()
		select {
		case <-c.done:
		case <-t.C:
			c.abort("close timed out")
		}
	}
	err := c.result()
	if e, ok := errors.AsType[*AbortError](err); ok && !e.Peer {
		return err
	}
	return nil // the peer ending it another way is an end as well
}

// Abort ends the association at once (RFC 9260, Section 9.1). What was not
// delivered is lost. The peer is told the reason, which may be empty. Calls
// which wait return net.ErrClosed.
func (c *Conn) Abort(reason string) error {
	c.markClosed()
	c.abort(reason)
	c.stack.waitRelease()
	return nil
}

// abort returns when the ABORT was written, maybe by someone who was at it.
func (c *Conn) abort(reason string) {
	now := c.enter()
	c.open = false
	c.a.Abort(now, reason)
	c.leave(now, false)
	<-c.done
}

// markClosed makes this side's calls return net.ErrClosed. It reports whether
// they did not already.
func (c *Conn) markClosed() bool {
	c.mu.Lock()
	first := !c.isClosed
	if first {
		c.isClosed = true
		close(c.closed)
	}
	c.mu.Unlock()
	if first {
		c.inbox.close(net.ErrClosed)
		c.events.close()
	}
	return first
}

// Done returns a channel which is closed when the association is over.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns nil while the association lasts. Then it says how it ended:
// io.EOF after a graceful shutdown, *AbortError or *LostError.
func (c *Conn) Err() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return c.lost
	}
	return io.EOF
}

// LocalAddr returns the addresses of the Stack with the local SCTP port.
func (c *Conn) LocalAddr() *Addr {
	return &Addr{IPs: c.stack.Addrs(), Port: c.localPort, EncapPort: c.stack.EncapPort()}
}

// RemoteAddr returns the addresses of the peer, the primary one first, its SCTP
// port and the UDP port of the primary path.
func (c *Conn) RemoteAddr() *Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &Addr{Port: c.a.PeerPort()}
	for _, p := range c.a.Paths(nil) {
		if p.Primary || a.EncapPort == 0 {
			a.EncapPort = p.Remote.Port()
		}
		a.IPs = append(a.IPs, p.Remote.Addr())
		if p.Primary {
			last := len(a.IPs) - 1
			copy(a.IPs[1:], a.IPs[:last])
			a.IPs[0] = p.Remote.Addr()
		}
	}
	return a
}

// Stats returns a snapshot of the counters.
func (c *Conn) Stats() ConnStats {
	c.events.mu.Lock()
	dropped := c.events.dropped
	c.events.mu.Unlock()
	now := c.enter() // which tells the engine what has been read
	s := ConnStats{Stats: c.a.Stats(), State: c.a.State(), EventsDropped: dropped}
	c.leave(now, false)
	return s
}
