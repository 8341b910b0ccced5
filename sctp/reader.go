// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/udpencap"
)

const (
	// readBatch is how many datagrams, or runs of them, one system call may
	// bring. Each has 64 KiB of memory.
	readBatch = 8
	// maxReadBackoff bounds the pause after a read has failed.
	maxReadBackoff = time.Second
)

// A batch is what one read brought, sorted by association.
type batch struct {
	work []work
	runs []run
	odd  []assoc.Datagram // without association, to be logged
}

// work is a packet of an association. next is the index of the following one
// of the same association, or 0.
type work struct {
	d    assoc.Datagram
	next int
}

// A run is the packets of one association.
type run struct {
	c           *Conn
	first, last int // in work
}

// add appends a packet to the run of its association.
func (b *batch) add(c *Conn, d assoc.Datagram) {
	k := len(b.work)
	b.work = append(b.work, work{d: d})
	for i := len(b.runs) - 1; i >= 0; i-- {
		if r := &b.runs[i]; r.c == c {
			b.work[r.last].next = k
			r.last = k
			return
		}
	}
	b.runs = append(b.runs, run{c: c, first: k, last: k})
}

func (b *batch) reset() {
	clear(b.work)
	clear(b.runs)
	clear(b.odd)
	b.work, b.runs, b.odd = b.work[:0], b.runs[:0], b.odd[:0]
}

// read is the goroutine of a socket.
func (s *Stack) read(sock udpencap.Socket) {
	s.hearICMP(sock)
	t := newTurn(sock)
	backoff := time.Millisecond
	for {
		dgs, err := t.readBatch()
		if len(dgs) == 0 && err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if errors.Is(err, io.EOF) {
				s.networkEnded(err)
				return
			}
			s.count.readErrors.Add(1)
			s.log.Debug("read failed", "local", sock.LocalAddr(), "reason", err)
			if !s.pause(backoff) {
				return
			}
			backoff = min(2*backoff, maxReadBackoff)
			continue
		}
		backoff = time.Millisecond
		s.serve(t, dgs)
		alone := t.note()
		t.b.reset()
		if alone != nil && !s.stepBack(t, alone) {
			return
		}
	}
}

// serve has the associations work on what a read brought.
func (s *Stack) serve(t *turn, dgs []udpencap.Datagram) {
	s.count.reads.Add(1)
	s.route(t.sock.LocalAddr(), dgs, &t.b)
	for i := range t.b.runs {
		s.handle(&t.b, &t.b.runs[i])
	}
}

// networkEnded ends everything, because what is below the Stack has ended.
func (s *Stack) networkEnded(reason error) {
	for _, c := range s.stop() {
		c.abort(reason.Error())
	}
	s.log.Info("the network has ended", "reason", reason)
	s.mu.Lock()
	s.release()
	s.mu.Unlock()
}

// pause waits, unless the Stack closes.
func (s *Stack) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closing:
		return false
	}
}

// route finds the association of each packet and answers those without.
func (s *Stack) route(local netip.AddrPort, dgs []udpencap.Datagram, b *batch) {
	var packets, size, unclaimed uint64
	var lastA *assoc.Association
	var lastC *Conn
	var replies []*output

	s.mu.Lock()
	now := time.Now()
	s.eng.SetRoom(s.memory.room())
	for i := range dgs {
		dg := &dgs[i]
		size += uint64(len(dg.Data))
		for rest := dg.Data; ; {
			p := rest
			if n := dg.SegmentSize; n > 0 && n < len(rest) {
				p = rest[:n:n]
			}
			rest = rest[len(p):]
			packets++
			d := assoc.Datagram{Local: local, Remote: dg.Src, Data: p, CE: dg.ECN == udpencap.ECNCE}
			a, isNew := s.eng.Route(now, d)
			switch {
			case a == nil:
				unclaimed++
				if s.debug {
					b.odd = append(b.odd, d)
				}
				replies = s.pollReplies(replies)
			case isNew:
				lastA, lastC = a, s.incoming(a)
			case a != lastA:
				lastA, lastC = a, s.conns[a]
			}
			if a != nil && lastC != nil {
				b.add(lastC, d)
			}
			if len(rest) == 0 {
				break
			}
		}
	}
	s.mu.Unlock()

	s.count.packets.Add(packets)
	s.count.bytes.Add(size)
	s.count.unclaimed.Add(unclaimed)
	for _, o := range replies {
		s.writeReplies(o)
	}
	for _, d := range b.odd {
		s.logUnclaimed(d) // without the lock: a Handler is user code
	}
}

// pollReplies collects the answers to packets without association.
func (s *Stack) pollReplies(outs []*output) []*output {
	for {
		if len(outs) == 0 || len(outs[len(outs)-1].space()) < s.eng.MaxReplySize() {
			outs = append(outs, getOutput())
		}
		o := outs[len(outs)-1]
		t, ok := s.eng.PollReply(o.space())
		if !ok {
			return outs
		}
		o.add(t)
		s.count.replied.Add(1)
	}
}

func (s *Stack) writeReplies(o *output) {
	o.write(s)
	if s.debug && o.err != nil {
		s.log.Debug("write failed", "reason", o.err)
	}
	putOutput(o)
}

// incoming makes the Conn of an association which a COOKIE ECHO has just set
// up. The lock is held.
func (s *Stack) incoming(a *assoc.Association) *Conn {
	c := newConn(s, a)
	c.incoming, c.listener = true, s.listeners[a.LocalPort()]
	s.conns[a] = c
	return c
}

// handle lets an association work on its packets.
func (s *Stack) handle(b *batch, r *run) {
	c := r.c
	now := c.enter()
	for i := r.first; ; i = b.work[i].next {
		c.a.HandlePacket(now, b.work[i].d)
		c.collect(now)
		if i == r.last {
			break
		}
	}
	c.a.EndBatch(now)
	c.leave(now, false)
}

func (s *Stack) logUnclaimed(d assoc.Datagram) {
	s.log.Debug("packet without association", slog.Any("local", d.Local), slog.Any("remote", d.Remote), slog.Int("size", len(d.Data)))
}
