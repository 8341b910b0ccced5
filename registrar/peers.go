// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

const (
	// connectTimeout bounds the set-up of an association with a peer, or with a pool element that is taken over:
	// MAX-TIME-NO-RESPONSE of RFC 5353, Section 4.2.
	connectTimeout = 5 * time.Second

	// existsDelay is the pause before asking again for an association that there is, but not in the engine's hands yet.
	existsDelay = 50 * time.Millisecond

	// presenceSize is the longest datagram read from other registrars: an Ethernet frame has no more.
	presenceSize = 1500

	// groupErrors is how many errors in a row end the reading of a group: its socket is broken then.
	groupErrors = 100
)

// openPeering opens what other registrars need to find this one: the SCTP port for ENRP, and the multicast group.
func (s *Server) openPeering() (err error) {
	if s.peers, err = s.stack.Listen(uint16(max(s.cfg.ENRPPort, 0))); err != nil {
		return err
	}
	if s.cfg.AnnounceTTL < 0 {
		return nil
	}
	port := s.peers.Addr().Port
	if s.presences, err = s.openAnnouncers(port, s.cfg.PeerGroup, nil); err != nil {
		return err
	}
	if len(s.presences) == 0 {
		return nil // nobody could be told where to answer
	}
	s.group, err = s.cfg.Network.ListenMulticast(context.Background(), s.cfg.PeerGroup, s.announceFrom())
	if err != nil {
		s.log.Warn("other registrars are not heard", "group", s.cfg.PeerGroup, "reason", err)
	}
	return nil
}

// peering returns what the engine is told of it.
func (s *Server) peering(cfg *Config) *engine.ENRP {
	self := s.peers.Addr()
	c := &engine.ENRP{
		Self:              engine.Target{Addrs: self.IPs, Port: self.Port, EncapPort: self.EncapPort},
		HeartbeatCycle:    cfg.PeerHeartbeatCycle,
		MaxTimeLastHeard:  cfg.MaxTimeLastHeard,
		MaxTimeNoResponse: cfg.MaxTimeNoResponse,
		MentorDiscovery:   cfg.MentorDiscovery,
		TakeoverExpiry:    cfg.TakeoverExpiry,
		SuggestTakeover:   cfg.SuggestTakeover,
		MaxPeers:          cfg.MaxPeers,
	}
	for _, p := range s.presences {
		c.Sources = append(c.Sources, p.socket.LocalAddr())
	}
	for _, p := range cfg.Peers {
		c.Static = append(c.Static, engine.Target{Addrs: p.IPs, Port: p.Port, EncapPort: p.EncapPort})
	}
	return c
}

// readGroup hands what other registrars multicast to the engine, until the socket is closed.
func (s *Server) readGroup() {
	dgs := make([]udpencap.Datagram, 1)
	buf := make([]byte, presenceSize)
	for failed := 0; failed < groupErrors; {
		dgs[0].Data = buf[:cap(buf)]
		n, err := s.group.ReadBatch(dgs)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			failed++
			continue
		case n == 0:
			continue
		}
		failed = 0
		size := dgs[0].SegmentSize
		if size == 0 {
			size = max(1, len(dgs[0].Data))
		}
		for one := range slices.Chunk(dgs[0].Data, size) {
			s.do(func(now time.Time) { s.eng.HandleENRPDatagram(now, dgs[0].Src, one) })
		}
	}
	s.log.Warn("other registrars are not heard any more", "group", s.cfg.PeerGroup)
}

// connect sets up an association that the engine wants, and serves it.
func (s *Server) connect(x engine.Connect) {
	ctx, cancel := context.WithTimeout(s.dialling, connectTimeout)
	defer cancel()
	port := s.listener.Addr().Port
	if x.Protocol == engine.ProtocolENRP {
		port = s.peers.Addr().Port
	}
	addr := &sctp.Addr{IPs: s.stack.Reachable(x.Addrs), Port: x.Port, EncapPort: x.EncapPort}
	conn, err := s.stack.DialFrom(ctx, port, addr)
	for errors.Is(err, sctp.ErrAssociationExists) && ctx.Err() == nil {
		// The other side was faster, or has been here all the time; or what was there is about to end.
		if s.connected(x, addr) {
			return
		}
		pause(ctx, existsDelay)
		conn, err = s.stack.DialFrom(ctx, port, addr)
	}
	if err != nil {
		s.log.Debug("no association", "with", addr.String(), "protocol", x.Protocol.String(), "reason", err)
		s.do(func(now time.Time) { s.eng.HandleConnectFailed(now, x.ID) })
		return
	}
	s.serve(conn, x.Protocol, x.ID)
}

// connected answers with the association that is there already.
func (s *Server) connected(x engine.Connect, addr *sctp.Addr) (ok bool) {
	s.do(func(now time.Time) {
		if c := s.clientAt(x.Protocol, addr); c != nil {
			ok = true
			s.eng.HandleConnected(now, x.ID, c.id, c.via.peer())
		}
	})
	return ok
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// clientAt returns the association with an endpoint. The lock is held.
func (s *Server) clientAt(proto engine.Protocol, addr *sctp.Addr) *client {
	var found *client
	for _, c := range s.clients { // there is one at most
		conn, ok := c.via.(*association)
		if !ok || c.proto != proto {
			continue
		}
		if a := conn.RemoteAddr(); a.Port == addr.Port && a.EncapPort == addr.EncapPort &&
			slices.ContainsFunc(a.IPs, func(x netip.Addr) bool { return slices.Contains(addr.IPs, x) }) {
			found = c
		}
	}
	return found
}
