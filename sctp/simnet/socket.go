// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// RecvBuffer is how many bytes a socket keeps for its reader; what arrives on
// top is dropped. It is generous: losses are the links' business.
const RecvBuffer = 4 << 20

// maxRun is the most datagrams ReadBatch puts into one Datagram, as many as
// Linux does.
const maxRun = 64

const firstEphemeral = 49152

// A socket is an udpencap.Socket. Locks are taken in the order of Net, socket.
type socket struct {
	h     *Host
	laddr netip.AddrPort // the group for one of ListenMulticast
	group bool
	ifs   []netip.Addr // interfaces joined; empty: all

	// Guarded by the lock of the Net.
	mcastIf  netip.Addr
	mcastTTL int

	mu     sync.Mutex
	ready  *sync.Cond
	queue  []arrival // from head on
	head   int
	bytes  int
	closed bool
}

type arrival struct {
	src  netip.AddrPort
	data []byte
	ecn  udpencap.ECN
}

func newSocket(h *Host, laddr netip.AddrPort) *socket {
	s := &socket{h: h, laddr: laddr, mcastTTL: 1}
	s.ready = sync.NewCond(&s.mu)
	return s
}

// Listen implements udpencap.Network.
func (h *Host) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	laddr = unmap(laddr)
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if !slices.Contains(h.addrs, laddr.Addr()) {
		return nil, fmt.Errorf("simnet: listen %v: host %s: %w", laddr, h.name, syscall.EADDRNOTAVAIL)
	}
	if laddr.Port() == 0 {
		for range 65536 - firstEphemeral {
			if h.port++; h.port < firstEphemeral {
				h.port = firstEphemeral
			}
			laddr = netip.AddrPortFrom(laddr.Addr(), h.port)
			if h.sockets[laddr] == nil {
				break
			}
		}
	}
	if h.sockets[laddr] != nil {
		return nil, fmt.Errorf("simnet: listen %v: host %s: %w", laddr, h.name, syscall.EADDRINUSE)
	}
	s := newSocket(h, laddr)
	h.sockets[laddr] = s
	return s, nil
}

// ListenMulticast implements udpencap.Network. Any number of sockets may
// listen to one group.
func (h *Host) ListenMulticast(ctx context.Context, group netip.AddrPort, ifaddrs []netip.Addr) (udpencap.Socket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	group = unmap(group)
	if !group.Addr().IsMulticast() || group.Port() == 0 {
		return nil, fmt.Errorf("simnet: listen %v: not a multicast group and port", group)
	}
	s := newSocket(h, group)
	s.group = true
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	for _, a := range ifaddrs {
		if !slices.Contains(h.addrs, a.Unmap()) {
			return nil, fmt.Errorf("simnet: listen %v: host %s has no interface %v: %w", group, h.name, a, syscall.EADDRNOTAVAIL)
		}
		s.ifs = append(s.ifs, a.Unmap())
	}
	h.groups = append(h.groups, s)
	return s, nil
}

func (s *socket) joined(a netip.Addr) bool { return len(s.ifs) == 0 || slices.Contains(s.ifs, a) }

// LocalAddr implements udpencap.Socket.
func (s *socket) LocalAddr() netip.AddrPort { return s.laddr }

// arrive queues a copy of a datagram, or says why not.
func (s *socket) arrive(e *event) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "no receiver"
	}
	if s.bytes+len(e.data) > RecvBuffer {
		return "buffer"
	}
	s.queue = append(s.queue, arrival{e.src, slices.Clone(e.data), e.ecn})
	s.bytes += len(e.data)
	s.ready.Signal()
	return ""
}

// ReadBatch implements udpencap.Socket. Datagrams of one sender which arrived
// one after the other and are of one size come as a run.
func (s *socket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.head == len(s.queue) && !s.closed {
		s.ready.Wait()
	}
	if s.closed {
		return 0, net.ErrClosed
	}
	n := 0
	for ; n < len(dgs) && s.head < len(s.queue); n++ {
		s.take(&dgs[n])
	}
	if s.head == len(s.queue) {
		s.queue, s.head = s.queue[:0], 0
	} else {
		s.ready.Signal() // for another reader
	}
	return n, nil
}

// take moves the next run of datagrams to dg.
func (s *socket) take(dg *udpencap.Datagram) {
	first := s.pop()
	dg.Src, dg.SegmentSize, dg.ECN = first.src, 0, first.ecn
	size := len(first.data)
	dg.Data = dg.Data[:min(size, cap(dg.Data))]
	copy(dg.Data, first.data)
	for run := 1; run < maxRun && s.head < len(s.queue); run++ {
		next := &s.queue[s.head]
		if next.src != first.src || next.ecn != first.ecn || len(next.data) == 0 || len(next.data) > size || len(dg.Data)+len(next.data) > cap(dg.Data) {
			return
		}
		dg.SegmentSize = size
		last := len(next.data) < size
		dg.Data = append(dg.Data, s.pop().data...)
		if last {
			return
		}
	}
}

func (s *socket) pop() arrival {
	a := s.queue[s.head]
	s.queue[s.head] = arrival{}
	s.head++
	s.bytes -= len(a.data)
	return a
}

// WriteBatch implements udpencap.Socket.
func (s *socket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return 0, net.ErrClosed
	}
	n := s.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now() // read under the lock: it does not go back from one caller to the next
	defer n.pump(now)
	defer func() { n.fragment, n.ecn = false, 0 }()
	for i := range dgs {
		n.fragment, n.ecn = dgs[i].MayFragment, dgs[i].ECN
		if err := s.write(&dgs[i], func(src, dst netip.AddrPort, from netip.Addr, b []byte) {
			n.sendFrom(s.h, now, src, dst, from, s.mcastTTL, b)
		}); err != nil {
			return i, err
		}
	}
	return len(dgs), nil
}

var errFamily = errors.New("simnet: destination is of another address family than the socket")

// write checks a datagram whole, then hands each segment of it to send.
func (s *socket) write(dg *udpencap.Datagram, send func(src, dst netip.AddrPort, from netip.Addr, b []byte)) error {
	src, dst := s.laddr, unmap(dg.Dst)
	if s.group {
		if len(s.h.addrs) == 0 {
			return fmt.Errorf("simnet: send to %v: %w", dst, syscall.EADDRNOTAVAIL)
		}
		src = netip.AddrPortFrom(append(slices.Clip(s.ifs), s.h.addrs...)[0], src.Port())
	}
	from := src.Addr()
	if dst.Addr().IsMulticast() && s.mcastIf.IsValid() {
		from = s.mcastIf
	}
	switch {
	case !dst.IsValid() || dst.Port() == 0 || dst.Addr().IsUnspecified():
		return fmt.Errorf("simnet: send to %v: %w", dst, syscall.EINVAL)
	case dst.Addr().Is4() != src.Addr().Is4():
		return errFamily
	case s.h.n.owner[src.Addr()] != s.h || s.h.n.owner[from] != s.h:
		return fmt.Errorf("simnet: send from %v: %w", from, syscall.EADDRNOTAVAIL)
	case len(dg.Data) > udpencap.MaxBatchBytes:
		return &udpencap.MTUError{Dst: dst}
	}
	size := len(dg.Data)
	if dg.SegmentSize > 0 {
		size = min(size, dg.SegmentSize)
	}
	if s.h.n.owner[dst.Addr()] != s.h && !dg.MayFragment {
		if err := s.h.n.checkMTU(from, dst, size); err != nil {
			return err
		}
	}
	if size == len(dg.Data) {
		send(src, dst, from, dg.Data)
		return nil
	}
	for b := range slices.Chunk(dg.Data, size) {
		send(src, dst, from, b)
	}
	return nil
}

// EnableECN implements udpencap.ECNSocket: there is nothing to enable.
func (s *socket) EnableECN() error { return nil }

// SetMulticast implements udpencap.Socket.
func (s *socket) SetMulticast(ifaddr netip.Addr, ttl int) error {
	if ttl < 0 || ttl > 255 {
		return fmt.Errorf("simnet: multicast TTL %d is not within 0 to 255", ttl)
	}
	s.h.n.mu.Lock()
	defer s.h.n.mu.Unlock()
	ifaddr = ifaddr.Unmap()
	if ifaddr.IsValid() && s.h.n.owner[ifaddr] != s.h {
		return fmt.Errorf("simnet: host %s has no interface %v: %w", s.h.name, ifaddr, syscall.EADDRNOTAVAIL)
	}
	s.mcastIf, s.mcastTTL = ifaddr, ttl
	return nil
}

// Close implements udpencap.Socket.
func (s *socket) Close() error {
	s.h.n.mu.Lock()
	if s.h.sockets[s.laddr] == s {
		delete(s.h.sockets, s.laddr)
	}
	s.h.groups = slices.DeleteFunc(s.h.groups, func(o *socket) bool { return o == s })
	s.h.n.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.closed, s.queue, s.head, s.bytes = true, nil, 0, 0
	s.ready.Broadcast()
	return nil
}
