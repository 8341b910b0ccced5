// SPDX-License-Identifier: Apache-2.0

package enrp

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// HandleTableRequest is ENRP_HANDLE_TABLE_REQUEST, RFC 5353, Section 2.2: a copy of the handlespace is wanted.
type HandleTableRequest struct {
	Header
	OwnChildrenOnly bool // W flag: only the pool elements that the receiver owns
}

// Type returns TypeHandleTableRequest.
func (m *HandleTableRequest) Type() MessageType { return TypeHandleTableRequest }

// AppendBinary appends the message.
func (m *HandleTableRequest) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, flag(m.OwnChildrenOnly, flagOwnChildrenOnly))
	return finish(m, &e)
}

func (m *HandleTableRequest) parse(flags uint8, d *param.Decoder) error {
	m.OwnChildrenOnly = flags&flagOwnChildrenOnly != 0
	return skipAll(d)
}

// PoolEntry is a pool handle and pool elements of the pool, RFC 5353, Section 2.3.
type PoolEntry struct {
	PoolHandle   param.PoolHandle
	PoolElements []param.PoolElement // at least one
}

// HandleTableResponse is ENRP_HANDLE_TABLE_RESPONSE, RFC 5353, Section 2.3: a part of the handlespace. RSPLIB keeps
// it below 1400 bytes and 128 pool elements, and may repeat the same pool handle in several entries.
type HandleTableResponse struct {
	Header
	Rejected bool // R flag; then there are no Pools
	More     bool // M flag: there is more to ask for
	Pools    []PoolEntry
}

// Type returns TypeHandleTableResponse.
func (m *HandleTableResponse) Type() MessageType { return TypeHandleTableResponse }

// AppendBinary appends the message.
func (m *HandleTableResponse) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, flag(m.Rejected, flagReject)|flag(m.More, flagMoreToSend))
	if m.Rejected && len(m.Pools) > 0 {
		// RFC 5353, Section 2.3: "In this case, pool entries MUST NOT be included."
		e.Fail(param.TypePoolHandle, "is present in a rejection")
	}
	for i := range m.Pools {
		p := &m.Pools[i]
		e.PoolHandle(p.PoolHandle)
		if len(p.PoolElements) == 0 {
			e.Fail(param.TypePoolElement, "is missing in pool %q", p.PoolHandle)
		}
		for j := range p.PoolElements {
			element(&e, &p.PoolElements[j])
		}
	}
	return finish(m, &e)
}

func (m *HandleTableResponse) parse(flags uint8, d *param.Decoder) error {
	m.Rejected = flags&flagReject != 0
	m.More = flags&flagMoreToSend != 0
	err := walk(d, func(p param.Param) (bool, error) {
		switch p.Type {
		case param.TypePoolHandle:
			if err := m.checkLast(); err != nil {
				return true, err
			}
			h, err := p.PoolHandle()
			m.Pools = append(m.Pools, PoolEntry{PoolHandle: h})
			return true, err
		case param.TypePoolElement:
			if len(m.Pools) == 0 {
				return true, p.Invalid("comes before the first Pool Handle")
			}
			pool := &m.Pools[len(m.Pools)-1]
			pool.PoolElements = append(pool.PoolElements, param.PoolElement{})
			return true, p.PoolElement(&pool.PoolElements[len(pool.PoolElements)-1])
		}
		return false, nil
	})
	if err == nil {
		err = m.checkLast()
	}
	if m.Rejected {
		m.Pools = nil
	}
	return err
}

// checkLast refuses a pool without pool elements.
//
// RFC 5353, Section 2.3: "Each pool entry MUST start with a Pool Handle parameter [...] and is followed by one or
// more Pool Element parameters"
func (m *HandleTableResponse) checkLast() error {
	if n := len(m.Pools); n > 0 && len(m.Pools[n-1].PoolElements) == 0 {
		return param.Missing(param.TypePoolElement)
	}
	return nil
}

// UpdateAction is what a handle update does, RFC 5353, Section 2.4.
type UpdateAction uint16

// The update actions of RFC 5353, Section 2.4.
const (
	AddPE UpdateAction = 0 // ADD_PE: add or update
	DelPE UpdateAction = 1 // DEL_PE: delete
)

func (a UpdateAction) String() string {
	switch a {
	case AddPE:
		return "ADD_PE"
	case DelPE:
		return "DEL_PE"
	}
	return fmt.Sprintf("update action %#x", uint16(a))
}

// HandleUpdate is ENRP_HANDLE_UPDATE, RFC 5353, Section 2.4: a pool element was registered, has changed, or is gone.
type HandleUpdate struct {
	Header

	// TakeoverSuggested tells the receiver that it would be a better home for the pool element. It is RSPLIB's
	// extension (draft-dreibholz-rserpool-enrp-takeover).
	TakeoverSuggested bool

	Action      UpdateAction
	PoolHandle  param.PoolHandle
	PoolElement param.PoolElement // complete for DelPE, too
}

// Type returns TypeHandleUpdate.
func (m *HandleUpdate) Type() MessageType { return TypeHandleUpdate }

// AppendBinary appends the message.
func (m *HandleUpdate) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, flag(m.TakeoverSuggested, flagTakeoverSuggested))
	if m.Action > DelPE {
		// RFC 5353, Section 2.4: "Other values are reserved by IETF and MUST NOT be used."
		e.Fail(0, "%v is reserved", m.Action)
	}
	e.Uint16(uint16(m.Action))
	e.Uint16(0) // reserved
	e.PoolHandle(m.PoolHandle)
	element(&e, &m.PoolElement)
	return finish(m, &e)
}

func (m *HandleUpdate) parse(flags uint8, d *param.Decoder) error {
	m.TakeoverSuggested = flags&flagTakeoverSuggested != 0
	v, err := d.Uint32("Update Action")
	if err != nil {
		return err
	}
	m.Action = UpdateAction(v >> 16)
	if m.Action > DelPE {
		return &param.ParamError{
			Reason: fmt.Sprintf("%v is reserved", m.Action),
			Cause:  param.Cause{Code: param.CauseInvalidValues},
		}
	}
	var haveHandle, haveElement bool
	err = walk(d, func(p param.Param) (_ bool, err error) {
		switch p.Type {
		case param.TypePoolHandle:
			if haveHandle {
				return true, p.Invalid("occurs twice")
			}
			haveHandle = true
			m.PoolHandle, err = p.PoolHandle()
		case param.TypePoolElement:
			if haveElement {
				return true, p.Invalid("occurs twice")
			}
			haveElement = true
			err = p.PoolElement(&m.PoolElement)
		default:
			return false, nil
		}
		return true, err
	})
	switch {
	case err != nil:
		return err
	case !haveHandle:
		return param.Missing(param.TypePoolHandle)
	case !haveElement:
		return param.Missing(param.TypePoolElement)
	}
	return nil
}
