// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

// partialWorld has an association whose b side has small buffers, and reads in parts.
func partialWorld(t *testing.T, interleaving bool) (w *world, a, b *Conn) {
	w = newWorld(t, 1, Config{Interleaving: interleaving})
	require.NoError(t, w.b.Close())
	w.b = w.stack(w.hb, Config{Interleaving: interleaving, RecvBuffer: 64 << 10, MaxMessageSize: 32 << 10, PartialDeliveryPoint: 16 << 10}, 3)
	l, err := w.b.Listen(5000)
	require.NoError(t, err)
	a, b = w.connectTo(l)
	return w, a, b
}

// A message many times larger than the receive buffer arrives, and no more of it is kept
// than the window allows.
func TestLargeMessageInParts(t *testing.T) {
	for name, interleaving := range map[string]bool{"DATA": false, "I-DATA": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, b := partialWorld(t, interleaving)
				ctx := within(t, time.Hour)
				data := pattern(2_000_000)
				require.NoError(t, a.Send(ctx, Message{Stream: 3, PPID: 7, Data: data}))
				require.NoError(t, a.Send(ctx, Message{Stream: 3, PPID: 8, Data: []byte("next")}))
				time.Sleep(time.Second)
				require.LessOrEqual(t, b.Stats().RecvQueueBytes, 2*64<<10)
				var got []byte
				for i := 0; ; i++ {
					m, err := b.Recv(ctx)
					require.NoError(t, err)
					require.Equal(t, uint16(3), m.Stream)
					require.EqualValues(t, 7, m.PPID)
					require.Equal(t, i == 0, m.Part == PartFirst)
					got = append(got, m.Data...)
					if !m.Part.More() {
						require.Equal(t, PartLast, m.Part)
						break
					}
					require.GreaterOrEqual(t, len(m.Data), 16<<10)
				}
				require.True(t, bytes.Equal(data, got))
				m, err := b.Recv(ctx)
				require.NoError(t, err)
				require.Equal(t, PartWhole, m.Part)
				require.Equal(t, "next", string(m.Data))
			})
		})
	}
}

// The rest of a message goes to where its beginning went, whatever Streams are opened;
// what has not been read of it at all goes to the Stream.
func TestPartsAndStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := partialWorld(t, false)
		ctx := within(t, time.Hour)
		first, second := pattern(200_000), pattern(100_000)
		require.NoError(t, a.Send(ctx, Message{Stream: 1, Data: first}))
		require.NoError(t, a.Send(ctx, Message{Stream: 1, Data: second}))
		m, err := b.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, PartFirst, m.Part)
		got := m.Data
		time.Sleep(time.Second)
		s := b.Stream(1)
		for m.Part.More() {
			m, err = b.Recv(ctx)
			require.NoError(t, err)
			got = append(got, m.Data...)
		}
		require.True(t, bytes.Equal(first, got))
		got = make([]byte, len(second))
		_, err = io.ReadFull(s, got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(second, got))
	})
	synctest.Test(t, func(t *testing.T) {
		_, a, b := partialWorld(t, true)
		ctx := within(t, time.Hour)
		data := pattern(200_000)
		require.NoError(t, a.Send(ctx, Message{Stream: 1, Data: data}))
		time.Sleep(time.Second) // parts of it wait
		got := make([]byte, len(data))
		_, err := io.ReadFull(b.Stream(1), got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
	})
}

// When the association ends in the middle of a message, Recv tells so before it tells why,
// and a Stream tells why.
func TestEndInTheMiddleOfAMessage(t *testing.T) {
	for name, view := range map[string]bool{"Recv": false, "Stream": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, b := partialWorld(t, false)
				ctx := within(t, time.Hour)
				var s *Stream
				if view {
					s = b.Stream(0)
				}
				require.NoError(t, a.Send(ctx, Message{Data: pattern(1_000_000)}))
				time.Sleep(time.Second)
				require.NoError(t, a.Abort("enough"))
				time.Sleep(time.Second)
				var aborted *AbortError
				if view {
					_, err := io.Copy(io.Discard, s)
					require.ErrorAs(t, err, &aborted)
					return
				}
				m, err := b.Recv(ctx)
				require.NoError(t, err)
				require.Equal(t, PartFirst, m.Part)
				for m.Part.More() {
					m, err = b.Recv(ctx)
					require.NoError(t, err)
				}
				require.Equal(t, PartCut, m.Part)
				require.Empty(t, m.Data)
				_, err = b.Recv(ctx)
				require.ErrorAs(t, err, &aborted)
			})
		})
	}
}

// A message that its sender gives up in the middle is cut, and what follows arrives.
func TestAbandonedInTheMiddle(t *testing.T) {
	for name, interleaving := range map[string]bool{"DATA": false, "I-DATA": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, b := partialWorld(t, interleaving)
				ctx := within(t, time.Hour)
				require.NoError(t, a.Send(ctx, Message{Data: pattern(1_000_000), Reliability: Lifetime(2 * time.Second)}))
				time.Sleep(10 * time.Second) // b does not read
				require.NoError(t, a.Send(ctx, Message{Data: []byte("next")}))
				s := b.Stream(0)
				buf := make([]byte, 1<<20)
				n := 0
				for {
					k, err := s.Read(buf[n:])
					if err != nil {
						require.ErrorIs(t, err, ErrIncomplete)
						break
					}
					n += k
				}
				require.True(t, bytes.Equal(pattern(1_000_000)[:n], buf[:n]))
				require.Greater(t, n, 16<<10)
				k, err := s.Read(buf)
				require.NoError(t, err)
				require.Equal(t, "next", string(buf[:k]))
			})
		})
	}
}
