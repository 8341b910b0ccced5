// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loopbacks are the loopback addresses of this host: 127.0.0.1, and ::1 where
// there is IPv6.
func loopbacks(t testing.TB) []netip.Addr {
	addrs, err := Host().Addrs()
	require.NoError(t, err)
	addrs = slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() })
	require.NotEmpty(t, addrs)
	return addrs
}

func listen(t testing.TB, n Network, a netip.Addr) *hostSocket {
	s, err := n.Listen(t.Context(), netip.AddrPortFrom(a, 0))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s.(*hostSocket)
}

// newBatch has memory for n datagrams.
func newBatch(n int) []Datagram {
	dgs := make([]Datagram, n)
	for i := range dgs {
		dgs[i].Data = make([]byte, MaxBatchBytes)
	}
	return dgs
}

// segments cuts a Datagram into what was on the wire.
func segments(d Datagram) [][]byte {
	if d.SegmentSize == 0 {
		return [][]byte{slices.Clone(d.Data)}
	}
	var out [][]byte
	for c := range slices.Chunk(d.Data, d.SegmentSize) {
		out = append(out, slices.Clone(c))
	}
	return out
}

// receive reads n datagrams which must all come from src.
func receive(t testing.TB, s Socket, n int, src netip.AddrPort) [][]byte {
	defer time.AfterFunc(30*time.Second, func() { s.Close() }).Stop()
	var out [][]byte
	for batch := newBatch(8); len(out) < n; {
		got, err := s.ReadBatch(batch)
		require.NoError(t, err, "after %d of %d datagrams", len(out), n)
		require.Positive(t, got)
		for _, d := range batch[:got] {
			require.Equal(t, src, d.Src)
			out = append(out, segments(d)...)
		}
	}
	return out
}

// pattern is n bytes in which every datagram differs from its neighbours.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i/251)
	}
	return b
}

// countSegments is len(segments(d)) without an allocation.
func countSegments(d Datagram) int {
	if d.SegmentSize == 0 {
		return 1
	}
	return (len(d.Data) + d.SegmentSize - 1) / d.SegmentSize
}
