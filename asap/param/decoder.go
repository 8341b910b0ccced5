// SPDX-License-Identifier: Apache-2.0

package param

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Header is the header common to all messages, RFC 5354, Section 4.
type Header struct {
	MessageType uint8
	Flags       uint8
	Body        []byte // a view of the Message Value, with the padding that follows it
}

// ParseHeader checks the frame of the message in b, which must hold the whole message and nothing behind its
// padding. Message Length may or may not count the padding of the last parameter: both are on the wire.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < 4 {
		return Header{}, frameError("message of %d bytes has no room for its header of 4", len(b))
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case n < 4:
		return Header{}, frameError("message length %d is less than the header of 4", n)
	case n > len(b):
		return Header{}, frameError("message length %d exceeds the %d bytes received", n, len(b))
	case pad4(n) < len(b):
		return Header{}, frameError("%d bytes follow the message of %d", len(b)-n, n)
	}
	// RFC 5354, Section 4: "The receiver MUST ignore the padding bytes."
	return Header{MessageType: b[0], Flags: b[1], Body: b[4:]}, nil
}

// frameError is about a message whose frame is broken: nothing in it can be trusted, so there is nothing to report.
func frameError(format string, args ...any) error {
	return &ParamError{Reason: fmt.Sprintf(format, args...), Cause: Cause{Code: CauseInvalidValues}, Silent: true}
}

// Decoder walks the fixed fields and parameters of a message body. Packages asap and enrp are written with it; most
// programs use their Parse.
type Decoder struct {
	rest    []byte
	reports *Reports
	strict  bool // padding of the last parameter must be present
}

// NewDecoder reads the Body of a message. What is to be reported to the sender goes to reports.
func NewDecoder(body []byte, reports *Reports) Decoder {
	return Decoder{rest: body, reports: reports, strict: true}
}

// Uint32 reads a fixed field of 4 bytes.
func (d *Decoder) Uint32(name string) (uint32, error) {
	if len(d.rest) < 4 {
		return 0, frameError("message ends before its %s", name)
	}
	v := binary.BigEndian.Uint32(d.rest)
	d.rest = d.rest[4:]
	return v, nil
}

// Param is a parameter in a buffer. Value and Raw are views of it.
type Param struct {
	Type  Type
	Value []byte
	Raw   []byte // the whole TLV, without padding

	reports *Reports
}

// Next returns the next parameter, or false at the end.
func (d *Decoder) Next() (Param, bool, error) {
	if len(d.rest) == 0 {
		return Param{}, false, nil
	}
	p, n, reason := cut(d.rest, d.strict)
	if reason != "" {
		return Param{}, false, p.invalid(reason)
	}
	d.rest = d.rest[n:]
	p.reports = d.reports
	return p, true, nil
}

// Count returns how many parameters of the type lie ahead, at most limit: for allocating once. It checks nothing.
func (d *Decoder) Count(t Type, limit int) (n int) {
	for rest := d.rest; n < limit && len(rest) > 0; {
		p, size, reason := cut(rest, false)
		if reason != "" {
			break
		}
		if p.Type == t {
			n++
		}
		rest = rest[size:]
	}
	return n
}

// Skip deals with a parameter the caller has no use for. One of a type known here is skipped: RSPLIB sends
// parameters where the RFCs foresee none. For others the two highest bits of the type decide.
func (d *Decoder) Skip(p Param) error {
	if p.Type.Known() {
		return nil
	}
	c := quote(CauseUnrecognizedParameter, p.Raw)
	switch {
	case p.Type.Stop():
		// RFC 5354, Section 3: "Stop processing this ENRP or ASAP message and discard it; do not process any
		// further parameters within it"
		return &ParamError{Param: p.Type, Reason: "unrecognized", Cause: c, Silent: !p.Type.Report()}
	case p.Type.Report():
		// RFC 5354, Section 3: "Skip this parameter and continue processing, but report the unrecognized
		// parameter in an 'Unrecognized Parameter' error"
		d.reports.add(c)
	}
	return nil
}

// nested walks the parameters inside p, behind skip bytes of fixed fields.
func (p Param) nested(skip int) Decoder {
	return Decoder{rest: p.Value[skip:], reports: p.reports}
}

// invalid is the error for a parameter with a value that cannot be used.
func (p Param) invalid(reason string) error {
	return &ParamError{Param: p.Type, Reason: reason, Cause: InvalidValues(p.Raw)}
}

// Invalid is the error for a parameter that cannot be where it is.
func (p Param) Invalid(reason string) error { return p.invalid(reason) }

// cut takes the first TLV off b: n bytes with its padding, or a reason why not. Inside a parameter, the padding of
// the last one is missing by rule; there strict is false.
func cut(b []byte, strict bool) (p Param, n int, reason string) {
	if len(b) < 4 {
		return Param{Raw: b}, 0, fmt.Sprintf("%d bytes left have no room for a parameter header of 4", len(b))
	}
	p.Type = Type(binary.BigEndian.Uint16(b))
	n = int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 {
		p.Raw = b
		return p, 0, fmt.Sprintf("length %d is less than the header of 4", n)
	}
	if n > len(b) {
		p.Raw = b
		return p, 0, fmt.Sprintf("length %d exceeds the %d bytes left", n, len(b))
	}
	p.Raw, p.Value = b[:n:n], b[4:n:n]
	n = pad4(n)
	if n > len(b) {
		if strict {
			return p, 0, fmt.Sprintf("%d bytes of padding are missing", n-len(b))
		}
		n = len(b)
	}
	return p, n, ""
}

// cloneBytes copies b; empty becomes nil.
func cloneBytes(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}
