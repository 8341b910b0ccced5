// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

func ecnPair(t *testing.T, a, z bool) *pair {
	p := newPair(t, Config{ECN: a})
	if a != z {
		other := newPair(t, Config{ECN: z})
		p.z.stack = other.z.stack
	}
	return p
}

// "To indicate that an endpoint is ECN capable an endpoint SHOULD add to the INIT and
// or INIT ACK chunk the TLV reserved for ECN." RFC 2960, Appendix A. Packets may be
// marked if both sides have.
func TestECNNegotiation(t *testing.T) {
	for _, tt := range []struct{ a, z, want bool }{{true, true, true}, {true, false, false}, {false, true, false}, {false, false, false}} {
		p := ecnPair(t, tt.a, tt.z)
		a, z := p.connect()
		require.Equal(t, tt.want, a.ext.has(extECN))
		require.Equal(t, tt.want, z.ext.has(extECN))
		ect := 0
		p.a.mark = func(Datagram) bool { ect++; return false }
		sendN(t, p, a, 10, 1000)
		p.run(time.Second)
		require.Equal(t, tt.want, ect > 0, "%+v", tt)
	}
	p := ecnPair(t, true, true)
	p.a.stack.DisableECN()
	a, _ := p.connect()
	require.False(t, a.ext.has(extECN))
}

// A mark is echoed with each SACK until CWR has come; the window is halved once.
func TestECNReducesTheWindowOnce(t *testing.T) {
	p := ecnPair(t, true, true)
	a, z := p.connect()
	a.primary.cc.cwnd, a.primary.cc.ssthresh = 60_000, 60_000
	var fromA, fromZ []string
	marks := 3
	p.a.mark = func(Datagram) bool { marks--; return marks >= 0 }
	p.a.filter = func(d Datagram) bool { fromA = append(fromA, dump(d.Data)); return true }
	p.z.filter = func(d Datagram) bool { fromZ = append(fromZ, dump(d.Data)); return true }
	sendN(t, p, a, 1, 50_000)
	p.run(time.Second)
	require.Len(t, p.z.msgs, 1)
	require.Equal(t, 30_000, a.primary.cc.ssthresh)
	require.LessOrEqual(t, a.primary.cc.cwnd, 33_000)
	require.Zero(t, a.stats.Retransmissions)
	require.NotZero(t, a.stats.ECNEsReceived)
	require.False(t, z.ecn.echo, "CWR has come")
	echoed, answered := strings.Join(fromZ, "\n"), strings.Join(fromA, "\n")
	require.Contains(t, echoed, "ECNE")
	require.Contains(t, answered, "CWR")
	sent := z.stats.ECNEsSent
	sendN(t, p, a, 1, 50_000)
	p.run(time.Second)
	require.Equal(t, sent, z.stats.ECNEsSent)
	marks = 1
	sendN(t, p, a, 1, 50_000)
	p.run(time.Second)
	require.Less(t, a.primary.cc.ssthresh, 30_000, "a mark of what was sent after it counts again")
}

// CWR or ECNE may be lost: the echo goes on, and is answered again.
func TestECNSurvivesLoss(t *testing.T) {
	for _, lost := range []string{"CWR", "ECNE"} {
		p := ecnPair(t, true, true)
		a, z := p.connect()
		left := 2
		drop := func(d Datagram) bool {
			if left > 0 && strings.Contains(dump(d.Data), lost+" ") {
				left--
				return false
			}
			return true
		}
		p.a.filter, p.z.filter = drop, drop
		marked := false
		p.a.mark = func(Datagram) bool { m := !marked; marked = true; return m }
		for range 20 {
			sendN(t, p, a, 1, 5000)
			p.run(300 * time.Millisecond)
		}
		p.run(10 * time.Second)
		require.Zero(t, left)
		require.Len(t, p.z.msgs, 20)
		require.False(t, z.ecn.echo)
		require.NotZero(t, a.stats.ECNEsReceived)
	}
}

// What may not be marked: acknowledgements, HEARTBEATs, retransmissions, and
// everything on a path where a timeout was not followed by an acknowledgement.
func TestECT(t *testing.T) {
	p := ecnPair(t, true, true)
	a, _ := p.connect()
	isData := func(d Datagram) bool {
		require.Contains(t, dump(d.Data), "DATA")
		return false
	}
	ect := 0
	p.a.mark = func(d Datagram) bool { ect++; return isData(d) }
	p.z.mark = isData
	sendN(t, p, a, 1, 10_000)
	p.run(time.Minute)
	require.NotZero(t, ect)
	p.a.filter = func(Datagram) bool { return false }
	sendN(t, p, a, 1, 1000)
	p.pump()
	n := ect
	p.run(30 * time.Second)
	sendN(t, p, a, 1, 1000)
	p.run(time.Second)
	require.Equal(t, n, ect)
	p.a.filter = nil
	p.run(time.Minute)
	require.Len(t, p.z.msgs, 3)
	sendN(t, p, a, 1, 1000)
	p.pump()
	require.Greater(t, ect, n)
}

// ECNE for what was never sent changes nothing; without ECN both chunks are unknown.
func TestECNChecks(t *testing.T) {
	for _, ecn := range []bool{false, true} {
		p := ecnPair(t, ecn, ecn)
		a, _ := p.connect()
		sendN(t, p, a, 1, 10_000)
		p.run(time.Second)
		cwnd := a.primary.cc.cwnd
		for _, tsn := range []wire.TSN{a.out.next, a.out.next.Add(1 << 20), a.out.next.Add(1 << 31), a.out.next.Add(^uint32(0) - 1<<17)} {
			p.inject(p.a, a, wire.AppendECNE(nil, tsn))
			p.inject(p.a, a, wire.AppendCWR(nil, tsn))
		}
		p.inject(p.a, a, wire.AppendChunk(nil, wire.ChunkECNE, 0, nil))
		p.inject(p.a, a, wire.AppendChunk(nil, wire.ChunkCWR, 0, []byte{1}))
		require.Equal(t, cwnd, a.primary.cc.cwnd)
		require.Equal(t, StateEstablished, a.state)
		require.Zero(t, a.stats.ECNEsReceived)
		answers := p.inject(p.a, a, wire.AppendECNE(nil, a.out.cumAck))
		if ecn {
			require.Less(t, a.primary.cc.cwnd, cwnd+1)
			require.Contains(t, strings.Join(answers, "\n"), "CWR")
			require.EqualValues(t, 1, a.stats.ECNEsReceived)
		} else {
			require.Empty(t, answers)
			require.Equal(t, cwnd, a.primary.cc.cwnd)
		}
	}
}
