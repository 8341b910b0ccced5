// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"net/netip"
)

// An Asconf is an ASCONF chunk, RFC 5061, Section 4.1.1.
type Asconf struct {
	Seq     Seq
	Address netip.Addr // an address of the sender which the receiver knows; may be unspecified
	Params  []byte     // requests, walked with NextParam and AsconfRequest; a view after ParseAsconf
}

// Append appends the chunk and its padding. Address must be valid.
func (a *Asconf) Append(b []byte) []byte {
	start := len(b)
	b = startChunk(b, ChunkAsconf, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(a.Seq))
	b = AppendAddress(b, a.Address)
	b = append(b, withoutFinalPadding(a.Params)...)
	return finish(b, start)
}

// ParseAsconf decodes an ASCONF chunk. The parameters have been checked to be
// a well-formed list. A host name as the address is an error: "The host name
// address MUST NOT be sent and MUST be ignored if received in any ASCONF
// message" (RFC 5061, Section 4.1.1).
func ParseAsconf(c Chunk) (Asconf, error) {
	if c.Type != ChunkAsconf {
		return Asconf{}, typeError("ASCONF chunk", c.Type)
	}
	if len(c.Value) < 4 {
		return Asconf{}, lengthError("ASCONF chunk", len(c.Raw), "at least 16")
	}
	v := c.Value[4:]
	p, params, err := NextParam(v)
	if err != nil {
		return Asconf{}, shift(err, 8)
	}
	addr, err := p.Address()
	if err != nil {
		return Asconf{}, shift(err, 8)
	}
	if err := CheckParams(params); err != nil {
		return Asconf{}, shift(err, 8+len(v)-len(params))
	}
	return Asconf{Seq: Seq(binary.BigEndian.Uint32(c.Value)), Address: addr, Params: params}, nil
}

// An AsconfAck is an ASCONF-ACK chunk, RFC 5061, Section 4.1.2.
type AsconfAck struct {
	Seq    Seq
	Params []byte // responses, walked with NextParam and AsconfResponse; empty for success of all
}

// Append appends the chunk and its padding.
func (a *AsconfAck) Append(b []byte) []byte {
	start := len(b)
	b = startChunk(b, ChunkAsconfAck, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(a.Seq))
	b = append(b, withoutFinalPadding(a.Params)...)
	return finish(b, start)
}

// ParseAsconfAck decodes an ASCONF-ACK chunk. The parameters have been checked
// to be a well-formed list.
func ParseAsconfAck(c Chunk) (AsconfAck, error) {
	if c.Type != ChunkAsconfAck {
		return AsconfAck{}, typeError("ASCONF-ACK chunk", c.Type)
	}
	if len(c.Value) < 4 {
		return AsconfAck{}, lengthError("ASCONF-ACK chunk", len(c.Raw), "at least 8")
	}
	if err := CheckParams(c.Value[4:]); err != nil {
		return AsconfAck{}, shift(err, 8)
	}
	return AsconfAck{Seq: Seq(binary.BigEndian.Uint32(c.Value)), Params: c.Value[4:]}, nil
}
