// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/rserpool/rserpool/udpencap"
)

// A cable is the host's network with a switch: what goes to or comes from an address that is cut disappears.
type cable struct {
	udpencap.Network

	mu  sync.Mutex
	cut map[netip.Addr]bool
	all bool
}

func newCable(n udpencap.Network) *cable { return &cable{Network: n, cut: make(map[netip.Addr]bool)} }

// Cut takes an address away, and everything on the other end with it.
func (c *cable) Cut(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut[a] = true
}

// Mend brings an address back.
func (c *cable) Mend(a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.cut, a)
}

// CutAll takes everything away.
func (c *cable) CutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = true
}

func (c *cable) drops(local, remote netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all || c.cut[local] || c.cut[remote]
}

// Listen implements udpencap.Network.
func (c *cable) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	s, err := c.Network.Listen(ctx, laddr)
	if err != nil {
		return nil, err
	}
	return &cableSocket{s, c}, nil
}

type cableSocket struct {
	udpencap.Socket
	c *cable
}

func (s *cableSocket) local() netip.Addr { return s.LocalAddr().Addr() }

// ReadBatch implements udpencap.Socket.
func (s *cableSocket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	for {
		n, err := s.Socket.ReadBatch(dgs)
		kept := 0
		for i := range dgs[:n] {
			if s.c.drops(s.local(), dgs[i].Src.Addr().Unmap()) {
				continue
			}
			dgs[kept], dgs[i] = dgs[i], dgs[kept] // the memory of both remains in use
			kept++
		}
		if kept > 0 || err != nil {
			return kept, err
		}
		for i := range dgs {
			dgs[i].Data = dgs[i].Data[:cap(dgs[i].Data)]
		}
	}
}

// WriteBatch implements udpencap.Socket.
func (s *cableSocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i := range dgs {
		if s.c.drops(s.local(), dgs[i].Dst.Addr().Unmap()) {
			continue
		}
		if _, err := s.Socket.WriteBatch(dgs[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(dgs), nil
}

// loopbacks returns two addresses of this host that stand for two networks, or one if there is no second.
func loopbacks() []netip.Addr {
	addrs := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	for _, a := range []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 2}), netip.IPv6Loopback()} {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err == nil {
			c.Close()
			return append(addrs, a)
		}
	}
	return addrs
}
