// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/enrp"
	"github.com/stretchr/testify/require"
)

// abandon ends the association of a peer, and the attempt to reach it fails.
func (s *scene) abandon(assoc uint64) []string {
	s.printf("%d lost", assoc)
	s.e.HandleAssocLost(s.now, assoc, LossEnded)
	out := s.outputs()
	require.Contains(s.t, out, "connect ENRP", "it is probed at once")
	return append(out, s.connectFailed(s.e.scope.lastID)...)
}

// Two registrars, one dies: RSPLIB waits for acknowledgements that nobody can send. RFC 5353, Section 3.5.1: "Once the
// initiating server has received the ENRP_INIT_TAKEOVER_ACK message from all of its currently known peers (except for the
// target server), it MUST consider that it has won the arbitration and MUST proceed to complete the takeover".
func TestTakeoverByTheLastOne(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.KeepAliveInterval = 5 * time.Second }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.enrp(102, add("A", ownedBy(higher, 2, "10.0.0.8"))) // the same process
	s.enrp(102, add("A", ownedBy(higher, 3, "10.0.0.9")))
	s.enrp(102, add("B", ownedBy(higher, 4, "10.0.0.10"))) // will not answer
	s.enrp(102, add("B", ownedBy(higher, 5, "10.0.0.11"))) // will register by itself
	s.enrp(102, add("B", ownedBy(higher, 6, "10.0.0.12"))) // has an association with this registrar
	s.enrp(102, add("B", ownedBy(higher, 7, "10.0.0.13"))) // cannot be reached
	s.up(7, host("10.0.0.12"))
	s.abandon(102)
	require.Empty(t, s.e.Peers())
	require.Equal(t, 7, s.e.space.NumOwned(serverID))
	first := s.e.scope.lastID - 4
	s.connected(first, 8, host("10.0.0.8"))
	s.in(8, ack("A", 1))
	s.in(8, ack("A", 2))
	s.in(8, reg("A", 1, "10.0.0.8"))
	s.in(7, ack("B", 6))
	s.connected(first+1, 9, host("10.0.0.9"))
	s.up(11, host("10.0.0.11"))
	s.in(11, reg("B", 5, "10.0.0.11"))
	require.False(t, s.e.HandleConnected(s.now, first+3, 12, host("10.0.0.11")), "nobody there to adopt")
	s.connectFailed(first + 4)
	require.Zero(t, s.home("B", 7))
	s.answer = func(id uint32) bool { return id != 3 }
	s.advance(5 * time.Second)
	require.Zero(t, s.home("B", 4))
	require.Zero(t, s.home("A", 3))
	s.connectFailed(first + 2) // late
	s.in(8, dereg("A", 1))
	s.golden()
	require.Equal(t, 3, s.e.space.NumOwned(serverID))
}

// RFC 5353, Section 3.5.2: "The initiating ENRP server MUST first send, via an announcement, an ENRP_TAKEOVER_SERVER message
// to inform all its active peers that the takeover has been enforced."
func TestTakeoverOfThree(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	out := s.abandon(102)
	require.NotNil(t, has(t, out, enrp.TypeInitTakeover))
	require.Nil(t, has(t, out, enrp.TypeTakeoverServer))
	s.enrp(103, &enrp.InitTakeoverAck{Header: from(third), Target: third}) // not that
	out = s.enrp(103, &enrp.InitTakeoverAck{Header: from(third), Target: higher})
	require.NotNil(t, has(t, out, enrp.TypeTakeoverServer))
	require.EqualValues(t, serverID, s.home("A", 1))
	// What a third one does when another one takes over.
	s.enrp(103, add("A", ownedBy(third, 2, "10.0.0.9")))
	s.join(lower, 101, "10.0.0.1")
	s.enrp(101, &enrp.InitTakeover{Header: from(lower), Target: third})
	require.Equal(t, PeerNotActive, s.peerInfo(third).State)
	s.enrp(101, &enrp.TakeoverServer{Header: from(lower), Target: third})
	require.EqualValues(t, lower, s.home("A", 2))
	require.Len(t, s.e.Peers(), 1)
	// It was alive: it is a new peer.
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	require.Equal(t, PeerActive, s.peerInfo(third).State)
	s.golden()
}

// RSPLIB never gets its ENRP_TAKEOVER_SERVER delivered: the new owner is learned from the handle updates, and what it
// removes, which nobody alive owns, is removed here.
func TestTakeoverByRSPLIB(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.enrp(102, add("A", ownedBy(higher, 2, "10.0.0.8")))
	require.NotNil(t, has(t, s.enrp(103, &enrp.InitTakeover{Header: enrp.Header{Sender: third, Receiver: serverID}, Target: higher}), enrp.TypeInitTakeoverAck))
	s.enrp(103, add("A", ownedBy(third, 1, "10.0.0.8")))
	s.enrp(103, del(third, "A", ownedBy(third, 2, "10.0.0.8")))
	require.EqualValues(t, third, s.home("A", 1))
	require.Zero(t, s.home("A", 2))
}

// RFC 5353, Section 3.5.1, rule 2.A: "If the peer's server ID is smaller in value than the Sending Server's ID in the arrived
// ENRP_INIT_TAKEOVER message, the peer server MUST immediately abort its own take-over attempt". RSPLIB: the lower ID wins.
func TestTakeoverArbitration(t *testing.T) {
	for _, c := range []struct {
		profile Profile
		rival   uint32
		yields  bool
	}{
		{ProfileAuto, lower, true}, {ProfileAuto, third, false},
		{ProfileRSPLIB, lower, true}, {ProfileRSPLIB, third, false},
		{ProfileRFC, lower, false}, {ProfileRFC, third, true},
	} {
		s := newENRPScene(t, func(x *Config) { x.Profile = c.profile }).alone()
		s.join(higher, 102, "10.0.0.2")
		s.join(c.rival, 103, "10.0.0.3")
		s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
		s.abandon(102)
		out := s.enrp(103, &enrp.InitTakeover{Header: from(c.rival), Target: higher})
		require.Equal(t, c.yields, has(t, out, enrp.TypeInitTakeoverAck) != nil, "%v, %x", c.profile, c.rival)
		if !c.yields {
			require.Equal(t, PeerTakeover, s.peerInfo(higher).State)
			continue
		}
		require.Equal(t, PeerNotActive, s.peerInfo(higher).State)
		// The winner dies before it has done it.
		s.abandon(103)
		require.EqualValues(t, serverID, s.home("A", 1))
	}
}

// The winner of the arbitration may do nothing: then it is up to the others again.
func TestTakeoverNotDone(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.MaxTimeLastHeard = time.Hour }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.enrp(103, &enrp.InitTakeover{Header: from(third), Target: higher})
	s.e.HandleAssocLost(s.now, 102, LossEnded)
	s.outputs()
	require.Nil(t, has(t, s.advance(14*time.Second), enrp.TypeInitTakeover))
	require.NotNil(t, has(t, s.advance(2*time.Second), enrp.TypeInitTakeover))
	// No acknowledgement comes. Who does not answer in time does not object.
	s.advance(6 * time.Second)
	require.EqualValues(t, 1, s.e.Stats().TakeoversDone)
}

// RFC 5353, Section 3.5.1: "if it receives an ENRP_PRESENCE from the target server at any point in the arbitration process,
// the initiating server MUST immediately stop the takeover process and mark the status of the target server as "active"."
func TestTakeoverCancelled(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.abandon(102)
	require.Equal(t, PeerTakeover, s.peerInfo(higher).State)
	s.upENRP(104, "10.0.0.2")
	s.enrp(104, presenceOf(higher, "10.0.0.2", s.e.space.Checksum(higher), false))
	require.Equal(t, PeerActive, s.peerInfo(higher).State)
	require.Empty(t, s.enrp(103, &enrp.InitTakeoverAck{Header: from(third), Target: higher}))
	require.EqualValues(t, higher, s.home("A", 1))
}

// RFC 5353, Section 3.5.1, rule 1: "If the peer server determines that it (itself) is the target server indicated in the
// ENRP_INIT_TAKEOVER message, it MUST immediately announce an ENRP_PRESENCE message to all its peer ENRP servers".
func TestTakeoverOfThisOne(t *testing.T) {
	s := newENRPScene(t, func(c *Config) {
		c.ENRP.Sources = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.100:9901")}
	})
	s.advance(5 * time.Second)
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	for _, m := range []enrp.Message{
		&enrp.InitTakeover{Header: from(higher), Target: serverID},
		&enrp.TakeoverServer{Header: from(higher), Target: serverID},
	} {
		out := s.enrp(102, m)
		require.Len(t, out, 3, "two peers and the group")
		require.NotNil(t, has(t, out, enrp.TypePresence))
		require.EqualValues(t, serverID, s.home("A", 1))
	}
}

// RFC 5353, Section 3.4.3: "If a peer has not been heard for more than MAX-TIME-LAST-HEARD seconds, the ENRP server MUST
// immediately send a point-to-point ENRP_PRESENCE with the Reply_request flag set to '1' to that peer. If the send fails or
// the peer does not reply after MAX-TIME-NO-RESPONSE seconds, the ENRP server MUST consider the peer server dead".
func TestSilentPeer(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.HeartbeatCycle = time.Hour }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.join(third, 103, "10.0.0.3")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.advance(3 * time.Second)
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	p := has(t, s.advance(2*time.Second), enrp.TypePresence).(*enrp.Presence)
	require.True(t, p.ReplyRequired)
	s.advance(2 * time.Second)
	s.enrp(102, presenceOf(higher, "10.0.0.2", s.e.space.Checksum(higher), false)) // it is
	s.advance(3 * time.Second)
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	s.advance(4 * time.Second)
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	s.advance(2 * time.Second)
	require.Equal(t, PeerProbed, s.peerInfo(higher).State)
	s.enrp(103, presenceOf(third, "10.0.0.3", 0xffff, false))
	s.advance(time.Second)
	require.Equal(t, PeerTakeover, s.peerInfo(higher).State)
	s.golden()
}

// RFC 5353, Section 2.1: "an ENRP server MUST pick a randomly generated, non-zero 32-bit unsigned integer as its ID and MUST
// use this same ID until the ENRP server is rebooted": who answers with another one is another one.
func TestRestartedPeer(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.e.HandleAssocLost(s.now, 102, LossEnded)
	s.outputs()
	s.connected(s.e.scope.lastID, 103, registrarAt("10.0.0.2"))
	s.enrp(103, presenceOf(third, "10.0.0.2", 0xffff, false))
	require.Zero(t, s.peerInfo(higher))
	s.enrp(103, add("A", ownedBy(third, 2, "10.0.0.8")))
	s.enrp(103, presenceOf(lower, "10.0.0.2", 0xffff, false)) // once more, in the same association
	require.NotEqual(t, PeerActive, s.peerInfo(third).State)
	s.enrp(103, &enrp.InitTakeoverAck{Header: from(lower), Target: third})
	require.Zero(t, s.peerInfo(third))
	require.Equal(t, 2, s.e.space.NumOwned(serverID))
}

// Nobody knows the home of an element: sooner or later it is taken over.
func TestOrphans(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.Static = []Target{target("10.0.0.2")} })
	s.e.HandleTimeout(s.now)
	s.outputs()
	s.connected(1, 102, registrarAt("10.0.0.2"))
	s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, false))
	s.enrp(102, &enrp.ListResponse{Header: from(higher)})
	m := &enrp.HandleTableResponse{Header: from(higher), Pools: []enrp.PoolEntry{{PoolHandle: "A"}}}
	m.Pools[0].PoolElements = append(m.Pools[0].PoolElements, ownedBy(third, 1, "10.0.0.8"))
	s.enrp(102, m)
	require.True(t, s.e.Operational())
	for range 20 {
		s.advance(time.Second)
		s.enrp(102, presenceOf(higher, "10.0.0.2", 0xffff, false))
		s.enrp(102, &enrp.InitTakeoverAck{Header: from(higher), Target: third})
	}
	require.EqualValues(t, 1, s.e.Stats().TakeoversDone)
}

// Who could not hear of a takeover wants to do it as well. The same server has precedence as if both attempts had met: it says
// what is its own now, and does not acknowledge.
func TestTakeoverAfterThisOneWithPrecedence(t *testing.T) {
	for profile, rival := range map[Profile]uint32{ProfileAuto: third, ProfileRSPLIB: third, ProfileRFC: lower} {
		s := newENRPScene(t, func(c *Config) { c.Profile = profile }).alone()
		s.join(higher, 102, "10.0.0.2")
		s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
		s.enrp(102, add("B", ownedBy(higher, 2, "10.0.0.9")))
		s.abandon(102)
		require.EqualValues(t, 1, s.e.Stats().TakeoversDone)
		s.up(5, host("10.0.0.5"))
		s.in(5, reg("C", 3, "10.0.0.5")) // it has nothing to do with it
		s.join(rival, 103, "10.0.0.3")
		out := s.enrp(103, &enrp.InitTakeover{Header: from(rival), Target: higher})
		require.Nil(t, has(t, out, enrp.TypeInitTakeoverAck), "%v", profile)
		done := has(t, out, enrp.TypeTakeoverServer).(*enrp.TakeoverServer)
		require.EqualValues(t, higher, done.Target)
		require.Len(t, out, 3, "and two updates: %v", out)
		u := has(t, out, enrp.TypeHandleUpdate).(*enrp.HandleUpdate)
		require.EqualValues(t, serverID, u.PoolElement.HomeID)
		require.EqualValues(t, "A", u.PoolHandle)

		// Much later it is another matter.
		s.advance(4 * time.Minute)
		s.upENRP(104, "10.0.0.3")
		s.enrp(104, presenceOf(rival, "10.0.0.3", 0xffff, true))
		out = s.enrp(104, &enrp.InitTakeover{Header: from(rival), Target: higher})
		require.NotNil(t, has(t, out, enrp.TypeInitTakeoverAck))
	}
}

// If the other one has precedence, it gets its acknowledgement. What was taken over here stays until the element goes there,
// and then nothing is said about it: RSPLIB would remove what it owns. At no time is the element gone.
func TestTakeoverAfterThisOneWithoutPrecedence(t *testing.T) {
	for profile, rival := range map[Profile]uint32{ProfileAuto: lower, ProfileRSPLIB: lower, ProfileRFC: third} {
		s := newENRPScene(t, func(c *Config) { c.Profile = profile }).alone()
		s.join(higher, 102, "10.0.0.2")
		s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
		s.enrp(102, add("B", ownedBy(higher, 2, "10.0.0.9")))
		s.abandon(102)
		s.connected(s.e.scope.lastID-1, 8, host("10.0.0.8"))
		s.in(8, ack("A", 1))
		s.connected(s.e.scope.lastID, 9, host("10.0.0.9"))
		s.in(9, ack("B", 2))
		s.join(rival, 103, "10.0.0.3")
		out := s.enrp(103, &enrp.InitTakeover{Header: from(rival), Target: higher})
		require.NotNil(t, has(t, out, enrp.TypeInitTakeoverAck))
		require.EqualValues(t, serverID, s.home("A", 1), "it is here still")

		// One of them follows the other registrar, and ends the association here.
		out = s.lost(8)
		require.Nil(t, has(t, out, enrp.TypeHandleUpdate), "%v", out)
		require.EqualValues(t, rival, s.home("A", 1))
		require.EqualValues(t, serverID, s.home("B", 2))
		require.Len(t, ids(t, s.in(9, resolve("A", 1))), 1)

		// The other one is listed there, and is believed to be there.
		sum := s.e.space.Checksum(rival) - 1
		out = s.enrp(103, presenceOf(rival, "10.0.0.3", sum, false))
		require.NotNil(t, has(t, out, enrp.TypeHandleTableRequest))
		table := &enrp.HandleTableResponse{Header: from(rival), Pools: make([]enrp.PoolEntry, 2)}
		table.Pools[0].PoolHandle, table.Pools[0].PoolElements = "A", append(table.Pools[0].PoolElements, ownedBy(rival, 1, "10.0.0.8"))
		table.Pools[1].PoolHandle, table.Pools[1].PoolElements = "B", append(table.Pools[1].PoolElements, ownedBy(rival, 2, "10.0.0.9"))
		s.enrp(103, table)
		require.EqualValues(t, rival, s.home("B", 2))
		require.Nil(t, has(t, s.lost(9), enrp.TypeHandleUpdate))
		require.EqualValues(t, rival, s.home("B", 2))
	}
}

// Without the rival, an element that goes is gone.
func TestTakeoverAfterThisOneByTheDead(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.abandon(102)
	s.connected(s.e.scope.lastID, 8, host("10.0.0.8"))
	s.in(8, ack("A", 1))
	s.join(lower, 103, "10.0.0.3")
	s.enrp(103, &enrp.InitTakeover{Header: from(lower), Target: higher})
	s.abandon(103)
	s.lost(8)
	require.Zero(t, s.home("A", 1))
}

// An element that has gone to the one with precedence, and does not answer here any more, is that one's.
func TestTakeoverAfterThisOneAndSilence(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.KeepAliveInterval, c.ENRP.MaxTimeLastHeard = 5*time.Second, time.Hour }).alone()
	s.join(higher, 102, "10.0.0.2")
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	s.abandon(102)
	s.connected(s.e.scope.lastID, 8, host("10.0.0.8"))
	s.in(8, ack("A", 1))
	s.join(lower, 103, "10.0.0.3")
	s.enrp(103, &enrp.InitTakeover{Header: from(lower), Target: higher})
	require.Nil(t, has(t, s.advance(15*time.Second), enrp.TypeHandleUpdate))
	require.EqualValues(t, lower, s.home("A", 1))
	require.Zero(t, s.e.assocs[8].elements)
}
