// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{OutboundStreams: 10, MaxInboundStreams: 100}).connect()
		ctx := within(t, time.Minute)
		exchange := func(stream uint16) {
			t.Helper()
			for _, d := range []struct{ from, to *Conn }{{a, b}, {b, a}} {
				require.NoError(t, d.from.Send(ctx, Message{Stream: stream, Data: []byte("x")}))
				m, err := d.to.Recv(ctx)
				require.NoError(t, err)
				require.Equal(t, stream, m.Stream)
			}
		}
		exchange(3)
		require.NoError(t, a.ResetStreams(ctx, Outbound|Inbound, 3))
		exchange(3)
		require.NoError(t, b.ResetStreams(ctx, Outbound))
		exchange(3)
		require.NoError(t, a.ResetAssociation(ctx))
		exchange(3)
		require.ErrorIs(t, a.Send(ctx, Message{Stream: 10, Data: []byte("x")}), ErrInvalidStream)
		require.NoError(t, a.AddStreams(ctx, 5, 5))
		exchange(14)
		require.NoError(t, a.AddStreams(ctx, 0, 0))

		var refused *ReconfigError
		require.ErrorAs(t, a.AddStreams(ctx, 1000, 0), &refused)
		require.ErrorIs(t, a.ResetStreams(ctx, Outbound, 99), ErrInvalidStream)
		require.Error(t, a.ResetStreams(ctx, 0))
		require.Error(t, a.ResetStreams(ctx, 4))
		kinds := map[string]int{}
		for kinds["assoc.EventStreamChange"] < 2 {
			e, err := b.NextEvent(ctx)
			require.NoError(t, err)
			kinds[fmt.Sprintf("%T", e)]++
		}
		require.Equal(t, 3, kinds["assoc.EventStreamReset"])
		require.Equal(t, 1, kinds["assoc.EventAssociationReset"])

		canceled, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, a.AddStreams(canceled, 1, 0), context.Canceled)
		require.NoError(t, b.Abort("enough"))
		var abort *AbortError
		synctest.Wait()
		require.ErrorAs(t, a.ResetStreams(ctx, Outbound), &abort)
	})
}

// A request waits for an answer as long as its context, and the association, do.
func TestReconfigureWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		a, _ := w.connect()
		w.segs[0].Down()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, a.ResetStreams(ctx, Outbound), context.DeadlineExceeded)
		require.ErrorIs(t, a.ResetStreams(within(t, time.Hour), Outbound), ErrRequestInProgress)
		go func() { time.Sleep(time.Minute); a.Abort("enough") }()
		<-a.Done()
	})
}

func TestReconfigureTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := newWorld(t, 1, Config{NoReconfig: true}).connect()
		require.ErrorIs(t, a.AddStreams(within(t, time.Minute), 1, 1), ErrNotSupported)
	})
}
