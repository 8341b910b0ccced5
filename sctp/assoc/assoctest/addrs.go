// SPDX-License-Identifier: Apache-2.0

package assoctest

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// AddAddr gives the host another address, of which all its associations tell
// their peers.
func (h *Host) AddAddr(a netip.AddrPort) {
	h.Sim.Handle(a.Addr(), h.arrive)
	if slices.Contains(h.addrs, a) {
		return
	}
	h.addrs = append(slices.Clone(h.addrs), a)
	h.Stack.SetLocalAddrs(h.addrs)
	for _, c := range slices.Clone(h.conns) {
		// An error means that the peer does not support it, or the end.
		_ = c.Assoc.AddLocal(h.Sim.Now(), a)
		c.pump()
	}
}

// RemoveAddr takes an address away: nothing may be sent from there any more, or,
// if it is gone at once, received.
func (h *Host) RemoveAddr(a netip.AddrPort, gone bool) {
	if gone {
		h.Sim.Handle(a.Addr(), nil)
	} else {
		h.leaving = append(h.leaving, a)
	}
	h.addrs = slices.DeleteFunc(slices.Clone(h.addrs), func(o netip.AddrPort) bool { return o == a })
	h.Stack.SetLocalAddrs(h.addrs)
	for _, c := range slices.Clone(h.conns) {
		_ = c.Assoc.RemoveLocal(h.Sim.Now(), a)
		c.pump()
	}
}

// answersAsconf tells whether a packet has an ASCONF-ACK, which may come from an
// address that is being removed.
func answersAsconf(packet []byte) bool {
	for c, err := range wire.Chunks(packet[min(wire.HeaderLen, len(packet)):]) {
		if err == nil && c.Type == wire.ChunkAsconfAck {
			return true
		}
	}
	return false
}
