// SPDX-License-Identifier: Apache-2.0

package enrp

import (
	"encoding"
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

const (
	// PPID is the SCTP payload protocol identifier of ENRP, RFC 5353, Section 5.4.
	PPID = 12

	// Port is the SCTP and UDP port of ENRP, RFC 5353, Section 5.3.
	Port = 9901

	// PortTLS is the SCTP port of ENRP over TLS, RFC 5353, Section 5.3.
	PortTLS = 9902

	// MulticastRSPLIB is the group in which RSPLIB announces and listens by default. RFC 5353 assigns none.
	MulticastRSPLIB = "239.0.0.51"
)

// MessageType is the type of an ENRP message, RFC 5353, Section 2.
type MessageType uint8

// The message types of RFC 5353, Figure 1.
const (
	TypePresence            MessageType = 0x01
	TypeHandleTableRequest  MessageType = 0x02
	TypeHandleTableResponse MessageType = 0x03
	TypeHandleUpdate        MessageType = 0x04
	TypeListRequest         MessageType = 0x05
	TypeListResponse        MessageType = 0x06
	TypeInitTakeover        MessageType = 0x07
	TypeInitTakeoverAck     MessageType = 0x08
	TypeTakeoverServer      MessageType = 0x09
	TypeError               MessageType = 0x0a
)

// TypeCapabilities is the type of this project's own message.
const TypeCapabilities MessageType = 0x3f

var messageNames = [...]string{
	TypePresence:            "ENRP_PRESENCE",
	TypeHandleTableRequest:  "ENRP_HANDLE_TABLE_REQUEST",
	TypeHandleTableResponse: "ENRP_HANDLE_TABLE_RESPONSE",
	TypeHandleUpdate:        "ENRP_HANDLE_UPDATE",
	TypeListRequest:         "ENRP_LIST_REQUEST",
	TypeListResponse:        "ENRP_LIST_RESPONSE",
	TypeInitTakeover:        "ENRP_INIT_TAKEOVER",
	TypeInitTakeoverAck:     "ENRP_INIT_TAKEOVER_ACK",
	TypeTakeoverServer:      "ENRP_TAKEOVER_SERVER",
	TypeError:               "ENRP_ERROR",
	TypeCapabilities:        "capabilities",
}

// String returns the name of RFC 5353, Figure 1, or this project's, or the number of an unknown type.
func (t MessageType) String() string {
	if int(t) < len(messageNames) && messageNames[t] != "" {
		return messageNames[t]
	}
	return fmt.Sprintf("ENRP message %#x", uint8(t))
}

// Message is one of the message structs of this package, by pointer.
type Message interface {
	Type() MessageType

	// From returns the Sending Server's ID.
	From() uint32

	// To returns the Receiving Server's ID; 0 means whoever gets the message.
	To() uint32

	// AppendBinary appends the whole message, a multiple of 4 bytes long. On error it returns b as it was.
	encoding.BinaryAppender
}

// The flags of those messages that have any. RFC 5353 shows those of ENRP_PRESENCE and ENRP_HANDLE_UPDATE as zero.
const (
	flagReplyRequired     = 0x01 // ENRP_PRESENCE, as RSPLIB sends it
	flagOwnChildrenOnly   = 0x01 // W of ENRP_HANDLE_TABLE_REQUEST
	flagReject            = 0x01 // R of ENRP_HANDLE_TABLE_RESPONSE and ENRP_LIST_RESPONSE
	flagMoreToSend        = 0x02 // M of ENRP_HANDLE_TABLE_RESPONSE
	flagTakeoverSuggested = 0x01 // ENRP_HANDLE_UPDATE, draft-dreibholz-rserpool-enrp-takeover
)

// Header is the fixed part that all ENRP messages have.
type Header struct {
	Sender   uint32 // Sending Server's ID
	Receiver uint32 // Receiving Server's ID; 0 in multicast, and where it is not known yet
}

// From returns the Sending Server's ID.
func (h *Header) From() uint32 { return h.Sender }

// To returns the Receiving Server's ID; 0 means whoever gets the message.
func (h *Header) To() uint32 { return h.Receiver }

// Parse parses the message in b, which holds nothing else. The message shares no memory with b.
//
// What the sender is to be told, according to RFC 5354, Sections 3 and 4, comes in reports, with an error or
// without: unrecognized parameters that were skipped, or the reason why the message is discarded. If there are any,
// send them back in an [Error]. There are none for an ENRP_ERROR, lest two servers complain to each other for ever.
//
// The error wraps a [*param.ParamError] or a [*param.UnknownMessageError].
func Parse(b []byte) (m Message, reports param.OperationError, err error) {
	h, err := param.ParseHeader(b)
	if err != nil {
		return nil, nil, fmt.Errorf("enrp: %w", err)
	}
	p := newMessage(MessageType(h.MessageType))
	if p == nil {
		unknown := &param.UnknownMessageError{MessageType: h.MessageType}
		if unknown.Report() {
			reports = param.OperationError{param.UnrecognizedMessage(b)}
		}
		return nil, reports, fmt.Errorf("enrp: %w", unknown)
	}
	var r param.Reports
	d := param.NewDecoder(h.Body, &r)
	if err = p.header().parse(&d); err == nil {
		err = p.parse(h.Flags, &d)
	}
	if err != nil {
		r.AddError(err)
		err = fmt.Errorf("enrp: %v: %w", p.Type(), err)
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
	header() *Header
	parse(flags uint8, d *param.Decoder) error
}

func (h *Header) header() *Header { return h }

func (h *Header) parse(d *param.Decoder) (err error) {
	if h.Sender, err = d.Uint32("Sending Server's ID"); err != nil {
		return err
	}
	h.Receiver, err = d.Uint32("Receiving Server's ID")
	return err
}

func newMessage(t MessageType) parser {
	switch t {
	case TypePresence:
		return new(Presence)
	case TypeHandleTableRequest:
		return new(HandleTableRequest)
	case TypeHandleTableResponse:
		return new(HandleTableResponse)
	case TypeHandleUpdate:
		return new(HandleUpdate)
	case TypeListRequest:
		return new(ListRequest)
	case TypeListResponse:
		return new(ListResponse)
	case TypeInitTakeover:
		return new(InitTakeover)
	case TypeInitTakeoverAck:
		return new(InitTakeoverAck)
	case TypeTakeoverServer:
		return new(TakeoverServer)
	case TypeError:
		return new(Error)
	case TypeCapabilities:
		return new(Capabilities)
	}
	return nil
}

// walk hands every parameter that is left to use, and skips those it does not want.
func walk(d *param.Decoder, use func(param.Param) (used bool, err error)) error {
	for {
		p, ok, err := d.Next()
		if err != nil || !ok {
			return err
		}
		used, err := use(p)
		if err == nil && !used {
			err = d.Skip(p)
		}
		if err != nil {
			return err
		}
	}
}

// skipAll skips the parameters of a message that has none.
func skipAll(d *param.Decoder) error {
	return walk(d, func(param.Param) (bool, error) { return false, nil })
}
