// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

var someHash = Hash(unhex("0102030405060708090a0b0c0d0e0f1011121314"))

// What RSPLIB 3.4.4 sends: its server and its client.
var captured = []struct {
	hex string
	msg Message
}{
	{"00000010 00000001 74686973 6e6f6465", &NotReady{Reason: FullyLoaded, Info: "thisnode"}},
	{"01000009 6e6f646536", &Ready{Info: "node6"}},
	{"02000008 1f8b0800", &Upload{Data: unhex("1f8b0800")}},
	{"02000004", &Upload{Data: []byte{}}},
	{"03000005 78", &Download{Data: []byte("x")}},
	{"03000004", &Download{Data: []byte{}}},
	{"04000004", &KeepAlive{}},
	{"05000004", &KeepAliveAck{Bare: true}},
	{"05000008 00000000", &KeepAliveAck{}},
	{"06000008 00000000", &Status{}},
	{"06000008 00000103", &Status{Status: 259}},
	{"07000018 0102030405060708090a0b0c0d0e0f1011121314", &Environment{Hash: someHash}},
	{"07010018 0102030405060708090a0b0c0d0e0f1011121314", &Environment{Hash: someHash, UploadNeeded: true}},
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
			m, err := Parse(b[:n])
			require.ErrorContains(t, err, "scripting: ", "%d bytes of %s", n, c.hex)
			require.Nil(t, m)
		}
	}
}

// Length fields that are not the length are refused, less than a header as well as more than there is.
func TestMalformed(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"020000", "a message of 3 bytes, less than the 4 of its header"},
		{"02000000", "length field 0 in a message of 4 bytes"},
		{"02000003 41", "length field 3 in a message of 5 bytes"},
		{"0200ffff 41", "length field 65535 in a message of 5 bytes"},
		{"00000007 000000", "not-ready: 7 bytes, less than 8"},
		{"04000005 00", "keep-alive: 5 bytes, more than 4"},
		{"05000005 00", "keep-alive ack: 5 bytes, less than 8"},
		{"06000004", "status: 4 bytes, less than 8"},
		{"06000009 0000000000", "status: 9 bytes, more than 8"},
		{"07000017 0102030405060708090a0b0c0d0e0f10111213", "environment: 23 bytes, less than 24"},
		{"08000004", "message type 8 is not within 0 to 7"},
	} {
		_, err := Parse(unhex(c.hex))
		require.EqualError(t, err, "scripting: "+c.want)
	}
}

func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", MaxInfo+1)
	data := bytes.Repeat([]byte{1}, MaxData+1)
	for _, c := range []struct {
		fits, not Message
		want      string
	}{
		{&NotReady{Info: long[1:]}, &NotReady{Info: long}, "not-ready: 65 bytes, more than 64"},
		{&Ready{Info: long[1:]}, &Ready{Info: long}, "ready: 65 bytes, more than 64"},
		{&Upload{Data: data[1:]}, &Upload{Data: data}, "upload: 16385 bytes, more than 16384"},
		{&Download{Data: data[1:]}, &Download{Data: data}, "download: 16385 bytes, more than 16384"},
	} {
		_, err := c.not.AppendBinary(nil)
		require.EqualError(t, err, "scripting: "+c.want)
		b, err := c.fits.AppendBinary(nil)
		require.NoError(t, err)
		got, err := Parse(b)
		require.NoError(t, err)
		require.Equal(t, c.fits, got)
		b[2], b[3] = byte((len(b)+1)>>8), byte(len(b)+1)
		_, err = Parse(append(b, 0))
		require.ErrorContains(t, err, "more than")
	}
	require.Equal(t, "fully loaded, out of resources, Reason(3)", FullyLoaded.String()+", "+OutOfResources.String()+", "+Reason(3).String())
}

// FuzzParse wants: no panic; what is parsed comes out again, but for the flags.
func FuzzParse(f *testing.F) {
	for _, c := range captured {
		f.Add(unhex(c.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
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
