// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The layouts that are known, of systems which this test need not run on.
var cmsgLayouts = map[string]cmsgLayout{
	"darwin":        {4, 12, 4},
	"freebsd/amd64": {4, 16, 8},
	"freebsd/arm64": {4, 16, 8},
	"linux/amd64":   {8, 16, 8},
	"linux/arm64":   {8, 16, 8},
	"linux/386":     {4, 12, 4},
	"windows/amd64": {8, 16, 8},
	"windows/arm64": {8, 16, 8},
	"windows/386":   {4, 12, 4},
}

// native is a list of ints of the given sizes in the order of this machine.
func native(sizeAndValue ...int) (b []byte) {
	for i := 0; i < len(sizeAndValue); i += 2 {
		switch v := sizeAndValue[i+1]; sizeAndValue[i] {
		case 1:
			b = append(b, byte(v))
		case 4:
			b = binary.NativeEndian.AppendUint32(b, uint32(v))
		case 8:
			b = binary.NativeEndian.AppendUint64(b, uint64(v))
		}
	}
	return b
}

func TestCmsgBytes(t *testing.T) {
	for _, tt := range []struct {
		layout string
		data   []byte
		want   []byte
	}{
		{"darwin", native(4, 2), native(4, 16, 4, 41, 4, 36, 4, 2)},
		{"darwin", []byte{2}, native(4, 13, 4, 41, 4, 36, 1, 2, 1, 0, 1, 0, 1, 0)},
		{"freebsd/amd64", []byte{2}, native(4, 17, 4, 41, 4, 36, 4, 0, 1, 2, 1, 0, 1, 0, 1, 0, 4, 0)},
		{"freebsd/amd64", native(4, 2), native(4, 20, 4, 41, 4, 36, 4, 0, 4, 2, 4, 0)},
		{"linux/amd64", native(4, 2), native(8, 20, 4, 41, 4, 36, 4, 2, 4, 0)},
		{"linux/386", native(4, 2), native(4, 16, 4, 41, 4, 36, 4, 2)},
		{"windows/amd64", native(4, 2), native(8, 20, 4, 41, 4, 36, 4, 2, 4, 0)},
		{"windows/amd64", nil, native(8, 16, 4, 41, 4, 36)},
	} {
		l := cmsgLayouts[tt.layout]
		require.Equal(t, tt.want, l.append(nil, 41, 36, tt.data), tt.layout)
		require.Len(t, tt.want, l.space(len(tt.data)), tt.layout)
	}
}

// What has been appended is read again; no part of it is; what is said to be longer
// than it is, or shorter than a header, is not.
func TestCmsgNext(t *testing.T) {
	for name, l := range cmsgLayouts {
		b := l.append(nil, 0, 27, []byte{3})
		first := len(b)
		b = l.append(b, -1, 75, native(4, 7, 1, 9))
		b = l.append(b, 41, 36, nil)

		level, typ, data, rest, ok := l.next(b)
		require.True(t, ok, name)
		require.Equal(t, []any{0, 27, []byte{3}}, []any{level, typ, data}, name)
		require.Equal(t, b[first:], rest, name)
		level, typ, data, rest, ok = l.next(rest)
		require.True(t, ok, name)
		require.Equal(t, []any{-1, 75, native(4, 7, 1, 9)}, []any{level, typ, data}, name)
		level, typ, data, rest, ok = l.next(rest)
		require.True(t, ok, name)
		require.Equal(t, []any{41, 36, []byte{}}, []any{level, typ, data}, name)
		require.Empty(t, rest, name)
		_, _, _, _, ok = l.next(rest)
		require.False(t, ok, name)

		for n := range l.dataAt + 1 {
			_, _, _, _, ok = l.next(b[:n])
			require.False(t, ok, "%s: %d bytes", name, n)
		}
		// The padding of the last one need not be there.
		_, _, data, rest, ok = l.next(b[:l.dataAt+1])
		require.True(t, ok, name)
		require.Equal(t, []byte{3}, data, name)
		require.Empty(t, rest, name)

		for _, n := range []uint64{0, 1, uint64(l.dataAt - 1), uint64(len(b) + 1), math.MaxInt32 + 1, math.MaxUint64} {
			bad := append([]byte(nil), b...)
			copy(bad, native(l.lenSize, int(n)))
			_, _, _, _, ok = l.next(bad)
			require.False(t, ok, "%s: length %d", name, n)
		}
	}
}

// Reading ends, whatever there is.
func FuzzCmsgNext(f *testing.F) {
	for _, l := range cmsgLayouts {
		f.Add(l.append(l.append(nil, 0, 27, []byte{3}), 41, 36, native(4, 1)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, l := range cmsgLayouts {
			for rest := b; ; {
				_, _, data, next, ok := l.next(rest)
				if !ok {
					break
				}
				if len(next)+len(data)+l.dataAt > len(rest) {
					t.Fatalf("%s: %d bytes of data and %d left of %d", name, len(data), len(next), len(rest))
				}
				rest = next
			}
		}
	})
}
