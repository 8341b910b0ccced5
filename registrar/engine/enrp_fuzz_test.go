// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/stretchr/testify/require"
)

// FuzzENRP feeds an engine with messages cut out of the input, over associations of both protocols and by multicast, and lets
// associations come and go: a byte for what and where, two for the length, the message. Whatever they are, what comes out is
// well-formed and goes to associations there are, all that is remembered is within its bounds, and time goes on.
func FuzzENRP(f *testing.F) {
	seed := func(op byte, msgs ...enrp.Message) {
		var b []byte
		for i, m := range msgs {
			enc, err := m.AppendBinary(nil)
			require.NoError(f, err)
			b = append(b, op+byte(i%3), byte(len(enc)>>8), byte(len(enc)))
			b = append(b, enc...)
		}
		f.Add(b)
	}
	p := presenceOf(higher, "10.0.0.2", 0xffff, true)
	seed(0, p, presenceOf(third, "10.0.0.3", 1, false), &enrp.ListRequest{Header: from(higher)}, &enrp.HandleTableRequest{Header: from(higher)},
		&enrp.HandleTableResponse{Header: from(third), More: true, Pools: []enrp.PoolEntry{{PoolHandle: "A", PoolElements: []param.PoolElement{ownedBy(third, 1, "10.0.0.8")}}}})
	seed(0, p, add("A", ownedBy(higher, 1, "10.0.0.8")), del(third, "A", ownedBy(third, 1, "10.0.0.8")), &enrp.InitTakeover{Header: from(third), Target: higher},
		&enrp.InitTakeoverAck{Header: from(third), Target: higher}, &enrp.TakeoverServer{Header: from(third), Target: higher})
	near := target("10.0.0.4")
	seed(3, p, &enrp.ListResponse{Header: from(higher), Servers: []param.ServerInformation{near.information(4), near.information(5), near.information(6)}},
		&enrp.Error{Header: from(higher), Errors: param.OperationError{{Code: 1}}})
	seed(0, p, add("A", ownedBy(higher, 1, "10.0.0.8")), p)
	f.Add([]byte{6, 0, 0, 7, 0, 0, 8, 0, 0, 9, 0, 0, 10, 0, 0, 11, 0, 0})

	f.Fuzz(feedENRP)
}

// Messages that are valid, from whom they may come, in any order.
func TestENRPInAnyOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(*seed, 3))
	for i := range 300 {
		var in []byte
		for range 60 + i%7 {
			m := anyENRP(rnd)
			b, err := m.AppendBinary(nil)
			require.NoError(t, err)
			op := []byte{0, 0, 0, 0, 1, 2, 3, 4, 6, 8, 9, 10, 10, 11}[rnd.IntN(14)]
			in = append(in, op+12*byte(rnd.IntN(21)), byte(len(b)>>8), byte(len(b)))
			in = append(in, b...)
		}
		feedENRP(t, in)
	}
}

func anyENRP(rnd *rand.Rand) enrp.Message {
	ids := []uint32{lower, serverID, higher, third, 0x44444444, 0x55555555}
	who := func() uint32 { return ids[rnd.IntN(len(ids))] }
	at := func() string { return "10.0.0." + string('2'+byte(rnd.IntN(8))) }
	h := from(who())
	pe := func() param.PoolElement {
		p := ownedBy([]uint32{h.Sender, who()}[rnd.IntN(2)], uint32(rnd.IntN(20)), at())
		if rnd.IntN(9) == 0 {
			p.Policy.Type = param.Random
		}
		return p
	}
	pool := func() param.PoolHandle { return []param.PoolHandle{"A", "B", "C"}[rnd.IntN(3)] }
	switch rnd.IntN(12) {
	case 0, 1, 2:
		return presenceOf(h.Sender, at(), param.PEChecksum(0xffff-rnd.IntN(2)), rnd.IntN(2) == 0)
	case 3:
		return &enrp.ListRequest{Header: h}
	case 4:
		t := target(at())
		return &enrp.ListResponse{Header: h, Servers: []param.ServerInformation{t.information(who()), t.information(0)}}
	case 5:
		return &enrp.HandleTableRequest{Header: h, OwnChildrenOnly: rnd.IntN(2) == 0}
	case 6:
		return &enrp.HandleTableResponse{Header: h, More: rnd.IntN(3) == 0, Pools: []enrp.PoolEntry{{PoolHandle: pool(), PoolElements: []param.PoolElement{pe(), pe()}}}}
	case 7:
		return &enrp.InitTakeover{Header: h, Target: who()}
	case 8:
		return &enrp.InitTakeoverAck{Header: h, Target: who()}
	case 9:
		return &enrp.TakeoverServer{Header: h, Target: who()}
	}
	return &enrp.HandleUpdate{Header: h, Action: enrp.UpdateAction(rnd.IntN(3) / 2), TakeoverSuggested: rnd.IntN(2) == 0, PoolHandle: pool(), PoolElement: pe()}
}

func feedENRP(t *testing.T, in []byte) {
	const (
		maxPeers    = 4
		maxElements = 16
	)
	s := newENRPScene(t, func(c *Config) {
		c.KeepAliveInterval, c.MaxElements, c.MaxAssocs = time.Second, maxElements, 12
		c.Profile = Profile(len(in) % 3)
		c.ENRP.MaxPeers, c.ENRP.SuggestTakeover = maxPeers, len(in)%2 == 0
		c.ENRP.Static = []Target{target("10.0.0.2")}
		c.ENRP.Sources = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.100:9901")}
	})
	s.e.HandleAssocUp(s.now, 1, ProtocolASAP, host("10.0.0.8"))
	alive := map[uint64]Protocol{1: ProtocolASAP}
	var connects []Connect
	last := uint64(1)
	up := func(proto Protocol, p Peer) {
		last++
		if s.e.HandleAssocUp(s.now, last, proto, p) {
			alive[last] = proto
		}
	}
	some := func(n byte, proto Protocol) uint64 {
		for id := last; id > 0; id-- {
			if alive[id] == proto {
				if n == 0 {
					return id
				}
				n--
			}
		}
		return 0
	}
	polled := func() {
		for {
			m, ok := s.e.PollTransmit()
			if !ok {
				break
			}
			require.Equal(t, alive[m.Assoc], m.Protocol)
			if m.Protocol == ProtocolENRP {
				p, _, err := enrp.Parse(m.Data)
				require.NoError(t, err, "%x", m.Data)
				again, err := p.AppendBinary(nil)
				require.NoError(t, err)
				require.Equal(t, again, m.Data)
				require.EqualValues(t, serverID, p.From())
			} else {
				_, _, err := asap.Parse(m.Data)
				require.NoError(t, err, "%x", m.Data)
			}
		}
		for {
			a, ok := s.e.PollAbort()
			if !ok {
				break
			}
			require.NotZero(t, alive[a.Assoc])
			delete(alive, a.Assoc)
		}
		for {
			c, ok := s.e.PollConnect()
			if !ok {
				break
			}
			require.NotEmpty(t, c.Addrs)
			require.NotZero(t, c.Port)
			connects = append(connects, c)
		}
		for {
			if _, ok := s.e.PollAnnouncement(); !ok {
				break
			}
		}
		for {
			if _, ok := s.e.PollEvent(); !ok {
				break
			}
		}
		st := s.e.Stats()
		require.LessOrEqual(t, st.Peers, maxPeers)
		require.LessOrEqual(t, st.Elements, maxElements)
		require.LessOrEqual(t, len(s.e.scope.pending), maxPeers+1+len(connects))
		require.LessOrEqual(t, len(s.e.scope.adopting), len(connects))
		for _, p := range s.e.scope.peers {
			require.LessOrEqual(t, len(p.links), maxPeerAssocs)
		}
	}
	up(ProtocolENRP, registrarAt("10.0.0.2"))
	up(ProtocolENRP, registrarAt("10.0.0.3"))
	polled()
	for len(in) >= 3 {
		op, x := in[0]%12, in[0]/12
		n := min(int(in[1])<<8|int(in[2]), len(in)-3)
		b := bytes.Clone(in[3 : 3+n])
		in = in[3+n:]
		switch op {
		case 0, 1, 2, 3:
			if id := some(x%4, ProtocolENRP); id != 0 {
				s.e.HandleENRP(s.now, id, b)
			}
		case 4:
			s.e.HandleENRPDatagram(s.now, netip.MustParseAddrPort("10.0.0.7:9901"), b)
		case 5:
			if id := some(x%4, ProtocolASAP); id != 0 {
				s.e.HandleASAP(s.now, id, b)
			}
		case 6:
			up(ProtocolENRP, registrarAt("10.0.0."+string('2'+x%4)))
		case 7:
			up(ProtocolASAP, host("10.0.0."+string('6'+x%4)))
		case 8:
			if id := some(x%4, ProtocolENRP); id != 0 {
				delete(alive, id)
				s.e.HandleAssocLost(s.now, id, LossEnded)
			}
		case 9, 10:
			if len(connects) == 0 {
				break
			}
			c := connects[0]
			connects = connects[1:]
			if op == 9 {
				s.e.HandleConnectFailed(s.now, c.ID)
				break
			}
			last++
			if s.e.HandleConnected(s.now, c.ID, last, Peer{Addrs: c.Addrs, Port: c.Port, EncapPort: 9899}) {
				alive[last] = c.Protocol
			}
		case 11:
			if x == 21 {
				c := Config{KeepAliveInterval: []time.Duration{-1, time.Second, 5 * time.Second}[n%3], KeepAliveTimeout: 1 + time.Duration(n%2)*time.Second,
					ServerAnnounce: time.Second, MaxElements: maxElements - n%3, MaxAssocs: 12, MaxSubscriptions: n % 2,
					ENRP: &ENRP{MaxPeers: maxPeers - n%2, Static: []Target{target("10.0.0." + string('2'+byte(n%4)))}}}
				require.NoError(t, s.e.Reconfigure(s.now, c))
				break
			}
			s.now = s.now.Add(time.Duration(x) * 300 * time.Millisecond)
		}
		clear(b) // it must not be kept
		polled()
		s.e.HandleTimeout(s.now)
		polled()
		if at, ok := s.e.NextDeadline(); ok {
			require.True(t, at.After(s.now), "all that was due was done")
		}
	}
	for id := uint64(1); id <= last; id++ {
		if alive[id] != 0 {
			delete(alive, id)
			s.e.HandleAssocLost(s.now, id, LossEnded)
			polled()
		}
	}
	require.Zero(t, s.e.Stats().Associations)
	require.Empty(t, s.e.scope.endpoints)
}
