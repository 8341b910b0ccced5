// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"iter"
)

// ParamHeaderLen is the size of a parameter's type and length.
const ParamHeaderLen = 4

// A Param is one parameter of a chunk. Value and Raw are views into the packet.
type Param struct {
	Type  ParamType
	Value []byte // without padding
	Raw   []byte // header and Value, without padding
}

// NextParam cuts the first parameter off b and returns it and what follows its
// padding. The padding of the last parameter may be missing: the chunk length
// need not count it.
//
// RFC 9260, Section 3.2: "The Chunk Length field does not count any chunk
// padding. However, it does include any padding of variable-length parameters
// other than the last parameter in the chunk. Note: A robust implementation is
// expected to accept the chunk whether or not the final padding has been
// included in the Chunk Length."
func NextParam(b []byte) (p Param, rest []byte, err error) {
	if len(b) < ParamHeaderLen {
		return Param{}, nil, parseErrorf("parameter header", 0, "%d bytes left, want %d", len(b), ParamHeaderLen)
	}
	t, n := ParamType(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	if n < ParamHeaderLen || n > len(b) {
		return Param{}, nil, tlvLengthError(t.String()+" parameter", n, len(b))
	}
	return Param{Type: t, Value: b[ParamHeaderLen:n:n], Raw: b[:n:n]}, b[min(padded(n), len(b)):], nil
}

// Params iterates over the parameters in b. After an error it stops.
func Params(b []byte) iter.Seq2[Param, error] {
	return func(yield func(Param, error) bool) {
		for len(b) > 0 {
			p, rest, err := NextParam(b)
			if !yield(p, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

// CheckParams reports whether b is a well-formed list of parameters.
func CheckParams(b []byte) error {
	for off := len(b); len(b) > 0; {
		_, rest, err := NextParam(b)
		if err != nil {
			return shift(err, off-len(b))
		}
		b = rest
	}
	return nil
}

// AppendParam appends a parameter of any type with the given value, and its
// padding.
func AppendParam(b []byte, t ParamType, value []byte) []byte {
	return appendTLV(b, uint16(t), value)
}

func appendTLV(b []byte, t uint16, value []byte) []byte {
	start := len(b)
	b = startTLV(b, t)
	b = append(b, value...)
	return finish(b, start)
}

// startTLV appends a parameter or cause header whose length finish fills in.
func startTLV(b []byte, t uint16) []byte {
	return append(b, byte(t>>8), byte(t), 0, 0)
}

// withoutFinalPadding cuts the padding of the last parameter or error cause off
// a list of them, so that the length of what contains the list does not count
// it. A malformed list is returned as it is.
//
// RFC 9260, Section 3.2: "The Chunk Length field does not count any chunk
// padding. However, it does include any padding of variable-length parameters
// other than the last parameter in the chunk."
func withoutFinalPadding(list []byte) []byte {
	for b := list; len(b) >= ParamHeaderLen; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < ParamHeaderLen || n > len(b) {
			break
		}
		if padded(n) >= len(b) {
			return list[:len(list)-len(b)+n]
		}
		b = b[padded(n):]
	}
	return list
}

// check tells whether the parameter is of type t and has at least n bytes of
// value, or exactly n.
func (p Param) check(t ParamType, n int, exact bool) error {
	if p.Type != t {
		return typeError(t.String()+" parameter", p.Type)
	}
	if len(p.Value) < n || exact && len(p.Value) > n {
		return parseErrorf(t.String()+" parameter", 2, "length is %d, want %s%d",
			ParamHeaderLen+len(p.Value), atLeast(exact), ParamHeaderLen+n)
	}
	return nil
}

func atLeast(exact bool) string {
	if exact {
		return ""
	}
	return "at least "
}

// shift moves the offset of a ParseError which was found n bytes further on.
func shift(err error, n int) error {
	if e, ok := err.(*ParseError); ok {
		e.Offset += n
	}
	return err
}
