// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Peers that send a short message on each of many streams, which are read at once,
// cannot take more memory than there is: those which want too much are refused it, the
// others go on, and what is closed gives back all.
func TestMemoryOfStreams(t *testing.T) {
	for name, interleaving := range map[string]bool{"DATA": false, "I-DATA": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const conns, memory = 8, 4 << 20
				w := newWorld(t, 1, Config{OutboundStreams: 65535, Interleaving: interleaving})
				require.NoError(t, w.b.Close())
				w.b = w.stack(w.hb, Config{MaxMemory: memory, Interleaving: interleaving}, 3)
				l, err := w.b.Listen(5000)
				require.NoError(t, err)
				ctx := within(t, time.Hour)
				var wg sync.WaitGroup
				var mu sync.Mutex
				refused := 0
				var as, bs []*Conn
				for range conns {
					a, b := w.connectTo(l)
					as, bs = append(as, a), append(bs, b)
				}
				for i := range conns {
					wg.Go(func() {
						for id := 0; id < 65535; id += 64 {
							if as[i].Send(ctx, Message{Stream: uint16(id), Data: []byte("x")}) != nil {
								return // the other side says why
							}
						}
					})
					wg.Go(func() {
						for range 1024 {
							_, err := bs[i].Recv(ctx)
							if err == nil {
								continue
							}
							var aborted *AbortError
							require.True(t, errors.As(err, &aborted), "%v", err)
							cause, _, err := wire.NextCause(aborted.Causes)
							require.NoError(t, err)
							require.Equal(t, wire.CauseOutOfResource, cause.Code)
							mu.Lock()
							refused++
							mu.Unlock()
							return
						}
					})
				}
				wg.Wait()
				t.Logf("%d of %d refused, %d bytes of %d", refused, conns, w.b.memory.used.Load(), memory)
				require.Greater(t, refused, 0)
				require.Less(t, refused, conns)
				require.LessOrEqual(t, int(w.b.memory.used.Load()), memory+memory/overdraftOfTest)
				for i := range conns {
					as[i].Abort("")
					bs[i].Abort("")
				}
				synctest.Wait()
				require.Zero(t, w.b.memory.used.Load())
				_, err = w.a.Dial(ctx, w.addr(5000))
				require.NoError(t, err)
			})
		})
	}
}
