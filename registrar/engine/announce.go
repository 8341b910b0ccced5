// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// MaxAnnounceAddrs is how many addresses an announcement lists: 16 of 20 bytes are a datagram that fits every path and
// RSPLIB's buffer of 1024 bytes, and as many as an SCTP endpoint has paths.
const MaxAnnounceAddrs = 16

// Announce is what announcements say about the registrar.
type Announce struct {
	// Sources are the local addresses that announcements are sent from, with the UDP port of each.
	Sources []netip.AddrPort
	// Addrs and Port are where the registrar is reached by SCTP for ASAP.
	Addrs []netip.Addr
	Port  uint16
	// EncapPort is the UDP port of the SCTP association's packets, RFC 6951.
	EncapPort uint16
	// TCPAddrs and TCPPort are where pool users without SCTP reach the registrar. Port 0: nowhere. Only ProfileRFC tells it.
	TCPAddrs []netip.Addr
	TCPPort  uint16
}

// An Announcement is a datagram to the ASAP clients, to their multicast group and whoever is listed, or a presence to the
// multicast group of the ENRP servers.
type Announcement struct {
	Protocol Protocol       // whose group it is for
	Source   netip.AddrPort // to be sent from
	Data     []byte
}

// announce queues the announcements that are due.
//
// RFC 5352, Section 3.6: "an ENRP server MUST send periodically [...] an ASAP_SERVER_ANNOUNCE message (Section 2.2.10),
// which includes all the transport addresses available for ASAP communication on the multicast ENRP client channel"
func (e *Engine) announce(now time.Time) {
	if e.announceAt.IsZero() || e.announceAt.After(now) {
		return
	}
	for _, src := range e.cfg.Announce.Sources {
		m := e.announcement(src)
		b, err := m.AppendBinary(nil)
		if err != nil {
			e.event(Event{Kind: EventBadMessage, Err: fmt.Errorf("announcement from %v: %w", src, err)})
			continue
		}
		e.stats.Announcements++
		e.out.announces.push(Announcement{Protocol: ProtocolASAP, Source: src, Data: b})
	}
	e.announceAt = now.Add(e.jitter(e.cfg.ServerAnnounce, 8))
}

// announcement is the message from one local address. RSPLIB's clients look at nothing but the source address and port of
// the datagram, so the address comes first, and with ProfileRSPLIB it comes alone if the port says it all.
func (e *Engine) announcement(src netip.AddrPort) *asap.ServerAnnounce {
	c := &e.cfg.Announce
	m := &asap.ServerAnnounce{ServerID: e.cfg.ServerID, EncapPort: c.EncapPort}
	if e.cfg.Profile == ProfileRSPLIB && src.Port() == c.Port {
		return m
	}
	t := param.Transport{Protocol: param.SCTP, Port: c.Port, Addrs: []netip.Addr{src.Addr()}}
	for _, x := range c.Addrs {
		// Who hears the loopback interface is on this host; all others must not try it.
		if len(t.Addrs) < MaxAnnounceAddrs && x != src.Addr() && x.IsLoopback() == src.Addr().IsLoopback() {
			t.Addrs = append(t.Addrs, x)
		}
	}
	m.Transports = []param.Transport{t}
	if c.TCPPort == 0 || e.cfg.Profile != ProfileRFC {
		return m // RSPLIB's clients do not take an announcement that has a TCP transport
	}
	// RFC 5354, Section 3.5: "one IP address parameter can be present in a TCP Transport parameter". They come behind what
	// everybody can use. Who hears one address needs no other one of the same kind.
	for _, x := range c.TCPAddrs {
		if x == src.Addr() {
			m.Transports = append(m.Transports, param.Transport{Protocol: param.TCP, Port: c.TCPPort, Addrs: []netip.Addr{x}})
		}
	}
	return m
}
