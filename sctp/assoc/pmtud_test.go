// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// mtuPair is a pair whose first path carries IP packets of some size at most, both
// ways; data that is larger passes as if IP had fragmented it, if that is allowed.
type mtuPair struct {
	*pair
	test   *testing.T
	a      *Association
	limit  int
	frag   bool
	probes []int // sizes of the probes A sent, in bytes of IP packet
}

func newMTUPair(t *testing.T, cfg Config, limit int) *mtuPair {
	m := &mtuPair{pair: newPair(t, cfg), test: t, limit: limit}
	m.pair.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	m.z.stack.SetLocalAddrs(addrs("10.0.0.2"))
	m.a, _ = m.connect()
	m.pair.a.filter = func(d Datagram) bool {
		size := len(d.Data) + ipv4UDPOverIP
		isProbe := strings.HasPrefix(dump(d.Data), "HEARTBEAT info") && strings.Contains(dump(d.Data), "PAD")
		if isProbe {
			m.probes = append(m.probes, size)
		}
		return size <= m.limit || m.frag && !isProbe
	}
	return m
}

// carry has A send some data, and lets some time pass.
func (m *mtuPair) carry(bytes int, d time.Duration) {
	m.test.Helper()
	sendN(m.test, m.pair, m.a, 1, bytes)
	m.pump()
	m.run(d)
}

func (m *mtuPair) state() string { return fmt.Sprint(m.a.primary.mtu, " ", m.a.primary.pm.state) }

// "Probing can start directly after the PL handshake" (RFC 8899, Section 6.2.1.2),
// but no probe goes out on an association that sends little, or where there is
// nothing to find.
func TestNoUselessProbes(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cfg   Config
		mtus  map[netip.Addr]int
		bytes int
		want  uint64
		state string
	}{
		{"nothing sent", Config{MaxMTU: 9000}, nil, 0, 0, "1500 disabled"},
		{"a hundred kilobytes", Config{MaxMTU: 9000}, nil, 100_000, 0, "1500 disabled"},
		{"more", Config{MaxMTU: 9000}, nil, 200_000, 1, "9000 search complete"},
		{"interface not known", Config{}, nil, 200_000, 0, "1500 search complete"},
		{"Ethernet", Config{}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 1500}, 200_000, 0, "1500 search complete"},
		{"tunnel", Config{}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 1420}, 200_000, 0, "1420 search complete"},
		{"loopback", Config{}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 65535}, 200_000, 1, "65535 search complete"},
		{"interface bounds the configuration", Config{MaxMTU: 9000}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 4000}, 200_000, 1, "4000 search complete"},
		{"configuration bounds the interface", Config{MaxMTU: 9000}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 65535}, 200_000, 1, "9000 search complete"},
		{"off", Config{MaxMTU: -1}, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 65535}, 200_000, 0, "1500 disabled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, tt.cfg)
			p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
			p.z.stack.SetLocalAddrs(addrs("10.0.0.2"))
			p.a.stack.SetLocalMTUs(tt.mtus)
			a, _ := p.connect()
			if tt.bytes > 0 {
				sendN(t, p, a, 1, tt.bytes)
			}
			p.run(time.Hour)
			require.Equal(t, tt.want, a.Stats().MTUProbesSent)
			require.Equal(t, tt.state, fmt.Sprint(a.paths[0].mtu, " ", a.paths[0].pm.state))
			require.Equal(t, a.paths[0].pm.state, a.Paths(nil)[0].MTUState)
		})
	}
}

// "Probe packets consist of an SCTP common header followed by a HEARTBEAT chunk and
// a PAD chunk." RFC 8899, Section 6.2.1.2. A probe is as large as the size says,
// with the UDP header (Section 6.2.2.2), goes alone, and is not counted as loss.
func TestProbePacket(t *testing.T) {
	p := newPair(t, Config{MaxMTU: 9000})
	a, _ := p.connect()
	a.acked = searchAfter
	a.beginSearch(p.now, a.primary)
	var buf [65536]byte
	require.GreaterOrEqual(t, a.MaxPacketSize(), 8972)
	tx, ok := a.PollTransmit(p.now, buf[:1500:1500])
	require.False(t, ok, "no room: %+v", tx)
	tx, ok = a.PollTransmit(p.now, buf[:])
	require.True(t, ok)
	require.True(t, tx.Probe)
	require.False(t, tx.Oversize)
	require.Equal(t, 9000-28, tx.Len)
	require.True(t, wire.ChecksumOK(buf[:tx.Len]))
	require.Regexp(t, `^HEARTBEAT info=12 bytes; PAD len=\d+$`, dump(buf[:tx.Len]))
	_, ok = a.PollTransmit(p.now, buf[:])
	require.False(t, ok)
	errs, rto := a.primary.errorCount, a.primary.rto.rto
	p.run(20 * time.Second)
	require.Equal(t, errs, a.primary.errorCount)
	require.Equal(t, rto, a.primary.rto.rto)
}

// The search: the largest size first, then common ones between what passes and what
// does not, each MAX_PROBES times, with PROBE_TIMER between them.
func TestSearch(t *testing.T) {
	for _, tt := range []struct{ limit, most, want int }{
		{9000, 9000, 9000}, {1500, 9000, 1500}, {8999, 9000, 8950}, {4400, 9000, 4352}, {2000, 9000, 1500},
		{65535, 65535, 65535}, {16384, 65535, 16384},
	} {
		m := newMTUPair(t, Config{MaxMTU: tt.most}, tt.limit)
		m.carry(200_000, 9*time.Minute)
		require.Equal(t, fmt.Sprint(tt.want, " ", MTUSearchComplete), m.state(), "%+v", tt)
		require.LessOrEqual(t, len(m.probes), 15, "%v", m.probes)
		require.Zero(t, m.a.errorCount)
		require.Zero(t, m.a.stats.T3Expirations, "data is never larger than what passes")
		n := len(m.probes)
		m.limit = tt.most
		m.carry(10_000, 5*time.Minute)
		m.carry(10_000, 6*time.Minute)
		require.Equal(t, fmt.Sprint(tt.most, " ", MTUSearchComplete), m.state(), "PMTU_RAISE_TIMER: %+v", tt)
		if tt.want < tt.most {
			require.Len(t, m.probes, n+1)
			m.carry(10_000, time.Hour)
			require.Len(t, m.probes, n+1, "nothing is left to be found")
		}
	}
}

// Section 5.1.1: "DPLPMTUD MAY inhibit sending probe packets when no application
// data has been sent since the previous probe packet."
func TestIdleAssociationsAreNotProbed(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 1500)
	m.carry(200_000, 9*time.Minute)
	n := len(m.probes)
	require.NotZero(t, n)
	m.run(5 * time.Hour)
	require.Len(t, m.probes, n)
	m.carry(100, 11*time.Minute)
	require.Greater(t, len(m.probes), n)
}

// "the interval between individual probe packets MUST be at least one RTT"; a lost
// probe is tried MAX_PROBES times.
func TestLostProbes(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 1500)
	m.carry(200_000, 15*time.Second)
	require.Equal(t, []int{9000}, m.probes)
	m.limit = 9000
	m.run(2 * time.Second)
	require.Equal(t, []int{9000, 9000}, m.probes, "PROBE_TIMER")
	require.Equal(t, "9000 search complete", m.state())
}

// A path whose MTU falls without a word: "the PLPMTU is reduced to the BASE_PLPMTU"
// and the search finds what passes. Data goes on meanwhile.
func TestBlackHoleIsFoundAndLeft(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 9000)
	m.frag = true
	m.carry(200_000, time.Minute)
	require.Equal(t, "9000 search complete", m.state())
	m.limit, m.frag = 1400, false
	sendN(t, m.pair, m.a, 1, 100_000)
	for i := 0; m.a.primary.mtu != baseMTU; i++ {
		require.Less(t, i, 100, m.state())
		m.run(100 * time.Millisecond)
	}
	m.frag = true // what was cut before has no DF any more
	m.run(30 * time.Second)
	require.Len(t, m.z.msgs, 2)
	m.run(8 * time.Minute)
	require.Equal(t, "1400 search complete", m.state())
	m.frag = false
	n := m.a.stats.T3Expirations
	m.carry(100_000, time.Minute)
	require.Len(t, m.z.msgs, 3)
	require.Equal(t, n, m.a.stats.T3Expirations, "nothing is larger than what passes")
}

// "If the Base Phase fails to confirm the BASE_PLPMTU, DPLPMTUD enters the Error
// Phase", which is left once the base size passes again.
func TestErrorState(t *testing.T) {
	m := newMTUPair(t, Config{}, 1000)
	m.carry(10_000, 5*time.Second)
	for i := 0; m.a.primary.mtu != minMTU; i++ {
		require.Less(t, i, 100, m.state())
		if m.a.primary.mtu == baseMTU {
			m.frag = true
		}
		m.run(time.Second)
	}
	require.Equal(t, "576 error", m.state())
	m.frag = false
	m.carry(10_000, time.Minute)
	require.Len(t, m.z.msgs, 2)
	m.limit = 1500
	m.run(time.Minute)
	require.Equal(t, "1500 search complete", m.state())
}

// The host refuses what is larger than its interface carries.
func TestHostRefuses(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 9000)
	m.a.acked = searchAfter
	begin := func() *path {
		m.a.primary.pm.disable()
		m.a.beginSearch(m.now, m.a.primary)
		var buf [65536]byte
		tx, ok := m.a.PollTransmit(m.now, buf[:])
		require.True(t, ok && tx.Probe)
		return m.a.primary
	}
	p := begin()
	refused := func() int { return p.maxPacket() }
	m.a.HandleMTUError(m.now, p.remote, refused(), 4352)
	require.Equal(t, 1500, p.mtu, "only the probe was refused")
	require.Equal(t, 4352, p.pm.size)
	p = begin()
	m.a.HandleMTUError(m.now, p.remote, refused(), 0)
	require.Equal(t, 1500, p.mtu)
	require.Less(t, p.pm.size, 9000)
	p = begin()
	m.a.HandleMTUError(m.now, p.remote, refused(), 1400)
	require.Equal(t, 1400, p.mtu, "data would be, too")
	m.a.HandleMTUError(m.now, p.remote, 1472, 1400)
	m.a.HandleMTUError(m.now, p.remote, 1472, 0)
	require.Equal(t, 1400, p.mtu, "what had been cut before says nothing new")
	m.a.HandleMTUError(m.now, p.remote, refused(), 100)
	require.Equal(t, 1224, p.mtu, "no such MTU: somewhat less")
	for range 20 {
		m.a.HandleMTUError(m.now, p.remote, refused(), 0)
	}
	m.a.HandleMTUError(m.now, netip.MustParseAddrPort("192.0.2.1:9899"), 1000, 600)
	require.Equal(t, minMTU, p.mtu)
}

// RFC 8899, Section 4.6.2: PTB messages "MAY be utilized by the DPLPMTUD algorithm
// but MUST NOT be used directly to set the PLPMTU."
func TestPacketTooBig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		mtu    int // the path's
		probed int // 0: none is out
		ptb    int
		want   string
		probe  int // what is probed then
	}{
		{"below the least", 1500, 0, 500, "1500 search complete", 0},
		{"below the base", 1500, 0, 1000, "1280 base", 1280},
		{"the base", 1500, 0, 1280, "1280 search complete", 0},
		{"below the MTU", 9000, 0, 1400, "1280 searching", 1400},
		{"the MTU, nothing probed", 1500, 0, 1500, "1500 search complete", 0},
		{"between MTU and probe", 1500, 9000, 4000, "1500 searching", 4000},
		{"the MTU", 1500, 9000, 1500, "1500 search complete", 0},
		{"the probe", 1500, 9000, 9000, "1500 searching", 9000},
		{"above the probe", 1500, 9000, 10000, "1500 searching", 9000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMTUPair(t, Config{MaxMTU: 9000}, 65535)
			p := m.a.primary
			p.setMTU(tt.mtu)
			p.pm.state = MTUSearchComplete
			if tt.probed > 0 {
				p.pm.state = MTUSearching
				p.pm.probe(tt.probed)
				p.pm.due, p.pm.out = false, true
			}
			m.a.handlePacketTooBig(m.now, p, tt.ptb)
			require.Equal(t, tt.want, m.state())
			if tt.probe != 0 {
				require.Equal(t, tt.probe, p.pm.size)
			} else {
				require.False(t, p.pm.due || p.pm.out)
			}
		})
	}
	m := newMTUPair(t, Config{MaxMTU: -1}, 65535)
	m.a.handlePacketTooBig(m.now, m.a.primary, 1400)
	require.Equal(t, "1500 disabled", m.state())
}

// A path that fails is not probed; one that comes back is.
func TestProbingFollowsThePath(t *testing.T) {
	p := newPair(t, Config{MaxMTU: 9000, PathMaxRetrans: 1, HeartbeatInterval: 5 * time.Second})
	a, _ := p.connect()
	cut := map[byte]bool{1: true}
	p.sentTo(func() map[byte]bool { return cut })
	p.run(time.Minute)
	require.Equal(t, PathInactive, a.paths[1].state)
	sendN(t, p, a, 1, 200_000)
	p.run(time.Second)
	require.Equal(t, 9000, a.paths[0].mtu)
	require.Equal(t, MTUDisabled, a.paths[1].pm.state)
	require.Equal(t, 1472-wire.HeaderLen, a.amdcs(), "the least of all paths")
	cut = nil
	p.run(time.Minute)
	require.Equal(t, 9000, a.paths[1].mtu)
	require.Equal(t, 9000-28-wire.HeaderLen, a.amdcs())
	cut = map[byte]bool{1: true}
	p.run(time.Minute)
	require.Equal(t, MTUDisabled, a.paths[1].pm.state)
	require.True(t, a.paths[1].pm.timer.IsZero())
}

// A shutdown ends the discovery: HEARTBEATs are "discontinued after sending either a
// SHUTDOWN chunk or SHUTDOWN ACK chunk" (RFC 9260, Section 8.3).
func TestNoProbesWhileShuttingDown(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 1500)
	m.carry(200_000, time.Second)
	require.Equal(t, "1500 searching", m.state())
	n := len(m.probes)
	m.z.filter = func(d Datagram) bool { return !strings.HasPrefix(dump(d.Data), "SHUTDOWN") }
	m.a.Shutdown(m.now)
	m.run(3 * time.Minute)
	require.Len(t, m.probes, n)
}

// A HEARTBEAT ACK that does not carry the probe's nonce confirms nothing.
func TestForgedProbeAck(t *testing.T) {
	m := newMTUPair(t, Config{MaxMTU: 9000}, 1500)
	m.carry(200_000, time.Second)
	require.Equal(t, "1500 searching", m.state())
	p := m.a.primary
	ack := appendHeartbeatInfo(nil, p.index, p.pm.nonce+1)
	ack[0] = byte(wire.ChunkHeartbeatAck)
	m.inject(m.pair.a, m.a, ack)
	require.Equal(t, 1500, p.mtu)
	ack = appendHeartbeatInfo(nil, p.index, p.pm.nonce)
	ack[0] = byte(wire.ChunkHeartbeatAck)
	m.inject(m.pair.a, m.a, ack)
	require.Equal(t, 9000, p.mtu)
	m.inject(m.pair.a, m.a, ack)
	require.Equal(t, "9000 search complete", m.state())
}
