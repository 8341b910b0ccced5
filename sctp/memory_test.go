// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

const testMemory = 1 << 20

// memoryWorld has n associations from a to b, whose Stack has little memory.
func memoryWorld(t *testing.T, n int) (w *world, as, bs []*Conn) {
	w = newWorld(t, 1, Config{})
	require.NoError(t, w.b.Close())
	w.b = w.stack(w.hb, Config{MaxMemory: testMemory}, 3)
	l, err := w.b.Listen(5000)
	require.NoError(t, err)
	for range n {
		a, b := w.connectTo(l)
		as, bs = append(as, a), append(bs, b)
	}
	return w, as, bs
}

// Users who do not read cannot have a peer, or all peers together, fill the memory;
// when they read, everything arrives.
func TestMemoryOfUnreadMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns, messages, size = 20, 200, 4000
		w, as, bs := memoryWorld(t, conns)
		ctx := within(t, time.Hour)
		var wg sync.WaitGroup
		for i, a := range as {
			wg.Go(func() {
				for k := range messages {
					require.NoError(t, a.Send(ctx, Message{Stream: uint16(k % 3), Data: fmt.Appendf(make([]byte, size), "%d.%d", i, k)}))
				}
			})
		}
		time.Sleep(2 * time.Minute)
		used := int(w.b.memory.used.Load())
		t.Logf("%d bytes of %d", used, testMemory)
		require.Greater(t, used, testMemory*3/4)
		require.LessOrEqual(t, used, testMemory+testMemory/overdraftOfTest+conns*4096)

		// New associations are refused, for a cause that says why.
		_, err := w.a.Dial(ctx, w.addr(5000))
		var aborted *AbortError
		require.ErrorAs(t, err, &aborted)
		cause, _, err := wire.NextCause(aborted.Causes)
		require.NoError(t, err)
		require.Equal(t, wire.CauseOutOfResource, cause.Code)
		_, err = w.b.Dial(ctx, &Addr{IPs: w.a.Addrs(), Port: 1})
		require.ErrorIs(t, err, ErrMemory)

		start := time.Now()
		for _, b := range bs {
			wg.Go(func() {
				for range messages {
					m, err := b.Recv(ctx)
					require.NoError(t, err)
					require.Greater(t, len(m.Data), size)
				}
			})
		}
		wg.Wait()
		t.Logf("read after %v", time.Since(start))
		require.Less(t, time.Since(start), 2*time.Minute)
		last, err := w.a.Dial(ctx, w.addr(5000))
		require.NoError(t, err)
		for _, a := range append(as, last) {
			require.NoError(t, a.Shutdown(ctx))
		}
		synctest.Wait()
		require.Zero(t, w.b.memory.used.Load())
	})
}

const overdraftOfTest = 8

// Beginnings of large messages cannot keep each other from being completed for
// ever: those which want too much are aborted, and the others go on.
func TestMemoryOfMessagesInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns, size = 12, 200_000
		w, as, bs := memoryWorld(t, conns)
		ctx := within(t, time.Hour)
		var wg sync.WaitGroup
		var mu sync.Mutex
		arrived, refused := 0, 0
		for i := range conns {
			wg.Go(func() { // an error is seen on the other side
				_ = as[i].Send(ctx, Message{Data: make([]byte, size)})
			})
			wg.Go(func() {
				m, err := bs[i].Recv(ctx)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					require.Len(t, m.Data, size)
					arrived++
					return
				}
				var aborted *AbortError
				require.True(t, errors.As(err, &aborted), "%v", err)
				cause, _, err := wire.NextCause(aborted.Causes)
				require.NoError(t, err)
				require.Equal(t, wire.CauseOutOfResource, cause.Code)
				refused++
			})
		}
		wg.Wait()
		t.Logf("%d messages arrived, %d associations were refused memory", arrived, refused)
		require.GreaterOrEqual(t, arrived, testMemory/2/size)
		require.Equal(t, conns, arrived+refused)
		for _, c := range as {
			c.Abort("")
		}
		synctest.Wait()
		require.Zero(t, w.b.memory.used.Load())
	})
}

// Send waits for room that others have, and goes on when they give it back.
func TestMemoryOfSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns, messages, size = 8, 40, 10_000
		w, as, bs := memoryWorld(t, conns)
		ctx := within(t, time.Hour)
		var wg sync.WaitGroup
		w.segs[0].Down()
		for _, b := range bs {
			wg.Go(func() {
				for range messages {
					require.NoError(t, b.Send(ctx, Message{Data: make([]byte, size)}))
				}
			})
		}
		time.Sleep(5 * time.Second)
		require.LessOrEqual(t, int(w.b.memory.used.Load()), testMemory+conns*(size+4096), "one message of each may come at the same time")
		require.Greater(t, int(w.b.memory.used.Load()), testMemory*3/4)
		w.segs[0].Up()
		for _, a := range as {
			wg.Go(func() {
				for range messages {
					_, err := a.Recv(ctx)
					require.NoError(t, err)
				}
			})
		}
		start := time.Now()
		wg.Wait()
		require.Less(t, time.Since(start), 5*time.Minute)
		for _, a := range as {
			require.NoError(t, a.Shutdown(ctx))
		}
		synctest.Wait()
		require.Zero(t, w.b.memory.used.Load())
	})
}

// Who holds nothing gets through what is short, also when others have everything.
func TestMemoryLeavesRoomForShortMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, as, bs := memoryWorld(t, 5)
		ctx := within(t, time.Hour)
		var wg sync.WaitGroup
		for _, a := range as[1:] {
			wg.Go(func() {
				for range 100 {
					if a.Send(ctx, Message{Data: make([]byte, 10_000)}) != nil {
						return
					}
				}
			})
		}
		time.Sleep(time.Minute)
		for range 10 {
			require.NoError(t, as[0].Send(ctx, text("ping")))
			m, err := bs[0].Recv(ctx)
			require.NoError(t, err)
			require.NoError(t, bs[0].Send(ctx, m))
			_, err = as[0].Recv(within(t, 2*time.Second))
			require.NoError(t, err)
		}
		for _, a := range as {
			a.Abort("")
		}
		wg.Wait()
	})
}

// Two hosts whose memory is full of what they send to each other still receive.
func TestMemoryOfBothDirections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		require.NoError(t, w.a.Close())
		require.NoError(t, w.b.Close())
		w.a = w.stack(w.ha, Config{MaxMemory: testMemory}, 3)
		w.b = w.stack(w.hb, Config{MaxMemory: testMemory}, 4)
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		a, b := w.connectTo(l)
		ctx := within(t, time.Hour)
		const messages, size = 1000, 4000
		var wg sync.WaitGroup
		start := time.Now()
		for _, c := range []*Conn{a, b} {
			wg.Go(func() {
				for range messages {
					require.NoError(t, c.Send(ctx, Message{Data: make([]byte, size)}))
				}
			})
			wg.Go(func() {
				for range messages {
					_, err := c.Recv(ctx)
					require.NoError(t, err)
				}
			})
		}
		wg.Wait()
		t.Logf("after %v", time.Since(start))
		require.Less(t, time.Since(start), time.Minute)
	})
}

// A message that needs more than is left waits for it, and nothing is done meanwhile,
// though there is some left.
func TestMemoryForALargeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{RecvBuffer: 64 << 10})
		require.NoError(t, w.a.Close())
		w.a = w.stack(w.ha, Config{MaxMemory: testMemory}, 3)
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		a, b := w.connectTo(l)
		other, otherB := w.connectTo(l)
		ctx := within(t, time.Hour)
		const messages, size = 220, 4000
		for range messages {
			require.NoError(t, other.Send(ctx, Message{Data: make([]byte, size)}))
		}
		time.Sleep(time.Second)
		room := w.a.memory.room()
		require.Greater(t, room, testMemory/assocShare)
		require.Less(t, room, testMemory/4)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(time.Minute)
			for range messages {
				_, err := otherB.Recv(ctx)
				require.NoError(t, err)
			}
		})
		require.NoError(t, a.Send(ctx, Message{Data: make([]byte, testMemory/4)}))
		require.GreaterOrEqual(t, time.Since(start), time.Minute)
		_, err = b.Recv(ctx)
		require.NoError(t, err)
		wg.Wait()
	})
}

// Who waits is told of what is given back, though most of the memory stays taken.
func TestMemoryGivenBackInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{RecvBuffer: 64 << 10, HeartbeatInterval: -1})
		require.NoError(t, w.a.Close())
		w.a = w.stack(w.ha, Config{MaxMemory: testMemory, HeartbeatInterval: -1}, 3)
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		a, b := w.connectTo(l)
		other, otherB := w.connectTo(l)
		ctx := within(t, time.Hour)
		const size = 4000
		n := 0
		for ; ; n++ {
			short, cancel := context.WithTimeout(ctx, time.Second)
			err := other.Send(short, Message{Data: make([]byte, size)})
			cancel()
			if err != nil {
				break
			}
		}
		require.Greater(t, n, 200)
		start := time.Now()
		sent := make(chan time.Duration, 1)
		go func() {
			assert.NoError(t, a.Send(ctx, Message{Data: make([]byte, 3*size)}))
			sent <- time.Since(start)
		}()
		time.Sleep(time.Minute)
		require.Empty(t, sent)
		for range 12 {
			_, err := otherB.Recv(ctx)
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		require.Greater(t, int(w.a.memory.used.Load()), testMemory-testMemory/assocShare, "it is scarce still")
		require.Len(t, sent, 1)
		_, err = b.Recv(ctx)
		require.NoError(t, err)
	})
}

// What waited for memory when it ended is forgotten, though there is none yet.
func TestMemoryForgetsTheClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, as, bs := memoryWorld(t, 2)
		b := bs[0]
		b.mu.Lock()
		w.b.memory.used.Add(testMemory)
		b.mu.Unlock()
		defer w.b.memory.used.Add(-testMemory)
		ctx := within(t, time.Hour)
		go func() {
			for range 10 {
				_ = as[0].Send(ctx, Message{Data: make([]byte, 1000)})
			}
		}()
		time.Sleep(10 * time.Second)
		starved := func() bool {
			m := &w.b.memory
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.starved[b]
		}
		require.True(t, starved())
		require.NoError(t, as[0].Abort(""))
		time.Sleep(10 * time.Second)
		require.False(t, starved())
	})
}
