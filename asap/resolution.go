// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"encoding/binary"

	"github.com/rserpool/rserpool/asap/param"
)

// HandleResolution is ASAP_HANDLE_RESOLUTION, RFC 5352, Section 2.2.5: which pool elements are in the pool?
type HandleResolution struct {
	// SendUpdates is the S bit: the registrar is asked for a new response whenever the pool changes.
	SendUpdates bool

	PoolHandle param.PoolHandle

	// Items is how many pool elements are wanted, by the Handle Resolution Option; 0 leaves it to the registrar,
	// param.ItemsMax wants as many as it gives.
	Items uint32
}

// Type returns TypeHandleResolution.
func (m *HandleResolution) Type() MessageType { return TypeHandleResolution }

// AppendBinary appends the message.
func (m *HandleResolution) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), flag(m.SendUpdates, flagSend))
	e.PoolHandle(m.PoolHandle)
	e.HandleResolutionOption(m.Items)
	return finish(m, &e)
}

func (m *HandleResolution) parse(flags uint8, d *param.Decoder) error {
	m.SendUpdates = flags&flagSend != 0
	var have bool
	return common{handle: &m.PoolHandle, other: func(p param.Param) (bool, error) {
		if p.Type != param.TypeHandleResolutionOption {
			return false, nil
		}
		err := once(p, &have)
		if err == nil {
			m.Items, err = p.HandleResolutionOption()
		}
		return true, err
	}}.parse(d)
}

// PeekHandleResolution reads an ASAP_HANDLE_RESOLUTION where it lies, without allocating: the handle is a view of b. It
// knows the message as nearly everybody sends it, a Pool Handle and at most a Handle Resolution Option, without the S bit. For
// everything else, valid or not, it reports false; then ask [Parse].
func PeekHandleResolution(b []byte) (handle []byte, items uint32, ok bool) {
	if len(b) < 4 || MessageType(b[0]) != TypeHandleResolution || b[1]&flagSend != 0 {
		return nil, 0, false
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) || n%4 != 0 {
		return nil, 0, false
	}
	t, handle, rest := peekParam(b[4:])
	if t != param.TypePoolHandle || len(handle) == 0 {
		return nil, 0, false
	}
	if len(rest) == 0 {
		return handle, 0, true
	}
	t, option, rest := peekParam(rest)
	if t != param.TypeHandleResolutionOption || len(option) != 4 || len(rest) != 0 {
		return nil, 0, false
	}
	return handle, binary.BigEndian.Uint32(option), true
}

// peekParam takes the first parameter off b; its type is 0 if there is none.
func peekParam(b []byte) (t param.Type, value, rest []byte) {
	if len(b) < 4 {
		return 0, nil, nil
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	padded := (n + 3) &^ 3
	if n < 4 || padded > len(b) {
		return 0, nil, nil
	}
	return param.Type(binary.BigEndian.Uint16(b)), b[4:n:n], b[padded:]
}

// FlagAcceptUpdates is the A bit of an ASAP_HANDLE_RESOLUTION_RESPONSE, for who makes that of ready pieces.
const FlagAcceptUpdates = 0x01

// HandleResolutionResponse is ASAP_HANDLE_RESOLUTION_RESPONSE, RFC 5352, Section 2.2.6. It is negative if it has
// Errors; then it carries neither Policy nor PoolElements.
type HandleResolutionResponse struct {
	// AcceptUpdates is the A bit: the registrar will send a new response whenever the pool changes.
	AcceptUpdates bool

	PoolHandle param.PoolHandle

	// Policy is the overall policy of the pool. It is always sent in a positive response, because RSPLIB insists on
	// it; if it is zero, as RoundRobin. Parse fills in RoundRobin if it is absent.
	Policy param.Policy

	// PoolElements are in the order of preference. At most param.MaxPoolElements and at least one are sent. RSPLIB
	// can answer with none, if the policy selects none.
	PoolElements []param.PoolElement

	Errors param.OperationError
}

// Type returns TypeHandleResolutionResponse.
func (m *HandleResolutionResponse) Type() MessageType { return TypeHandleResolutionResponse }

// AppendBinary appends the message.
func (m *HandleResolutionResponse) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), flag(m.AcceptUpdates, flagAccept))
	e.PoolHandle(m.PoolHandle)
	// RFC 5352, Section 2.2.6: "The presence of this parameter indicates that the response is negative"
	if len(m.Errors) > 0 {
		e.OperationError(m.Errors)
		return finish(m, &e)
	}
	switch n := len(m.PoolElements); {
	case n == 0:
		// RFC 5352, Section 2.2.6: "At least one PE parameter MUST be present."
		e.Fail(param.TypePoolElement, "is missing in a positive response")
	case n > param.MaxPoolElements:
		e.Fail(param.TypePoolElement, "occurs %d times, more than %d", n, param.MaxPoolElements)
	}
	if m.Policy == (param.Policy{}) {
		e.Policy(param.Policy{Type: param.RoundRobin})
	} else {
		e.Policy(m.Policy)
	}
	for i := range m.PoolElements {
		e.PoolElement(&m.PoolElements[i])
	}
	return finish(m, &e)
}

func (m *HandleResolutionResponse) parse(flags uint8, d *param.Decoder) error {
	m.AcceptUpdates = flags&flagAccept != 0
	ahead := d.Count(param.TypePoolElement, param.MaxPoolElements)
	var havePolicy bool
	err := common{handle: &m.PoolHandle, errs: &m.Errors, other: func(p param.Param) (_ bool, err error) {
		switch p.Type {
		case param.TypePolicy:
			if err = once(p, &havePolicy); err == nil {
				m.Policy, err = p.Policy()
			}
		case param.TypePoolElement:
			if m.PoolElements == nil {
				m.PoolElements = make([]param.PoolElement, 0, ahead)
			}
			m.PoolElements = append(m.PoolElements, param.PoolElement{})
			err = p.PoolElement(&m.PoolElements[len(m.PoolElements)-1])
		default:
			return false, nil
		}
		return true, err
	}}.parse(d)
	switch {
	case err != nil:
		return err
	case len(m.Errors) > 0:
		// RFC 5352, Section 2.2.6: "When the response is negative, no PE parameters are included."
		m.Policy, m.PoolElements = param.Policy{}, nil
	case !havePolicy:
		// RFC 5352, Section 2.2.6: "If not present, a Round-Robin overall pool member selection policy is assumed."
		m.Policy.Type = param.RoundRobin
	}
	return nil
}
