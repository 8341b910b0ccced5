// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
)

// A StreamReset is an Outgoing or Incoming SSN Reset Request parameter, RFC
// 6525, Sections 4.1 and 4.2. An incoming one has no ResponseSeq and LastTSN.
type StreamReset struct {
	Incoming    bool
	RequestSeq  Seq
	ResponseSeq Seq
	LastTSN     TSN      // the last TSN the sender assigned
	Streams     []uint16 // empty for all
}

// Append appends the parameter and its padding.
func (r *StreamReset) Append(b []byte) []byte {
	start := len(b)
	t := ParamOutgoingReset
	if r.Incoming {
		t = ParamIncomingReset
	}
	b = startTLV(b, uint16(t))
	b = binary.BigEndian.AppendUint32(b, uint32(r.RequestSeq))
	if !r.Incoming {
		b = binary.BigEndian.AppendUint32(b, uint32(r.ResponseSeq))
		b = binary.BigEndian.AppendUint32(b, uint32(r.LastTSN))
	}
	for _, s := range r.Streams {
		b = binary.BigEndian.AppendUint16(b, s)
	}
	return finish(b, start)
}

// StreamReset decodes an Outgoing or Incoming SSN Reset Request parameter into
// r, whose slice it reuses. After an error r is unchanged.
func (p Param) StreamReset(r *StreamReset) error {
	v := p.Value
	switch p.Type {
	case ParamOutgoingReset:
		if err := p.checkList(p.Type, 12, 2); err != nil {
			return err
		}
		r.Incoming = false
		r.ResponseSeq = Seq(binary.BigEndian.Uint32(v[4:]))
		r.LastTSN = TSN(binary.BigEndian.Uint32(v[8:]))
		v = v[12:]
	case ParamIncomingReset:
		if err := p.checkList(p.Type, 4, 2); err != nil {
			return err
		}
		r.Incoming, r.ResponseSeq, r.LastTSN = true, 0, 0
		v = v[4:]
	default:
		return typeError("SSN Reset Request parameter", p.Type)
	}
	r.RequestSeq = Seq(binary.BigEndian.Uint32(p.Value))
	r.Streams = r.Streams[:0]
	for ; len(v) > 0; v = v[2:] {
		r.Streams = append(r.Streams, binary.BigEndian.Uint16(v))
	}
	return nil
}

// AppendSSNTSNReset appends an SSN/TSN Reset Request parameter, RFC 6525,
// Section 4.3.
func AppendSSNTSNReset(b []byte, req Seq) []byte {
	return appendUint32Param(b, ParamSSNTSNReset, uint32(req))
}

// SSNTSNReset returns the request sequence number of an SSN/TSN Reset Request
// parameter.
func (p Param) SSNTSNReset() (req Seq, err error) {
	x, err := p.uint32(ParamSSNTSNReset)
	return Seq(x), err
}

// An AddStreams is an Add Outgoing or Incoming Streams Request parameter, RFC
// 6525, Sections 4.5 and 4.6.
type AddStreams struct {
	Incoming   bool
	RequestSeq Seq
	Streams    uint16 // number of new streams
}

// Append appends the parameter.
func (a *AddStreams) Append(b []byte) []byte {
	t := ParamAddOutgoingStreams
	if a.Incoming {
		t = ParamAddIncomingStreams
	}
	b = append(b, byte(t>>8), byte(t), 0, 12)
	b = binary.BigEndian.AppendUint32(b, uint32(a.RequestSeq))
	return append(b, byte(a.Streams>>8), byte(a.Streams), 0, 0)
}

// AddStreams decodes an Add Outgoing or Incoming Streams Request parameter.
func (p Param) AddStreams() (AddStreams, error) {
	if p.Type != ParamAddOutgoingStreams && p.Type != ParamAddIncomingStreams {
		return AddStreams{}, typeError("Add Streams Request parameter", p.Type)
	}
	if err := p.check(p.Type, 8, true); err != nil {
		return AddStreams{}, err
	}
	return AddStreams{
		Incoming:   p.Type == ParamAddIncomingStreams,
		RequestSeq: Seq(binary.BigEndian.Uint32(p.Value)),
		Streams:    binary.BigEndian.Uint16(p.Value[4:]),
	}, nil
}

// A ReconfigResult is the result in a Re-configuration Response parameter.
type ReconfigResult uint32

// Results, RFC 6525, Table 3.
const (
	ReconfigNothingToDo       ReconfigResult = 0
	ReconfigPerformed         ReconfigResult = 1
	ReconfigDenied            ReconfigResult = 2
	ReconfigWrongSSN          ReconfigResult = 3
	ReconfigAlreadyInProgress ReconfigResult = 4
	ReconfigBadSequenceNumber ReconfigResult = 5
	ReconfigInProgress        ReconfigResult = 6
)

// String returns the description of the result in RFC 6525.
func (r ReconfigResult) String() string {
	switch r {
	case ReconfigNothingToDo:
		return "Success - Nothing to do"
	case ReconfigPerformed:
		return "Success - Performed"
	case ReconfigDenied:
		return "Denied"
	case ReconfigWrongSSN:
		return "Error - Wrong SSN"
	case ReconfigAlreadyInProgress:
		return "Error - Request already in progress"
	case ReconfigBadSequenceNumber:
		return "Error - Bad Sequence Number"
	case ReconfigInProgress:
		return "In progress"
	}
	return fmt.Sprintf("result %d", uint32(r))
}

// A ReconfigResponse is a Re-configuration Response parameter, RFC 6525,
// Section 4.4.
type ReconfigResponse struct {
	ResponseSeq     Seq // copied from the request
	Result          ReconfigResult
	HasTSNs         bool // the next two fields are there: the answer to an SSN/TSN reset
	SenderNextTSN   TSN  // the TSN the sender of the response will use next
	ReceiverNextTSN TSN  // the TSN the receiver of the response must use next
}

// Append appends the parameter.
func (r *ReconfigResponse) Append(b []byte) []byte {
	start := len(b)
	b = startTLV(b, uint16(ParamReconfigResponse))
	b = binary.BigEndian.AppendUint32(b, uint32(r.ResponseSeq))
	b = binary.BigEndian.AppendUint32(b, uint32(r.Result))
	if r.HasTSNs {
		b = binary.BigEndian.AppendUint32(b, uint32(r.SenderNextTSN))
		b = binary.BigEndian.AppendUint32(b, uint32(r.ReceiverNextTSN))
	}
	return finish(b, start)
}

// ReconfigResponse decodes a Re-configuration Response parameter.
//
// RFC 6525, Section 4.4: "Either both optional fields (Sender's Next TSN and
// Receiver's Next TSN) MUST be present, or no field."
func (p Param) ReconfigResponse() (ReconfigResponse, error) {
	if err := p.check(ParamReconfigResponse, 8, false); err != nil {
		return ReconfigResponse{}, err
	}
	v := p.Value
	if len(v) != 8 && len(v) != 16 {
		return ReconfigResponse{}, lengthError(p.Type.String()+" parameter", len(p.Raw), "12 or 20")
	}
	r := ReconfigResponse{
		ResponseSeq: Seq(binary.BigEndian.Uint32(v)),
		Result:      ReconfigResult(binary.BigEndian.Uint32(v[4:])),
	}
	if len(v) == 16 {
		r.HasTSNs = true
		r.SenderNextTSN = TSN(binary.BigEndian.Uint32(v[8:]))
		r.ReceiverNextTSN = TSN(binary.BigEndian.Uint32(v[12:]))
	}
	return r, nil
}
