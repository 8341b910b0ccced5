// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A window is spread over half of the round trip in slow start, and the time
// of the next packets is a deadline.
func TestPacing(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true, HeartbeatInterval: -1})
	a.primary.rto.srtt, a.primary.rto.least = 100*time.Millisecond, 100*time.Millisecond
	a.primary.cc.cwnd = 1 << 20
	sendN(t, p, a, 1000, 1444)
	sent, bursts, most := 0, 0, 0
	begin := p.now
	for {
		n := 0
		p.a.filter = func(Datagram) bool { n++; return false }
		p.flush(p.a)
		sent += n
		bursts++
		most = max(most, n)
		if sent >= 718 { // 1 MiB
			break
		}
		at, ok := a.Deadline()
		require.True(t, ok)
		p.now = at
		a.HandleTimeout(p.now)
	}
	took := p.now.Sub(begin)
	require.InDelta(t, 50*time.Millisecond, took, float64(5*time.Millisecond))
	require.LessOrEqual(t, most, 30, "2 ms at 21 MB/s are 29 packets")
	require.GreaterOrEqual(t, bursts, 20)
}

// Short round trips, and what is not much, are not paced.
func TestNotPaced(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true, MaxBurst: -1})
	a.primary.rto.srtt, a.primary.rto.least = time.Millisecond, time.Millisecond
	a.primary.cc.cwnd = 1 << 20
	sendN(t, p, a, 500, 1444)
	n := 0
	p.a.filter = func(Datagram) bool { n++; return true }
	p.flush(p.a)
	require.Equal(t, 500, n)

	p, a, _ = lossy(t, Config{NoNagle: true})
	a.primary.rto.srtt, a.primary.rto.least = time.Second, time.Second
	a.primary.cc.cwnd = 1 << 20
	sendN(t, p, a, 4, 1444)
	n = 0
	p.a.filter = func(Datagram) bool { n++; return true }
	p.flush(p.a)
	require.Equal(t, 4, n)
}

// What was sent while the path was not paced is no debt.
func TestPacingHasNoDebt(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true, HeartbeatInterval: -1, MaxBurst: -1})
	path := a.primary
	path.rto.srtt, path.rto.least = time.Millisecond, time.Millisecond
	path.cc.cwnd = 64 << 20
	for range 10 {
		sendN(t, p, a, 2000, 1444)
		p.pump()
	}
	path.rto.srtt, path.rto.least = 10*time.Millisecond, 10*time.Millisecond
	path.cc.cwnd, path.cc.ssthresh = 100_000, 100_000
	path.pace.credit, path.pace.at = -1<<30, p.now
	sendN(t, p, a, 1, 1444)
	require.False(t, p.flush(p.a))
	at, ok := a.Deadline()
	require.True(t, ok)
	require.LessOrEqual(t, at.Sub(p.now), 10*time.Millisecond)
}

// However often the association is asked, as when much is received meanwhile, a slow
// path sends at its rate: parts of a byte are not lost.
func TestPacingAskedOften(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true, HeartbeatInterval: -1})
	path := a.primary
	path.rto.srtt, path.rto.least = time.Second, time.Second
	path.cc.cwnd, path.cc.ssthresh = 20*1452, 1000 // 36 kB/s
	sendN(t, p, a, 40, 1400)
	sent := 0
	p.a.filter = func(Datagram) bool { sent++; return false }
	p.flush(p.a)
	require.Less(t, sent, 20)
	for range 25_000 {
		p.now = p.now.Add(20 * time.Microsecond)
		a.HandleTimeout(p.now)
		p.flush(p.a)
	}
	require.InDelta(t, 4+12, sent, 2, "half a second")
}
