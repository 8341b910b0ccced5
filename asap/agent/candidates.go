// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// maxAnnounced bounds the registrars remembered from announcements.
//
// RFC 5352, Section 9.2: "A receiver must also be prepared to receive a large number of multicast announcements from
// attackers."
const maxAnnounced = 64

// A rank says in which order candidates are tried.
type rank uint8

const (
	rankKnown    rank = iota // configured or announced
	rankFallback             // only if nothing else is left
)

// A candidate is an address of a registrar.
type candidate struct {
	addr     Addr
	rank     rank
	serverID uint32
	outdate  time.Time // t7ENRPOutdate; zero for a configured one
	round    uint64    // of the hunt in which it was tried last
	failures int       // in a row
	silent   bool      // it accepts associations, but did not answer: others come first
}

// AddRegistrar adds a registrar to the configured list.
//
// RFC 5352, Section 3.6: "If multicast capabilities are not used within the operational scope, each PU and PE MUST have
// a configured list of transport addresses of ENRP servers."
func (a *Agent) AddRegistrar(now time.Time, addr Addr) { a.addStatic(now, addr, rankKnown) }

// AddFallback adds a registrar that is tried when no other one is known or answers.
func (a *Agent) AddFallback(now time.Time, addr Addr) { a.addStatic(now, addr, rankFallback) }

func (a *Agent) addStatic(now time.Time, addr Addr, r rank) {
	c := a.hunt.find(addr)
	if c == nil {
		c = &candidate{addr: addr, rank: r}
		a.hunt.candidates = append(a.hunt.candidates, c)
	}
	c.rank, c.outdate = min(c.rank, r), time.Time{}
	a.advanceHunt(now)
}

// Registrars returns the registrars that are known now, for the curious.
func (a *Agent) Registrars(now time.Time) []Addr {
	a.hunt.outdate(now)
	addrs := make([]Addr, len(a.hunt.candidates))
	for i, c := range a.hunt.candidates {
		addrs[i] = c.addr
	}
	return addrs
}

// HandleAnnounce takes an ASAP_SERVER_ANNOUNCE that came by multicast from a UDP address.
func (a *Agent) HandleAnnounce(now time.Time, from netip.AddrPort, data []byte) {
	m, _, err := asap.Parse(data) // nothing is reported to a multicast sender
	if err != nil {
		a.tell(EventDiscarded{Err: err})
		return
	}
	ann, ok := m.(*asap.ServerAnnounce)
	if !ok || !from.IsValid() {
		return
	}
	a.hunt.outdate(now)
	for _, addr := range a.announced(from, ann) {
		a.hunt.announce(now, addr, ann.ServerID, a.cfg.T7ENRPOutdate)
	}
	a.advanceHunt(now)
}

// announced returns the addresses of an announcement.
func (a *Agent) announced(from netip.AddrPort, m *asap.ServerAnnounce) []Addr {
	src := from.Addr().Unmap().WithZone("")
	var addrs []Addr
	for _, t := range m.Transports {
		if !a.announcedTransport(&t) {
			continue
		}
		// Loopback addresses of another host are not ours. A registrar may list more than there are in reach from
		// here; the one we have just heard it from comes first.
		ips := slices.DeleteFunc(slices.Clone(t.Addrs), func(ip netip.Addr) bool {
			return ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() || ip.IsLoopback() && !src.IsLoopback()
		})
		if i := slices.Index(ips, src); i > 0 {
			ips = slices.Concat(ips[i:i+1], ips[:i], ips[i+1:])
		}
		if len(ips) > 0 {
			addrs = append(addrs, Addr{TCP: t.Protocol == param.TCP, IPs: ips, Port: t.Port, EncapPort: m.EncapPort})
		}
	}
	if len(addrs) == 0 && a.cfg.NoSCTP {
		// RFC 5352, Section 3.3: "An ENRP server SHOULD be prepared to receive ASAP_HANDLE_RESOLUTION requests from PUs [...] over
		// a TCP connection on the well-known TCP port."
		return []Addr{{TCP: true, IPs: []netip.Addr{src}, Port: asap.Port}}
	}
	if len(addrs) > 0 || len(m.Transports) > 0 {
		return addrs
	}
	// RFC 5352, Section 3.6: "If no transport parameters are included in the ASAP_SERVER_ANNOUNCE message, the SCTP
	// transport protocol is assumed to be used and the source IP address and the IANA-registered ASAP port number is
	// used for communication with the ENRP server."
	// RSPLIB sends from the UDP port that is its SCTP port, which need not be the registered one: so that is tried first.
	if from.Port() != asap.Port && from.Port() != 0 {
		addrs = append(addrs, Addr{IPs: []netip.Addr{src}, Port: from.Port(), EncapPort: m.EncapPort})
	}
	return append(addrs, Addr{IPs: []netip.Addr{src}, Port: asap.Port, EncapPort: m.EncapPort})
}

func (h *hunt) find(addr Addr) *candidate {
	i := slices.IndexFunc(h.candidates, func(c *candidate) bool { return c.addr.equal(addr) })
	if i < 0 {
		return nil
	}
	return h.candidates[i]
}

// announce enters an address, or renews it.
//
// RFC 5352, Section 3.6: "it SHOULD insert all new included transport addresses into its list of ENRP server addresses
// and start a T7-ENRPoutdate timer for each address. For all already-known, included transport addresses, the
// T7-ENRPoutdate timer MUST be restarted for each address."
func (h *hunt) announce(now time.Time, addr Addr, serverID uint32, t7 time.Duration) {
	c := h.find(addr)
	switch {
	case c != nil && c.outdate.IsZero():
		c.rank = rankKnown // configured, and alive
	case c != nil:
		c.outdate = now.Add(t7)
	default:
		n := 0
		for _, c := range h.candidates {
			if !c.outdate.IsZero() {
				n++
			}
		}
		if n >= maxAnnounced {
			return
		}
		c = &candidate{addr: addr, outdate: now.Add(t7)}
		h.candidates = append(h.candidates, c)
	}
	c.serverID = serverID
}

// outdate forgets what was announced too long ago.
//
// RFC 5352, Section 3.6: "If a T7-ENRPoutdate timer for a transport address expires, the corresponding address is
// deleted from the managed list of transport addresses of the PU or PE."
func (h *hunt) outdate(now time.Time) {
	h.candidates = slices.DeleteFunc(h.candidates, func(c *candidate) bool { return expired(c.outdate, now) })
}
