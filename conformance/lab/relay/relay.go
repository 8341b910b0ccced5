// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"container/heap"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxClients bounds the sockets a Relay opens; a test has a handful of peers.
	maxClients = 256
	// maxQueued bounds the datagrams waiting to leave in one direction: 16 MiB of full packets,
	// more than 100 ms at any rate the relay can carry. Beyond it datagrams are lost.
	maxQueued = 11 << 10
	// socketBuffer is asked of the kernel for each socket, so that bursts are lost by plan only.
	socketBuffer = 4 << 20
	maxDatagram  = 65535
)

// Stats counts the datagrams of one direction.
type Stats struct {
	Received, Sent uint64
	Lost           uint64 // by plan
	Overflowed     uint64 // because maxQueued were waiting, or no more clients fit
}

// Relay passes datagrams between the clients of its address and a target.
type Relay struct {
	conn   *net.UDPConn
	target *net.UDPAddr
	up     *direction // to the target
	down   *direction // to the clients
	mu     sync.Mutex
	conns  map[netip.AddrPort]*net.UDPConn // by client, connected to the target
	closed bool
	wg     sync.WaitGroup
}

// New returns a running Relay on the UDP address listen (port 0: any) to the target. up is what
// happens to datagrams towards the target, down what happens to its answers.
func New(listen, target netip.AddrPort, up, down Config) (*Relay, error) {
	if err := errors.Join(up.Validate(), down.Validate()); err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(listen))
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	grow(conn)
	r := &Relay{
		conn:   conn,
		target: net.UDPAddrFromAddrPort(target),
		up:     newDirection(up),
		down:   newDirection(down),
		conns:  make(map[netip.AddrPort]*net.UDPConn),
	}
	r.wg.Go(r.up.run)
	r.wg.Go(r.down.run)
	r.wg.Go(r.readClients)
	return r, nil
}

// grow asks for large socket buffers; less than asked for means more loss, not failure.
func grow(c *net.UDPConn) {
	_ = c.SetReadBuffer(socketBuffer)
	_ = c.SetWriteBuffer(socketBuffer)
}

// Addr is where clients send to.
func (r *Relay) Addr() netip.AddrPort { return r.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// SetUp and SetDown replace what happens to the datagrams that arrive from now on.
func (r *Relay) SetUp(cfg Config) error   { return r.up.set(cfg) }
func (r *Relay) SetDown(cfg Config) error { return r.down.set(cfg) }

// Stats returns the counters of both directions.
func (r *Relay) Stats() (up, down Stats) { return r.up.stats(), r.down.stats() }

// Close stops the relay and waits for it. Datagrams on their way are lost.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	err := r.conn.Close()
	for _, c := range r.conns {
		err = errors.Join(err, c.Close())
	}
	r.mu.Unlock()
	close(r.up.stop)
	close(r.down.stop)
	r.wg.Wait()
	return err
}

func (r *Relay) readClients() {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an earlier datagram
		}
		c := r.client(from)
		if c == nil {
			r.up.overflowed.Add(1)
			continue
		}
		r.up.take(buf[:n], func(b []byte) { _, _ = c.Write(b) })
	}
}

// client returns the socket a client's datagrams leave from, nil if there is room for no more.
func (r *Relay) client(from netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.conns[from]; c != nil {
		return c
	}
	if r.closed || len(r.conns) == maxClients {
		return nil
	}
	c, err := net.DialUDP("udp", nil, r.target)
	if err != nil {
		return nil
	}
	grow(c)
	r.conns[from] = c
	r.wg.Go(func() { r.readTarget(c, from) })
	return c
}

func (r *Relay) readTarget(c *net.UDPConn, client netip.AddrPort) {
	buf := make([]byte, maxDatagram)
	for {
		n, err := c.Read(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		r.down.take(buf[:n], func(b []byte) { _, _ = r.conn.WriteToUDPAddrPort(b, client) })
	}
}

// departure is a datagram waiting to leave.
type departure struct {
	at   time.Time
	seq  uint64 // arrival order, which decides between equal times
	data []byte
	send func([]byte)
}

// departures is a heap by time.
type departures []departure

func (d departures) Len() int { return len(d) }
func (d departures) Less(i, j int) bool {
	if !d[i].at.Equal(d[j].at) {
		return d[i].at.Before(d[j].at)
	}
	return d[i].seq < d[j].seq
}
func (d departures) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *departures) Push(x any)   { *d = append(*d, x.(departure)) }
func (d *departures) Pop() any {
	last := (*d)[len(*d)-1]
	(*d)[len(*d)-1] = departure{}
	*d = (*d)[:len(*d)-1]
	return last
}

// direction delays the datagrams that go one way.
type direction struct {
	mu    sync.Mutex
	imp   *Impairment
	queue departures
	seq   uint64
	times []time.Time

	wake chan struct{} // the head of the queue may have changed
	stop chan struct{}

	received, sent, lost, overflowed atomic.Uint64
}

func newDirection(cfg Config) *direction {
	return &direction{imp: NewImpairment(cfg), wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

func (d *direction) set(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.imp.last
	d.imp = NewImpairment(cfg)
	d.imp.last = last
	return nil
}

func (d *direction) stats() Stats {
	return Stats{d.received.Load(), d.sent.Load(), d.lost.Load(), d.overflowed.Load()}
}

// take decides about a datagram; it keeps no reference to b.
func (d *direction) take(b []byte, send func([]byte)) {
	d.received.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times = d.imp.Next(d.times[:0], time.Now())
	if len(d.times) == 0 {
		d.lost.Add(1)
		return
	}
	data := append([]byte(nil), b...)
	for _, at := range d.times {
		if len(d.queue) == maxQueued {
			d.overflowed.Add(1)
			continue
		}
		d.seq++
		heap.Push(&d.queue, departure{at: at, seq: d.seq, data: data, send: send})
	}
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run sends datagrams when their time has come.
func (d *direction) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		d.mu.Lock()
		var due []departure
		now := time.Now()
		for len(d.queue) > 0 && !d.queue[0].at.After(now) {
			due = append(due, heap.Pop(&d.queue).(departure))
		}
		next := time.Duration(-1)
		if len(d.queue) > 0 {
			next = d.queue[0].at.Sub(now)
		}
		d.mu.Unlock()
		for _, p := range due {
			d.sent.Add(1) // before: who has received it may look at the count
			p.send(p.data)
		}
		if len(due) > 0 {
			continue // time has passed
		}
		var expired <-chan time.Time
		if next >= 0 {
			timer.Reset(next)
			expired = timer.C
		}
		select {
		case <-d.stop:
			return
		case <-d.wake:
		case <-expired:
		}
	}
}
