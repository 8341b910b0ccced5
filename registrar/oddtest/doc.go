// SPDX-License-Identifier: Apache-2.0

// Package oddtest holds odd and hostile ASAP and ENRP messages, and what a registrar answers by RFC 5352, 5353 and 5354.
// The engine is tested with them as it is, the program with them over SCTP.
//
// # Limitations
//
// They are for registrars of this module: another one may have good reasons for other answers, or not survive them.
package oddtest

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// A Row is a message and its answers.
type Row struct {
	Name string
	In   []byte
	// Want are the beginnings of the answers, in their order; none: nothing is answered.
	Want [][]byte
	// Ends says that the association is aborted.
	Ends bool
}

// row makes a Row of hexadecimal digits.
func row(name, in string, want ...string) Row {
	r := Row{Name: name, In: unhex(in)}
	for _, w := range want {
		r.Want = append(r.Want, unhex(w))
	}
	return r
}

func unhex(digits string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		panic("oddtest: " + err.Error())
	}
	return b
}

// msg is a message with its length.
func msg(typ, flags byte, body string) string {
	return fmt.Sprintf("%02x%02x%04x%s", typ, flags, 4+len(body)/2, body)
}

// ipv4 is an IPv4 Address parameter.
func ipv4(a netip.Addr) string { return fmt.Sprintf("00010008%x", a.As4()) }
