// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A hystartRun is a path with as many samples of one RTT in each round.
type hystartRun struct {
	hystart
	tsn wire.TSN
}

func (r *hystartRun) round(samples int, rtt time.Duration) (over bool) {
	over = r.onAck(r.tsn, r.tsn.Add(100))
	r.tsn = r.tsn.Add(100)
	for range samples {
		r.measure(rtt)
	}
	return over
}

const ms = time.Millisecond

// RFC 9406, Section 4.2.
func TestHystart(t *testing.T) {
	var r hystartRun
	require.False(t, r.round(8, 20*ms))
	require.False(t, r.round(8, 23*ms))
	require.Zero(t, r.rounds, "3 ms are less than 4 ms")
	require.False(t, r.round(7, 30*ms))
	require.Zero(t, r.rounds, "7 samples are too few")
	r.measure(30 * ms)
	require.Equal(t, 1, r.rounds)
	for range 4 {
		require.False(t, r.round(8, 40*ms))
	}
	require.True(t, r.round(8, 40*ms), "after five rounds")
}

func TestHystartGoesOn(t *testing.T) {
	var r hystartRun
	r.round(8, 20*ms)
	r.round(8, 40*ms)
	require.Equal(t, 1, r.rounds)
	r.round(7, 39*ms)
	require.Equal(t, 2, r.rounds)
	r.measure(39 * ms)
	require.Zero(t, r.rounds, "the RTT has become shorter again")
	require.False(t, r.round(8, 39*ms))
}

// The threshold is an eighth of the RTT, within 4 and 16 ms.
func TestHystartThreshold(t *testing.T) {
	for _, tt := range []struct{ rtt, more time.Duration }{{8 * ms, 4 * ms}, {80 * ms, 10 * ms}, {800 * ms, 16 * ms}} {
		var r hystartRun
		r.round(8, tt.rtt)
		r.round(8, tt.rtt+tt.more-1)
		require.Zero(t, r.rounds)
		r = hystartRun{}
		r.round(8, tt.rtt)
		r.round(8, tt.rtt+tt.more)
		require.Equal(t, 1, r.rounds)
	}
}

// The TSNs of before a reset of the association say nothing of when a round is over.
func TestHystartAfterAssociationReset(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true})
	p.a.filter = nil
	sendN(t, p, a, 50, 1000)
	p.pump()
	p.run(time.Second)
	require.True(t, a.primary.cc.hystart.begun)
	require.NoError(t, a.ResetAssociation(p.now))
	p.pump()
	p.run(time.Second)
	sendN(t, p, a, 50, 1000)
	p.pump()
	p.run(time.Second)
	if h := &a.primary.cc.hystart; h.begun {
		require.Less(t, int(h.end.Diff(a.out.cumAck)), 1000)
		require.Greater(t, int(h.end.Diff(a.out.cumAck)), -1000)
	}
}
