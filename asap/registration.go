// SPDX-License-Identifier: Apache-2.0

package asap

import "github.com/rserpool/rserpool/asap/param"

// Registration is ASAP_REGISTRATION, RFC 5352, Section 2.2.1: a pool element joins a pool, stays in it, or tells its
// new load.
type Registration struct {
	PoolHandle  param.PoolHandle
	PoolElement param.PoolElement
}

// Type returns TypeRegistration.
func (m *Registration) Type() MessageType { return TypeRegistration }

// AppendBinary appends the message.
func (m *Registration) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.PoolHandle(m.PoolHandle)
	e.PoolElement(&m.PoolElement)
	return finish(m, &e)
}

func (m *Registration) parse(_ uint8, d *param.Decoder) error {
	var have bool
	err := common{handle: &m.PoolHandle, other: func(p param.Param) (bool, error) {
		if p.Type != param.TypePoolElement {
			return false, nil
		}
		if err := once(p, &have); err != nil {
			return true, err
		}
		return true, p.PoolElement(&m.PoolElement)
	}}.parse(d)
	if err == nil && !have {
		err = param.Missing(param.TypePoolElement)
	}
	return err
}

// RegistrationResponse is ASAP_REGISTRATION_RESPONSE, RFC 5352, Section 2.2.3.
type RegistrationResponse struct {
	Rejected   bool // R flag
	PoolHandle param.PoolHandle
	PEID       uint32 // PE Identifier

	// Errors say why the registration was rejected or, if it was not, warn. Empty if the parameter is absent.
	Errors param.OperationError
}

// Type returns TypeRegistrationResponse.
func (m *RegistrationResponse) Type() MessageType { return TypeRegistrationResponse }

// AppendBinary appends the message.
func (m *RegistrationResponse) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), flag(m.Rejected, flagReject))
	e.PoolHandle(m.PoolHandle)
	e.PEIdentifier(m.PEID)
	e.OperationError(m.Errors)
	return finish(m, &e)
}

func (m *RegistrationResponse) parse(flags uint8, d *param.Decoder) error {
	m.Rejected = flags&flagReject != 0
	return common{handle: &m.PoolHandle, peID: &m.PEID, needID: true, errs: &m.Errors}.parse(d)
}

// Deregistration is ASAP_DEREGISTRATION, RFC 5352, Section 2.2.2: a pool element leaves a pool.
type Deregistration struct {
	PoolHandle param.PoolHandle
	PEID       uint32 // PE Identifier
}

// Type returns TypeDeregistration.
func (m *Deregistration) Type() MessageType { return TypeDeregistration }

// AppendBinary appends the message.
func (m *Deregistration) AppendBinary(b []byte) ([]byte, error) {
	return appendHandleAndID(b, m, m.PoolHandle, m.PEID)
}

func (m *Deregistration) parse(_ uint8, d *param.Decoder) error {
	return common{handle: &m.PoolHandle, peID: &m.PEID, needID: true}.parse(d)
}

// DeregistrationResponse is ASAP_DEREGISTRATION_RESPONSE, RFC 5352, Section 2.2.4. It also tells a pool element that
// its registration has expired.
type DeregistrationResponse struct {
	PoolHandle param.PoolHandle
	PEID       uint32               // PE Identifier
	Errors     param.OperationError // empty if the parameter is absent
}

// Type returns TypeDeregistrationResponse.
func (m *DeregistrationResponse) Type() MessageType { return TypeDeregistrationResponse }

// AppendBinary appends the message.
func (m *DeregistrationResponse) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.PoolHandle(m.PoolHandle)
	e.PEIdentifier(m.PEID)
	e.OperationError(m.Errors)
	return finish(m, &e)
}

func (m *DeregistrationResponse) parse(_ uint8, d *param.Decoder) error {
	return common{handle: &m.PoolHandle, peID: &m.PEID, needID: true, errs: &m.Errors}.parse(d)
}
