// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// A hostInterface is a network interface with its addresses.
type hostInterface struct {
	net.Interface
	prefixes []netip.Prefix
}

// hostInterfaces lists the interfaces that are up.
func hostInterfaces() ([]hostInterface, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("udpencap: list interfaces: %w", err)
	}
	var up []hostInterface
	for _, ifi := range ifs {
		if ifi.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			// The interface has gone since it was listed.
			continue
		}
		h := hostInterface{Interface: ifi}
		for _, a := range addrs {
			ipn, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			ip, ok := netip.AddrFromSlice(ipn.IP)
			if !ok {
				continue
			}
			ones, _ := ipn.Mask.Size()
			h.prefixes = append(h.prefixes, netip.PrefixFrom(ip.Unmap(), ones))
		}
		up = append(up, h)
	}
	return up, nil
}

// carries reports whether a is an address of the interface. All of 127/8 is on
// a loopback interface which has a single address of it.
func (h *hostInterface) carries(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	loopback := h.Flags&net.FlagLoopback != 0 && a.IsLoopback()
	return slices.ContainsFunc(h.prefixes, func(p netip.Prefix) bool {
		return p.Addr() == a || loopback && p.Contains(a)
	})
}

// unicastAddrs lists the addresses Network.Addrs promises: those of the world
// before loopback, IPv4 before IPv6, and else in the order of the system,
// which has the primary address of an interface first.
func unicastAddrs(ifs []hostInterface) []netip.Addr {
	var addrs []netip.Addr
	for _, h := range ifs {
		for _, p := range h.prefixes {
			a := p.Addr()
			if checkUnicast(a) == nil && !a.IsLinkLocalUnicast() && !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	rank := func(a netip.Addr) int {
		r := 0
		if a.IsLoopback() {
			r += 2
		}
		if a.Is6() {
			r++
		}
		return r
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return cmp.Compare(rank(a), rank(b)) })
	return addrs
}

// InterfaceMTU implements MTUTeller.
func (n hostNetwork) InterfaceMTU(local netip.Addr) int {
	if !canDontFragment {
		return 0
	}
	ifi, err := interfaceOf(local)
	if err != nil {
		return 0
	}
	return min(ifi.MTU, maxIPPacket)
}

// maxIPPacket is the largest IPv4 packet. The MTU of Linux's loopback
// interface is larger.
const maxIPPacket = 65535

// interfaceOf finds the interface that carries a.
func interfaceOf(a netip.Addr) (*net.Interface, error) {
	ifs, err := hostInterfaces()
	if err != nil {
		return nil, err
	}
	for i := range ifs {
		if ifs[i].carries(a) {
			return &ifs[i].Interface, nil
		}
	}
	return nil, fmt.Errorf("no interface has the address %v", a)
}
