// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cutPath drops everything between 10.n.0.1 and 10.n.0.2, both ways.
func (p *pair) cutPath(n byte) {
	f := func(d Datagram) bool { return d.Local.Addr().As4()[1] != n }
	p.a.filter, p.z.filter = f, f
}

func (p *pair) joinPaths() { p.a.filter, p.z.filter = nil, nil }

// RFC 9260, Sections 6.4 and 8.2: what timed out goes to the other address,
// the path becomes inactive after Path.Max.Retrans, data follows, and comes
// back with the HEARTBEAT ACK.
func TestPathFailureAndReturn(t *testing.T) {
	p := newPair(t, Config{PathMaxRetrans: 2, HeartbeatInterval: 5 * time.Second})
	tr := newTranscript(p)
	a, _ := p.connect()
	p.cutPath(0)
	tr.note("the primary path is cut")
	sent := 0
	for range 12 {
		sendN(t, p, a, 1, 50)
		sent++
		p.run(time.Second)
	}
	require.Equal(t, PathInactive, a.paths[0].state)
	require.Equal(t, a.paths[1], a.dataPath())
	ev, ok := lastEvent[EventPathChange](p.a.events)
	require.True(t, ok)
	require.Equal(t, PathInactive, ev.State)
	require.True(t, ev.Primary)
	require.Len(t, p.z.msgs, sent, "nothing is lost")
	p.joinPaths()
	tr.note("and joined again")
	p.run(40 * time.Second)
	require.Equal(t, PathActive, a.paths[0].state)
	require.Equal(t, a.paths[0], a.dataPath(), "the primary path is used again")
	require.Zero(t, a.errorCount)
	tr.check(t)
}

// "Furthermore, when its peer is multi-homed, an endpoint SHOULD try to
// retransmit a chunk that timed out to an active destination transport address
// that is different from the last destination address to which the chunk was
// sent." RFC 9260, Section 6.4.
func TestT3RTXRetransmitsOnAlternatePath(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	p.cutPath(0)
	sendN(t, p, a, 1, 50)
	p.pump()
	var to []netip.Addr
	cut := p.a.filter
	p.a.filter = func(d Datagram) bool { to = append(to, d.Local.Addr()); return cut(d) }
	p.run(1100 * time.Millisecond)
	require.Len(t, p.z.msgs, 1)
	require.Equal(t, "10.0.0.2", to[0].String(), "a HEARTBEAT: the path is potentially failed")
	require.Equal(t, "10.1.0.2", to[1].String())
}

// "An endpoint MUST NOT send any chunks to an UNCONFIRMED address" but those
// that probe it. RFC 9260, Section 5.4.
func TestUnconfirmedPathCarriesNoData(t *testing.T) {
	p := newPair(t, Config{PathMaxRetrans: 1})
	p.cutPath(1)
	a, _ := p.connect()
	require.Equal(t, PathUnconfirmed, a.paths[1].state)
	require.Error(t, a.SetPrimary(a.paths[1].remote.Addr()))
	cut := p.a.filter
	p.a.filter = func(d Datagram) bool {
		if d.Local.Addr().String() == "10.1.0.2" {
			require.Regexp(t, "^HEARTBEAT( ACK)? ", dump(d.Data))
		}
		return cut(d)
	}
	sendN(t, p, a, 20, 1000)
	p.run(3 * time.Minute)
	require.Equal(t, PathUnconfirmed, a.paths[1].state)
	require.Len(t, p.z.msgs, 20)
	require.Zero(t, a.errorCount, "probing does not count against the association")
	p.joinPaths()
	p.run(3 * time.Minute)
	require.Equal(t, PathActive, a.paths[1].state, "probing goes on at the HEARTBEAT rate")
}

func TestSetPrimary(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	require.ErrorIs(t, a.SetPrimary(netip.MustParseAddr("192.0.2.1")), ErrNoSuchPath)
	require.NoError(t, a.SetPrimary(netip.MustParseAddr("10.1.0.2")))
	var to []string
	p.a.filter = func(d Datagram) bool { to = append(to, d.Local.Addr().String()); return true }
	sendN(t, p, a, 1, 10)
	p.pump()
	require.Equal(t, []string{"10.1.0.2"}, to)
	require.Len(t, p.z.msgs, 1)
}

// RFC 9260, Section 8.1: unanswered HEARTBEATs on the path in use end an idle
// association whose peer has vanished.
func TestIdlePeerVanishes(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: 5 * time.Second, AssociationMaxRetrans: 4})
	a, _ := p.connect()
	p.a.filter = func(Datagram) bool { return false }
	p.run(10 * time.Minute)
	require.Equal(t, StateClosed, a.State())
	require.ErrorContains(t, a.Err(), "unreachable")
}

func TestHeartbeatsOff(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: -1})
	a, z := p.connect()
	for _, x := range []*Association{a, z} {
		require.Equal(t, PathActive, x.paths[1].state, "paths are confirmed all the same")
	}
	n := a.Stats().HeartbeatsSent
	p.run(time.Hour)
	require.Equal(t, n, a.Stats().HeartbeatsSent)
	require.NoError(t, a.RequestHeartbeat(p.now, a.paths[1].remote.Addr()))
	p.pump()
	require.Equal(t, n+1, a.Stats().HeartbeatsSent)
}

// A HEARTBEAT ACK counts only with the nonce that was sent to the address it
// names. RFC 9260, Section 5.4.
func TestHeartbeatNonce(t *testing.T) {
	p := newPair(t, Config{})
	p.cutPath(1)
	a, _ := p.connect()
	forged := *a.paths[1]
	forged.hb.nonce++
	chunk := forged.appendHeartbeat(nil)
	chunk[0] = 5 // HEARTBEAT ACK
	p.inject(p.a, a, chunk)
	require.Equal(t, PathUnconfirmed, a.paths[1].state)
	chunk = a.paths[1].appendHeartbeat(nil)
	chunk[0] = 5
	p.inject(p.a, a, chunk)
	require.Equal(t, PathActive, a.paths[1].state)
	require.Equal(t, PathActive, a.paths[0].state)
}

// RFC 6951, Section 5.4: the UDP port of a path follows the peer's packets,
// after the verification tag has been checked.
func TestPortIsLearnedAfterTagCheck(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	moved := netip.MustParseAddrPort("10.0.0.1:40000")
	d := p.packetTo(p.z, z, z.myTag+1, data(z, 1, whole))
	d.Remote = moved
	p.injectRaw(p.z, d)
	require.EqualValues(t, 9899, z.paths[0].remote.Port(), "a packet with a wrong tag moves nothing")
	d = p.packetTo(p.z, z, z.myTag, data(z, 1, whole))
	d.Remote = moved
	p.injectRaw(p.z, d)
	require.EqualValues(t, 40000, z.paths[0].remote.Port())
	require.EqualValues(t, 9899, z.paths[1].remote.Port(), "per path")
	_ = a
}

// A path that does not answer is tried from other local addresses.
func TestSourceAddressRotates(t *testing.T) {
	p := newPair(t, Config{PathMaxRetrans: 1, HeartbeatInterval: time.Second, RTOMax: 2 * time.Second})
	a, _ := p.connect()
	p.a.filter = func(d Datagram) bool { return d.Local != a.paths[1].remote || d.Remote.Addr().String() != "10.1.0.1" }
	p.z.filter = func(d Datagram) bool {
		return d.Remote.Addr().String() != "10.1.0.2" || d.Local.Addr().String() != "10.1.0.1"
	}
	p.run(time.Minute)
	require.Equal(t, PathActive, a.paths[1].state)
	require.Equal(t, "10.0.0.1", a.paths[1].local.Addr().String())
}

func TestSourceFor(t *testing.T) {
	for _, tt := range []struct{ dst, better, worse string }{
		{"127.0.0.1", "127.0.0.1", "10.0.0.1"},
		{"10.0.0.2", "10.0.0.1", "127.0.0.1"},
		{"10.1.0.2", "10.1.0.1", "10.2.0.1"},
		{"192.0.2.1", "198.51.100.1", "192.168.0.1"},
		{"2001:db8::2", "2001:db8::1", "fd00::1"},
		{"2001:db8::2", "::1", "10.0.0.1"},
	} {
		for _, local := range [][]string{{tt.better, tt.worse}, {tt.worse, tt.better}} {
			var l []netip.AddrPort
			for _, a := range local {
				l = append(l, netip.AddrPortFrom(netip.MustParseAddr(a), 9899))
			}
			got, ok := sourceFor(l, netip.MustParseAddr(tt.dst))
			require.True(t, ok)
			require.Equal(t, tt.better, got.Addr().String(), tt.dst)
		}
	}
	_, ok := sourceFor(addrs("10.0.0.1"), netip.MustParseAddr("2001:db8::2"))
	require.False(t, ok)
}

// "a HEARTBEAT chunk is RECOMMENDED to be sent once per RTO of that destination
// address plus the protocol parameter 'HB.interval', with jittering of +/- 50% of
// the RTO value and exponential backoff of the RTO if the previous HEARTBEAT chunk
// is unanswered." RFC 9260, Section 8.3: the time waited for the answer is part of
// the period.
func TestUnansweredHeartbeatPeriod(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	p.cutPath(0)
	var at []time.Time
	cut := p.a.filter
	p.a.filter = func(d Datagram) bool {
		if d.Local.Addr() == a.paths[0].remote.Addr() {
			at = append(at, p.now)
		}
		return cut(d)
	}
	p.run(20 * time.Minute)
	require.Equal(t, PathInactive, a.paths[0].state)
	require.Greater(t, len(at), 10)
	for i := len(at) - 4; i < len(at); i++ {
		d := at[i].Sub(at[i-1])
		require.GreaterOrEqual(t, d, 60*time.Second)
		require.LessOrEqual(t, d, 121*time.Second)
	}
}
