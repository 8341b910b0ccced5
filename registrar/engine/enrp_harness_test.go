// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/stretchr/testify/require"
)

// Peers in tests are called by their identifiers; the association with each has the number 100 plus the first digit.
const (
	lower  = 0x01010101 // than serverID
	higher = 0x22222222
	third  = 0x33333333
)

func target(a string) Target {
	return Target{Addrs: []netip.Addr{netip.MustParseAddr(a)}, Port: enrp.Port}
}

// newENRPScene is a registrar at 10.0.0.100 that has gone alone, without multicast.
func newENRPScene(t tester, change func(*Config)) *scene {
	t.Helper()
	s := newScene(t, func(c *Config) {
		c.ENRP = &ENRP{Self: target("10.0.0.100")}
		if change != nil {
			change(c)
		}
	})
	return s
}

func (s *scene) alone() *scene {
	s.e.HandleTimeout(s.now)
	s.outputs()
	require.True(s.t, s.e.Operational())
	return s
}

// registrarAt is the other end of an ENRP association.
func registrarAt(a string) Peer {
	return Peer{Addrs: []netip.Addr{netip.MustParseAddr(a)}, Port: enrp.Port, EncapPort: param.DefaultEncapPort}
}

func (s *scene) upENRP(assoc uint64, a string) {
	s.t.Helper()
	s.printf("%d up ENRP %s", assoc, a)
	require.True(s.t, s.e.HandleAssocUp(s.now, assoc, ProtocolENRP, registrarAt(a)))
	s.outputs()
}

// connected answers a Connect.
func (s *scene) connected(connect, assoc uint64, p Peer) []string {
	s.t.Helper()
	s.printf("%d connected by connect %d", assoc, connect)
	require.True(s.t, s.e.HandleConnected(s.now, connect, assoc, p))
	return s.outputs()
}

func (s *scene) connectFailed(connect uint64) []string {
	s.printf("connect %d failed", connect)
	s.e.HandleConnectFailed(s.now, connect)
	return s.outputs()
}

// enrp gives a message to the engine.
func (s *scene) enrp(assoc uint64, m enrp.Message) []string {
	s.t.Helper()
	b, err := m.AppendBinary(nil)
	require.NoError(s.t, err)
	return s.rawENRP(assoc, b)
}

func (s *scene) rawENRP(assoc uint64, b []byte) []string {
	s.printf("%d > %s", assoc, describeENRP(b))
	s.e.HandleENRP(s.now, assoc, b)
	return s.outputs()
}

// join makes a peer known that owns nothing.
func (s *scene) join(id uint32, assoc uint64, a string) {
	s.t.Helper()
	s.upENRP(assoc, a)
	s.enrp(assoc, presenceOf(id, a, 0xffff, true))
	require.Equal(s.t, PeerActive, s.peerInfo(id).State)
}

func (s *scene) peerInfo(id uint32) PeerInfo {
	for _, p := range s.e.Peers() {
		if p.ID == id {
			return p
		}
	}
	return PeerInfo{}
}

func presenceOf(id uint32, a string, sum param.PEChecksum, reply bool) *enrp.Presence {
	t := target(a)
	info := t.information(id)
	return &enrp.Presence{Header: enrp.Header{Sender: id}, ReplyRequired: reply, Checksum: &sum, Server: &info}
}

// owned is a Round Robin element at a home registrar.
func ownedBy(home, id uint32, a string) param.PoolElement {
	ip := []netip.Addr{netip.MustParseAddr(a)}
	return param.PoolElement{ID: id, HomeID: home, Life: 600,
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Use: param.DataPlusControl, Addrs: ip},
		Policy:        param.Policy{Type: param.RoundRobin},
		ASAPTransport: &param.Transport{Protocol: param.SCTP, Port: 5000, Addrs: ip},
	}
}

func add(pool string, pe param.PoolElement) *enrp.HandleUpdate {
	return &enrp.HandleUpdate{Header: enrp.Header{Sender: pe.HomeID}, PoolHandle: param.PoolHandle(pool), PoolElement: pe}
}

func del(from uint32, pool string, pe param.PoolElement) *enrp.HandleUpdate {
	return &enrp.HandleUpdate{Header: enrp.Header{Sender: from}, Action: enrp.DelPE, PoolHandle: param.PoolHandle(pool), PoolElement: pe}
}

func from(id uint32) enrp.Header { return enrp.Header{Sender: id} }

// home returns who owns an element; 0 if it is not there.
func (s *scene) home(pool string, id uint32) uint32 {
	if el := s.e.space.Lookup(param.PoolHandle(pool), id); el != nil {
		return el.Home()
	}
	return 0
}

// has reports whether one of the messages is of the type, and returns the first.
func has(t tester, out []string, typ enrp.MessageType) enrp.Message {
	for _, o := range out {
		if !isHex(o) {
			continue
		}
		if m, _, err := enrp.Parse(unhex(t, o)); err == nil && m.Type() == typ && len(unhex(t, o)) >= 12 {
			return m
		}
	}
	return nil
}

func isHex(o string) bool { return strings.Trim(o, "0123456789abcdef") == "" }

// describeENRP shows a message on one line.
func describeENRP(b []byte) string {
	m, _, err := enrp.Parse(b)
	if err != nil {
		return fmt.Sprintf("%x", b)
	}
	var w strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&w, " "+format, args...) }
	fmt.Fprintf(&w, "%v %x to %x", m.Type(), m.From(), m.To())
	pe := func(h param.PoolHandle, p *param.PoolElement) {
		put("%.40s/%d home=%x life=%d %v asap=%v", h, p.ID, p.HomeID, int32(p.Life), p.Policy.Type.Short(), p.ASAPTransport)
		if p.Policy.Distance != 0 {
			put("distance=%d", p.Policy.Distance)
		}
	}
	switch m := m.(type) {
	case *enrp.Presence:
		put("reply=%v", m.ReplyRequired)
		if m.Checksum != nil {
			put("checksum=%v", *m.Checksum)
		}
		if m.Server != nil {
			put("at %v", m.Server.Transport)
			if m.Server.EncapPort != 0 {
				put("udp=%d", m.Server.EncapPort)
			}
		}
	case *enrp.HandleTableRequest:
		put("own=%v", m.OwnChildrenOnly)
	case *enrp.HandleTableResponse:
		put("rejected=%v more=%v", m.Rejected, m.More)
		for i := range m.Pools {
			for j := range m.Pools[i].PoolElements {
				pe(m.Pools[i].PoolHandle, &m.Pools[i].PoolElements[j])
			}
		}
	case *enrp.HandleUpdate:
		put("%v", m.Action)
		if m.TakeoverSuggested {
			put("suggested")
		}
		pe(m.PoolHandle, &m.PoolElement)
	case *enrp.ListResponse:
		put("rejected=%v", m.Rejected)
		for _, i := range m.Servers {
			put("%x at %v", i.ID, i.Transport)
		}
	case *enrp.InitTakeover:
		put("target=%x", m.Target)
	case *enrp.InitTakeoverAck:
		put("target=%x", m.Target)
	case *enrp.TakeoverServer:
		put("target=%x", m.Target)
	case *enrp.Capabilities:
		put("%#x", uint32(m.Can))
	case *enrp.Error:
		put("{%v}", m.Errors)
	}
	return w.String()
}
