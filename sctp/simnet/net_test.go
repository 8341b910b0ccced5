// SPDX-License-Identifier: Apache-2.0

package simnet_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

func listen(t *testing.T, h *simnet.Host, laddr netip.AddrPort) udpencap.Socket {
	t.Helper()
	s, err := h.Network().Listen(t.Context(), laddr)
	require.NoError(t, err)
	return s
}

// batch provides n datagrams to read into.
func batch(n int) []udpencap.Datagram {
	dgs := make([]udpencap.Datagram, n)
	for i := range dgs {
		dgs[i].Data = make([]byte, 0, udpencap.MaxBatchBytes)
	}
	return dgs
}

// read returns the next batch as text: data, or data/size for a run.
func read(t *testing.T, s udpencap.Socket) (texts []string, src netip.AddrPort) {
	t.Helper()
	dgs := batch(8)
	n, err := s.ReadBatch(dgs)
	require.NoError(t, err)
	require.Positive(t, n)
	for _, d := range dgs[:n] {
		text := string(d.Data)
		if d.SegmentSize > 0 {
			text = fmt.Sprintf("%s/%d", text, d.SegmentSize)
		}
		texts = append(texts, text)
	}
	return texts, dgs[0].Src
}

func write(t *testing.T, s udpencap.Socket, dst netip.AddrPort, texts ...string) {
	t.Helper()
	var dgs []udpencap.Datagram
	for _, x := range texts {
		dgs = append(dgs, udpencap.Datagram{Data: []byte(x), Dst: dst})
	}
	n, err := s.WriteBatch(dgs)
	require.NoError(t, err)
	require.Len(t, texts, n)
}

func TestNetDelaysInTheTimeOfTheBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(testSeed(t))
		a, b, segs := n.Pair(2)
		segs[0].Set(simnet.Settings{Delay: 3 * time.Second})
		segs[1].Set(simnet.Settings{Delay: time.Second})
		addrs, err := a.Network().Addrs()
		require.NoError(t, err)
		require.Equal(t, []netip.Addr{ad("10.1.0.1"), ad("10.2.0.1")}, addrs)

		src, dst := listen(t, a, ap("10.1.0.1:9899")), listen(t, b, ap("10.1.0.2:9899"))
		src2, dst2 := listen(t, a, ap("10.2.0.1:9899")), listen(t, b, ap("10.2.0.2:9899"))
		start := time.Now()
		write(t, src, dst.LocalAddr(), "slow")
		write(t, src2, dst2.LocalAddr(), "fast")
		got, from := read(t, dst2)
		require.Equal(t, []string{"fast"}, got)
		require.Equal(t, src2.LocalAddr(), from)
		require.Equal(t, time.Second, time.Since(start))
		got, _ = read(t, dst)
		require.Equal(t, []string{"slow"}, got)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestNetCloseWakesReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(testSeed(t))
		s := listen(t, n.Host("a", ad("::1")), ap("[::1]:0"))
		require.NotZero(t, s.LocalAddr().Port())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, err := s.ReadBatch(batch(1))
				require.ErrorIs(t, err, net.ErrClosed)
			})
		}
		synctest.Wait()
		require.NoError(t, s.Close())
		wg.Wait()
		require.ErrorIs(t, s.Close(), net.ErrClosed)
		_, err := s.WriteBatch(nil)
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestNetRuns(t *testing.T) {
	n := simnet.New(testSeed(t))
	a, b, _ := n.Pair(1)
	src, dst := listen(t, a, a1), listen(t, b, b1)

	_, err := src.WriteBatch([]udpencap.Datagram{{Data: []byte("aabbccd"), SegmentSize: 2, Dst: b1}})
	require.NoError(t, err)
	got, _ := read(t, dst)
	require.Equal(t, []string{"aabbccd/2"}, got)

	write(t, src, b1, "aa", "bb", "ccc", "d", "e")
	got, _ = read(t, dst)
	require.Equal(t, []string{"aabb/2", "cccd/3", "e"}, got)

	write(t, src, b1, "aaa", "bbb", "ccc")
	dgs := []udpencap.Datagram{{Data: make([]byte, 0, 7)}, {Data: make([]byte, 0, 2)}}
	m, err := dst.ReadBatch(dgs)
	require.NoError(t, err)
	require.Equal(t, 2, m)
	require.Equal(t, "aaabbb", string(dgs[0].Data))
	require.Equal(t, "cc", string(dgs[1].Data), "cut to the capacity")
}

func TestNetMTU(t *testing.T) {
	n := simnet.New(testSeed(t))
	a, b, segs := n.Pair(1)
	src, dst := listen(t, a, a1), listen(t, b, b1)
	segs[0].Set(simnet.Settings{MTU: 100})
	n.Link(a1.Addr(), b1.Addr()).Set(simnet.Settings{MTU: 90})

	write := []udpencap.Datagram{
		{Data: make([]byte, 60), Dst: b1},
		{Data: make([]byte, 73), Dst: b1},
		{Data: make([]byte, 72), Dst: b1},
		{Data: make([]byte, 62), Dst: b1},
	}
	i, err := src.WriteBatch(write)
	var tooLarge *udpencap.MTUError
	require.ErrorAs(t, err, &tooLarge)
	require.Equal(t, udpencap.MTUError{Dst: b1, MTU: 100}, *tooLarge)
	require.Equal(t, 1, i)
	_, err = src.WriteBatch(write[i+1:])
	require.NoError(t, err)

	dgs := batch(4)
	i, err = dst.ReadBatch(dgs)
	require.NoError(t, err)
	require.Equal(t, 2, i)
	require.Len(t, dgs[0].Data, 60)
	require.Len(t, dgs[1].Data, 62)
}

func TestNetAddresses(t *testing.T) {
	n := simnet.New(testSeed(t))
	a, b, _ := n.Pair(1)
	require.Error(t, b.AddAddr(a1.Addr()), "one owner per address")
	require.Error(t, a.AddAddr(ad("0.0.0.0")))
	src, dst := listen(t, a, a1), listen(t, b, b1)

	_, err := a.Network().Listen(t.Context(), a1)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	_, err = a.Network().Listen(t.Context(), b1)
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = a.Network().Listen(ctx, ap("10.1.0.1:0"))
	require.ErrorIs(t, err, context.Canceled)

	b.RemoveAddr(b1.Addr())
	write(t, src, b1, "lost")
	_, err = dst.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: a1}})
	require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	require.NoError(t, b.AddAddr(b1.Addr()))
	write(t, src, b1, "found")
	got, _ := read(t, dst)
	require.Equal(t, []string{"found"}, got)

	_, err = src.WriteBatch([]udpencap.Datagram{{Data: []byte("x"), Dst: ap("[::1]:1")}})
	require.Error(t, err)
	_, err = src.WriteBatch([]udpencap.Datagram{{Data: []byte("x")}})
	require.ErrorIs(t, err, syscall.EINVAL)
}

func TestNetMulticast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(testSeed(t))
		a, b, _ := n.Pair(2)
		group := ap("239.0.0.1:3863")
		join := func(h *simnet.Host, ifs ...netip.Addr) udpencap.Socket {
			s, err := h.Network().ListenMulticast(t.Context(), group, ifs)
			require.NoError(t, err)
			return s
		}
		all, second, own := join(b), join(b, ad("10.2.0.2")), join(a)
		_, err := a.Network().ListenMulticast(t.Context(), group, []netip.Addr{ad("10.1.0.2")})
		require.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
		_, err = a.Network().ListenMulticast(t.Context(), a1, nil)
		require.Error(t, err)
		src := listen(t, a, a1)

		write(t, src, group, "one")
		got, from := read(t, all)
		require.Equal(t, []string{"one"}, got)
		require.Equal(t, a1, from)
		got, _ = read(t, own)
		require.Equal(t, []string{"one"}, got, "loops back")

		require.NoError(t, src.SetMulticast(ad("10.2.0.1"), 1))
		write(t, src, group, "two")
		got, _ = read(t, second)
		require.Equal(t, []string{"two"}, got, "first went to the other interface")
		got, _ = read(t, all)
		require.Equal(t, []string{"two"}, got)

		require.NoError(t, src.SetMulticast(ad("10.2.0.1"), 0))
		require.Error(t, src.SetMulticast(ad("10.2.0.2"), 1))
		require.Error(t, src.SetMulticast(ad("10.2.0.1"), 256))
		write(t, src, group, "three")
		got, _ = read(t, own)
		require.Equal(t, []string{"two", "three"}, got)
		time.AfterFunc(time.Second, func() { second.Close() })
		_, err = second.ReadBatch(batch(1))
		require.ErrorIs(t, err, net.ErrClosed, "TTL 0 stays on the host")
	})
}

func TestNetKeepsOrderUnderLoad(t *testing.T) {
	n := simnet.New(testSeed(t))
	a, b, segs := n.Pair(1)
	segs[0].Set(simnet.Settings{Delay: 100 * time.Microsecond})
	src, dst := listen(t, a, a1), listen(t, b, b1)
	const total = 2000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range total {
			_, _ = src.WriteBatch([]udpencap.Datagram{{Data: numbered(i, 100), Dst: b1}})
		}
	})
	dgs := batch(4)
	for got := 0; got < total; {
		m, err := dst.ReadBatch(dgs)
		require.NoError(t, err)
		for _, d := range dgs[:m] {
			for off := 0; off < len(d.Data); off += 100 {
				require.Equal(t, numbered(got, 100), d.Data[off:off+100])
				got++
			}
		}
	}
	wg.Wait()
}
