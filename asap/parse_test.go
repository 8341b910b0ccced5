// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

// RFC 5354, Section 3: "the two bits of the highest-order specify the action that must be taken if the processing
// endpoint does not recognize the Parameter Type."
func TestUnrecognizedParameterActionBits(t *testing.T) {
	// The unknown parameter stands where %s is: behind the others, between the others, in the pool element, in the
	// transport.
	places := []struct{ name, format string }{
		{"last", "0200* 00090006 54500000 000e0008 abcdef01 %s"},
		{"between", "0200* 00090006 54500000 %s 000e0008 abcdef01"},
		{"in Pool Element", "0100* 00090006 54500000 000a0030 00000001 00000000 0000003c " +
			"00060010 00500000 00010008 7f000001 00080008 00000001 %s"},
		{"in transport", "0100* 00090006 54500000 000a0030 00000001 00000000 0000003c " +
			"00060018 00500000 %s 00010008 7f000001 00080008 00000001"},
	}
	actions := []struct {
		tlv            string
		stop, reported bool
	}{
		{"3ffe0006aaaa0000", true, false},
		{"7ffe0006aaaa0000", true, true},
		{"bffe0006aaaa0000", false, false},
		{"fffe0006aaaa0000", false, true},
		{"ffff0006aaaa0000", false, true},
	}
	for _, p := range places {
		for _, a := range actions {
			t.Run(p.name+" "+a.tlv[:4], func(t *testing.T) {
				m, reports, err := Parse(message(t, fmt.Sprintf(p.format, a.tlv)))
				if a.stop {
					var pe *param.ParamError
					require.ErrorAs(t, err, &pe)
					require.ErrorContains(t, err, "unrecognized")
					require.Equal(t, !a.reported, pe.Silent)
					require.Nil(t, m)
				} else {
					require.NoError(t, err)
					require.NotNil(t, m)
				}
				if !a.reported {
					require.Empty(t, reports)
					return
				}
				// RFC 5354, Section 3.12.2: "The complete, unrecognized parameter TLV is included as cause-specific
				// information."
				require.Equal(t, param.OperationError{
					{Code: param.CauseUnrecognizedParameter, Info: unhex(t, a.tlv[:12])},
				}, reports)
			})
		}
	}
}

// RFC 5354, Section 3.12.2: "If a message contains multiple unrecognized parameters, multiple error causes are used."
func TestEveryUnrecognizedParameterIsReported(t *testing.T) {
	_, reports, err := Parse(message(t, "0200* fffe0004 00090006 54500000 fffd0008 00000001 000e0008 abcdef01 7ffc0004"))
	require.Error(t, err)
	var infos []string
	for _, c := range reports {
		require.Equal(t, param.CauseUnrecognizedParameter, c.Code)
		infos = append(infos, hex.EncodeToString(c.Info))
	}
	require.Equal(t, []string{"fffe0004", "fffd000800000001", "7ffc0004"}, infos)

	b, err := (&Error{Errors: reports}).AppendBinary(nil)
	require.NoError(t, err)
	m, _, err := Parse(b)
	require.NoError(t, err)
	require.Equal(t, &Error{Errors: reports}, m)
}

func TestReportsAreBounded(t *testing.T) {
	const n = 1000
	_, reports, err := Parse(message(t, "0200* 00090006 54500000 000e0008 abcdef01"+strings.Repeat("fffe0004", n)))
	require.NoError(t, err)
	require.Len(t, reports, param.MaxReports)
}

// RFC 5354, Section 4: "00 Stop processing this message and discard it. 01 [...] and report the unrecognized message
// in an 'Unrecognized Message' error [...] 10 Reserved. 11 Reserved."
func TestUnrecognizedMessageActionBits(t *testing.T) {
	for typ, reported := range map[uint8]bool{0x00: false, 0x1f: false, 0x5f: true, 0x9f: false, 0xdf: false} {
		b := []byte{typ, 0, 0, 8, 1, 2, 3, 4}
		m, reports, err := Parse(b)
		require.Nil(t, m)
		unknown, ok := errors.AsType[*param.UnknownMessageError](err)
		require.True(t, ok)
		require.Equal(t, typ, unknown.MessageType)
		if reported {
			// RFC 5354, Section 3.12.3: "The unrecognized message TLV is included as cause-specific information."
			require.Equal(t, param.OperationError{{Code: param.CauseUnrecognizedMessage, Info: b}}, reports)
		} else {
			require.Empty(t, reports, "%#x", typ)
		}
	}
}

func TestErrorMessagesAreNeverAnswered(t *testing.T) {
	for _, s := range []string{"0e00* 000c0008 00060004 fffe0004", "0e00* 000c0008 00060004 7ffe0004", "0e00*"} {
		_, reports, _ := Parse(message(t, s))
		require.Empty(t, reports)
	}
}

func TestMessageLengthMayLeaveOutFinalPadding(t *testing.T) {
	for _, s := range []string{"0b00000d 000d0009 68656c6c 6f000000", "0b000010 000d0009 68656c6c 6f123456"} {
		m, reports, err := Parse(unhex(t, s))
		require.NoError(t, err)
		require.Empty(t, reports)
		require.Equal(t, &Cookie{Cookie: param.Cookie("hello")}, m)
	}
}

func TestMissingFinalPaddingIsAnError(t *testing.T) {
	m, reports, err := Parse(unhex(t, "0b00000d 000d0009 68656c6c 6f"))
	require.ErrorContains(t, err, "3 bytes of padding are missing")
	require.Nil(t, m)
	require.Equal(t, param.OperationError{
		{Code: param.CauseInvalidValues, Info: unhex(t, "000d0009 68656c6c 6f")},
	}, reports)
}

func TestBadMessages(t *testing.T) {
	const (
		handle  = "00090006 54500000"
		id      = "000e0008 00000001"
		fixed   = "00000001 00000000 0000003c"
		udp     = "00060010 00500000 00010008 7f000001"
		sctp    = "00040010 00500000 00010008 7f000001"
		rr      = "00080008 00000001"
		element = "000a0028" + fixed + udp + rr
	)
	for _, c := range []struct {
		hex, want string
		quoted    string // the TLV that is reported with Invalid Values; "-" for no report
	}{
		{"", "no room for its header", "-"},
		{"02000003", "message length 3 is less", "-"},
		{"02000005", "message length 5 exceeds", "-"},
		{"02000004 00000000", "4 bytes follow", "-"},
		{"0200*" + handle + id + "0000", "no room for a parameter header", "0000"},
		{"0200*" + handle, "PE Identifier: is missing", ""},
		{"0200*" + id, "Pool Handle: is missing", ""},
		{"0200*" + handle + handle + id, "Pool Handle: occurs twice", handle[:13]},
		{"0200*" + handle + id + id, "PE Identifier: occurs twice", id},
		{"0200*" + "00090004" + id, "Pool Handle: is empty", "00090004"},
		{"0200*" + handle + "000e0006 00010000", "PE Identifier: length is 6, not 8", "000e00060001"},
		{"0200*" + handle + "000e0003", "length 3 is less than the header", "000e0003"},
		{"0200*" + handle + "000e000c 00000001", "length 12 exceeds the 8 bytes left", "000e000c00000001"},
		{"0100*" + handle, "Pool Element: is missing", ""},
		{"0100*" + handle + element + element, "Pool Element: occurs twice", element},
		{"0100*" + handle + "000a0008 00000001", "Pool Element: has no room for its fixed fields", "000a000800000001"},
		{"0100*" + handle + "000a0018" + fixed + rr, "has no User Transport", "000a0018" + fixed + rr},
		{"0100*" + handle + "000a0020" + fixed + udp, "has no Pool Member", "000a0020" + fixed + udp},
		{"0100*" + handle + "000a0030" + fixed + udp + rr + rr, "Policy: occurs twice", rr},
		{"0100*" + handle + "000a0038" + fixed + udp + udp + rr, "ASAP transport is not SCTP", udp},
		{"0100*" + handle + "000a0048" + fixed + udp + sctp + sctp + rr, "third transport", sctp},
		{"0100*" + handle + "000a0028" + fixed + "00040010 00500002 00010008 7f000001" + rr,
			"transport use 2 is not defined", "00040010 00500002 00010008 7f000001"},
		{"0100*" + handle + "000a0020" + fixed + "00040008 00500000" + rr, "has no address", "00040008 00500000"},
		{"0100*" + handle + "000a0030" + fixed + "00050018 00500000 00010008 7f000001 00010008 7f000002" + rr,
			"has 2 addresses, not one", "00050018 00500000 00010008 7f000001 00010008 7f000002"},
		{"0100*" + handle + "000a0028" + fixed + "00060010 00500000 00020008 7f000001" + rr,
			"IPv6 Address: length 8 does not fit", "00020008 7f000001"},
		{"0100*" + handle + "000a001c" + fixed + "00060004" + rr, "no room for its fixed fields", "00060004"},
		{"0100*" + handle + "000a0028" + fixed + udp + "00080008 00000000", "policy type 0", "00080008 00000000"},
		{"0100*" + handle + "000a0028" + fixed + udp + "00080008 00000002",
			"Weighted Round Robin has 0 bytes of data, not 4", "00080008 00000002"},
		{"0100*" + handle + "000a0030" + fixed + udp + rr + "80f90008 00000000", "Encapsulation Port: port is 0",
			"80f90008 00000000"},
		{"0301*" + handle + id + "000c0004", "holds no error cause", "000c0004"},
		{"0301*" + handle + id + "000c0008 00050006", "cause length 6 exceeds", "000c0008 00050006"},
		{"0500*" + handle + "803f0006 00010000", "Handle Resolution Option: length is 6", "803f00060001"},
		{"0700*", "message ends before its Server Identifier", "-"},
		{"0a00*", "message ends before its Server Identifier", "-"},
		{"0a00*" + "00000001" + udp, "not allowed in a server announcement", udp},
		{"0b00*", "Cookie: is missing", ""},
		{"0b00*" + "000d0004 000d0004", "Cookie: occurs twice", "000d0004"},
		{"0d00*" + handle, "Pool Element: is missing", ""},
		{"0e00*", "Operation Error: is missing", "-"},
	} {
		t.Run(c.want, func(t *testing.T) {
			m, reports, err := Parse(message(t, c.hex))
			require.ErrorContains(t, err, c.want)
			require.Nil(t, m)
			if c.quoted == "-" {
				require.Empty(t, reports)
				return
			}
			require.Len(t, reports, 1)
			require.Equal(t, param.CauseInvalidValues, reports[0].Code)
			require.Equal(t, hex.EncodeToString(unhex(t, c.quoted)), hex.EncodeToString(reports[0].Info))
		})
	}
}

func TestKnownParametersOutOfPlaceAreSkipped(t *testing.T) {
	m, reports, err := Parse(message(t, "0500* 000e0008 00000001 00090006 54500000 000d0005 61000000"))
	require.NoError(t, err)
	require.Empty(t, reports)
	require.Equal(t, &HandleResolution{PoolHandle: "TP"}, m)
}

func TestHandleResolutionResponseWithoutPolicyIsRoundRobin(t *testing.T) {
	m, _, err := Parse(unhex(t, "0600000c 00090006 54500000"))
	require.NoError(t, err)
	require.Equal(t, &HandleResolutionResponse{PoolHandle: "TP", Policy: param.Policy{Type: param.RoundRobin}}, m)
}

func TestHandleResolutionResponseWithErrorIsNegative(t *testing.T) {
	m, _, err := Parse(unhex(t, "0600001c 00090006 54500000 00080008 00000001 000c0008 00090004"))
	require.NoError(t, err)
	require.Equal(t, &HandleResolutionResponse{PoolHandle: "TP",
		Errors: param.OperationError{{Code: param.CauseUnknownPoolHandle}}}, m)
}

func TestMessagesThatCannotBeEncoded(t *testing.T) {
	long := param.PoolHandle(strings.Repeat("x", param.MaxPoolHandle))
	tooMany := make([]param.PoolElement, param.MaxPoolElements+1)
	for i := range tooMany {
		tooMany[i] = echo(1)
	}
	for _, c := range []struct {
		m    Message
		want string
	}{
		{&HandleResolution{}, "Pool Handle: is empty"},
		{&HandleResolution{PoolHandle: long}, "message of 65540 bytes is longer than 65535"},
		{&HandleResolution{PoolHandle: long + "x"}, "parameter of 65536 bytes is longer than 65535"},
		{&HandleResolutionResponse{PoolHandle: "P"}, "Pool Element: is missing"},
		{&HandleResolutionResponse{PoolHandle: "P", PoolElements: tooMany}, "occurs 129 times, more than 128"},
		{&Registration{PoolHandle: "P"}, "is not a transport"},
		{&ServerAnnounce{Transports: []param.Transport{{Protocol: param.UDP, Addrs: addrs("::1")}}}, "not allowed"},
		{&BusinessCard{PoolHandle: "P"}, "Pool Element: is missing"},
		{&Error{}, "Operation Error: is missing"},
	} {
		b, err := c.m.AppendBinary([]byte("prefix"))
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, c.m.Type().String())
		require.Equal(t, "prefix", string(b), "the buffer is as it was")
	}
}

func TestParsedMessageSharesNoMemory(t *testing.T) {
	for _, v := range vectors() {
		b := unhex(t, v.hex)
		m, _, err := Parse(b)
		require.NoError(t, err)
		clear(b)
		require.Equal(t, v.msg, m, v.name)
	}
}

func TestMessageLength(t *testing.T) {
	require.Equal(t, 0, MessageLength([]byte{1, 0, 0, 3}))
	require.Equal(t, 4, MessageLength([]byte{1, 0, 0, 4}))
	require.Equal(t, 16, MessageLength([]byte{1, 0, 0, 13}))
	require.Equal(t, 65536, MessageLength([]byte{1, 0, 255, 255}))
}

func TestMessageTypeString(t *testing.T) {
	require.Equal(t, "ASAP_HANDLE_RESOLUTION_RESPONSE", TypeHandleResolutionResponse.String())
	require.Equal(t, "ASAP message 0x0", MessageType(0).String())
	require.Equal(t, "ASAP message 0xff", MessageType(255).String())
}

// What is sent is limited, what is received only by the size of a message.
func TestLongHandleResolutionResponse(t *testing.T) {
	const n = 2 * param.MaxPoolElements
	e := param.NewEncoder(nil, uint8(TypeHandleResolutionResponse), 0)
	e.PoolHandle("EchoPool")
	pe := echo(1)
	for range n {
		e.PoolElement(&pe)
	}
	b, err := e.Finish()
	require.NoError(t, err)
	m, _, err := Parse(b)
	require.NoError(t, err)
	require.Len(t, m.(*HandleResolutionResponse).PoolElements, n)
}

func TestEncodingDoesNotAllocate(t *testing.T) {
	m := response(3)
	buf := make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = m.AppendBinary(buf) }))
}
