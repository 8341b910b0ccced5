// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
)

func TestSendAndRecv(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		ctx := within(t, time.Minute)
		big := bytes.Repeat([]byte("big "), 100_000)
		for _, m := range []Message{
			{Stream: 0, PPID: 7, Data: []byte("zero")},
			{Stream: 3, PPID: 1 << 31, Data: []byte("three")},
			{Stream: 1023, Data: big},
			{Stream: 3, Unordered: true, Data: []byte("any time")},
		} {
			require.NoError(t, a.Send(ctx, m))
			got, err := b.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, m.Stream, got.Stream)
			require.Equal(t, m.PPID, got.PPID)
			require.Equal(t, m.Unordered, got.Unordered)
			require.True(t, bytes.Equal(m.Data, got.Data))
			require.Equal(t, netip.MustParseAddr("10.1.0.1"), got.Remote.Addr())
			require.Zero(t, b.Stats().RecvQueueBytes, "all has been read")
		}
		require.NoError(t, b.Send(ctx, text("back")))
		m, err := a.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, "back", string(m.Data))

		require.ErrorIs(t, a.Send(ctx, Message{}), ErrEmptyMessage)
		require.ErrorIs(t, a.Send(ctx, Message{Stream: 1024, Data: []byte("x")}), ErrInvalidStream)
		require.ErrorIs(t, a.Send(ctx, Message{Data: make([]byte, 64<<20+1)}), ErrMessageTooLarge)
		require.Equal(t, "10.1.0.2:5000", a.RemoteAddr().String())
		require.Equal(t, a.LocalAddr().String(), b.RemoteAddr().String())
		st := a.Stats()
		require.EqualValues(t, 4, st.MessagesSent)
		require.EqualValues(t, 1, st.MessagesReceived)
		require.Equal(t, "ESTABLISHED", st.State.String())
	})
}

func TestCancelledContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		gone, cancel := context.WithCancel(context.Background())
		cancel()

		_, err := b.Recv(gone)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, a.Send(gone, text("x")), context.Canceled)

		require.NoError(t, a.Send(context.Background(), text("ready")))
		synctest.Wait()
		m, err := b.Recv(gone)
		require.NoError(t, err, "a cancelled context still returns what is ready")
		require.Equal(t, "ready", string(m.Data))
		_, err = b.NextEvent(gone)
		require.NoError(t, err, "EventCommUp is ready")
		for err == nil {
			_, err = b.NextEvent(gone)
		}
		require.ErrorIs(t, err, context.Canceled)

		start := time.Now()
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err = b.Recv(soon)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestRecvBuf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		ctx := within(t, time.Minute)
		require.NoError(t, a.Send(ctx, Message{Stream: 2, PPID: 9, Data: []byte("hello world")}))
		synctest.Wait()

		_, err := b.RecvBuf(ctx, make([]byte, 5))
		require.ErrorIs(t, err, io.ErrShortBuffer)
		short, ok := errors.AsType[*ShortBufferError](err)
		require.True(t, ok)
		require.Equal(t, 11, short.Size)

		buf := make([]byte, short.Size)
		m, err := b.RecvBuf(ctx, buf)
		require.NoError(t, err, "the message stayed")
		require.Equal(t, "hello world", string(buf))
		require.Same(t, &buf[0], &m.Data[0])
		require.EqualValues(t, 2, m.Stream)
		require.EqualValues(t, 9, m.PPID)
	})
}

func TestSendBlocksWhileTheBufferIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{SendBuffer: 10_000, RecvBuffer: 10_000}
		a, b := newWorld(t, 1, cfg).connect()
		msg := Message{Data: make([]byte, 1000)}
		sent := 0
		for {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			err := a.Send(ctx, msg)
			cancel()
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			sent++
			require.Less(t, sent, 100, "Send must block in the end")
		}
		done := make(chan error, 20)
		for range cap(done) {
			go func() { done <- a.Send(context.Background(), msg) }()
		}
		synctest.Wait()
		require.Less(t, len(done), cap(done)/2, "there is less room than they want")

		for range sent + cap(done) {
			_, err := b.Recv(within(t, time.Minute))
			require.NoError(t, err)
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
	})
}

// A message larger than both buffers arrives.
func TestMessageLargerThanTheBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{SendBuffer: 10_000, RecvBuffer: 100_000}).connect()
		ctx := within(t, time.Minute)
		data := bytes.Repeat([]byte("0123456789"), 6_000)
		for range 3 {
			require.NoError(t, a.Send(ctx, Message{Data: data}))
		}
		for range 3 {
			m, err := b.Recv(ctx)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, m.Data))
		}
	})
}

func TestGracefulShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		w.segs[0].Set(simnet.Settings{Delay: 10 * time.Millisecond})
		a, b := w.connect()
		ctx := within(t, time.Minute)
		for i := range 1000 {
			require.NoError(t, a.Send(ctx, Message{Data: fmt.Appendf(nil, "%d", i)}))
		}
		done := make(chan error)
		go func() { done <- a.Shutdown(ctx) }()
		for i := range 1000 {
			m, err := b.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(i), string(m.Data))
		}
		_, err := b.Recv(ctx)
		require.Equal(t, io.EOF, err)
		require.NoError(t, <-done)
		require.ErrorIs(t, a.Send(ctx, text("x")), ErrShutdown)
		require.ErrorIs(t, b.Send(ctx, text("x")), ErrShutdown)
		_, err = a.Recv(ctx)
		require.Equal(t, io.EOF, err)
		<-b.Done()
		require.Equal(t, io.EOF, a.Err())
		require.Equal(t, io.EOF, b.Err())
		require.NoError(t, b.Close())

		var last Event
		for {
			ev, err := a.NextEvent(ctx)
			if err != nil {
				require.Equal(t, io.EOF, err)
				break
			}
			last = ev
		}
		require.Equal(t, EventCommLost{}, last)
		require.Zero(t, w.a.Stats().Associations)
		require.Zero(t, w.b.Stats().Associations)
	})
}

func TestAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{}).connect()
		ctx := within(t, time.Minute)
		require.NoError(t, a.Send(ctx, text("before")))
		synctest.Wait()
		require.NoError(t, a.Abort("enough"))
		m, err := b.Recv(ctx)
		require.NoError(t, err, "what arrived before stays readable")
		require.Equal(t, "before", string(m.Data))
		_, err = b.Recv(ctx)
		abort, ok := errors.AsType[*AbortError](err)
		require.True(t, ok, "%v", err)
		require.True(t, abort.Peer)
		require.Contains(t, abort.Error(), "enough")
		err = b.Send(ctx, text("x"))
		_, ok = errors.AsType[*AbortError](err)
		require.True(t, ok, "%v", err)

		_, err = a.Recv(ctx)
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, a.Send(ctx, text("x")), net.ErrClosed)
		require.NoError(t, a.Close())
		require.NoError(t, b.Close())
	})
}

func TestCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newWorld(t, 1, Config{SendBuffer: 2000, RecvBuffer: 2000}).connect()
		ctx := context.Background()
		st := a.Stream(5)
		var wg sync.WaitGroup
		expect := func(f func() error) {
			wg.Go(func() {
				err := error(nil)
				for err == nil {
					err = f()
				}
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("got %v, want net.ErrClosed", err)
				}
			})
		}
		expect(func() error { _, err := a.Recv(ctx); return err })
		expect(func() error { _, err := a.NextEvent(ctx); return err })
		expect(func() error { return a.Send(ctx, Message{Data: make([]byte, 500)}) })
		expect(func() error { _, err := st.Read(make([]byte, 10)); return err })
		expect(func() error { _, err := st.Write(make([]byte, 500)); return err })
		synctest.Wait()
		go func() {
			for err := error(nil); err == nil; {
				_, err = b.Recv(ctx)
			}
		}()
		require.NoError(t, a.Close())
		require.NoError(t, a.Close(), "closing again is harmless")
		wg.Wait()
	})
}

func TestCloseAbortsAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{CloseTimeout: 3 * time.Second})
		a, _ := w.connect()
		w.segs[0].Down()
		require.NoError(t, a.Send(context.Background(), text("lost")))
		start := time.Now()
		err := a.Close()
		require.Equal(t, 3*time.Second, time.Since(start))
		abort, ok := errors.AsType[*AbortError](err)
		require.True(t, ok, "%v", err)
		require.False(t, abort.Peer)
		require.Zero(t, w.a.Stats().Associations)
	})
}

func TestShutdownKeepsToItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		a, b := w.connect()
		w.segs[0].Down()
		require.NoError(t, a.Send(context.Background(), text("late")))
		require.ErrorIs(t, a.Shutdown(within(t, time.Second)), context.DeadlineExceeded)
		w.segs[0].Up()
		m, err := b.Recv(within(t, time.Minute))
		require.NoError(t, err)
		require.Equal(t, "late", string(m.Data))
		require.NoError(t, a.Shutdown(within(t, time.Minute)), "it went on meanwhile")
	})
}

func TestLostPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{AssociationMaxRetrans: 3, RTOMax: 4 * time.Second})
		a, _ := w.connect()
		w.segs[0].Down()
		require.NoError(t, a.Send(context.Background(), text("anyone there?")))
		_, err := a.Recv(context.Background())
		lost, ok := errors.AsType[*LostError](err)
		require.True(t, ok, "%v", err)
		require.True(t, lost.Timeout())
		err = a.Send(context.Background(), text("x"))
		_, ok = errors.AsType[*LostError](err)
		require.True(t, ok, "%v", err)
		var failed bool
		for {
			ev, err := a.NextEvent(context.Background())
			if err != nil {
				break
			}
			if f, ok := ev.(EventSendFailed); ok {
				failed = true
				require.Equal(t, "anyone there?", string(f.Message.Data))
			}
		}
		require.True(t, failed, "the message which was not delivered is reported")
	})
}

// Every message arrives once and in the order of its stream, through loss,
// duplication and reordering, with many senders at a time.
func TestConcurrentSendersOverABadNetwork(t *testing.T) {
	t.Logf("seed %d", *seed)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, Config{SendBuffer: 50_000, RecvBuffer: 50_000})
		for _, s := range w.segs {
			s.Set(simnet.Settings{Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.03, Duplicate: 0.02})
		}
		a, b := w.connect()
		ctx := within(t, time.Hour)
		const streams, count = 8, 300
		var wg sync.WaitGroup
		for s := range streams {
			rng := rand.New(rand.NewPCG(*seed, uint64(s)))
			wg.Go(func() {
				for i := range count {
					data := fmt.Appendf(nil, "%d:", i)
					data = append(data, make([]byte, rng.IntN(3000))...)
					if err := a.Send(ctx, Message{Stream: uint16(s), Data: data}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		var next [streams]int
		var mu sync.Mutex
		total := 0
		var readers sync.WaitGroup
		for range 1 { // one: two would take turns between Recv and the check
			readers.Go(func() {
				buf := make([]byte, 4000)
				for {
					m, err := b.RecvBuf(ctx, buf)
					if err != nil {
						if err != io.EOF {
							t.Error(err)
						}
						return
					}
					mu.Lock()
					head, _, _ := strings.Cut(string(m.Data), ":")
					if head != fmt.Sprint(next[m.Stream]) {
						t.Errorf("stream %d: got %s, want %d", m.Stream, head, next[m.Stream])
					}
					next[m.Stream]++
					total++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		require.NoError(t, a.Shutdown(ctx))
		readers.Wait()
		require.Equal(t, streams*count, total)
	})
}

// A path whose MTU is smaller than assumed delivers all the same: what the host
// refuses lowers the path's MTU, and what was cut before is fragmented by IP.
func TestSmallMTU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		w.segs[0].Set(simnet.Settings{MTU: 1000})
		a, b := w.connect()
		ctx := within(t, time.Minute)
		data := bytes.Repeat([]byte("x"), 20_000)
		for range 3 {
			require.NoError(t, a.Send(ctx, Message{Data: data}))
			m, err := b.Recv(ctx)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, m.Data))
		}
		require.LessOrEqual(t, a.Paths()[0].MTU, 1000)
		require.NotZero(t, a.stack.Stats().WriteErrors)
	})
}

// Messages sent while others are under way share packets (RFC 9260, Section
// 6.1), and one that is alone does not wait.
func TestSmallMessagesAreBundled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{})
		w.segs[0].Set(simnet.Settings{Delay: 10 * time.Millisecond})
		a, b := w.connect()
		ctx := within(t, time.Minute)
		before := a.Stats().PacketsSent
		start := time.Now()
		require.NoError(t, a.Send(ctx, text("alone")))
		_, err := b.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, 10*time.Millisecond, time.Since(start))
		for range 1000 {
			require.NoError(t, a.Send(ctx, Message{Data: make([]byte, 64)}))
		}
		for range 1000 {
			_, err := b.Recv(ctx)
			require.NoError(t, err)
		}
		require.Less(t, a.Stats().PacketsSent-before, uint64(100))
	})
}

// A batch goes out in fewer packets than its messages, arrives in order, and waits for room like Send.
func TestSendBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{SendBuffer: 64 << 10, NoNagle: true})
		a, b := w.connect()
		n, err := a.SendBatch(t.Context(), nil)
		require.NoError(t, err)
		require.Zero(t, n)
		var ms []Message
		for i := range 2000 {
			ms = append(ms, Message{Stream: uint16(i % 3), Data: fmt.Appendf(nil, "message %080d", i)})
		}
		before := a.Stats().PacketsSent
		done := make(chan error, 1)
		go func() {
			n, err := a.SendBatch(t.Context(), ms)
			if n != len(ms) {
				err = fmt.Errorf("%d taken: %w", n, err)
			}
			done <- err
		}()
		next := [3]int{0, 1, 2}
		for range ms {
			m, err := b.Recv(within(t, time.Minute))
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("message %080d", next[m.Stream]), string(m.Data))
			next[m.Stream] += 3
		}
		require.NoError(t, <-done)
		require.Less(t, a.Stats().PacketsSent-before, uint64(len(ms)/5), "they share packets")

		n, err = a.SendBatch(t.Context(), []Message{text("good"), {Stream: 65535, Data: []byte("bad")}, text("not reached")})
		require.ErrorIs(t, err, ErrInvalidStream)
		require.Equal(t, 1, n)
		m, err := b.Recv(within(t, time.Minute))
		require.NoError(t, err)
		require.Equal(t, "good", string(m.Data))
	})
}
