// SPDX-License-Identifier: Apache-2.0

package simnet_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

var (
	a1 = ap("10.1.0.1:9899")
	b1 = ap("10.1.0.2:9899")
)

type received struct {
	at  time.Duration
	src netip.AddrPort
	n   uint32
}

// collect records the numbered datagrams that arrive at a.
func collect(s *simnet.Sim, a netip.Addr) *[]received {
	got := new([]received)
	s.Handle(a, func(src, _ netip.AddrPort, data []byte) {
		*got = append(*got, received{s.Now().Sub(epoch), src, binary.BigEndian.Uint32(data)})
	})
	return got
}

func numbered(n, size int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, size-4)...)
}

func TestSimKeepsOrderWithoutJitter(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	s.Segment("10.1.0.0/24").Set(simnet.Settings{Delay: 7 * time.Millisecond})
	got := collect(s, b1.Addr())
	for i := range 10 {
		require.NoError(t, s.Send(a1, b1, numbered(i, 100)))
	}
	s.RunIdle()
	require.Len(t, *got, 10)
	for i, r := range *got {
		require.Equal(t, received{7 * time.Millisecond, a1, uint32(i)}, r)
	}
	require.Zero(t, s.Pending())
}

func TestSimJitterReordersAndLosesNothing(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	s.Segment("10.1.0.0/24").Set(simnet.Settings{Delay: time.Millisecond, Jitter: 10 * time.Millisecond})
	got := collect(s, b1.Addr())
	for i := range 100 {
		require.NoError(t, s.Send(a1, b1, numbered(i, 100)))
	}
	s.RunIdle()
	seen, reordered := map[uint32]bool{}, false
	for i, r := range *got {
		seen[r.n] = true
		reordered = reordered || r.n != uint32(i)
		require.GreaterOrEqual(t, r.at, time.Millisecond)
		require.Less(t, r.at, 11*time.Millisecond)
	}
	require.Len(t, seen, 100)
	require.True(t, reordered)
}

func TestSimLossAndDuplicationMatchTheirProbability(t *testing.T) {
	const total = 20000
	s := simnet.NewSim(testSeed(t), epoch)
	got := collect(s, b1.Addr())
	for _, tc := range []struct {
		set  simnet.Settings
		want float64
	}{
		{simnet.Settings{Loss: 0.2}, 0.8},
		{simnet.Settings{Duplicate: 0.1}, 1.1},
		{simnet.Settings{Loss: 1}, 0},
		{simnet.Settings{Duplicate: 1}, 2},
	} {
		s.Link(a1.Addr(), b1.Addr()).Set(tc.set)
		*got = nil
		for i := range total {
			require.NoError(t, s.Send(a1, b1, numbered(i, 4)))
		}
		s.RunIdle()
		require.InDelta(t, tc.want*total, len(*got), 0.02*total, "%+v", tc.set)
	}
}

func TestSimRateSpacesDatagramsAndBoundsTheQueue(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	// 1000 bytes of IP packet take 1 ms.
	s.Link(a1.Addr(), b1.Addr()).Set(simnet.Settings{Rate: 1e6, Queue: 3000, Delay: time.Second})
	got := collect(s, b1.Addr())
	for i := range 10 {
		require.NoError(t, s.Send(a1, b1, numbered(i, 972)))
	}
	s.RunIdle()
	require.Len(t, *got, 3, "what does not fit the queue is dropped")
	for i, r := range *got {
		require.Equal(t, uint32(i), r.n)
		require.Equal(t, time.Second+time.Duration(i+1)*time.Millisecond, r.at)
	}
}

func TestSimMTURefusesAtTheFirstHopAndDropsFurtherAway(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	got := collect(s, b1.Addr())
	require.NoError(t, s.Send(a1, b1, numbered(0, 1472)))
	err := s.Send(a1, b1, numbered(1, 1473))
	var tooLarge *udpencap.MTUError
	require.ErrorAs(t, err, &tooLarge)
	require.Equal(t, udpencap.MTUError{Dst: b1, MTU: 1500}, *tooLarge)

	s.Segment("10.1.0.0/24").Set(simnet.Settings{MTU: 9000})
	s.Link(a1.Addr(), b1.Addr()).Set(simnet.Settings{MTU: 1280})
	require.NoError(t, s.Send(a1, b1, numbered(2, 1252)))
	require.NoError(t, s.Send(a1, b1, numbered(3, 1253)))
	s.RunIdle()
	require.Len(t, *got, 2)
	require.EqualValues(t, 2, (*got)[1].n)
	s.SendFragments(a1, b1, numbered(4, 20000))
	s.RunIdle()
	require.Len(t, *got, 3)

	v6a, v6b := ap("[2001:db8::1]:1"), ap("[2001:db8::2]:1")
	require.NoError(t, s.Send(v6a, v6b, make([]byte, 1452)))
	require.ErrorAs(t, s.Send(v6a, v6b, make([]byte, 1453)), &tooLarge)
}

func TestSimScheduledOutage(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	seg := s.Segment("10.1.0.0/24")
	s.After(10*time.Second, seg.Down)
	s.After(20*time.Second, seg.Up)
	got := collect(s, b1.Addr())
	for i := range 30 {
		s.At(epoch.Add(time.Duration(i)*time.Second+500*time.Millisecond), func() {
			require.NoError(t, s.Send(a1, b1, numbered(i, 4)))
		})
	}
	s.RunUntil(epoch.Add(time.Minute))
	require.Equal(t, epoch.Add(time.Minute), s.Now())
	require.Len(t, *got, 20)
	require.EqualValues(t, 20, (*got)[10].n)
}

func TestSimSegmentsAndRoutes(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	segs := s.Disjoint(2)
	require.Equal(t, ad("10.2.0.7"), segs[1].Addr(7))
	require.Equal(t, ad("10.9.1.2"), s.Segment("10.9.0.0/16").Addr(258))
	require.Panics(t, func() { segs[0].Addr(256) })

	got := collect(s, ad("10.2.0.2"))
	require.NoError(t, s.Send(a1, ap("10.2.0.2:1"), numbered(0, 4)))
	s.RunIdle()
	require.Empty(t, *got, "isolated segments do not reach each other")

	x := s.Segment("10.3.0.0/24")
	x.Set(simnet.Settings{Delay: 3 * time.Second})
	s.Segment("10.9.0.0/16").Set(simnet.Settings{Delay: 9 * time.Second})
	got = collect(s, ad("10.9.0.1"))
	require.NoError(t, s.Send(ap("10.3.0.1:1"), ap("10.9.0.1:1"), numbered(0, 4)))
	s.RunIdle()
	require.Len(t, *got, 1)
	require.Equal(t, 12*time.Second, (*got)[0].at)
}

func TestSimMulticastStaysInItsSegment(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	s.Disjoint(2)
	group := ap("239.0.0.1:3863")
	members := []string{"10.1.0.1", "10.1.0.2", "10.2.0.2", "10.1.0.3"}
	var got []*[]received
	for _, m := range members {
		got = append(got, collect(s, ad(m)))
		if m != "10.1.0.3" {
			s.Join(group.Addr(), ad(m))
		}
	}
	require.NoError(t, s.Send(a1, group, numbered(5, 4)))
	s.RunIdle()
	for i, want := range []int{1, 1, 0, 0} {
		require.Len(t, *got[i], want, members[i])
	}
}

func TestSimTimers(t *testing.T) {
	s := simnet.NewSim(testSeed(t), epoch)
	var order []int
	for i := range 5 {
		s.After(time.Second, func() { order = append(order, i) })
	}
	stopped := s.After(time.Millisecond, func() { t.Error("stopped timer fired") })
	require.True(t, stopped.Stop())
	require.False(t, stopped.Stop())
	past := s.At(epoch.Add(-time.Hour), func() { order = append(order, -1) })
	require.True(t, s.RunWhile(epoch.Add(time.Hour), func() bool { return len(order) < 1 }))
	require.Equal(t, epoch, s.Now())
	require.False(t, past.Stop())
	require.False(t, s.RunWhile(epoch.Add(time.Millisecond), func() bool { return true }))
	s.RunIdle()
	require.Equal(t, []int{-1, 0, 1, 2, 3, 4}, order)
}

// run lets a few hosts answer each other over a bad network.
func run(seed uint64) (hash uint64, trace string) {
	s := simnet.NewSim(seed, epoch)
	s.Segment("10.1.0.0/24").Set(simnet.Settings{
		Delay: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.1, Rate: 1e5,
	})
	var w bytes.Buffer
	s.Trace(&w)
	answer := func(src, dst netip.AddrPort, data []byte) {
		if n := binary.BigEndian.Uint32(data); n > 0 {
			_ = s.Send(dst, src, numbered(int(n-1), len(data)))
		}
	}
	s.Handle(a1.Addr(), answer)
	s.Handle(b1.Addr(), answer)
	for i := range 20 {
		_ = s.Send(a1, b1, numbered(20, 10+i))
	}
	s.RunIdle()
	return s.TraceHash(), w.String()
}

func TestSimSameSeedSameTrace(t *testing.T) {
	seed := testSeed(t)
	h1, t1 := run(seed)
	h2, t2 := run(seed)
	require.Equal(t, t1, t2)
	require.Equal(t, h1, h2)
	h3, _ := run(seed + 1)
	require.NotEqual(t, h1, h3)
	for _, word := range []string{" send ", " deliver ", " drop ", "loss"} {
		require.True(t, strings.Contains(t1, word), word)
	}
}

func BenchmarkSim(b *testing.B) {
	s := simnet.NewSim(1, epoch)
	s.Segment("10.1.0.0/24").Set(simnet.Settings{Delay: time.Millisecond, Jitter: time.Millisecond, Loss: 0.01})
	s.Handle(b1.Addr(), func(src, dst netip.AddrPort, data []byte) {})
	data := make([]byte, 1400)
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		_ = s.Send(a1, b1, data)
		if i%64 == 0 {
			s.RunIdle()
		}
	}
}
