// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/udpencap"
)

// An announcer is a socket that announcements are sent from, one per local address.
type announcer struct {
	socket udpencap.Socket
	to     []netip.AddrPort
	failed map[netip.AddrPort]bool // and was logged
}

// openAnnouncers opens a socket on each local address from which somebody can be reached. The UDP port is the number of
// the SCTP port: RSPLIB's clients take the source of an announcement for the address of the registrar. If another process
// has it, any port will do; then the announcement says where the registrar is.
func (s *Server) openAnnouncers(port uint16, group netip.AddrPort, unicast []netip.AddrPort) (all []announcer, err error) {
	local := s.stack.Addrs()
	for _, a := range s.announceFrom() {
		if !slices.Contains(local, a) {
			return all, configError("AnnounceFrom", "has %v, none of the addresses %v", a, local)
		}
		n, err := s.openAnnouncer(a, port, group, unicast)
		if err != nil {
			return all, err
		}
		if len(n.to) > 0 {
			all = append(all, n)
		}
	}
	return all, nil
}

// announceFrom returns the local addresses to announce from.
func (s *Server) announceFrom() (all []netip.Addr) {
	if len(s.cfg.AnnounceFrom) == 0 {
		return s.stack.Addrs()
	}
	for _, a := range s.cfg.AnnounceFrom {
		all = append(all, a.Unmap())
	}
	return all
}

func (s *Server) openAnnouncer(a netip.Addr, port uint16, group netip.AddrPort, unicast []netip.AddrPort) (announcer, error) {
	n := announcer{failed: make(map[netip.AddrPort]bool)}
	for _, to := range unicast {
		to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
		// What is sent from the loopback address goes nowhere else, and is no answer for whoever is elsewhere.
		if to.Addr().Is4() == a.Is4() && to.Addr().IsLoopback() == a.IsLoopback() {
			n.to = append(n.to, to)
		}
	}
	multicast := s.cfg.AnnounceTTL > 0 && group.Addr().Is4() == a.Is4()
	if !multicast && len(n.to) == 0 {
		return n, nil
	}
	ctx := context.Background()
	sock, err := s.cfg.Network.Listen(ctx, netip.AddrPortFrom(a, port))
	if err != nil {
		s.log.Info("UDP port for announcements is not free, using another one", "address", a, "port", port, "reason", err)
		if sock, err = s.cfg.Network.Listen(ctx, netip.AddrPortFrom(a, 0)); err != nil {
			return n, fmt.Errorf("registrar: announcements: %w", err)
		}
	}
	if multicast {
		if err := sock.SetMulticast(a, s.cfg.AnnounceTTL); err != nil {
			s.log.Warn("no multicast announcements from this address", "address", a, "reason", err)
		} else {
			n.to = append(n.to, group)
		}
	}
	if len(n.to) == 0 {
		sock.Close()
		return n, nil
	}
	n.socket = sock
	return n, nil
}

// announcement returns what announcements say.
func (s *Server) announcement() engine.Announce {
	a := s.listener.Addr()
	r := engine.Announce{Addrs: a.IPs, Port: a.Port, EncapPort: a.EncapPort}
	for _, at := range s.tcp.announced {
		r.TCPAddrs, r.TCPPort = append(r.TCPAddrs, at.Addr()), at.Port()
	}
	for _, n := range s.announce {
		r.Sources = append(r.Sources, n.socket.LocalAddr())
	}
	return r
}

// sendAnnouncement sends one from its socket. Only the timer's goroutine calls it.
func (s *Server) sendAnnouncement(m engine.Announcement) {
	for _, n := range slices.Concat(s.announce, s.presences) {
		if n.socket.LocalAddr() != m.Source {
			continue
		}
		for _, to := range n.to {
			_, err := n.socket.WriteBatch([]udpencap.Datagram{{Data: m.Data, Dst: to}})
			if err != nil {
				s.announceErrors.Add(1)
				if !n.failed[to] {
					s.log.Warn("announcements are not sent", "from", m.Source, "to", to, "reason", err)
				}
			} else if n.failed[to] {
				s.log.Info("announcements are sent again", "from", m.Source, "to", to)
			}
			n.failed[to] = err != nil
		}
	}
}
