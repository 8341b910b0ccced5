// SPDX-License-Identifier: Apache-2.0

package param

import (
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHeader(t *testing.T) {
	for _, c := range []struct {
		hex, want string
	}{
		{"", "message of 0 bytes has no room for its header of 4"},
		{"010000", "message of 3 bytes has no room"},
		{"01000000", "message length 0 is less than the header"},
		{"01000008", "message length 8 exceeds the 4 bytes received"},
		{"01000004 00", "1 bytes follow the message of 4"},
		{"01000005 00000000 00", "4 bytes follow the message of 5"},
	} {
		_, err := ParseHeader(unhex(t, c.hex))
		require.ErrorContains(t, err, c.want)
	}
	for s, body := range map[string]int{"01020004": 0, "01020005 aa": 1, "01020005 aa000000": 4, "01020006 aabb00": 3} {
		h, err := ParseHeader(unhex(t, s))
		require.NoError(t, err)
		require.Equal(t, uint8(1), h.MessageType)
		require.Equal(t, uint8(2), h.Flags)
		require.Len(t, h.Body, body)
	}
}

func TestCount(t *testing.T) {
	d := NewDecoder(unhex(t, "000a0004 00090005 61000000 000a0004 000a0004 000a0009"), new(Reports))
	require.Equal(t, 3, d.Count(TypePoolElement, math.MaxInt))
	require.Equal(t, 2, d.Count(TypePoolElement, 2))
	require.Equal(t, 1, d.Count(TypePoolHandle, math.MaxInt))
	require.Zero(t, d.Count(TypeCookie, math.MaxInt))
}

func TestEncoderErrorSticksAndRestoresTheBuffer(t *testing.T) {
	e := NewEncoder([]byte("prefix"), 1, 0)
	e.PoolHandle("")
	e.Fail(TypeCookie, "later")
	b, err := e.Finish()
	require.EqualError(t, err, "Pool Handle: is empty")
	require.Equal(t, "prefix", string(b))
}

func TestReportsFitIntoAnErrorMessage(t *testing.T) {
	var r Reports
	for range 2 * MaxReports {
		r.add(InvalidValues(make([]byte, 4000)))
	}
	e := NewEncoder(nil, 0x0a, 0)
	e.Uint32(1)
	e.Uint32(2)
	e.OperationError(r.Causes)
	_, err := e.Finish()
	require.NoError(t, err)
	require.Len(t, r.Causes, 16)
}

// FuzzParam parses one parameter as each kind there is. What is parsed can be encoded and comes back the same.
func FuzzParam(f *testing.F) {
	for _, v := range policyVectors {
		b := unhex(f, v.hex)
		f.Add(append(b, make([]byte, pad4(len(b))-len(b))...))
	}
	for _, s := range []string{
		"00040024 13880001 00010008 0a000001 00020014 20010db8000000000000000000000001",
		"00030014 13890000 61626364 00010008 0a000001",
		"00100005 61000000",
		"000a0028 00000001 00000002 0000003c 00060010 00500000 00010008 7f000001 00080008 00000001",
		"000b0018 11111111 00040010 26ad0000 00010008 0a2c0003",
		"000c0014 0001000a 7ffe0006 aaaa0000 00060004",
		"80f90008 26ae0000",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var reports Reports
		d := NewDecoder(b, &reports)
		p, ok, err := d.Next()
		if err != nil || !ok {
			return
		}
		if pol, err := p.Policy(); err == nil {
			roundTrip(t, pol, func(e *Encoder) { e.Policy(pol) }, Param.Policy)
		}
		if p.IsTransport() {
			if tr, err := p.Transport(); err == nil {
				roundTrip(t, tr, func(e *Encoder) { e.Transport(tr) }, Param.Transport)
			}
		}
		var pe PoolElement
		if p.PoolElement(&pe) == nil {
			roundTrip(t, pe, func(e *Encoder) { e.PoolElement(&pe) }, func(p Param) (pe PoolElement, err error) {
				err = p.PoolElement(&pe)
				return pe, err
			})
		}
		var s ServerInformation
		if p.ServerInformation(&s) == nil {
			roundTrip(t, s, func(e *Encoder) { e.ServerInformation(&s) }, func(p Param) (s ServerInformation, err error) {
				err = p.ServerInformation(&s)
				return s, err
			})
		}
		if oe, err := p.OperationError(); err == nil {
			roundTrip(t, oe, func(e *Encoder) { e.OperationError(oe) }, Param.OperationError)
		}
		if port, err := p.EncapPort(); err == nil && port != 0 {
			roundTrip(t, port, func(e *Encoder) { e.EncapPort(port) }, Param.EncapPort)
		}
	})
}

func roundTrip[T any](t *testing.T, v T, encode func(*Encoder), parse func(Param) (T, error)) {
	t.Helper()
	b, err := appendParam(nil, encode)
	if err != nil {
		t.Fatalf("%#v cannot be encoded: %v", v, err)
	}
	var r Reports
	d := Decoder{rest: b, reports: &r}
	p, ok, err := d.Next()
	if err != nil || !ok {
		t.Fatalf("%#v does not come back: %v", v, err)
	}
	again, err := parse(p)
	if err != nil || len(r.Causes) > 0 || !reflect.DeepEqual(v, again) {
		t.Fatalf("%#v\ncomes back as\n%#v\n%v %v", v, again, err, r.Causes)
	}
}
