// SPDX-License-Identifier: Apache-2.0

package udpencap

import "encoding/binary"

// A cmsgLayout is how a system lays out control messages: struct cmsghdr of
// RFC 3542, Section 20.2, or WSACMSGHDR of Windows. The length comes first, then
// the level and the type, an int each.
type cmsgLayout struct {
	lenSize int // bytes of the length: 4, or 8 where it is a size_t
	dataAt  int // where the data begins, in bytes from the header
	align   int // what the next header is aligned to
}

// space is the number of bytes that a message with n bytes of data takes.
func (l cmsgLayout) space(n int) int { return l.aligned(l.dataAt + n) }

func (l cmsgLayout) aligned(n int) int { return (n + l.align - 1) &^ (l.align - 1) }

// append adds a message to b, which must be aligned.
func (l cmsgLayout) append(b []byte, level, typ int, data []byte) []byte {
	start := len(b)
	b = append(b, make([]byte, l.space(len(data)))...)
	m := b[start:]
	if n := uint64(l.dataAt + len(data)); l.lenSize == 8 {
		binary.NativeEndian.PutUint64(m, n)
	} else {
		binary.NativeEndian.PutUint32(m, uint32(n))
	}
	binary.NativeEndian.PutUint32(m[l.lenSize:], uint32(level))
	binary.NativeEndian.PutUint32(m[l.lenSize+4:], uint32(typ))
	copy(m[l.dataAt:], data)
	return b
}

// next reads the first message of b, whose data is a view of b. It is not ok if
// there is none, or only a part of one.
func (l cmsgLayout) next(b []byte) (level, typ int, data, rest []byte, ok bool) {
	if len(b) < l.dataAt {
		return 0, 0, nil, nil, false
	}
	var n uint64
	if l.lenSize == 8 {
		n = binary.NativeEndian.Uint64(b)
	} else {
		n = uint64(binary.NativeEndian.Uint32(b))
	}
	if n < uint64(l.dataAt) || n > uint64(len(b)) {
		return 0, 0, nil, nil, false
	}
	level = int(int32(binary.NativeEndian.Uint32(b[l.lenSize:])))
	typ = int(int32(binary.NativeEndian.Uint32(b[l.lenSize+4:])))
	return level, typ, b[l.dataAt:n], b[min(len(b), l.aligned(int(n))):], true
}
