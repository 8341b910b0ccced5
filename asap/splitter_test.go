// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// feed gives a splitter a stream in pieces of the sizes that size returns, and returns the messages.
func feed(s *Splitter, stream []byte, size func() int) (all [][]byte, err error) {
	for len(stream) > 0 {
		n := copy(s.Space(), stream[:min(len(stream), max(1, size()))])
		s.Fill(n)
		stream = stream[n:]
		for {
			m, err := s.Next()
			if err != nil {
				return all, err
			}
			if m == nil {
				break
			}
			all = append(all, bytes.Clone(m))
		}
	}
	return all, nil
}

func streamOf(t testing.TB, lengths ...int) (stream []byte, want [][]byte) {
	for i, n := range lengths {
		m := make([]byte, (n+3)&^3)
		m[0], m[2], m[3] = byte(TypeError), byte(n>>8), byte(n)
		for j := 4; j < n; j++ {
			m[j] = byte(i + j)
		}
		stream, want = append(stream, m...), append(want, m)
	}
	return stream, want
}

// RFC 5354, Section 4: "this padding is not included in the Message Length field." The padding of one message is not the
// beginning of the next, however the stream is cut into segments.
func TestSplitterAnySegments(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, lengths := range map[string][]int{
		"headers": {4, 4, 4}, "padded": {5, 6, 7, 8, 9, 4, 7}, "largest": {65535, 4, 65532, 65533}, "growing": {4, 600, 5000, 40000, 8},
	} {
		stream, want := streamOf(t, lengths...)
		for cut, size := range map[string]func() int{
			"byte by byte": func() int { return 1 }, "all at once": func() int { return len(stream) },
			"three": func() int { return 3 }, "any": func() int { return rnd.IntN(3000) },
		} {
			var s Splitter
			got, err := feed(&s, stream, size)
			require.NoError(t, err, "%s, %s", name, cut)
			require.Equal(t, want, got, "%s, %s", name, cut)
			require.False(t, s.Pending())
		}
	}
}

func TestSplitterEveryTruncationIsPending(t *testing.T) {
	stream, _ := streamOf(t, 21)
	for n := 1; n < len(stream); n++ {
		var s Splitter
		got, err := feed(&s, stream[:n], func() int { return n })
		require.NoError(t, err)
		require.Empty(t, got, "%d bytes", n)
		require.True(t, s.Pending(), "%d bytes", n)
	}
}

func TestSplitterLengthBelowHeader(t *testing.T) {
	for n := range byte(4) {
		stream, want := streamOf(t, 8)
		stream = append(stream, byte(TypeHandleResolution), 0, 0, n, 1, 2, 3, 4)
		var s Splitter
		got, err := feed(&s, stream, func() int { return 5 })
		require.ErrorIs(t, err, ErrNotASAP, "length %d", n)
		require.Equal(t, want, got)
		_, again := s.Next()
		require.Equal(t, err, again)
	}
}

// A header that promises much costs nothing: memory grows with what has come.
func TestSplitterMemoryFollowsWhatCame(t *testing.T) {
	var s Splitter
	_, err := feed(&s, []byte{byte(TypeHandleResolution), 0, 0xff, 0xff}, func() int { return 4 })
	require.NoError(t, err)
	require.LessOrEqual(t, len(s.Space()), splitterFirst)
	stream, want := streamOf(t, 65535)
	s = Splitter{}
	got, err := feed(&s, append(stream, stream...), func() int { return 1 << 20 })
	require.NoError(t, err)
	require.Equal(t, [][]byte{want[0], want[0]}, got)
	require.LessOrEqual(t, len(s.Space()), splitterFirst, "the large buffer is given back")
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte{5, 0, 0, 8, 0, 9, 0, 5, 5, 0, 0, 4}, uint8(3))
	f.Add([]byte{5, 0, 0, 3, 0, 9, 0, 5}, uint8(1))
	f.Add([]byte{5, 0, 255, 255, 0, 9, 0, 5}, uint8(9))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		var s, whole Splitter
		got, err := feed(&s, stream, func() int { return int(size) })
		want, wantErr := feed(&whole, stream, func() int { return len(stream) })
		require.Equal(t, want, got, "the cuts do not matter")
		require.Equal(t, wantErr == nil, err == nil)
		n := 0
		for _, m := range got {
			require.GreaterOrEqual(t, len(m), 4)
			require.Zero(t, len(m)%4)
			n += len(m)
		}
		require.LessOrEqual(t, n, len(stream))
		require.Equal(t, stream[:n], bytes.Join(got, nil)[:n])
	})
}
