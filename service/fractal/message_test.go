// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What RSPLIB 3.4.4 has sent: its server to its graphical user, and to a small image asked for by hand.
var (
	asked = Parameter{Width: 200, Height: 74, MaxIterations: 1024, Algorithm: Mandelbrot, C1: -1.5 + 1.5i, C2: 1.5 - 1.5i, N: 2}
	small = Parameter{Width: 8, Height: 8, MaxIterations: 100, Algorithm: Mandelbrot, C1: -2 - 1.5i, C2: 1 + 1.5i, N: 2}

	captured = []struct {
		name string
		hex  string
		msg  Message
	}{
		{"parameter", "0100003c 000000c8 0000004a 00000400 00000001" +
			"bff8000000000000 3ff8000000000000 3ff8000000000000 bff8000000000000 4000000000000000", &asked},
		{"small parameter", "0100003c 00000008 00000008 00000064 00000001" +
			"c000000000000000 bff8000000000000 3ff0000000000000 3ff8000000000000 4000000000000000", &small},
		{"data", "02000018 000000b4 00000048 00000002 00000000 00000400", &Data{X: 180, Y: 72, Points: []uint32{0, 1024}}},
		{"end", "02000010 ffffffff ffffffff 00000000", &Data{}},
	}
	capturedCookies = []struct {
		hex    string
		cookie Cookie
	}{
		{"3c46472d5444313e 01000004 000000c8 0000004a 00000400 00000001" +
			"bff8000000000000 3ff8000000000000 3ff8000000000000 bff8000000000000 4000000000000000 00000000 00000000", Cookie{Parameter: asked}},
		{"3c46472d5444313e 01000004 00000008 00000008 00000064 00000001" +
			"c000000000000000 bff8000000000000 3ff0000000000000 3ff8000000000000 4000000000000000 00000000 00000000", Cookie{Parameter: small}},
	}
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
				m, err := Parse(b[:n])
				require.ErrorContains(t, err, "fractal: ", "%d bytes", n)
				require.Nil(t, m)
			}
			_, err = Parse(append(b, 0))
			require.Error(t, err)
		})
	}
	for _, c := range capturedCookies {
		b := unhex(c.hex)
		cookie, err := ParseCookie(b)
		require.NoError(t, err)
		require.Equal(t, &c.cookie, cookie)
		again, err := cookie.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, b, again)
		for n := range b {
			_, err := ParseCookie(b[:n])
			require.ErrorContains(t, err, "fractal: a cookie of")
		}
	}
}

// Every field of a Parameter has limits, in messages and cookies alike.
func TestParameterIsValidated(t *testing.T) {
	for _, c := range []struct {
		change func(*Parameter)
		want   string
	}{
		{func(p *Parameter) { p.Width = 0 }, "Width 0 is not within 1 to 65536"},
		{func(p *Parameter) { p.Width = 65537 }, "Width 65537 is not within 1 to 65536"},
		{func(p *Parameter) { p.Height = 0xffffffff }, "Height 4294967295 is not within 1 to 65536"},
		{func(p *Parameter) { p.MaxIterations = 0 }, "MaxIterations 0 is not within 1 to 1000000"},
		{func(p *Parameter) { p.MaxIterations = 1_000_001 }, "MaxIterations 1000001 is not within"},
		{func(p *Parameter) { p.Algorithm = 3 }, "algorithm 3 is neither Mandelbrot (1) nor MandelbrotN (2)"},
		{func(p *Parameter) { p.C1 = complex(math.NaN(), 0) }, "C1.real NaN is not finite"},
		{func(p *Parameter) { p.C1 = complex(0, math.Inf(1)) }, "C1.imag +Inf is not finite"},
		{func(p *Parameter) { p.C2 = complex(math.Inf(-1), 0) }, "C2.real -Inf is not finite"},
		{func(p *Parameter) { p.C2 = complex(0, math.NaN()) }, "C2.imag NaN is not finite"},
		{func(p *Parameter) { p.N = math.NaN() }, "N NaN is not finite"},
	} {
		p := asked
		c.change(&p)
		want := "fractal: parameter: " + c.want
		require.ErrorContains(t, p.Validate(), want)
		_, err := p.AppendBinary(nil)
		require.ErrorContains(t, err, want)
		_, err = (&Cookie{Parameter: p}).AppendBinary(nil)
		require.Error(t, err)
		_, err = NewImage(p)
		require.ErrorContains(t, err, want)
	}
	b := unhex(captured[0].hex)
	b[4] = 1
	_, err := Parse(b)
	require.ErrorContains(t, err, "Width 16777416 is not within")
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ hex, want string }{
		{"", "a message of 0 bytes, less than the 4 of its header"},
		{"03000004", "message type 0x3 is neither parameter (1) nor data (2)"},
		{"01000004", "parameter: 4 bytes, not 60"},
		{"02000004", "data: 4 bytes, less than 16"},
		{"0200000f 00000000 00000000 000000", "data: 15 bytes, less than 16"},
		{"02000011 00000000 00000000 00000000", "data: length field 17 in a message of 16 bytes"},
		{"02000010 00000000 00000000 00000001", "data: 1 points in 16 bytes"},
		{"02000010 00000000 00000000 40000000", "data: 1073741824 points, more than 324"},
		{"02000010 00000000 00000000 00000145", "data: 325 points, more than 324"},
		{"02000010 00000000 00000000 00000000", "data: no points at (0, 0), which is not the end"},
		{"02000014 ffffffff ffffffff 00000000 00000000", "data: 0 points in 20 bytes"},
	} {
		_, err := Parse(unhex(c.hex))
		require.EqualError(t, err, "fractal: "+c.want)
	}
	_, err := (&Data{Points: make([]uint32, MaxPoints+1)}).AppendBinary(nil)
	require.ErrorContains(t, err, "325 points, more than 324")
	b, err := (&Data{Points: make([]uint32, MaxPoints)}).AppendBinary(nil)
	require.NoError(t, err)
	require.Len(t, b, 1312)
}

func TestCookieIsValidated(t *testing.T) {
	good := capturedCookies[1].hex
	at := func(x, y string) string { return good[:len(good)-17] + x + y }
	for _, c := range []struct{ hex, want string }{
		{strings.Replace(good, "3c46", "3c50", 1), `the cookie begins with "<PG-TD1>", not with "<FG-TD1>"`},
		{strings.Replace(good, "01000004", "02000004", 1), "cookie: type 2 and length field 4 are not those of a parameter"},
		{strings.Replace(good, "01000004", "01000005", 1), "cookie: type 1 and length field 5"},
		{strings.Replace(good, "00000064", "00000000", 1), "cookie: fractal: parameter: MaxIterations 0"},
		{at("00000008", "00000000"), "cookie: point (8, 0) is outside of the image of 8 x 8"},
		{at("00000001", "00000008"), "cookie: point (1, 8) is outside of the image of 8 x 8"},
		{at("ffffffff", "ffffffff"), "cookie: point (4294967295, 4294967295) is outside"},
	} {
		_, err := ParseCookie(unhex(c.hex))
		require.ErrorContains(t, err, "fractal: "+c.want)
	}
	_, err := ParseCookie(unhex(strings.Replace(good, "01000004", "0100003c", 1)))
	require.NoError(t, err, "the true length")
	c, err := ParseCookie(unhex(at("00000000", "00000008")))
	require.NoError(t, err)
	require.EqualValues(t, 8, c.Y, "everything was sent but the end")
}

// FuzzParse wants: no panic; what is parsed is valid and comes out again, but for the flags.
func FuzzParse(f *testing.F) {
	for _, c := range captured {
		f.Add(unhex(c.hex))
	}
	for _, c := range capturedCookies {
		f.Add(unhex(c.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCookie(b); err == nil {
			again, err := c.AppendBinary(nil)
			require.NoError(t, err)
			again[9], again[10], again[11] = b[9], b[10], b[11]
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
		if d, ok := m.(*Data); ok {
			image, err := NewImage(small)
			require.NoError(t, err)
			if image.Put(d) != nil {
				require.EqualValues(t, 64, image.Missing())
			}
		}
	})
}
