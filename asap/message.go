// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"encoding"
	"encoding/binary"
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

const (
	// PPID is the SCTP payload protocol identifier of ASAP, RFC 5352, Section 8.3.
	PPID = 11

	// Port is the SCTP, TCP and UDP port of ASAP, RFC 5352, Section 8.2.
	Port = 3863

	// PortTLS is the SCTP and TCP port of ASAP over TLS, RFC 5352, Section 8.2.
	PortTLS = 3864

	// MulticastIPv4 is the group that RFC 5352, Section 8.4 assigns for ASAP_SERVER_ANNOUNCE.
	MulticastIPv4 = "224.0.1.185"

	// MulticastIPv6 is the group of RFC 5352, Section 8.4, FF0X::133, with site-local scope.
	MulticastIPv6 = "ff05::133"

	// MulticastRSPLIB is the group in which RSPLIB announces and listens by default.
	MulticastRSPLIB = "239.0.0.50"
)

// MessageType is the type of an ASAP message, RFC 5352, Section 2.2.
type MessageType uint8

// The message types of RFC 5352, Figure 1.
const (
	TypeRegistration             MessageType = 0x01
	TypeDeregistration           MessageType = 0x02
	TypeRegistrationResponse     MessageType = 0x03
	TypeDeregistrationResponse   MessageType = 0x04
	TypeHandleResolution         MessageType = 0x05
	TypeHandleResolutionResponse MessageType = 0x06
	TypeEndpointKeepAlive        MessageType = 0x07
	TypeEndpointKeepAliveAck     MessageType = 0x08
	TypeEndpointUnreachable      MessageType = 0x09
	TypeServerAnnounce           MessageType = 0x0a
	TypeCookie                   MessageType = 0x0b
	TypeCookieEcho               MessageType = 0x0c
	TypeBusinessCard             MessageType = 0x0d
	TypeError                    MessageType = 0x0e
)

var messageNames = [...]string{
	TypeRegistration:             "ASAP_REGISTRATION",
	TypeDeregistration:           "ASAP_DEREGISTRATION",
	TypeRegistrationResponse:     "ASAP_REGISTRATION_RESPONSE",
	TypeDeregistrationResponse:   "ASAP_DEREGISTRATION_RESPONSE",
	TypeHandleResolution:         "ASAP_HANDLE_RESOLUTION",
	TypeHandleResolutionResponse: "ASAP_HANDLE_RESOLUTION_RESPONSE",
	TypeEndpointKeepAlive:        "ASAP_ENDPOINT_KEEP_ALIVE",
	TypeEndpointKeepAliveAck:     "ASAP_ENDPOINT_KEEP_ALIVE_ACK",
	TypeEndpointUnreachable:      "ASAP_ENDPOINT_UNREACHABLE",
	TypeServerAnnounce:           "ASAP_SERVER_ANNOUNCE",
	TypeCookie:                   "ASAP_COOKIE",
	TypeCookieEcho:               "ASAP_COOKIE_ECHO",
	TypeBusinessCard:             "ASAP_BUSINESS_CARD",
	TypeError:                    "ASAP_ERROR",
}

// String returns the name of RFC 5352, Figure 1, or the number of an unknown type.
func (t MessageType) String() string {
	if int(t) < len(messageNames) && messageNames[t] != "" {
		return messageNames[t]
	}
	return fmt.Sprintf("ASAP message %#x", uint8(t))
}

// Message is one of the message structs of this package, by pointer.
type Message interface {
	Type() MessageType

	// AppendBinary appends the whole message, a multiple of 4 bytes long. On error it returns b as it was.
	encoding.BinaryAppender
}

// The flag of those messages that have one, RFC 5352, Section 2.2.
const (
	flagReject = 0x01 // R of ASAP_REGISTRATION_RESPONSE
	flagSend   = 0x01 // S of ASAP_HANDLE_RESOLUTION
	flagAccept = FlagAcceptUpdates
	flagHome   = 0x01 // H of ASAP_ENDPOINT_KEEP_ALIVE
)

// MessageLength returns how many bytes the message that starts with header takes in a TCP stream, its padding
// included. The header has at least 4 bytes. A result of 0 means that no message starts like that.
func MessageLength(header []byte) int {
	n := int(binary.BigEndian.Uint16(header[2:]))
	if n < 4 {
		return 0
	}
	return (n + 3) &^ 3
}

// Parse parses the message in b, which holds nothing else. The message shares no memory with b.
//
// What the sender is to be told, according to RFC 5354, Sections 3 and 4, comes in reports, with an error or
// without: unrecognized parameters that were skipped, or the reason why the message is discarded. If there are any,
// send them back in an [Error]. There are none for an ASAP_ERROR, lest two endpoints complain to each other for ever.
//
// The error wraps a [*param.ParamError] or a [*param.UnknownMessageError].
func Parse(b []byte) (m Message, reports param.OperationError, err error) {
	h, err := param.ParseHeader(b)
	if err != nil {
		return nil, nil, fmt.Errorf("asap: %w", err)
	}
	p := newMessage(MessageType(h.MessageType))
	if p == nil {
		unknown := &param.UnknownMessageError{MessageType: h.MessageType}
		if unknown.Report() {
			reports = param.OperationError{param.UnrecognizedMessage(b)}
		}
		return nil, reports, fmt.Errorf("asap: %w", unknown)
	}
	var r param.Reports
	d := param.NewDecoder(h.Body, &r)
	err = p.parse(h.Flags, &d)
	if err != nil {
		r.AddError(err)
		err = fmt.Errorf("asap: %v: %w", p.Type(), err)
	} else {
		m = p
	}
	if p.Type() == TypeError {
		r.Causes = nil
	}
	return m, r.Causes, err
}

// parser is what every message has next to its exported methods.
type parser interface {
	Message
	parse(flags uint8, d *param.Decoder) error
}

func newMessage(t MessageType) parser {
	switch t {
	case TypeRegistration:
		return new(Registration)
	case TypeDeregistration:
		return new(Deregistration)
	case TypeRegistrationResponse:
		return new(RegistrationResponse)
	case TypeDeregistrationResponse:
		return new(DeregistrationResponse)
	case TypeHandleResolution:
		return new(HandleResolution)
	case TypeHandleResolutionResponse:
		return new(HandleResolutionResponse)
	case TypeEndpointKeepAlive:
		return new(EndpointKeepAlive)
	case TypeEndpointKeepAliveAck:
		return new(EndpointKeepAliveAck)
	case TypeEndpointUnreachable:
		return new(EndpointUnreachable)
	case TypeServerAnnounce:
		return new(ServerAnnounce)
	case TypeCookie:
		return new(Cookie)
	case TypeCookieEcho:
		return new(CookieEcho)
	case TypeBusinessCard:
		return new(BusinessCard)
	case TypeError:
		return new(Error)
	}
	return nil
}

// common are the parameters that most messages pick from.
type common struct {
	handle *param.PoolHandle // wanted if not nil
	peID   *uint32           // wanted if not nil
	needID bool              // peID must be there
	errs   *param.OperationError

	// other gets every parameter that is not one of the above; nil skips them.
	other func(param.Param) (used bool, err error)
}

// parse walks the parameters of a message.
func (c common) parse(d *param.Decoder) error {
	var haveHandle, haveID, haveErrs bool
	for {
		p, ok, err := d.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		used := true
		switch {
		case p.Type == param.TypePoolHandle && c.handle != nil:
			if err = once(p, &haveHandle); err == nil {
				*c.handle, err = p.PoolHandle()
			}
		case p.Type == param.TypePEIdentifier && c.peID != nil:
			if err = once(p, &haveID); err == nil {
				*c.peID, err = p.PEIdentifier()
			}
		case p.Type == param.TypeOperationError && c.errs != nil:
			if err = once(p, &haveErrs); err == nil {
				*c.errs, err = p.OperationError()
			}
		case c.other != nil:
			used, err = c.other(p)
		default:
			used = false
		}
		if err == nil && !used {
			err = d.Skip(p)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case c.handle != nil && !haveHandle:
		return param.Missing(param.TypePoolHandle)
	case c.needID && !haveID:
		return param.Missing(param.TypePEIdentifier)
	}
	return nil
}

// once refuses the second of two parameters where there can be only one.
func once(p param.Param, have *bool) error {
	if *have {
		return p.Invalid("occurs twice")
	}
	*have = true
	return nil
}
