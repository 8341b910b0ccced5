// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
)

// Messages that are not worth waiting for do not hold up those that are, and do
// not crowd other events out.
func TestPartialReliability(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{SendBuffer: 100_000})
		a, b := w.connect()
		ctx := within(t, time.Hour)
		w.segs[0].Set(simnet.Settings{Delay: 5 * time.Millisecond, Loss: 0.3})
		const n = 500
		for i := range n {
			rel := []Reliability{Lifetime(time.Second), MaxRetransmissions(0), Priority(uint32(i % 3)), {}}[i%4]
			require.NoError(t, a.Send(ctx, Message{Stream: uint16(i % 3), Data: make([]byte, 500), Reliability: rel}))
		}
		w.segs[0].Set(simnet.Settings{Delay: 5 * time.Millisecond})
		require.NoError(t, a.Send(ctx, Message{Data: []byte("end")}))
		go a.Shutdown(ctx)
		got := 0
		for {
			if _, err := b.Recv(ctx); err != nil {
				break
			}
			got++
		}
		total := a.Abandoned(PRNone)
		sum := Abandoned{}
		for _, p := range []PRPolicy{PRLifetime, PRRetransmission, PRPriority} {
			for stream := range uint16(3) {
				x := a.AbandonedOn(stream, p)
				sum.Sent, sum.Unsent = sum.Sent+x.Sent, sum.Unsent+x.Unsent
			}
		}
		require.Equal(t, total, sum)
		require.NotZero(t, total.Sent)
		require.GreaterOrEqual(t, uint64(got)+total.Sent+total.Unsent, uint64(n+1))
		require.LessOrEqual(t, uint64(got)+total.Unsent, uint64(n+1))
		require.Equal(t, total.Sent, a.Stats().AbandonedSent)
		e, err := a.NextEvent(ctx)
		require.NoError(t, err)
		require.IsType(t, EventCommUp{}, e)
	})
}
