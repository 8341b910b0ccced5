// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool/policy"
)

// RFC 5352, Section 1: "If it is found unreachable, before notifying the message sender (an ASAP User) of the failure,
// ASAP can automatically select another PE (if one exists) under that pool"
func TestSessionSurvivesCrashOfItsElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 0x11111111)
		hosts := map[uint32]int{0xa: 2, 0xb: 3}
		ha, hb := w.host(2), w.host(3)
		a, b := w.echo(ha, 0xa, nil), w.echo(hb, 0xb, nil)
		c := w.client(w.host(9), nil)

		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err)
		answer, err := sess.Do(w.ctx, text("one"))
		require.NoError(t, err)
		require.Equal(t, "one", string(answer.Data))

		from := sess.Element()
		require.Contains(t, hosts, from.ID)
		if from.ID == 0xa {
			w.kill(ha, a)
		} else {
			w.kill(hb, b)
		}
		start := time.Now()
		require.NoError(t, sess.Send(w.ctx, text("two")))
		_, err = sess.Recv(w.ctx)
		failover, ok := errors.AsType[*FailoverError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, from.ID, failover.From.ID)
		require.NotEqual(t, from.ID, failover.To.ID)
		require.Equal(t, failover.To, sess.Element())
		require.Equal(t, 1, failover.N)
		require.Less(t, time.Since(start), 15*time.Second)

		answer, err = sess.Do(w.ctx, text("two"))
		require.NoError(t, err)
		require.Equal(t, "two", string(answer.Data))
		require.NoError(t, sess.Close())
	})
}

func TestResolveTakesElementsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		for i := range 3 {
			w.echo(w.host(2+i), uint32(1+i), nil)
		}
		c := w.client(w.host(9), nil)
		count := make(map[uint32]int)
		for range 9 {
			elems, err := c.Resolve(w.ctx, "EchoPool")
			require.NoError(t, err)
			require.Len(t, elems, 3)
			require.Equal(t, policy.RoundRobin{}, elems[0].Policy)
			count[elems[0].ID]++
		}
		require.Equal(t, map[uint32]int{1: 3, 2: 3, 3: 3}, count)
	})
}

func TestUnknownPoolIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(9), nil)
		_, err := c.Resolve(w.ctx, "Nobody")
		require.ErrorIs(t, err, ErrPoolNotFound)
		_, err = c.Dial(w.ctx, "Nobody")
		require.ErrorIs(t, err, ErrPoolNotFound)
	})
}
