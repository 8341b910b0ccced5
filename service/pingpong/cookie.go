// SPDX-License-Identifier: Apache-2.0

package pingpong

import (
	"encoding/binary"
	"fmt"
)

const (
	cookieMagic = "<PP-TD1>"
	cookieSize  = len(cookieMagic) + 8
)

// A Cookie is the state of a session, which a pool element gives the user in ASAP_COOKIE after each Pong and gets back
// in ASAP_COOKIE_ECHO.
type Cookie struct {
	// ReplyNo is that of the next Pong.
	ReplyNo uint64
}

// AppendBinary appends the 16 bytes of the cookie.
func (c Cookie) AppendBinary(b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(append(b, cookieMagic...), c.ReplyNo), nil
}

// ParseCookie returns the cookie in b, which is all of b.
func ParseCookie(b []byte) (Cookie, error) {
	switch {
	case len(b) != cookieSize:
		return Cookie{}, fmt.Errorf("pingpong: a cookie of %d bytes, not %d", len(b), cookieSize)
	case string(b[:len(cookieMagic)]) != cookieMagic:
		return Cookie{}, fmt.Errorf("pingpong: the cookie begins with %q, not with %q", b[:len(cookieMagic)], cookieMagic)
	}
	return Cookie{ReplyNo: binary.BigEndian.Uint64(b[len(cookieMagic):])}, nil
}
