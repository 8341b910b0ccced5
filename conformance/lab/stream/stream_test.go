// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func collect(spec Spec) []Message {
	var ms []Message
	s := NewSource(spec)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		ms = append(ms, m)
	}
	return ms
}

func digestOf(ms []Message) StreamSum {
	var d Digest
	for _, m := range ms {
		d.Add(m.Stream, m.PPID, m.Data)
	}
	return d.Total()
}

func TestSourceMeetsItsSpec(t *testing.T) {
	spec := Spec{Seed: 7, Bytes: 1_000_003, Streams: 5}
	ms := collect(spec)
	var total int64
	used := map[uint16]bool{}
	for _, m := range ms {
		require.NotEmpty(t, m.Data)
		require.LessOrEqual(t, len(m.Data), LargestMessage)
		total += int64(len(m.Data))
		used[m.Stream] = true
	}
	require.Equal(t, spec.Bytes, total)
	require.Len(t, used, spec.Streams)
	require.Equal(t, ms, collect(spec), "the same Spec gives the same messages")

	spec.MaxMessage = 1000
	for _, m := range collect(spec) {
		require.LessOrEqual(t, len(m.Data), 1000)
	}
	require.Empty(t, collect(Spec{}))
}

// The sums the C peer must reproduce: conformance/lab/usrsctppeer checks itself against them.
func TestDigestVectors(t *testing.T) {
	for _, v := range []struct {
		spec Spec
		want string
	}{
		{Spec{}, "messages=0 bytes=0 hash=0000000000000000 set=0000000000000000"},
		{Spec{Bytes: 1}, "messages=1 bytes=1 hash=cbb65a344a06fd36 set=0f28914b15885146"},
		{Spec{Seed: 1, Bytes: 100_000, Streams: 3}, "messages=15 bytes=100000 hash=ca32346ee710543e set=90b0080bbf7fdc6b"},
		{Spec{Seed: 42, Bytes: 10_000_000, Streams: 10, MaxMessage: 9000}, "messages=3570 bytes=10000000 hash=3f783790669b1263 set=7ef020301e4c54b5"},
	} {
		require.Equal(t, v.want, Expect(v.spec).Total().String(), "%+v", v.spec)
	}
}

func TestDigestFindsEveryAccident(t *testing.T) {
	ms := collect(Spec{Seed: 3, Bytes: 300_000, Streams: 4})
	want := digestOf(ms)
	alter := func(f func([]Message) []Message) StreamSum {
		return digestOf(f(append([]Message(nil), ms...)))
	}

	lost := alter(func(m []Message) []Message { return append(m[:4], m[5:]...) })
	require.NotEqual(t, want.Hash, lost.Hash)
	require.NotEqual(t, want.Set, lost.Set)

	twice := alter(func(m []Message) []Message { return append(m, m[0]) })
	require.NotEqual(t, want.Set, twice.Set)

	// Messages 1 and 5 are on one stream, 1 and 2 are not.
	require.Equal(t, ms[1].Stream, ms[5].Stream)
	swapped := alter(func(m []Message) []Message { m[1], m[5] = m[5], m[1]; return m })
	require.NotEqual(t, want.Hash, swapped.Hash, "order within a stream counts")
	require.Equal(t, want.Set, swapped.Set)
	other := alter(func(m []Message) []Message { m[1], m[2] = m[2], m[1]; return m })
	require.Equal(t, want, other, "order between streams does not count")

	moved := alter(func(m []Message) []Message { m[1].Stream++; return m })
	require.NotEqual(t, want.Set, moved.Set)
	ppid := alter(func(m []Message) []Message { m[1].PPID++; return m })
	require.NotEqual(t, want.Set, ppid.Set)
	short := alter(func(m []Message) []Message { m[1].Data = m[1].Data[:len(m[1].Data)-1]; return m })
	require.NotEqual(t, want.Set, short.Set)

	var zeros, more Digest
	zeros.Add(0, 0, []byte{1})
	more.Add(0, 0, []byte{1, 0})
	require.NotEqual(t, zeros.Total().Set, more.Total().Set, "zeros at the end count")
}

func TestSpecValidate(t *testing.T) {
	require.NoError(t, Spec{Bytes: 1, Streams: 65535}.Validate())
	require.ErrorContains(t, Spec{Bytes: -1}.Validate(), "Bytes")
	require.ErrorContains(t, Spec{Streams: 65536}.Validate(), "Streams")
	require.ErrorContains(t, Spec{MaxMessage: LargestMessage + 1}.Validate(), "MaxMessage")
}

func BenchmarkExpect100MB(b *testing.B) {
	b.SetBytes(100_000_000)
	for b.Loop() {
		Expect(Spec{Seed: 1, Bytes: 100_000_000, Streams: 16})
	}
}
