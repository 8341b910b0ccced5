// SPDX-License-Identifier: Apache-2.0

// Package path is a network path with a delay, a rate, a queue and losses, for measurements: a relay
// between two UDP ports that costs little, because what arrives in one run of segments (GRO) leaves
// as one (GSO). conformance/lab/relay is for faults, and has more of them.
//
// # Limitations
//
// One client, whose address is learned from its first datagram, and no reordering. A run of
// segments leaves when the last of them would.
package path

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A Config says what the path does, to each direction alike.
type Config struct {
	Delay time.Duration // of propagation, one way
	Loss  float64       // probability that a datagram is lost
	Rate  float64       // bytes of UDP payload per second; 0: no limit
	Queue int           // bytes that may wait for the rate; more are lost
	Seed  uint64
}

// Stats counts datagrams of both directions.
type Stats struct {
	Passed, Lost, Overflowed uint64 // Lost by chance, Overflowed because the queue was full
}

// A Path runs until it is closed.
type Path struct {
	a, b    *end
	up      *direction
	down    *direction
	closing chan struct{}
	wg      sync.WaitGroup
}

// An end is a socket and whom it speaks with.
type end struct {
	sock udpencap.Socket
	peer atomic.Pointer[netip.AddrPort]
}

// Open returns a path between a client that sends to the address client and a server at the address
// to, which is sent to from the address from.
func Open(client, from, to netip.AddrPort, cfg Config) (*Path, error) {
	host := udpencap.Host()
	a, err := host.Listen(context.Background(), client)
	if err != nil {
		return nil, err
	}
	b, err := host.Listen(context.Background(), from)
	if err != nil {
		a.Close()
		return nil, err
	}
	p := &Path{a: &end{sock: a}, b: &end{sock: b}, closing: make(chan struct{})}
	p.b.peer.Store(&to)
	p.up, p.down = newDirection(cfg, 1), newDirection(cfg, 2)
	p.wg.Go(func() { p.read(p.a, p.up) })
	p.wg.Go(func() { p.read(p.b, p.down) })
	p.wg.Go(func() { p.write(p.up, p.b) })
	p.wg.Go(func() { p.write(p.down, p.a) })
	return p, nil
}

// Close ends the path. What is under way is lost.
func (p *Path) Close() {
	close(p.closing)
	p.a.sock.Close()
	p.b.sock.Close()
	p.wg.Wait()
}

// Stats are those of the direction to the server and back.
func (p *Path) Stats() (up, down Stats) { return p.up.stats(), p.down.stats() }

const readBatch = 8

func (p *Path) read(e *end, d *direction) {
	dgs := make([]udpencap.Datagram, readBatch)
	mem := make([]byte, readBatch<<16)
	for {
		for i := range dgs {
			dgs[i] = udpencap.Datagram{Data: mem[i<<16 : i<<16 : (i+1)<<16]}
		}
		n, err := e.sock.ReadBatch(dgs)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an earlier datagram
		}
		if e.peer.Load() == nil {
			src := dgs[0].Src
			e.peer.Store(&src)
		}
		d.take(time.Now(), dgs[:n])
	}
}

// A departure is a run of datagrams on its way.
type departure struct {
	at      time.Time
	data    []byte
	segment int
}

// A direction is a queue.
type direction struct {
	cfg  Config
	rng  *rand.Rand
	wake chan struct{}

	mu    sync.Mutex
	queue []departure // by time
	head  int
	free  time.Time // when the link is
	spare [][]byte

	passed, lost, overflowed atomic.Uint64
}

func newDirection(cfg Config, n uint64) *direction {
	return &direction{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, n)), wake: make(chan struct{}, 1)}
}

func (d *direction) stats() Stats {
	return Stats{d.passed.Load(), d.lost.Load(), d.overflowed.Load()}
}

// take queues what has arrived.
func (d *direction) take(now time.Time, dgs []udpencap.Datagram) {
	d.mu.Lock()
	for i := range dgs {
		d.one(now, &dgs[i])
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *direction) one(now time.Time, g *udpencap.Datagram) {
	size := g.SegmentSize
	if size == 0 {
		size = len(g.Data)
	}
	var buf []byte
	if k := len(d.spare); k > 0 {
		buf, d.spare = d.spare[k-1][:0], d.spare[:k-1]
	} else {
		buf = make([]byte, 0, 1<<16)
	}
	for b := g.Data; len(b) > 0; b = b[min(size, len(b)):] {
		s := b[:min(size, len(b))]
		if d.cfg.Loss > 0 && d.rng.Float64() < d.cfg.Loss {
			d.lost.Add(1)
			continue
		}
		if d.cfg.Rate > 0 {
			if d.free.Before(now) {
				d.free = now
			}
			if waiting := d.free.Sub(now).Seconds() * d.cfg.Rate; waiting+float64(len(s)) > float64(d.cfg.Queue) {
				d.overflowed.Add(1)
				continue
			}
			d.free = d.free.Add(time.Duration(float64(len(s)) / d.cfg.Rate * 1e9))
		}
		d.passed.Add(1)
		buf = append(buf, s...)
	}
	if len(buf) == 0 {
		d.spare = append(d.spare, buf)
		return
	}
	at := now
	if d.cfg.Rate > 0 {
		at = d.free
	}
	if size >= len(buf) {
		size = 0
	}
	if d.head > 1024 && 2*d.head > len(d.queue) {
		n := copy(d.queue, d.queue[d.head:])
		clear(d.queue[n:])
		d.queue, d.head = d.queue[:n], 0
	}
	d.queue = append(d.queue, departure{at: at.Add(d.cfg.Delay), data: buf, segment: size})
}

// due takes what has to leave by now, or tells when the next one has to.
func (d *direction) due(now time.Time, out []departure) (_ []departure, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range out {
		d.spare = append(d.spare, o.data)
	}
	out = out[:0]
	for ; d.head < len(d.queue); d.head++ {
		if q := d.queue[d.head]; q.at.After(now) {
			return out, q.at
		} else {
			out = append(out, q)
		}
	}
	return out, time.Time{}
}

func (p *Path) write(d *direction, e *end) {
	var out []departure
	var dgs []udpencap.Datagram
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		var next time.Time
		out, next = d.due(time.Now(), out)
		if peer := e.peer.Load(); len(out) > 0 && peer != nil {
			dgs = dgs[:0]
			for _, o := range out {
				dgs = append(dgs, udpencap.Datagram{Data: o.data, SegmentSize: o.segment, Dst: *peer})
			}
			for left := dgs; len(left) > 0; {
				n, err := e.sock.WriteBatch(left)
				if err == nil {
					break
				}
				if errors.Is(err, net.ErrClosed) {
					return
				}
				left = left[n+1:] // nobody is there
			}
			continue
		}
		var expired <-chan time.Time
		if !next.IsZero() {
			timer.Reset(time.Until(next))
			expired = timer.C
		}
		select {
		case <-d.wake:
		case <-expired:
		case <-p.closing:
			return
		}
	}
}
