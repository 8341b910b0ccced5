// SPDX-License-Identifier: Apache-2.0

package param

import (
	"encoding/binary"
	"fmt"
)

// Encoder appends a message: header, fixed fields, parameters. Packages asap and enrp are written with it; most
// programs use their messages. The first error sticks and comes out of [Encoder.Finish].
type Encoder struct {
	b    []byte
	base int
	err  error
}

// NewEncoder starts a message of the type at the end of b.
func NewEncoder(b []byte, messageType, flags uint8) Encoder {
	return Encoder{b: append(b, messageType, flags, 0, 0), base: len(b)}
}

// Uint32 appends a fixed field of 4 bytes.
func (e *Encoder) Uint32(v uint32) { e.b = binary.BigEndian.AppendUint32(e.b, v) }

// Uint16 appends a fixed field of 2 bytes.
func (e *Encoder) Uint16(v uint16) { e.b = binary.BigEndian.AppendUint16(e.b, v) }

// Fail makes Finish return an error that names the place, unless there is one already.
func (e *Encoder) Fail(t Type, format string, args ...any) {
	if e.err == nil {
		e.err = &ParamError{Param: t, Reason: fmt.Sprintf(format, args...), Silent: true}
	}
}

// Encoded appends a parameter that was encoded before, by its AppendBinary. If it does not fit into the message any more,
// it reports false and appends nothing.
func (e *Encoder) Encoded(tlv []byte) bool {
	if pad4(len(e.b)-e.base)+pad4(len(tlv)) > MaxMessage {
		return false
	}
	e.pad()
	e.b = append(e.b, tlv...)
	return true
}

// Finish pads the message, fills in its length, and returns the extended buffer. After an error it returns the
// buffer as NewEncoder got it.
//
// RFC 5354, Section 4: "The total length of a message [...] MUST be a multiple of 4 bytes." The padding of the last
// parameter is part of the message's value, and RSPLIB counts it too; so Message Length is always a multiple of 4.
func (e *Encoder) Finish() ([]byte, error) {
	e.pad()
	if n := len(e.b) - e.base; e.err == nil && n > MaxMessage {
		e.Fail(0, "message of %d bytes is longer than %d", n, MaxMessage)
	}
	if e.err != nil {
		return e.b[:e.base], e.err
	}
	binary.BigEndian.PutUint16(e.b[e.base+2:], uint16(len(e.b)-e.base))
	return e.b, nil
}

// open pads what came before, starts a TLV, and returns where.
func (e *Encoder) open(t Type) int {
	e.pad()
	start := len(e.b)
	e.Uint16(uint16(t))
	e.Uint16(0)
	return start
}

// close fills in the length of the TLV. Padding waits until something follows:
//
// RFC 5354, Section 2: "a nested parameter will include the length of the padding between the nested parameters but
// not the last padding."
func (e *Encoder) close(start int, t Type) {
	n := len(e.b) - start
	if n > 0xffff {
		e.Fail(t, "parameter of %d bytes is longer than 65535", n)
		return
	}
	binary.BigEndian.PutUint16(e.b[start+2:], uint16(n))
}

// pad appends zero bytes up to a multiple of 4.
func (e *Encoder) pad() {
	for (len(e.b)-e.base)%4 != 0 {
		e.b = append(e.b, 0)
	}
}

// appendParam makes a lone parameter of what f encodes, without padding at its end.
func appendParam(b []byte, f func(*Encoder)) ([]byte, error) {
	e := Encoder{b: b, base: len(b)}
	f(&e)
	if e.err != nil {
		return b, e.err
	}
	return e.b, nil
}

// pad4 rounds up to a multiple of 4.
func pad4(n int) int { return (n + 3) &^ 3 }
