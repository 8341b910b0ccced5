// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What RSPLIB 3.4.4 has sent: its server and its client.
var captured = []struct {
	hex string
	msg Message
}{
	{"01000018 00000001 00000000000104f6 0000000000000000", Message{Type: Request, JobID: 1, JobSize: 66806}},
	{"02000018 00000001 0000000000000000 0000000000000000", Message{Type: Accept, JobID: 1}},
	{"05000018 00000001 00000000000104f6 00000000000104f6", Message{Type: Complete, JobID: 1, JobSize: 66806, Completed: 66806}},
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestCaptured(t *testing.T) {
	for _, c := range captured {
		b := unhex(c.hex)
		m, err := Parse(b)
		require.NoError(t, err)
		require.Equal(t, c.msg, m)
		again, err := m.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, b, again)
		for n := range b {
			_, err := Parse(b[:n])
			require.ErrorContains(t, err, "calcapp: a message of", "%d bytes", n)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"00000018 00000001 0000000000000000 0000000000000000", "message type 0 is not within 1 to 7"},
		{"08000018 00000001 0000000000000000 0000000000000000", "message type 8 is not within 1 to 7"},
		{"01000017 00000001 0000000000000000 0000000000000000", "length field 23 in a message of 24 bytes"},
		{"0100ffff 00000001 0000000000000000 0000000000000000", "length field 65535 in a message of 24 bytes"},
		{"01000018 00000001 0000000000000000 0000000000000000 00", "a message of 25 bytes, not 24"},
	} {
		_, err := Parse(unhex(c.hex))
		require.EqualError(t, err, "calcapp: "+c.want)
	}
	_, err := Message{Type: 8}.AppendBinary(nil)
	require.EqualError(t, err, "calcapp: message type 8 is not within 1 to 7")
	require.Equal(t, "keep-alive ack Type(0)", KeepAliveAck.String()+" "+Type(0).String())
}

func TestCookie(t *testing.T) {
	c := Cookie{JobID: 7, JobSize: 1 << 40, Completed: 1 << 40}
	b, err := c.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, unhex("00000007 0000010000000000 0000010000000000"), b)
	got, err := ParseCookie(b)
	require.NoError(t, err)
	require.Equal(t, c, got)
	for n := range b {
		_, err := ParseCookie(b[:n])
		require.ErrorContains(t, err, "calcapp: a cookie of")
	}
	const want = "calcapp: cookie: 2 calculations of 1 are completed"
	_, err = ParseCookie(unhex("00000007 0000000000000001 0000000000000002"))
	require.EqualError(t, err, want)
	_, err = Cookie{JobSize: 1, Completed: 2}.AppendBinary(nil)
	require.EqualError(t, err, want)
}

// FuzzParse wants: no panic; what is parsed comes out again, but for the flags.
func FuzzParse(f *testing.F) {
	for _, c := range captured {
		f.Add(unhex(c.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCookie(b); err == nil {
			again, err := c.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, b, again)
		}
		if m, err := Parse(b); err == nil {
			again, err := m.AppendBinary(nil)
			require.NoError(t, err)
			again[1] = b[1]
			require.Equal(t, b, again)
		}
	})
}
