// SPDX-License-Identifier: Apache-2.0

package enrp

import "github.com/rserpool/rserpool/asap/param"

// Presence is ENRP_PRESENCE, RFC 5353, Section 2.1: the sender is alive, and this is the checksum of its pool
// elements.
type Presence struct {
	Header

	// ReplyRequired asks the receiver for its own presence.
	ReplyRequired bool

	// Checksum and Server are nil if absent. RSPLIB drops a message that lacks either.
	Checksum *param.PEChecksum
	Server   *param.ServerInformation
}

// Type returns TypePresence.
func (m *Presence) Type() MessageType { return TypePresence }

// AppendBinary appends the message.
func (m *Presence) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, flag(m.ReplyRequired, flagReplyRequired))
	if m.Checksum != nil {
		e.PEChecksum(*m.Checksum)
	}
	if m.Server != nil {
		e.ServerInformation(m.Server)
	}
	return finish(m, &e)
}

func (m *Presence) parse(flags uint8, d *param.Decoder) error {
	m.ReplyRequired = flags&flagReplyRequired != 0
	return walk(d, func(p param.Param) (bool, error) {
		switch p.Type {
		case param.TypePEChecksum:
			if m.Checksum != nil {
				return true, p.Invalid("occurs twice")
			}
			c, err := p.PEChecksum()
			m.Checksum = &c
			return true, err
		case param.TypeServerInformation:
			if m.Server != nil {
				return true, p.Invalid("occurs twice")
			}
			m.Server = new(param.ServerInformation)
			return true, p.ServerInformation(m.Server)
		}
		return false, nil
	})
}

// ListRequest is ENRP_LIST_REQUEST, RFC 5353, Section 2.5: which servers does the receiver know?
type ListRequest struct {
	Header
}

// Type returns TypeListRequest.
func (m *ListRequest) Type() MessageType { return TypeListRequest }

// AppendBinary appends the message.
func (m *ListRequest) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, 0)
	return finish(m, &e)
}

func (m *ListRequest) parse(_ uint8, d *param.Decoder) error { return skipAll(d) }

// ListResponse is ENRP_LIST_RESPONSE, RFC 5353, Section 2.6. RSPLIB leaves out itself, may list servers with ID 0,
// and the one that asked.
type ListResponse struct {
	Header
	Rejected bool                      // R flag; then there are no Servers
	Servers  []param.ServerInformation // peers of the sender
}

// Type returns TypeListResponse.
func (m *ListResponse) Type() MessageType { return TypeListResponse }

// AppendBinary appends the message.
func (m *ListResponse) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, flag(m.Rejected, flagReject))
	if m.Rejected && len(m.Servers) > 0 {
		// RFC 5353, Section 2.6: "the message MUST NOT include any Server Information Parameters."
		e.Fail(param.TypeServerInformation, "is present in a rejection")
	}
	for i := range m.Servers {
		e.ServerInformation(&m.Servers[i])
	}
	return finish(m, &e)
}

func (m *ListResponse) parse(flags uint8, d *param.Decoder) error {
	m.Rejected = flags&flagReject != 0
	err := walk(d, func(p param.Param) (bool, error) {
		if p.Type != param.TypeServerInformation {
			return false, nil
		}
		m.Servers = append(m.Servers, param.ServerInformation{})
		return true, p.ServerInformation(&m.Servers[len(m.Servers)-1])
	})
	if m.Rejected {
		m.Servers = nil
	}
	return err
}

// Error is ENRP_ERROR, RFC 5353, Section 2.10: something in a message was not understood. It is not a Go error; its
// Errors are.
type Error struct {
	Header
	Errors param.OperationError // at least one cause
}

// Type returns TypeError.
func (m *Error) Type() MessageType { return TypeError }

// AppendBinary appends the message.
func (m *Error) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, 0)
	if len(m.Errors) == 0 {
		e.Fail(param.TypeOperationError, "is missing")
	}
	e.OperationError(m.Errors)
	return finish(m, &e)
}

func (m *Error) parse(_ uint8, d *param.Decoder) error {
	err := walk(d, func(p param.Param) (_ bool, err error) {
		if p.Type != param.TypeOperationError {
			return false, nil
		}
		if m.Errors != nil {
			return true, p.Invalid("occurs twice")
		}
		m.Errors, err = p.OperationError()
		return true, err
	})
	if err == nil && m.Errors == nil {
		err = param.Missing(param.TypeOperationError)
	}
	return err
}
