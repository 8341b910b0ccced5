// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

// unhex turns "0a00 0008" into bytes.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// message is unhex that fills in a Message Length of "*".
func message(t testing.TB, s string) []byte {
	t.Helper()
	b := unhex(t, strings.Replace(s, "*", "0000", 1))
	if strings.Contains(s, "*") {
		b[2], b[3] = byte(len(b)>>8), byte(len(b))
	}
	return b
}

// captured returns the messages of testdata/captured.hex.
func captured(t testing.TB) [][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/captured.hex")
	require.NoError(t, err)
	var messages [][]byte
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			messages = append(messages, unhex(t, strings.TrimSpace(line)))
		}
	}
	require.NotEmpty(t, messages)
	return messages
}

func addrs(s ...string) []netip.Addr {
	a := make([]netip.Addr, len(s))
	for i := range s {
		a[i] = netip.MustParseAddr(s[i])
	}
	return a
}

// echo is the pool element of most vectors.
func echo(home uint32) param.PoolElement {
	return param.PoolElement{
		ID: 0x12345678, HomeID: home, Life: 90000,
		UserTransport: param.Transport{
			Protocol: param.SCTP, Port: 0xbb64, Use: param.DataPlusControl, Addrs: addrs("10.44.0.4", "10.45.0.4"),
		},
		Policy: param.Policy{Type: param.RoundRobin},
	}
}

func echoLUD() param.PoolElement {
	pe := echo(0)
	pe.UserTransport.Port = 0xbfc8
	pe.UserTransport.Addrs = addrs("10.44.0.6", "10.45.0.6")
	pe.Policy = param.Policy{Type: param.LeastUsedDegradation, LoadDegradation: param.Fraction(0.25)}
	return pe
}

type vector struct {
	name string
	hex  string
	msg  Message
}

// rsplibVectors were captured from RSPLIB 3.4.4, but for the ENDPOINT_UNREACHABLE, which it accepted.
var rsplibVectors = []vector{
	{"SERVER_ANNOUNCE", "0a000008 11111111", &ServerAnnounce{ServerID: 0x11111111}},
	{"REGISTRATION RR", "01000040 0009000c 4563686f506f6f6c 000a0030 12345678 00000000 00015f90 " +
		"00040018 bb640001 00010008 0a2c0004 00010008 0a2d0004 00080008 00000001",
		&Registration{PoolHandle: "EchoPool", PoolElement: echo(0)}},
	{"REGISTRATION LUD 0.25", "01000048 0009000c 4563686f506f6f6c 000a0038 12345678 00000000 00015f90 " +
		"00040018 bfc80001 00010008 0a2c0006 00010008 0a2d0006 00080010 40000002 00000000 40000000",
		&Registration{PoolHandle: "EchoPool", PoolElement: echoLUD()}},
	{"REGISTRATION_RESPONSE", "03000018 0009000c 4563686f506f6f6c 000e0008 12345678",
		&RegistrationResponse{PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"REGISTRATION_RESPONSE rejected", "0301001c 00090006 54500000 000e0008 abcdef06 000c0008 00050004",
		&RegistrationResponse{Rejected: true, PoolHandle: "TP", PEID: 0xabcdef06,
			Errors: param.OperationError{{Code: param.CauseInconsistentPolicy}}}},
	{"DEREGISTRATION", "02000018 0009000c 4563686f506f6f6c 000e0008 12345678",
		&Deregistration{PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"DEREGISTRATION_RESPONSE", "04000018 0009000c 4563686f506f6f6c 000e0008 12345678",
		&DeregistrationResponse{PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"HANDLE_RESOLUTION", "05000018 0009000c 4563686f506f6f6c 803f0008 00000001",
		&HandleResolution{PoolHandle: "EchoPool", Items: 1}},
	{"HANDLE_RESOLUTION_RESPONSE", "06000048 0009000c 4563686f506f6f6c 00080008 00000001 " +
		"000a0030 12345678 11111111 00015f90 00040018 bb640001 00010008 0a2c0004 00010008 0a2d0004 00080008 00000001",
		&HandleResolutionResponse{PoolHandle: "EchoPool", Policy: param.Policy{Type: param.RoundRobin},
			PoolElements: []param.PoolElement{echo(0x11111111)}}},
	{"HANDLE_RESOLUTION_RESPONSE unknown", "06000014 00090008 4e6f7065 000c0008 00090004",
		&HandleResolutionResponse{PoolHandle: "Nope",
			Errors: param.OperationError{{Code: param.CauseUnknownPoolHandle}}}},
	{"ENDPOINT_KEEP_ALIVE", "0700001c 11111111 0009000c 4563686f506f6f6c 000e0008 12345678",
		&EndpointKeepAlive{ServerID: 0x11111111, PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"ENDPOINT_KEEP_ALIVE H", "0701001c 11111111 0009000c 4563686f506f6f6c 000e0008 12345678",
		&EndpointKeepAlive{Home: true, ServerID: 0x11111111, PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"ENDPOINT_KEEP_ALIVE_ACK", "08000018 0009000c 4563686f506f6f6c 000e0008 12345678",
		&EndpointKeepAliveAck{PoolHandle: "EchoPool", PEID: 0x12345678}},
	{"ENDPOINT_UNREACHABLE", "09000014 00090006 54500000 000e0008 abcdef01",
		&EndpointUnreachable{PoolHandle: "TP", PEID: 0xabcdef01}},
	{"ERROR", "0e000014 000c0010 0001000c 7ffe0008 00000000",
		&Error{Errors: param.OperationError{{Code: param.CauseUnrecognizedParameter,
			Info: []byte{0x7f, 0xfe, 0, 8, 0, 0, 0, 0}}}}},
	{"COOKIE", "0b000018 000d0014 3c50502d5444313e 00000000 00000002",
		&Cookie{Cookie: param.Cookie("<PP-TD1>\x00\x00\x00\x00\x00\x00\x00\x02")}},
	{"COOKIE_ECHO", "0c000018 000d0014 3c50502d5444313e 00000000 00000009",
		&CookieEcho{Cookie: param.Cookie("<PP-TD1>\x00\x00\x00\x00\x00\x00\x00\x09")}},
}

// ownVectors are what RSPLIB does not send: flags, transports and parameters, byte by byte from the RFCs.
var ownVectors = []vector{
	{"HANDLE_RESOLUTION S", "05010010 0009000c 4563686f506f6f6c",
		&HandleResolution{SendUpdates: true, PoolHandle: "EchoPool"}},
	{"HANDLE_RESOLUTION_RESPONSE A", "0601003c 00090005 50000000 00080008 00000003 " +
		"000a0028 00000001 00000002 ffffffff 00060010 00500000 00010008 7f000001 00080008 00000003",
		&HandleResolutionResponse{AcceptUpdates: true, PoolHandle: "P", Policy: param.Policy{Type: param.Random},
			PoolElements: []param.PoolElement{{ID: 1, HomeID: 2, Life: param.LifeInfinite,
				UserTransport: param.Transport{Protocol: param.UDP, Port: 80, Addrs: addrs("127.0.0.1")},
				Policy:        param.Policy{Type: param.Random}}}}},
	{"ENDPOINT_KEEP_ALIVE of the RFC", "07000010 00000007 00090006 54500000",
		&EndpointKeepAlive{ServerID: 7, PoolHandle: "TP"}},
	{"SERVER_ANNOUNCE with transports", "0a00003c 00000007 " +
		"0004001c 0f170000 00020014 20010db8 00000000 00000000 00000001 " +
		"00050010 0f170000 00010008 c0000201 80f90008 26ae0000",
		&ServerAnnounce{ServerID: 7, EncapPort: 9902, Transports: []param.Transport{
			{Protocol: param.SCTP, Port: Port, Addrs: addrs("2001:db8::1")},
			{Protocol: param.TCP, Port: Port, Addrs: addrs("192.0.2.1")},
		}}},
	{"BUSINESS_CARD", "0d00002c 00090006 54500000 " +
		"000a0020 00000001 00000000 0000003c 00100005 61000000 00080008 00000001",
		&BusinessCard{PoolHandle: "TP", PoolElements: []param.PoolElement{{ID: 1, Life: 60,
			UserTransport: param.Transport{Protocol: param.Opaque, Opaque: []byte("a")},
			Policy:        param.Policy{Type: param.RoundRobin}}}}},
	{"REGISTRATION with everything", "01000054 00090006 54500000 000a0048 00000001 00000000 0000003c " +
		"00030014 13880000 52535250 00010008 0a000001 0008000c 00000005 00000009 " +
		"00040010 13890000 00010008 0a000001 80f90008 26ae0000",
		&Registration{PoolHandle: "TP", PoolElement: param.PoolElement{ID: 1, Life: 60,
			UserTransport: param.Transport{Protocol: param.DCCP, Port: 5000, ServiceCode: 0x52535250,
				Addrs: addrs("10.0.0.1")},
			Policy:        param.Policy{Type: param.Priority, Priority: 9},
			ASAPTransport: &param.Transport{Protocol: param.SCTP, Port: 5001, Addrs: addrs("10.0.0.1")},
			EncapPort:     9902}}},
	{"COOKIE of 5 bytes", "0b000010 000d0009 68656c6c 6f000000", &Cookie{Cookie: param.Cookie("hello")}},
	{"ERROR with two causes", "0e000018 000c0014 0001000a 7ffe0006 aaaa0000 00060004",
		&Error{Errors: param.OperationError{
			{Code: param.CauseUnrecognizedParameter, Info: []byte{0x7f, 0xfe, 0, 6, 0xaa, 0xaa}},
			{Code: param.CauseLackOfResources},
		}}},
}

func vectors() []vector {
	return append(rsplibVectors[:len(rsplibVectors):len(rsplibVectors)], ownVectors...)
}

func TestVectors(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.hex)

			got, err := v.msg.AppendBinary([]byte("prefix"))
			require.NoError(t, err)
			require.Equal(t, hex.EncodeToString(append([]byte("prefix"), want...)), hex.EncodeToString(got))

			m, reports, err := Parse(want)
			require.NoError(t, err)
			require.Empty(t, reports)
			require.Equal(t, v.msg, m)
		})
	}
}

func TestCapturedMessagesReencodeToTheSameBytes(t *testing.T) {
	for _, b := range captured(t) {
		m, reports, err := Parse(b)
		require.NoError(t, err, "%x", b)
		require.Empty(t, reports, "%x", b)
		again, err := m.AppendBinary(nil)
		require.NoError(t, err, "%x", b)
		require.Equal(t, hex.EncodeToString(b), hex.EncodeToString(again))
	}
}

func TestEveryTruncationFails(t *testing.T) {
	for _, v := range vectors() {
		b := unhex(t, v.hex)
		for n := range len(b) {
			m, _, err := Parse(b[:n:n])
			require.Error(t, err, "%s cut to %d of %d bytes", v.name, n, len(b))
			require.Nil(t, m)
		}
	}
}

// Cut short and with a Message Length that hides it, what is left must be refused or be a message of its own.
func TestTruncationWithAdjustedLength(t *testing.T) {
	for _, v := range vectors() {
		b := unhex(t, v.hex)
		for n := 4; n < len(b); n++ {
			c := append([]byte(nil), b[:n]...)
			c[2], c[3] = byte(n>>8), byte(n)
			m, _, err := Parse(c)
			if err != nil {
				require.Nil(t, m)
				continue
			}
			require.Zero(t, n%4, "%s cut to %d", v.name, n)
			again, err := m.AppendBinary(nil)
			if err == nil { // a response without pool elements cannot be sent
				require.Equal(t, c, again, "%s cut to %d", v.name, n)
			}
		}
	}
}
