// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// quote is the beginning of a packet of ours with a Verification Tag.
func quote(a *Association, tag uint32, n int) []byte {
	h := wire.Header{SrcPort: a.localPort, DstPort: a.remotePort, Tag: tag}
	return append(h.Append(nil), make([]byte, 100)...)[:n]
}

// icmp gives A's stack an ICMP message.
func (p *pair) icmp(m ICMP) (found bool) {
	a := p.a.stack.RouteICMP(m)
	if a != nil {
		a.HandleICMP(p.now, m)
	}
	return a != nil
}

// "If the Verification Tag is not 0 and does not match, discard the ICMP message."
// RFC 9260, Section 10, ICMP6; "it MUST be discarded silently" RFC 6951, Section 5.5.
func TestICMPIsChecked(t *testing.T) {
	other := netip.MustParseAddrPort
	for _, tt := range []struct {
		name   string
		edit   func(a *Association, m *ICMP)
		found  bool
		counts bool
	}{
		{"right", func(*Association, *ICMP) {}, true, true},
		{"8 bytes", func(_ *Association, m *ICMP) { m.Data = m.Data[:8] }, true, true},
		{"7 bytes", func(_ *Association, m *ICMP) { m.Data = m.Data[:7] }, false, false},
		{"none", func(_ *Association, m *ICMP) { m.Data = nil }, false, false},
		{"wrong tag", func(a *Association, m *ICMP) { m.Data = quote(a, a.peerTag+1, 20) }, true, false},
		{"our tag", func(a *Association, m *ICMP) { m.Data = quote(a, a.myTag, 20) }, true, false},
		{"no tag", func(a *Association, m *ICMP) { m.Data = quote(a, 0, 20) }, true, false},
		{"wrong port", func(_ *Association, m *ICMP) { m.Data[0]++ }, false, false},
		{"other address", func(_ *Association, m *ICMP) { m.Remote = other("10.0.0.3:9899") }, false, false},
		{"other UDP port", func(_ *Association, m *ICMP) { m.Remote = other("10.0.0.2:9900") }, false, false},
		{"mapped address", func(_ *Association, m *ICMP) { m.Remote = other("[::ffff:10.0.0.2]:9899") }, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			a, _ := p.connect()
			m := ICMP{Remote: a.paths[0].remote, PortUnreachable: true, Data: quote(a, a.peerTag, 20)}
			tt.edit(a, &m)
			require.Equal(t, tt.found, p.icmp(m))
			want := PathActive
			if tt.counts {
				want = PathPotentiallyFailed
			}
			require.Equal(t, want, a.paths[0].state)
			require.Equal(t, tt.found && !tt.counts, a.stats.ICMPIgnored == 1)
			p.pump()
			require.Equal(t, PathActive, a.paths[0].state, "a HEARTBEAT has shown that it is not true")
			require.Equal(t, StateEstablished, a.state)
		})
	}
}

// However many come, an association that is established goes on, and data takes the
// other path at once.
func TestICMPEndsNothing(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	cut := map[byte]bool{0: true}
	p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	require.Empty(t, p.z.msgs)
	for range 100 {
		require.True(t, p.icmp(ICMP{Remote: a.paths[0].remote, PortUnreachable: true, Data: quote(a, a.peerTag, 20)}))
	}
	p.pump()
	require.Len(t, p.z.msgs, 1, "no timeout had to pass")
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state)
	require.Equal(t, 1, a.paths[0].errorCount)
	require.Zero(t, a.errorCount)
	for range 100 {
		require.True(t, p.icmp(ICMP{Remote: a.paths[1].remote, Data: quote(a, a.peerTag, 20)}))
	}
	require.Equal(t, StateEstablished, a.state)
	cut = nil
	p.run(5 * time.Second)
	require.Equal(t, PathActive, a.paths[0].state)
	require.Equal(t, PathActive, a.paths[1].state)
}

// Without the potentially failed state there is nothing that a hint could do.
func TestICMPWithoutPF(t *testing.T) {
	p := newPair(t, Config{PotentiallyFailedMaxRetrans: -1})
	a, _ := p.connect()
	require.True(t, p.icmp(ICMP{Remote: a.paths[0].remote, PortUnreachable: true, Data: quote(a, a.peerTag, 20)}))
	require.Equal(t, PathActive, a.paths[0].state)
	require.Zero(t, a.paths[0].errorCount)
}

// Packet Too Big starts a search (RFC 8899, Section 4.6.2).
func TestICMPTooBig(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	require.True(t, p.icmp(ICMP{Remote: a.paths[0].remote, MTU: 1400, Data: quote(a, a.peerTag+1, 20)}))
	require.Equal(t, 1500, a.paths[0].mtu)
	require.True(t, p.icmp(ICMP{Remote: a.paths[0].remote, MTU: 1400, Data: quote(a, a.peerTag, 20)}))
	require.Equal(t, 1280, a.paths[0].mtu)
	p.pump()
	require.Equal(t, 1400, a.paths[0].mtu, "a probe has shown it")
	require.Equal(t, PathActive, a.paths[0].state)
}

// "If it does contain an INIT chunk and the association is in the COOKIE-WAIT state,
// handle the ICMP message like an ABORT chunk." RFC 9260, Section 10, ICMP8; "the
// Initiate Tag matches the tag", ICMP6. With several addresses, once all have said so.
func TestICMPRefusesSetup(t *testing.T) {
	type sent struct {
		to   string
		data []byte
	}
	for _, remotes := range [][]string{{"10.0.0.2"}, {"10.0.0.2", "10.1.0.2"}} {
		p := newPair(t, Config{})
		a, err := p.a.stack.Associate(p.now, AssociateParams{Remote: addrs(remotes...), Port: 5000})
		require.NoError(t, err)
		p.a.assocs = append(p.a.assocs, a)
		var inits []sent
		p.a.filter = func(d Datagram) bool {
			inits = append(inits, sent{d.Local.Addr().String(), bytes.Clone(d.Data)})
			return false
		}
		p.pump()
		require.Len(t, inits, 1)
		unreachable := func(i int, n int, port bool) {
			require.True(t, p.icmp(ICMP{Remote: addrs(inits[i].to)[0], PortUnreachable: port, Data: inits[i].data[:n]}))
			p.pump()
		}
		forged := bytes.Clone(inits[0].data)
		forged[wire.HeaderLen+wire.ChunkHeaderLen]++
		require.True(t, p.icmp(ICMP{Remote: addrs(remotes[0])[0], PortUnreachable: true, Data: forged}))
		unreachable(0, 19, true)
		require.Equal(t, StateCookieWait, a.state, "too short to tell")
		require.Len(t, inits, 1)
		for i := range remotes {
			require.Equal(t, StateCookieWait, a.state)
			require.Equal(t, remotes[i], inits[i].to)
			unreachable(i, 20, true)
		}
		require.Equal(t, StateClosed, a.state)
		require.ErrorIs(t, a.Err(), ErrRefused)
		require.ErrorContains(t, a.Err(), "nobody has the peer's UDP port")
		var lost *LostError
		require.ErrorAs(t, a.Err(), &lost)
		require.False(t, lost.Timeout())
		require.Equal(t, start, p.now, "no time has passed")
	}
}

// A host that cannot be reached now may be soon: the next address is tried at once,
// and then everything goes on as if nothing had been said.
func TestICMPUnreachableHurriesSetup(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	a, err := p.a.stack.Associate(p.now, AssociateParams{Remote: addrs("10.0.0.2", "10.1.0.2"), Port: 5000})
	require.NoError(t, err)
	p.a.assocs = append(p.a.assocs, a)
	n := 0
	p.a.filter = func(d Datagram) bool {
		n++
		m := ICMP{Remote: d.Local, Data: bytes.Clone(d.Data[:20])}
		if n <= 2 {
			defer p.icmp(m)
		}
		return n > 2
	}
	p.pump()
	p.pump()
	require.Equal(t, 2, n, "both were tried")
	require.Equal(t, StateCookieWait, a.state)
	p.run(10 * time.Second)
	require.Equal(t, StateEstablished, a.state)
}
