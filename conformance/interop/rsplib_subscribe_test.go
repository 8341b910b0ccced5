// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
)

// poolIs waits until a subscription tells that a pool has these elements, and returns the last state.
func (r *rsplibRig) poolIs(s *pool.Subscription, limit time.Duration, ids ...uint32) (state pool.PoolState) {
	r.t.Helper()
	ctx := r.ctx(limit)
	for {
		var err error
		state, err = s.Next(ctx)
		require.NoError(r.t, err, "want %x; it was %v", ids, state)
		var got []uint32
		for _, e := range state.Elements {
			got = append(got, e.ID)
		}
		if len(got) == len(ids) && (len(ids) == 0 || got[0] == ids[0] && got[len(got)-1] == ids[len(ids)-1]) {
			return state
		}
	}
}

// RSPLIB's registrar takes a request for updates (RFC 5352, Section 2.2.5: the S bit) for an ordinary one. It is asked again
// and again, and so the subscription tells what becomes of the pool all the same.
func TestSubscriptionAtRSPLIB(t *testing.T) {
	r := newRSPLIBRig(t)
	n := r.lab.Node(t, 2, "exec rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863,10.45.0.2 -enrp=10.44.0.2:9901,10.45.0.2"+rsplibLog)
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	s, err := r.clientAt("10.44.0.2,10.45.0.2:3863").Subscribe("EchoPool")
	require.NoError(t, err)
	require.ErrorIs(t, r.poolIs(s, rsplibSoon).Err, pool.ErrPoolNotFound)
	first := r.serveAt(&pool.Server{Handle: "EchoPool", ID: 0xa1, Handler: pool.Echo}, "10.44.0.2,10.45.0.2:3863")
	require.False(t, r.poolIs(s, rsplibSoon, 0xa1).Pushed)
	rsplibEchoAt(r, 3, 0xa3, "10.44.0.2:3863")
	require.False(t, r.poolIs(s, rsplibBoot, 0xa1, 0xa3).Pushed)
	first.stop()
	r.poolIs(s, rsplibSoon, 0xa3)
	require.NoError(t, s.Close())
	r.finish()
}

// Our registrar tells subscribers at once what becomes of a pool of RSPLIB's elements. To RSPLIB's element and user, which
// have not asked for that, and end an association over which they are told, it tells nothing but what they ask.
func TestSubscriptionToRSPLIBsElements(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	s, err := r.client().Subscribe("EchoPool")
	require.NoError(t, err)
	require.ErrorIs(t, r.poolIs(s, rsplibSoon).Err, pool.ErrPoolNotFound)
	rsplibEchoAt(r, 2, 0xa2)
	require.True(t, r.poolIs(s, rsplibBoot, 0xa2).Pushed)
	user := rsplibTerminals(r, 4, "EchoPool")
	user.WaitUp(r.ctx(rsplibBoot))
	user.Input("go")
	user.Input("echo 'hello' >&3")
	user.WaitLine(r.ctx(rsplibSoon), `from PE \$000000a2> hello`)
	for range 3 {
		other := r.serve(&pool.Server{Handle: "EchoPool", ID: 0xa9, Handler: pool.Echo})
		require.True(t, r.poolIs(s, rsplibSoon, 0xa2, 0xa9).Pushed)
		asked := time.Now()
		other.stop()
		r.poolIs(s, rsplibSoon, 0xa2)
		require.Less(t, time.Since(asked), 3*time.Second, "it is not polled")
	}
	user.Input("echo 'again' >&3")
	user.WaitLine(r.ctx(rsplibSoon), `from PE \$000000a2> again`)
	require.NoError(t, s.Close())
	file := r.finish()
	require.Zero(t, r.count(file, 6, "ip.dst == 10.44.0.2 || ip.dst == 10.45.0.2"), "the element has not asked")
	asked := r.count(file, 5, "ip.src == 10.44.0.4 || ip.src == 10.45.0.4")
	require.NotZero(t, asked)
	require.Equal(t, asked, r.count(file, 6, "ip.dst == 10.44.0.4 || ip.dst == 10.45.0.4"), "an answer to each question, and no more")
}
