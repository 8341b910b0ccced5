// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"encoding/binary"
	"fmt"
)

const (
	cookieMagic = "<FG-TD1>"
	cookieSize  = len(cookieMagic) + parameterSize + 8
	// cookieLength is what the length field of the Parameter in a cookie says; 60 is accepted as well.
	cookieLength = 4
)

// A Cookie is the state of a session, which a pool element gives the user in ASAP_COOKIE and gets back in
// ASAP_COOKIE_ECHO.
type Cookie struct {
	// Parameter is what is being computed.
	Parameter Parameter
	// X and Y are the next pixel. At the end of the image they are 0 and its height.
	X, Y uint32
}

// AppendBinary appends the 76 bytes of the cookie.
func (c *Cookie) AppendBinary(b []byte) ([]byte, error) {
	if err := c.check(); err != nil {
		return b, err
	}
	b, err := c.Parameter.append(append(b, cookieMagic...), cookieLength)
	if err != nil {
		return b, err
	}
	b = binary.BigEndian.AppendUint32(b, c.X)
	return binary.BigEndian.AppendUint32(b, c.Y), nil
}

// ParseCookie returns the cookie in b, which is all of b. It is valid.
func ParseCookie(b []byte) (*Cookie, error) {
	switch {
	case len(b) != cookieSize:
		return nil, fmt.Errorf("fractal: a cookie of %d bytes, not %d", len(b), cookieSize)
	case string(b[:len(cookieMagic)]) != cookieMagic:
		return nil, fmt.Errorf("fractal: the cookie begins with %q, not with %q", b[:len(cookieMagic)], cookieMagic)
	}
	b = b[len(cookieMagic):]
	n := binary.BigEndian.Uint16(b[2:])
	if b[0] != typeParameter || n != cookieLength && n != parameterSize {
		return nil, fmt.Errorf("fractal: cookie: type %d and length field %d are not those of a parameter", b[0], n)
	}
	p, err := parseParameter(b[header:parameterSize])
	if err != nil {
		return nil, fmt.Errorf("fractal: cookie: %w", err)
	}
	b = b[parameterSize:]
	c := &Cookie{Parameter: *p, X: binary.BigEndian.Uint32(b), Y: binary.BigEndian.Uint32(b[4:])}
	return c, c.check()
}

// check says why X and Y cannot be.
func (c *Cookie) check() error {
	p := &c.Parameter
	if (c.X >= p.Width || c.Y >= p.Height) && (c.X != 0 || c.Y != p.Height) {
		return fmt.Errorf("fractal: cookie: point (%d, %d) is outside of the image of %d x %d", c.X, c.Y, p.Width, p.Height)
	}
	return nil
}
