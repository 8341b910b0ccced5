// SPDX-License-Identifier: Apache-2.0

package asap

import "github.com/rserpool/rserpool/asap/param"

// Cookie is ASAP_COOKIE, RFC 5352, Section 2.2.11: a pool element gives a pool user its state to keep.
type Cookie struct {
	Cookie param.Cookie
}

// Type returns TypeCookie.
func (m *Cookie) Type() MessageType { return TypeCookie }

// AppendBinary appends the message.
func (m *Cookie) AppendBinary(b []byte) ([]byte, error) { return appendCookie(b, m, m.Cookie) }

func (m *Cookie) parse(_ uint8, d *param.Decoder) error { return parseCookie(d, &m.Cookie) }

// CookieEcho is ASAP_COOKIE_ECHO, RFC 5352, Section 2.2.12: a pool user gives the state of a failed pool element to
// its successor.
type CookieEcho struct {
	Cookie param.Cookie
}

// Type returns TypeCookieEcho.
func (m *CookieEcho) Type() MessageType { return TypeCookieEcho }

// AppendBinary appends the message.
func (m *CookieEcho) AppendBinary(b []byte) ([]byte, error) { return appendCookie(b, m, m.Cookie) }

func (m *CookieEcho) parse(_ uint8, d *param.Decoder) error { return parseCookie(d, &m.Cookie) }

func appendCookie(b []byte, m Message, c param.Cookie) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.Cookie(c)
	return finish(m, &e)
}

func parseCookie(d *param.Decoder, c *param.Cookie) error {
	var have bool
	err := common{other: func(p param.Param) (bool, error) {
		if p.Type != param.TypeCookie {
			return false, nil
		}
		*c = p.Cookie()
		return true, once(p, &have)
	}}.parse(d)
	if err == nil && !have {
		err = param.Missing(param.TypeCookie)
	}
	return err
}

// BusinessCard is ASAP_BUSINESS_CARD, RFC 5352, Section 2.2.13: the pool of the sender, and where to fail over to.
type BusinessCard struct {
	PoolHandle   param.PoolHandle
	PoolElements []param.PoolElement // in the order of preference; at least one
}

// Type returns TypeBusinessCard.
func (m *BusinessCard) Type() MessageType { return TypeBusinessCard }

// AppendBinary appends the message.
func (m *BusinessCard) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.PoolHandle(m.PoolHandle)
	if len(m.PoolElements) == 0 {
		e.Fail(param.TypePoolElement, "is missing")
	}
	for i := range m.PoolElements {
		e.PoolElement(&m.PoolElements[i])
	}
	return finish(m, &e)
}

func (m *BusinessCard) parse(_ uint8, d *param.Decoder) error {
	err := common{handle: &m.PoolHandle, other: func(p param.Param) (bool, error) {
		if p.Type != param.TypePoolElement {
			return false, nil
		}
		m.PoolElements = append(m.PoolElements, param.PoolElement{})
		return true, p.PoolElement(&m.PoolElements[len(m.PoolElements)-1])
	}}.parse(d)
	if err == nil && len(m.PoolElements) == 0 {
		err = param.Missing(param.TypePoolElement)
	}
	return err
}

// Error is ASAP_ERROR, RFC 5352, Section 2.2.14: something in a message was not understood. It is not a Go error;
// its Errors are.
type Error struct {
	Errors param.OperationError // at least one cause
}

// Type returns TypeError.
func (m *Error) Type() MessageType { return TypeError }

// AppendBinary appends the message.
func (m *Error) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	if len(m.Errors) == 0 {
		e.Fail(param.TypeOperationError, "is missing")
	}
	e.OperationError(m.Errors)
	return finish(m, &e)
}

func (m *Error) parse(_ uint8, d *param.Decoder) error {
	err := common{errs: &m.Errors}.parse(d)
	if err == nil && len(m.Errors) == 0 {
		err = param.Missing(param.TypeOperationError)
	}
	return err
}
