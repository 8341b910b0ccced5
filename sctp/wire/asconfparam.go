// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"net/netip"
)

// An AsconfRequest is an Add IP Address, Delete IP Address or Set Primary
// Address parameter (Type), RFC 5061, Sections 4.2.1, 4.2.2 and 4.2.4.
type AsconfRequest struct {
	Type    ParamType
	ID      uint32     // ASCONF-Request Correlation ID
	Address netip.Addr // unspecified stands for the source address of the packet
}

// Append appends the parameter. Address must be valid.
func (r *AsconfRequest) Append(b []byte) []byte {
	start := len(b)
	b = startTLV(b, uint16(r.Type))
	b = binary.BigEndian.AppendUint32(b, r.ID)
	b = AppendAddress(b, r.Address)
	return finish(b, start)
}

// AppendAddIP appends an Add IP Address parameter.
func AppendAddIP(b []byte, id uint32, a netip.Addr) []byte {
	return (&AsconfRequest{ParamAddIP, id, a}).Append(b)
}

// AppendDeleteIP appends a Delete IP Address parameter.
func AppendDeleteIP(b []byte, id uint32, a netip.Addr) []byte {
	return (&AsconfRequest{ParamDeleteIP, id, a}).Append(b)
}

// AppendSetPrimary appends a Set Primary Address parameter. In an INIT or INIT
// ACK its id has no meaning.
func AppendSetPrimary(b []byte, id uint32, a netip.Addr) []byte {
	return (&AsconfRequest{ParamSetPrimary, id, a}).Append(b)
}

// AsconfRequest decodes an Add IP Address, Delete IP Address or Set Primary
// Address parameter.
func (p Param) AsconfRequest() (AsconfRequest, error) {
	switch p.Type {
	case ParamAddIP, ParamDeleteIP, ParamSetPrimary:
	default:
		return AsconfRequest{}, typeError("ASCONF request parameter", p.Type)
	}
	if err := p.check(p.Type, 4, false); err != nil {
		return AsconfRequest{}, err
	}
	in, rest, err := NextParam(p.Value[4:])
	if err != nil {
		return AsconfRequest{}, shift(err, 8)
	}
	if len(rest) != 0 {
		return AsconfRequest{}, parseErrorf(p.Type.String()+" parameter", 8+len(in.Raw), "%d bytes after the address", len(rest))
	}
	a, err := in.Address()
	if err != nil {
		return AsconfRequest{}, shift(err, 8)
	}
	return AsconfRequest{Type: p.Type, ID: binary.BigEndian.Uint32(p.Value), Address: a}, nil
}

// An AsconfResponse is a Success Indication (Causes empty) or an Error Cause
// Indication parameter, RFC 5061, Sections 4.2.5 and 4.2.3.
type AsconfResponse struct {
	ID     uint32 // ASCONF-Response Correlation ID, copied from the request
	Causes []byte // error causes, walked with NextCause; a view after AsconfResponse
}

// Append appends the parameter and its padding.
func (r *AsconfResponse) Append(b []byte) []byte {
	if len(r.Causes) == 0 {
		return appendUint32Param(b, ParamSuccessIndication, r.ID)
	}
	start := len(b)
	b = startTLV(b, uint16(ParamErrorCauseIndication))
	b = binary.BigEndian.AppendUint32(b, r.ID)
	b = append(b, withoutFinalPadding(r.Causes)...)
	return finish(b, start)
}

// AsconfResponse decodes a Success Indication or Error Cause Indication
// parameter. The error causes have been checked to be a well-formed list;
// an Error Cause Indication without one is an error.
func (p Param) AsconfResponse() (AsconfResponse, error) {
	switch p.Type {
	case ParamSuccessIndication:
		id, err := p.uint32(p.Type)
		return AsconfResponse{ID: id}, err
	case ParamErrorCauseIndication:
		if err := p.check(p.Type, 4+CauseHeaderLen, false); err != nil {
			return AsconfResponse{}, err
		}
		if err := CheckCauses(p.Value[4:]); err != nil {
			return AsconfResponse{}, shift(err, 8)
		}
		return AsconfResponse{ID: binary.BigEndian.Uint32(p.Value), Causes: p.Value[4:]}, nil
	}
	return AsconfResponse{}, typeError("ASCONF response parameter", p.Type)
}
