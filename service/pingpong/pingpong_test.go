// SPDX-License-Identifier: Apache-2.0

package pingpong

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What RSPLIB 3.4.4 has sent.
var captured = []struct {
	name string
	hex  string
	msg  Message
}{
	{"ping", "01000037 0000000000000001" + text1, &Ping{MessageNo: 1, Data: unhex(text1)}},
	{"pong", "0200003f 0000000000000001 0000000000000001" + text1, &Pong{MessageNo: 1, ReplyNo: 1, Data: unhex(text1)}},
	{"pong 7", "0200003f 0000000000000007 0000000000000007" + text7, &Pong{MessageNo: 7, ReplyNo: 7, Data: unhex(text7)}},
}

const (
	// "Nachricht: 1, Zeitstempel: 1795…".
	text1 = "4e61636872696368743a20312c205a6569747374656d70656c3a2031373935333338313732333837313635"
	text7 = "4e61636872696368743a20372c205a6569747374656d70656c3a2031373935333338313738343136303438"

	cookie2 = "3c50502d5444313e 0000000000000002" // after the first Pong
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestCaptured(t *testing.T) {
	for _, c := range captured {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(c.hex)
			m, err := Parse(b)
			require.NoError(t, err)
			require.Equal(t, c.msg, m)
			again, err := m.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, b, again)
			for n := range b {
				_, err := Parse(b[:n])
				require.ErrorContains(t, err, "pingpong: ", "%d bytes", n)
			}
			_, err = Parse(append(b, 0))
			require.Error(t, err)
		})
	}
	c, err := ParseCookie(unhex(cookie2))
	require.NoError(t, err)
	require.Equal(t, Cookie{ReplyNo: 2}, c)
	b, err := c.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, unhex(cookie2), b)
	for n := range b {
		_, err := ParseCookie(b[:n])
		require.ErrorContains(t, err, "pingpong: ")
	}
	_, err = ParseCookie([]byte("<FG-TD1>12345678"))
	require.EqualError(t, err, `pingpong: the cookie begins with "<FG-TD1>", not with "<PP-TD1>"`)
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"", "a message of 0 bytes, less than the 4 of its header"},
		{"03000004", "message type 0x3 is neither ping (1) nor pong (2)"},
		{"01000004", "ping: 4 bytes, less than 12"},
		{"0200000c 0000000000000001", "pong: 12 bytes, less than 20"},
		{"0100ffff 0000000000000001", "ping: length field 65535 in a message of 12 bytes"},
		{"01000000 0000000000000001", "ping: length field 0 in a message of 12 bytes"},
	} {
		_, err := Parse(unhex(c.hex))
		require.EqualError(t, err, "pingpong: "+c.want)
	}
	long := make([]byte, 65535)
	long[0], long[2], long[3] = typePing, 0xff, 0xff
	_, err := Parse(long)
	require.ErrorContains(t, err, "65523 bytes of data, more than 65515", "there is no Pong for it")
	long[0] = typePong
	m, err := Parse(long)
	require.NoError(t, err)
	require.Len(t, m.(*Pong).Data, MaxData)
	for _, m := range []Message{&Ping{Data: make([]byte, MaxData+1)}, &Pong{Data: make([]byte, MaxData+1)}} {
		_, err := m.AppendBinary(nil)
		require.ErrorContains(t, err, "65516 bytes of data, more than 65515")
	}
}

// FuzzParse wants: no panic; what is parsed comes out again, but for the flags.
func FuzzParse(f *testing.F) {
	for _, c := range captured {
		f.Add(unhex(c.hex))
	}
	f.Add(unhex(cookie2))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCookie(b); err == nil {
			again, _ := c.AppendBinary(nil)
			require.Equal(t, b, again)
		}
		m, err := Parse(b)
		require.Equal(t, m == nil, err != nil)
		if err != nil {
			return
		}
		again, err := m.AppendBinary(nil)
		require.NoError(t, err)
		again[1] = b[1]
		require.Equal(t, b, again)
	})
}
