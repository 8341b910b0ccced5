// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Both ends of an association change from a shared key to another one while
// all data is authenticated.
func TestSharedKeysChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{
			AuthChunks: []ChunkType{ChunkData, ChunkSack, ChunkAbort},
			AuthKeys:   []AuthKey{{ID: 1, Secret: []byte("old")}}, AuthActiveKey: 1,
		}
		w := newWorld(t, 2, cfg)
		ca, cb := w.connect()
		ctx := within(t, time.Minute)
		exchange := func() {
			t.Helper()
			require.NoError(t, ca.Send(ctx, text("there")))
			m, err := cb.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, "there", string(m.Data))
			require.NoError(t, cb.Send(ctx, text("back")))
			_, err = ca.Recv(ctx)
			require.NoError(t, err)
		}
		exchange()
		types, ok := ca.PeerAuthChunks()
		require.True(t, ok)
		require.Contains(t, types, ChunkData)
		for _, c := range []*Conn{ca, cb} {
			require.NoError(t, c.SetAuthKey(AuthKey{ID: 2, Secret: []byte("new")}))
		}
		for _, c := range []*Conn{ca, cb} {
			require.NoError(t, c.ActivateAuthKey(2))
			require.EqualValues(t, 2, c.AuthKey())
		}
		exchange()
		for _, c := range []*Conn{ca, cb} {
			require.ErrorIs(t, c.DeleteAuthKey(1), ErrKeyInUse)
			require.NoError(t, c.DeactivateAuthKey(1))
			require.NoError(t, c.DeleteAuthKey(1))
			require.ErrorIs(t, c.ActivateAuthKey(1), ErrNoSuchKey)
		}
		exchange()
		require.NoError(t, ca.Close())
		require.Zero(t, cb.Stats().AuthFailures)
	})
}

// A peer that does not authenticate is refused where it must, and served where
// it need not.
func TestPeerWithoutAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, Config{NoAuth: true})
		l, err := w.b.Listen(5000)
		require.NoError(t, err)
		c := w.stack(w.net.Host("c", w.segs[0].Addr(3)), Config{AuthChunks: []ChunkType{ChunkData}}, 3)
		_, err = c.Dial(within(t, time.Minute), w.addr(5000))
		require.ErrorContains(t, err, "bad INIT ACK")
		d := w.stack(w.net.Host("d", w.segs[0].Addr(4)), Config{}, 4)
		conn, err := d.Dial(within(t, time.Minute), w.addr(5000))
		require.NoError(t, err)
		_, err = l.Accept(within(t, time.Minute))
		require.NoError(t, err)
		_, ok := conn.PeerAuthChunks()
		require.False(t, ok)
		for {
			ev, err := conn.NextEvent(within(t, time.Second))
			require.NoError(t, err)
			if ev == (EventAuthKey{Indication: AuthUnsupported}) {
				break
			}
		}
	})
}
