// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQueueIsAFIFO(t *testing.T) {
	t.Logf("seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 0))
	q := newQueue()
	var in, out uint32
	for range 2000 {
		for range rng.IntN(4 * segmentLen) {
			q.push(Message{PPID: PPID(in)})
			in++
		}
		for range rng.IntN(4 * segmentLen) {
			if q.n == 0 {
				break
			}
			require.Equal(t, PPID(out), q.front().PPID)
			require.Equal(t, PPID(out), q.pop().PPID)
			out++
		}
		require.EqualValues(t, in-out, q.n)
	}
}

func TestClaimKeepsTheOrder(t *testing.T) {
	c := &Conn{}
	c.inbox.main = newQueue()
	for i := range 1000 {
		c.inbox.deliver(Message{Stream: uint16(i % 3), PPID: PPID(i)})
	}
	s := c.Stream(1)
	for i := range 1000 {
		q := &c.inbox.main
		if i%3 == 1 {
			q = &s.queue
		}
		require.Equal(t, PPID(i), q.pop().PPID)
	}
	require.Zero(t, c.inbox.main.n+s.queue.n)
}
