// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/stretchr/testify/require"
)

// RFC 5353, Section 3.4.1: "The ENRP server MUST send an ENRP_PRESENCE message with the Reply-required flag set to '1' to the
// source address found in the arrived message. This will force the new peer to reply with its own ENRP_PRESENCE containing
// its full server information".
func TestPeerDiscovery(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.upENRP(102, "10.0.0.2")
	s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, true))
	s.upENRP(103, "10.0.0.3")
	s.enrp(103, &enrp.ListRequest{Header: from(third)}) // no presence: introduced nevertheless
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	s.enrp(102, &enrp.ListRequest{Header: from(higher)})
	// RSPLIB lists servers that it does not know yet, and the one that asks.
	near := target("10.0.0.4")
	s.enrp(102, &enrp.ListResponse{Header: from(higher), Servers: []param.ServerInformation{
		near.information(0), near.information(serverID), near.information(0x44444444), near.information(third)}})
	s.connected(1, 104, registrarAt("10.0.0.4"))
	s.enrp(104, presenceOf(0x44444444, "10.0.0.4", 0xffff, false))
	// For others, from nobody, from itself, not understood.
	s.enrp(102, &enrp.ListRequest{Header: enrp.Header{Sender: higher, Receiver: third}})
	s.enrp(102, &enrp.ListRequest{Header: enrp.Header{}})
	s.rawENRP(102, unhex(t, "4100000c 22222222 11111111"))
	s.rawENRP(102, unhex(t, "01000010 22222222 11111111 c0010004"))
	s.enrp(104, &enrp.ListRequest{Header: from(serverID)})
	s.golden()
}

// What RSPLIB sends in the same place, byte by byte.
func TestPresenceAsRSPLIB(t *testing.T) {
	s := newScene(t, func(c *Config) {
		c.ENRP = &ENRP{Self: target("10.44.0.3"), Sources: []netip.AddrPort{netip.MustParseAddrPort("10.44.0.3:9901")}}
		c.ENRP.Self.EncapPort = param.DefaultEncapPort
	})
	s.e.HandleTimeout(s.now)
	require.Equal(t, []string{"0101002c" + "11111111" + "00000000" + "000f0006ffff0000" + "000b0018" + "11111111" + "0004001026ad0000" + "000100080a2c0003"}, s.outputs())
	s.advance(5 * time.Second)
	require.Contains(t, s.advance(3*time.Second), "0100002c"+"11111111"+"00000000"+"000f0006ffff0000"+"000b0018"+"11111111"+"0004001026ad0000"+"000100080a2c0003")
}

// RSPLIB multicasts from all interfaces, also from where it does not listen: addresses heard by multicast never replace those
// of an association that works.
func TestMulticastPresence(t *testing.T) {
	s := newENRPScene(t, func(c *Config) {
		c.ENRP.Sources = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.100:9901")}
	})
	multicast := func(id uint32, a string) []string {
		b, err := presenceOf(id, a, 0xffff, false).AppendBinary(nil)
		require.NoError(t, err)
		s.printf("multicast > %s", describeENRP(b))
		s.e.HandleENRPDatagram(s.now, netip.MustParseAddrPort(a+":9901"), b)
		return s.outputs()
	}
	s.e.HandleTimeout(s.now)
	s.outputs()
	require.Equal(t, []string{"connect ENRP"}, multicast(higher, "10.0.0.2"))
	require.Empty(t, multicast(higher, "10.0.0.2"), "it is under way")
	require.Empty(t, multicast(serverID, "10.0.0.100"), "its own")
	s.connected(1, 102, registrarAt("10.0.0.2"))
	s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, false))
	require.Empty(t, multicast(higher, "10.9.0.2"))
	require.Equal(t, "10.0.0.2", s.peerInfo(higher).Target.Addrs[0].String())
	require.Equal(t, []string{"connect ENRP"}, multicast(third, "10.0.0.3"))
	s.connectFailed(2)
	require.Len(t, s.e.Peers(), 1, "who cannot be reached is none")
	s.e.HandleENRPDatagram(s.now, netip.MustParseAddrPort("10.0.0.2:9901"), []byte{1, 2, 3})
	s.golden()
}

// RFC 5353, Section 3.2.3: "In the case where its ENRP_HANDLE_TABLE_REQUEST is rejected by the mentor peer, the initiating
// server SHOULD either wait for a few seconds and re-send the ENRP_HANDLE_TABLE_REQUEST to the mentor server, or if there is
// a backup mentor peer available, select another mentor peer server".
func TestMentor(t *testing.T) {
	s := newENRPScene(t, func(c *Config) {
		c.ServerAnnounce = time.Second
		c.Announce.Sources = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.100:3863")}
		c.Announce.Port = 3863
		c.ENRP.Static = []Target{target("10.0.0.2"), target("10.0.0.3"), target("10.0.0.100")}
		c.ENRP.HeartbeatCycle = time.Hour
	})
	s.e.HandleTimeout(s.now)
	s.outputs()
	s.connected(1, 102, registrarAt("10.0.0.2"))
	s.enrp(102, presenceOf(higher, "10.0.0.2", 0x1234, false)) // there is no audit meanwhile
	// Served meanwhile: pool elements, and peers with a rejection.
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.enrp(102, &enrp.ListRequest{Header: from(higher)})
	s.enrp(102, &enrp.HandleTableRequest{Header: from(higher)})
	s.enrp(102, &enrp.ListResponse{Header: from(higher), Rejected: true})
	s.connected(2, 103, registrarAt("10.0.0.3"))
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	s.enrp(103, &enrp.ListResponse{Header: from(third)})
	s.enrp(103, &enrp.HandleTableResponse{Header: from(third), More: true, Pools: []enrp.PoolEntry{
		{PoolHandle: "A", PoolElements: []param.PoolElement{ownedBy(third, 1, "10.0.0.8"), ownedBy(higher, 2, "10.0.0.8")}}}})
	s.e.HandleAssocLost(s.now, 103, LossEnded)
	s.outputs()
	s.advance(time.Second) // the first one is asked again
	s.enrp(102, &enrp.ListResponse{Header: from(higher)})
	s.enrp(102, &enrp.HandleTableResponse{Header: from(higher), More: true, Pools: []enrp.PoolEntry{
		{PoolHandle: "A", PoolElements: []param.PoolElement{ownedBy(third, 2, "10.0.0.8"), ownedBy(serverID, 3, "10.0.0.9")}}}})
	require.False(t, s.e.Operational())
	s.enrp(102, &enrp.HandleTableResponse{Header: from(higher)})
	require.True(t, s.e.Operational())
	s.outputs()
	s.golden()
	require.EqualValues(t, serverID, s.home("A", 1), "it has registered here")
	require.EqualValues(t, higher, s.home("A", 2), "of the owner itself, others know no better")
	require.EqualValues(t, serverID, s.home("A", 3), "it was ours before a restart")
}

// A mentor that does not answer is given up, and without any the server goes alone after the discovery.
func TestMentorDoesNotAnswer(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.Static = []Target{target("10.0.0.2")} })
	s.e.HandleTimeout(s.now)
	s.outputs()
	s.connected(1, 102, registrarAt("10.0.0.2"))
	require.NotNil(t, has(t, s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, false)), enrp.TypeListRequest))
	s.advance(4 * time.Second)
	require.False(t, s.e.Operational())
	s.advance(2 * time.Second)
	require.True(t, s.e.Operational())
}

// A configured peer has half a minute to say its first word, and is given up then.
func TestStaticPeerSaysNothing(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.Static = []Target{target("10.0.0.2")} })
	s.e.HandleTimeout(s.now)
	s.outputs()
	s.connected(1, 102, registrarAt("10.0.0.2"))
	s.outputs()
	s.advance(29 * time.Second)
	require.Contains(t, s.e.assocs, uint64(102))
	s.advance(2 * time.Second)
	require.NotContains(t, s.e.assocs, uint64(102))
}

// RFC 5353, Section 3.3.1: "An ENRP server MUST announce this update to all its peers in a ENRP_HANDLE_UPDATE message".
func TestHandleUpdateSent(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1")) // the timers of the peers start over with it
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.in(1, dereg("A", 1))
	s.lost(1)
	s.golden()
}

// RFC 5353, Section 3.3.1: "When a peer receives this ENRP_HANDLE_UPDATE message, it MUST take the following actions".
func TestHandleUpdateReceived(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.up(1, host("10.0.0.1"))
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.in(1, resolve("A", 1))
	other := add("A", ownedBy(third, 2, "10.0.0.8")) // not its own
	other.Sender = higher
	s.enrp(102, other)
	require.Zero(t, s.home("A", 2))
	s.enrp(103, del(third, "A", ownedBy(third, 1, "10.0.0.8"))) // not its own
	require.EqualValues(t, higher, s.home("A", 1))
	odd := ownedBy(higher, 3, "10.0.0.8")
	odd.Policy = param.Policy{Type: param.Random}
	s.enrp(102, add("A", odd)) // not the policy of the pool
	odd = ownedBy(higher, 4, "10.0.0.8")
	odd.Policy = param.Policy{Type: 0x77777777, Data: "abcd"}
	s.enrp(102, add("B", odd)) // unknown here, but kept
	s.in(1, resolve("B", 1))
	s.in(1, with(reg("C", 5, "10.0.0.1"), func(pe *param.PoolElement) { pe.Policy = odd.Policy })) // but not registered
	bare := ownedBy(higher, 6, "10.0.0.8")
	bare.ASAPTransport = nil
	b, err := add("A", ownedBy(higher, 6, "10.0.0.8")).AppendBinary(nil)
	require.NoError(t, err)
	b = b[:len(b)-16] // without it
	b[3] -= 16
	b[12+4+8+3] -= 16
	s.rawENRP(102, b)
	require.Zero(t, s.home("A", 6))
	s.enrp(102, del(higher, "A", ownedBy(higher, 1, "10.0.0.8")))
	s.enrp(102, del(higher, "A", ownedBy(higher, 1, "10.0.0.8"))) // "it SHOULD take no further actions"
	s.golden()
	require.Zero(t, s.home("A", 1))
}

// A registration life is the reader's to interpret; a peer's element ends by it, unless an update comes.
func TestLifeOfPeersElement(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.Profile = ProfileRSPLIB }).alone()
	s.join(higher, 102, "10.0.0.2")
	pe := ownedBy(higher, 1, "10.0.0.8")
	pe.Life = 4000
	s.enrp(102, add("A", pe))
	s.advance(3 * time.Second)
	s.enrp(102, add("A", pe))
	s.advance(3 * time.Second)
	require.EqualValues(t, higher, s.home("A", 1))
	out := s.advance(1500 * time.Millisecond)
	require.Zero(t, s.home("A", 1))
	require.Nil(t, has(t, out, enrp.TypeHandleUpdate), "it is the owner's to tell")
}

// A pool element that registers with another registrar changes its home. The old one lets it go without telling anybody.
func TestChangeOfHome(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.KeepAliveInterval = 5 * time.Second }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.1"))) // sent before the registration, for all that is known
	require.EqualValues(t, serverID, s.home("A", 1))
	s.advance(2 * time.Second)
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.1")))
	require.EqualValues(t, higher, s.home("A", 1))
	require.Nil(t, has(t, s.lost(1), enrp.TypeHandleUpdate))
	require.EqualValues(t, higher, s.home("A", 1))
	// And back.
	s.up(2, host("10.0.0.1"))
	require.NotNil(t, has(t, s.in(2, reg("A", 1, "10.0.0.1")), enrp.TypeHandleUpdate))
	require.EqualValues(t, serverID, s.home("A", 1))
	// What the old home has to say about it does not count any more.
	s.enrp(102, del(higher, "A", ownedBy(higher, 1, "10.0.0.1")))
	require.EqualValues(t, serverID, s.home("A", 1))
	s.advance(2 * time.Second)
	// It deregisters with a registrar that is not its home: that makes itself the owner, because only the owner can.
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.1")))
	s.up(3, host("10.0.0.7"))
	s.in(3, dereg("A", 1)) // another host
	require.EqualValues(t, higher, s.home("A", 1))
	s.in(2, dereg("A", 1))
	require.Zero(t, s.home("A", 1))
	s.golden()
}

// RFC 5353, Section 3.6.3, step 5: "the ENRP server SHOULD check whether there are still PE entries that remain "marked" in
// its local handlespace. If so, the ENRP server SHOULD silently remove those "marked" entries."
func TestResynchronization(t *testing.T) {
	s := newENRPScene(t, func(c *Config) {
		c.ENRP.HeartbeatCycle, c.ENRP.MaxTimeLastHeard, c.ENRP.MaxTimeNoResponse = time.Hour, time.Hour, 5*time.Second
	}).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 9, "10.0.0.1"))
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.enrp(102, add("A", ownedBy(higher, 2, "10.0.0.8")))
	s.enrp(102, presenceOf(higher, "10.0.0.2", s.peerInfo(higher).Checksum, false)) // all is well
	s.enrp(102, presenceOf(higher, "10.0.0.2", 1, false))
	s.enrp(102, presenceOf(higher, "10.0.0.2", 2, false)) // one at a time
	entry := func(pes ...param.PoolElement) []enrp.PoolEntry {
		return []enrp.PoolEntry{{PoolHandle: "A", PoolElements: pes}}
	}
	s.enrp(103, &enrp.HandleTableResponse{Header: from(third), Pools: entry(ownedBy(third, 7, "10.0.0.8"))}) // not asked
	s.enrp(102, &enrp.HandleTableResponse{Header: from(higher), More: true, Pools: entry(ownedBy(higher, 2, "10.0.0.8"), ownedBy(third, 5, "10.0.0.8"))})
	s.enrp(102, &enrp.HandleTableResponse{Header: from(higher), Pools: entry(ownedBy(higher, 3, "10.0.0.8"), ownedBy(higher, 9, "10.0.0.8"))})
	require.Equal(t, []uint32{0, higher, higher, 0, serverID}, []uint32{s.home("A", 1), s.home("A", 2), s.home("A", 3), s.home("A", 5), s.home("A", 9)})
	// It did not help, so that the next one waits; and those that fail wait longer and longer.
	s.enrp(102, presenceOf(higher, "10.0.0.2", 1, false))
	s.advance(2 * time.Second)
	s.enrp(102, presenceOf(higher, "10.0.0.2", 1, false))
	s.enrp(102, &enrp.HandleTableResponse{Header: from(higher), Rejected: true})
	s.advance(3 * time.Second)
	s.enrp(102, presenceOf(higher, "10.0.0.2", 1, false))
	s.advance(time.Second)
	s.enrp(102, presenceOf(higher, "10.0.0.2", 1, false))
	s.advance(5 * time.Second) // no answer
	require.EqualValues(t, 3, s.e.Stats().Resyncs)
	require.EqualValues(t, 2, s.e.Stats().ResyncsFailed)
	require.Equal(t, 2, s.e.space.NumOwned(higher), "what fails removes nothing")
	s.golden()
}

// RSPLIB supports handles of up to 32 bytes: longer ones go to those who are known to be others.
func TestLongHandles(t *testing.T) {
	long := strings.Repeat("x", 33)
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(1, host("10.0.0.1"))
	require.Nil(t, has(t, s.in(1, reg(long, 1, "10.0.0.1")), enrp.TypeHandleUpdate))
	require.NotNil(t, has(t, s.in(1, reg("A", 2, "10.0.0.1")), enrp.TypeHandleUpdate))
	m := has(t, s.enrp(102, &enrp.HandleTableRequest{Header: from(higher)}), enrp.TypeHandleTableResponse).(*enrp.HandleTableResponse)
	require.Len(t, m.Pools, 1)
	p := has(t, s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, true)), enrp.TypePresence).(*enrp.Presence)
	require.Equal(t, s.e.space.ShortChecksum(serverID), *p.Checksum, "the checksum is of what the peer was told")
	require.NotEqual(t, s.e.Checksum(), *p.Checksum)

	// It tells a UDP port, which RSPLIB does not.
	hello := presenceOf(higher, "10.0.0.2", 0xffff, true)
	hello.Server.EncapPort = 9900
	p = has(t, s.enrp(102, hello), enrp.TypePresence).(*enrp.Presence)
	require.Equal(t, s.e.Checksum(), *p.Checksum)
	m = has(t, s.enrp(102, &enrp.HandleTableRequest{Header: from(higher)}), enrp.TypeHandleTableResponse).(*enrp.HandleTableResponse)
	require.Len(t, m.Pools, 2)
	require.NotNil(t, has(t, s.in(1, reg(long, 1, "10.0.0.1")), enrp.TypeHandleUpdate))
}

// The distance of an element is the way to its home, and from there to here.
func TestDistance(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	p := registrarAt("10.0.0.2")
	p.RTT = 130 * time.Millisecond
	require.True(t, s.e.HandleAssocUp(s.now, 102, ProtocolENRP, p))
	s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, true))
	q := host("10.0.0.1")
	q.RTT = 240 * time.Millisecond
	s.up(1, q)
	for i, typ := range []param.PolicyType{param.WeightedRandomDPF, param.LeastUsedDPF, param.LeastUsedDegradationDPF,
		param.PriorityLeastUsedDPF, param.PriorityLeastUsedDegradationDPF} {
		id := uint32(i + 1)
		pol := param.Policy{Type: typ, Distance: 7}
		out := s.in(1, with(reg(typ.Short(), id, "10.0.0.1"), func(pe *param.PoolElement) { pe.Policy = pol }))
		require.EqualValues(t, 100, has(t, out, enrp.TypeHandleUpdate).(*enrp.HandleUpdate).PoolElement.Policy.Distance)
		pe := ownedBy(higher, id+100, "10.0.0.8")
		pe.Policy = pol
		s.enrp(102, add(typ.Short(), pe))
		require.EqualValues(t, 57, s.e.space.Lookup(param.PoolHandle(typ.Short()), id+100).PE().Policy.Distance)
	}
	pol := param.Policy{Type: param.LeastUsedDPF, Distance: 0xffffffff}
	s.e.addDistance(&pol, s.e.scope.peer(higher))
	require.EqualValues(t, uint32(0xffffffff), pol.Distance)
}

// A peer's word about a better home is taken where that is configured, and costs no element its place.
func TestTakeoverSuggestion(t *testing.T) {
	s := newENRPScene(t, func(c *Config) {
		c.Profile, c.ENRP.SuggestTakeover = ProfileRFC, true
	}).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(1, host("10.0.0.1"))
	s.up(3, host("10.0.0.3"))
	s.in(1, reg("A", 0x10000000, "10.0.0.1")) // the peer is the better home
	s.in(3, reg("A", 0x20000000, "10.0.0.3")) // this one is
	require.Nil(t, has(t, s.lost(1), enrp.TypeHandleUpdate), "to go there?")
	require.NotNil(t, has(t, s.lost(3), enrp.TypeHandleUpdate))
	require.Zero(t, s.home("A", 0x20000000))
	require.EqualValues(t, serverID, s.home("A", 0x10000000), "it is on its way")
	s.enrp(102, add("A", ownedBy(higher, 0x10000000, "10.0.0.1")))
	require.EqualValues(t, higher, s.home("A", 0x10000000))

	m := add("A", ownedBy(higher, 0x30000000, "10.0.0.9"))
	m.TakeoverSuggested = true
	require.Empty(t, s.enrp(102, m), "not before everybody knows")
	require.Equal(t, []string{"connect ASAP"}, s.advance(time.Second))
	s.connected(1, 2, host("10.0.0.9"))
	s.in(2, ack("A", 0x30000000))
	require.EqualValues(t, serverID, s.home("A", 0x30000000), "it has agreed")
	s.in(2, reg("A", 0x30000000, "10.0.0.9"))
	s.enrp(102, del(higher, "A", ownedBy(higher, 0x30000000, "10.0.0.9")))
	require.EqualValues(t, serverID, s.home("A", 0x30000000), "the old home has lost it")
	s.golden()
}

// The new home of an element that was suggested to it is believed at once, even if it is heard before the element has left:
// else both would claim the element.
func TestMoveIsFasterThanTheEnd(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.Profile, c.ENRP.SuggestTakeover = ProfileRFC, true }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(1, host("10.0.0.1"))
	s.up(3, host("10.0.0.3"))
	s.in(1, reg("A", 0x10000000, "10.0.0.1")) // the peer is the better home
	s.in(3, reg("A", 0x20000000, "10.0.0.3")) // this one is
	s.enrp(102, add("A", ownedBy(higher, 0x10000000, "10.0.0.1")))
	s.enrp(102, add("A", ownedBy(higher, 0x20000000, "10.0.0.3")))
	require.EqualValues(t, higher, s.home("A", 0x10000000))
	require.EqualValues(t, serverID, s.home("A", 0x20000000), "it is older than the registration here")
	require.Nil(t, has(t, s.lost(1), enrp.TypeHandleUpdate))
	require.Empty(t, s.advance(20*time.Second), "nothing is to be done about it")
	require.EqualValues(t, higher, s.home("A", 0x10000000))
}

// Registrars at UDP port 9899 know each other by what they say they can do. Who cannot follow suggestions gets none, and who
// says nothing is taken for RSPLIB.
func TestSuggestionsToWhoFollowsThem(t *testing.T) {
	const id, distance = 0x10000000, 33 // both peers are better homes, the second one the best
	for name, x := range map[string]struct {
		profile        Profile
		second, third  enrp.Capability
		want, wantLong uint64 // the association with a suggestion, those with a long handle
	}{
		"RSPLIB":               {ProfileAuto, 0, 0, 0, 0},
		"ours beside RSPLIB":   {ProfileAuto, enrp.LongHandles | enrp.TakeoverSuggestions, 0, 102, 102},
		"the best of ours":     {ProfileAuto, enrp.LongHandles | enrp.TakeoverSuggestions, enrp.LongHandles | enrp.TakeoverSuggestions, 103, 102 + 103},
		"turned off there":     {ProfileAuto, enrp.LongHandles, enrp.LongHandles, 0, 102 + 103},
		"who does not tell":    {ProfileRFC, 0, 0, 103, 102 + 103},
		"off with ProfileRFC":  {ProfileRFC, 0, enrp.LongHandles, 102, 102 + 103},
		"something from later": {ProfileAuto, 1 << 31, enrp.TakeoverSuggestions, 103, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newENRPScene(t, func(c *Config) { c.Profile, c.ENRP.SuggestTakeover = x.profile, true }).alone()
			for peer, can := range map[uint32]enrp.Capability{higher: x.second, 0x62222222: x.third} {
				assoc, at := uint64(102), "10.0.0.2"
				if peer != higher {
					assoc, at = 103, "10.0.0.3"
				}
				s.upENRP(assoc, at)
				out := s.enrp(assoc, presenceOf(peer, at, 0xffff, true))
				require.Equal(t, &enrp.Capabilities{Header: enrp.Header{Sender: serverID, Receiver: peer}, Can: enrp.LongHandles | enrp.TakeoverSuggestions},
					has(t, out, enrp.TypeCapabilities))
				require.Nil(t, has(t, s.enrp(assoc, presenceOf(peer, at, 0xffff, true)), enrp.TypeCapabilities), "once is enough")
				if can != 0 {
					require.Empty(t, s.enrp(assoc, &enrp.Capabilities{Header: from(peer), Can: can}))
				}
			}
			told := func(handle string, wanted func(*enrp.HandleUpdate) bool) (sum uint64) {
				b, err := reg(handle, id, "10.0.0.1").AppendBinary(nil)
				require.NoError(t, err)
				s.e.HandleASAP(s.now, 1, b)
				for {
					m, ok := s.e.PollTransmit()
					if !ok {
						break
					}
					if u, _, _ := enrp.Parse(m.Data); m.Protocol == ProtocolENRP && u.Type() == enrp.TypeHandleUpdate && wanted(u.(*enrp.HandleUpdate)) {
						sum += m.Assoc
					}
				}
				s.outputs()
				return sum
			}
			s.up(1, host("10.0.0.1"))
			require.Equal(t, x.want, told("A", func(u *enrp.HandleUpdate) bool { return u.TakeoverSuggested }))
			require.EqualValues(t, 102+103, told("A", func(u *enrp.HandleUpdate) bool { return true }), "all are told")
			require.Equal(t, x.wantLong, told(strings.Repeat("x", distance), func(u *enrp.HandleUpdate) bool { return true }))
		})
	}
}

// The encapsulation port travels where RSPLIB skips it, and is used.
func TestEncapsulationPortOfPeers(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.Self.EncapPort = 9900 }).alone()
	s.join(higher, 102, "10.0.0.2")
	hello := presenceOf(higher, "10.0.0.2", 0xffff, true)
	hello.Server.EncapPort = 9901
	p := has(t, s.enrp(102, hello), enrp.TypePresence).(*enrp.Presence)
	require.EqualValues(t, 9900, p.Server.EncapPort)
	s.join(third, 103, "10.0.0.3")
	l := has(t, s.enrp(103, &enrp.ListRequest{Header: from(third)}), enrp.TypeListResponse).(*enrp.ListResponse)
	require.EqualValues(t, 9901, l.Servers[0].EncapPort)
	s.printf("lost")
	s.e.HandleAssocLost(s.now, 102, LossEnded)
	c, ok := s.e.PollConnect()
	require.True(t, ok)
	require.EqualValues(t, 9901, c.EncapPort)
}

// A report that an element of another registrar is unreachable changes nothing: its owner finds out.
func TestUnreachableElementOfPeer(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(1, host("10.0.0.1"))
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	for range 5 {
		require.Empty(t, s.in(1, report("A", 1)))
	}
	require.EqualValues(t, higher, s.home("A", 1))
}
