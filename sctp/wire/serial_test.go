// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// RFC 9260, Section 1.6: "Transmission Sequence Numbers wrap around when they
// reach 2^32 - 1. That is, the next TSN a DATA chunk MUST use after
// transmitting TSN = 2^32 - 1 is TSN = 0."
func TestSerialNumbersWrap(t *testing.T) {
	for _, c := range []struct {
		a, b    uint32
		less    bool // a < b
		greater bool // a > b
		diff    int32
	}{
		{0, 0, false, false, 0},
		{0, 1, true, false, -1},
		{1, 0, false, true, 1},
		{1<<32 - 1, 0, true, false, -1},
		{0, 1<<32 - 1, false, true, 1},
		{1<<32 - 10, 10, true, false, -20},
		{10, 1<<32 - 10, false, true, 20},
		{0, 1<<31 - 1, true, false, -(1<<31 - 1)},
		{1<<31 - 1, 0, false, true, 1<<31 - 1},
		{0, 1<<31 + 1, false, true, 1<<31 - 1},
		{1 << 31, 1<<32 - 1, true, false, -(1<<31 - 1)},
		{0, 1 << 31, false, false, -1 << 31}, // RFC 1982: undefined
		{1 << 31, 0, false, false, -1 << 31},
		{5, 5 + 1<<31, false, false, -1 << 31},
	} {
		check32(t, TSN(c.a), TSN(c.b), c.less, c.greater, c.diff)
		check32(t, MID(c.a), MID(c.b), c.less, c.greater, c.diff)
		check32(t, FSN(c.a), FSN(c.b), c.less, c.greater, c.diff)
		check32(t, Seq(c.a), Seq(c.b), c.less, c.greater, c.diff)
	}
}

type serial32[T any] interface {
	Less(T) bool
	LessEq(T) bool
	Greater(T) bool
	GreaterEq(T) bool
	Diff(T) int32
	Add(uint32) T
	comparable
}

func check32[T serial32[T]](t *testing.T, a, b T, less, greater bool, diff int32) {
	t.Helper()
	require.Equal(t, less, a.Less(b), "%T %v < %v", a, a, b)
	require.Equal(t, greater, a.Greater(b), "%T %v > %v", a, a, b)
	require.Equal(t, less || a == b, a.LessEq(b), "%T %v <= %v", a, a, b)
	require.Equal(t, greater || a == b, a.GreaterEq(b), "%T %v >= %v", a, a, b)
	require.Equal(t, diff, a.Diff(b), "%T %v - %v", a, a, b)
	require.Equal(t, a, b.Add(uint32(diff)), "%T %v + %v", a, b, diff)
}

// RFC 9260, Section 1.6: "Any arithmetic done on Stream Sequence Numbers SHOULD
// use Serial Number Arithmetic, as defined in [RFC1982], where SERIAL_BITS = 16."
func TestStreamSequenceNumbersWrap(t *testing.T) {
	for _, c := range []struct {
		a, b          SSN
		less, greater bool
		diff          int16
	}{
		{0, 0, false, false, 0},
		{1<<16 - 1, 0, true, false, -1},
		{0, 1<<16 - 1, false, true, 1},
		{1<<16 - 3, 3, true, false, -6},
		{0, 1<<15 - 1, true, false, -(1<<15 - 1)},
		{0, 1<<15 + 1, false, true, 1<<15 - 1},
		{0, 1 << 15, false, false, -1 << 15},
		{1 << 15, 0, false, false, -1 << 15},
	} {
		require.Equal(t, c.less, c.a.Less(c.b), "%d < %d", c.a, c.b)
		require.Equal(t, c.greater, c.a.Greater(c.b), "%d > %d", c.a, c.b)
		require.Equal(t, c.less || c.a == c.b, c.a.LessEq(c.b), "%d <= %d", c.a, c.b)
		require.Equal(t, c.greater || c.a == c.b, c.a.GreaterEq(c.b), "%d >= %d", c.a, c.b)
		require.Equal(t, c.diff, c.a.Diff(c.b), "%d - %d", c.a, c.b)
		require.Equal(t, c.a, c.b.Add(uint16(c.diff)), "%d + %d", c.b, c.diff)
	}
}

// The definition of "less than" in RFC 1982, Section 3.2, word by word.
func TestSerialLessIsRFC1982(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i1, i2 := rapid.Uint32().Draw(t, "i1"), rapid.Uint32().Draw(t, "i2")
		want := i1 < i2 && uint64(i2)-uint64(i1) < 1<<31 || i1 > i2 && uint64(i1)-uint64(i2) > 1<<31
		require.Equal(t, want, TSN(i1).Less(TSN(i2)))
		s1, s2 := uint16(i1), uint16(i2)
		want = s1 < s2 && uint32(s2)-uint32(s1) < 1<<15 || s1 > s2 && uint32(s1)-uint32(s2) > 1<<15
		require.Equal(t, want, SSN(s1).Less(SSN(s2)))
	})
}
