// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"io"
	"net"
	"sync/atomic"
	"time"
)

// maxStreamMessage is the most one message of a Stream carries; a larger
// Write is cut. Every implementation can be expected to reassemble this much.
const maxStreamMessage = 64 << 10

// A Stream shows one stream of an association, in both directions, as a
// net.Conn. While it is open it gets all messages of that stream, and Conn.Recv
// none of them.
//
// TLS runs over it with crypto/tls, on any number of streams, each with its own
// session or resuming one of another stream (RFC 3436, Section 5). The pair of
// streams with one number is the "bi-directional stream" of Section 3.1, so
// both sides need the number to be below their outbound streams. What Section
// 6.2 forbids for TLS a Stream never does: its messages are ordered and have no
// limited lifetime. Recv must not be relied on for a stream with TLS, and both
// sides call Stream before data arrives. A half-close is that of TLS: its
// CloseWrite. Without it, after a graceful shutdown between two records,
// crypto/tls reports io.EOF, which does not tell a truncation. A message of a
// Stream holds one or more records, or a part of one where MaxMessageSize is
// below the 18437 bytes of Section 3.2; the peer may cut as it likes. The
// ciphersuite of Section 4.1 is off in crypto/tls unless tls.Config asks for it.
//
// SCTP has no end of a single stream: closing the last open Stream of a Conn
// shuts the association down as Conn.Close does, and then the peer's Read
// returns io.EOF. A program which goes on with the Conn does not close its
// Streams, or keeps one open.
type Stream struct {
	conn  *Conn
	id    uint16
	ppid  atomic.Uint32
	read  deadline
	write deadline
	shut  chan struct{} // closed by Close

	// Guarded by the lock of the inbox.
	queue  queue
	rest   []byte // of a message which was read in part
	whole  []byte // that message
	closed bool
	broken error
}

// Stream returns the view of stream n. There is one for each stream: it is the
// same one until it is closed. Messages of the stream which Recv would return
// next become its. Writes fail with ErrInvalidStream if n is not below the
// negotiated number of outbound streams.
func (c *Conn) Stream(n uint16) *Stream {
	in := &c.inbox
	in.mu.Lock()
	defer in.mu.Unlock()
	if int(n) < len(in.streams) {
		if s := in.streams[n]; s != nil && !s.closed {
			return s
		}
	}
	s := &Stream{conn: c, id: n, shut: make(chan struct{}), queue: newQueue()}
	in.claim(s)
	return s
}

// ID returns the stream identifier.
func (s *Stream) ID() uint16 { return s.id }

// Conn returns the association.
func (s *Stream) Conn() *Conn { return s.conn }

// SetPPID sets the payload protocol identifier of what is written from now on.
// It is 0 at first.
func (s *Stream) SetPPID(p PPID) { s.ppid.Store(uint32(p)) }

// Read reads from the next message. It does not go beyond the end of a
// message, or of a part of it (Config.PartialDeliveryPoint); if b is too short the next
// Read returns the rest. After a graceful shutdown it returns io.EOF. ErrIncomplete
// tells that the rest of a message will not come.
func (s *Stream) Read(b []byte) (int, error) {
	in := &s.conn.inbox
	l := limit{dl: &s.read}
	in.mu.Lock()
	for {
		err := l.err()
		switch {
		case s.closed:
			err = net.ErrClosed
		case in.closed != nil:
			err = in.closed
		case err != nil:
		case len(b) == 0:
			in.mu.Unlock()
			return 0, nil
		case len(s.rest) > 0 || s.queue.n > 0:
			n, report := s.readSome(in, b)
			if n == 0 {
				err = s.cutError(in)
			}
			in.mu.Unlock()
			if report {
				now := s.conn.enter()
				s.conn.leave(now, false)
			}
			return n, err
		case s.broken != nil:
			err = s.broken
		default:
			err = in.err
		}
		if err != nil {
			s.queue.wake()
			in.mu.Unlock()
			return 0, err
		}
		in.wait(&s.queue, l)
	}
}

func (s *Stream) readSome(in *inbox, b []byte) (n int, report bool) {
	if len(s.rest) == 0 {
		s.whole = s.queue.pop().Data
		s.rest = s.whole
		report = in.account(len(s.whole))
	}
	n = copy(b, s.rest)
	s.rest = s.rest[n:]
	if len(s.rest) == 0 {
		in.recycle(s.whole)
		s.whole = nil
	}
	if len(s.rest) > 0 || s.queue.n > 0 {
		s.queue.wake()
	}
	return n, report
}

// Write sends b as one message, or as several of 64 KiB if it is larger. It
// waits for room in the send buffer, not for delivery. Errors are those of
// Conn.Send, and os.ErrDeadlineExceeded.
func (s *Stream) Write(b []byte) (int, error) {
	size := min(maxStreamMessage, s.conn.stack.params.MaxMessageSize)
	m := Message{Stream: s.id, PPID: PPID(s.ppid.Load())}
	n := 0
	for {
		select {
		case <-s.shut:
			return n, net.ErrClosed
		default:
		}
		if len(b) == 0 {
			return n, nil
		}
		m.Data = b[:min(len(b), size)]
		one := [1]Message{m}
		if _, err := s.conn.send(one[:], limit{dl: &s.write}, s.shut); err != nil {
			return n, err
		}
		n += len(m.Data)
		b = b[len(m.Data):]
	}
}

// Close closes the view: calls which wait return net.ErrClosed, and what arrives
// on the stream is discarded. Closing the last open Stream closes the Conn.
func (s *Stream) Close() error {
	in := &s.conn.inbox
	in.mu.Lock()
	if s.closed {
		in.mu.Unlock()
		return net.ErrClosed
	}
	s.closed = true
	close(s.shut)
	in.drain(&s.queue)
	s.dropRest()
	s.queue.wake()
	last := true
	for _, o := range in.streams {
		if o != nil && !o.closed {
			last = false
		}
	}
	in.mu.Unlock()
	s.read.stop()
	s.write.stop()
	if last {
		return s.conn.Close()
	}
	now := s.conn.enter()
	s.conn.leave(now, false) // the window has opened
	return nil
}

// cutError is why the rest of a message will not come. The lock is held.
func (s *Stream) cutError(in *inbox) error {
	switch {
	case s.queue.n > 0:
	case s.broken != nil:
		return s.broken
	case in.err != nil && in.err != io.EOF:
		return in.err
	}
	return ErrIncomplete
}

func (s *Stream) dropRest() { s.rest, s.whole = nil, nil }

// breakStreams takes the streams from their views, which return err after what
// they have: what comes is of another association. The lock is held.
func (in *inbox) breakStreams(err error) {
	for i, s := range in.streams {
		if s != nil && !s.closed {
			s.broken = err
			s.queue.wake()
			in.streams[i] = nil
		}
	}
}

// LocalAddr returns the *Addr of this side.
func (s *Stream) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr returns the *Addr of the peer.
func (s *Stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// SetDeadline sets both deadlines. The zero time means none.
func (s *Stream) SetDeadline(t time.Time) error {
	s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline sets the time at which Read gives up with
// os.ErrDeadlineExceeded, also one that waits now.
func (s *Stream) SetReadDeadline(t time.Time) error { return s.setDeadline(&s.read, t) }

// SetWriteDeadline sets the time at which Write gives up with
// os.ErrDeadlineExceeded. It may have sent some of its messages then.
func (s *Stream) SetWriteDeadline(t time.Time) error { return s.setDeadline(&s.write, t) }

func (s *Stream) setDeadline(d *deadline, t time.Time) error {
	select {
	case <-s.shut:
		return net.ErrClosed
	default:
	}
	d.set(t)
	return nil
}

var _ net.Conn = (*Stream)(nil)
