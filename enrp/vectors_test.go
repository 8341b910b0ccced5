// SPDX-License-Identifier: Apache-2.0

package enrp

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

func sctp(port uint16, use param.TransportUse, addrs ...string) param.Transport {
	t := param.Transport{Protocol: param.SCTP, Port: port, Use: use}
	for _, a := range addrs {
		t.Addrs = append(t.Addrs, netip.MustParseAddr(a))
	}
	return t
}

// echo is the pool element of most vectors.
func echo() param.PoolElement {
	return param.PoolElement{
		ID: 0x12345678, HomeID: 0x22222222, Life: 90000,
		UserTransport: sctp(0xbfc8, param.DataPlusControl, "10.44.0.6", "10.45.0.6"),
		Policy:        param.Policy{Type: param.LeastUsedDegradation, LoadDegradation: param.Fraction(0.25)},
		ASAPTransport: new(sctp(0x949b, param.DataOnly, "10.44.0.6", "10.45.0.6")),
	}
}

func echoRR() param.PoolElement {
	pe := echo()
	pe.Policy = param.Policy{Type: param.RoundRobin}
	return pe
}

const (
	handleHex  = "0009000c 4563686f506f6f6c "
	addrsHex   = "00010008 0a2c0006 00010008 0a2d0006 "
	echoHex    = "000a0050 12345678 22222222 00015f90 00040018 bfc80001 " + addrsHex + lud + "00040018 949b0000 " + addrsHex
	echoRRHex  = "000a0048 12345678 22222222 00015f90 00040018 bfc80001 " + addrsHex + rr + "00040018 949b0000 " + addrsHex
	lud        = "00080010 40000002 00000000 40000000 "
	rr         = "00080008 00000001 "
	serverHex  = "000b0018 11111111 00040010 26ad0000 00010008 0a2c0003 "
	server2Hex = "000b0018 22222222 00040010 26ad0000 00010008 0a2c0002 "
	server3Hex = "000b0018 33333333 00040010 26ad0000 00010008 0a2c0004 "
)

var (
	server1 = param.ServerInformation{ID: 0x11111111, Transport: sctp(Port, 0, "10.44.0.3")}
	server2 = param.ServerInformation{ID: 0x22222222, Transport: sctp(Port, 0, "10.44.0.2")}
	server3 = param.ServerInformation{ID: 0x33333333, Transport: sctp(Port, 0, "10.44.0.4")}
)

type vector struct {
	name string
	hex  string
	msg  Message
}

// rsplibVectors were captured from RSPLIB 3.4.4.
var rsplibVectors = []vector{
	{"PRESENCE multicast", "0100002c 11111111 00000000 000f0006 ffff0000 " + serverHex,
		&Presence{Header: Header{Sender: 0x11111111}, Checksum: new(param.PEChecksum(0xffff)), Server: &server1}},
	{"PRESENCE reply required", "0101002c 11111111 23a7b1d5 000f0006 29a50000 " + serverHex,
		&Presence{Header: Header{0x11111111, 0x23a7b1d5}, ReplyRequired: true,
			Checksum: new(param.PEChecksum(0x29a5)), Server: &server1}},
	{"LIST_REQUEST", "0500000c 33333333 11111111", &ListRequest{Header{0x33333333, 0x11111111}}},
	{"LIST_RESPONSE", "0600003c 11111111 33333333 " + server2Hex + server3Hex,
		&ListResponse{Header: Header{0x11111111, 0x33333333}, Servers: []param.ServerInformation{server2, server3}}},
	{"HANDLE_TABLE_REQUEST", "0200000c 33333333 11111111", &HandleTableRequest{Header: Header{0x33333333, 0x11111111}}},
	{"HANDLE_TABLE_RESPONSE empty", "0300000c 11111111 33333333",
		&HandleTableResponse{Header: Header{0x11111111, 0x33333333}}},
	{"HANDLE_TABLE_RESPONSE rejected", "0301000c 11111111 77777777",
		&HandleTableResponse{Header: Header{0x11111111, 0x77777777}, Rejected: true}},
	{"HANDLE_TABLE_RESPONSE", "03000068 11111111 2934266c " + handleHex + echoHex,
		&HandleTableResponse{Header: Header{0x11111111, 0x2934266c},
			Pools: []PoolEntry{{"EchoPool", []param.PoolElement{echo()}}}}},
	{"HANDLE_UPDATE ADD_PE", "0400006c 22222222 11111111 00000000 " + handleHex + echoHex,
		&HandleUpdate{Header: Header{0x22222222, 0x11111111}, Action: AddPE, PoolHandle: "EchoPool", PoolElement: echo()}},
	{"HANDLE_UPDATE ADD_PE suggested", "04010064 11111111 22222222 00000000 " + handleHex + echoRRHex,
		&HandleUpdate{Header: Header{0x11111111, 0x22222222}, TakeoverSuggested: true, Action: AddPE,
			PoolHandle: "EchoPool", PoolElement: echoRR()}},
	{"HANDLE_UPDATE DEL_PE", "0400006c 11111111 33333333 00010000 " + handleHex + echoHex,
		&HandleUpdate{Header: Header{0x11111111, 0x33333333}, Action: DelPE, PoolHandle: "EchoPool", PoolElement: echo()}},
	{"INIT_TAKEOVER", "07000010 11111111 33333333 22222222", &InitTakeover{Header{0x11111111, 0x33333333}, 0x22222222}},
	{"INIT_TAKEOVER_ACK", "08000010 33333333 11111111 22222222",
		&InitTakeoverAck{Header{0x33333333, 0x11111111}, 0x22222222}},
}

// ownVectors are what RSPLIB does not send, byte by byte from the RFCs.
var ownVectors = []vector{
	{"capabilities", "3f000010 11111111 22222222 00000003", &Capabilities{Header{0x11111111, 0x22222222}, LongHandles | TakeoverSuggestions}},
	{"PRESENCE without parameters", "0100000c 00000001 00000000", &Presence{Header: Header{Sender: 1}}},
	{"PRESENCE with port", "01000034 11111111 00000000 000f0006 ffff0000 " +
		"000b0020 11111111 00040010 26ad0000 00010008 0a2c0003 80f90008 26ae0000",
		&Presence{Header: Header{Sender: 0x11111111}, Checksum: new(param.PEChecksum(0xffff)),
			Server: &param.ServerInformation{ID: 0x11111111, Transport: server1.Transport, EncapPort: 9902}}},
	{"HANDLE_TABLE_REQUEST W", "0201000c 33333333 11111111",
		&HandleTableRequest{Header: Header{0x33333333, 0x11111111}, OwnChildrenOnly: true}},
	{"HANDLE_TABLE_RESPONSE M", "0302010c 11111111 2934266c " + handleHex + echoHex + echoRRHex + handleHex + echoHex,
		&HandleTableResponse{Header: Header{0x11111111, 0x2934266c}, More: true,
			Pools: []PoolEntry{
				{"EchoPool", []param.PoolElement{echo(), echoRR()}},
				{"EchoPool", []param.PoolElement{echo()}}, // RSPLIB repeats handles
			}}},
	{"LIST_RESPONSE rejected", "0601000c 11111111 33333333",
		&ListResponse{Header: Header{0x11111111, 0x33333333}, Rejected: true}},
	{"TAKEOVER_SERVER", "09000010 11111111 33333333 22222222",
		&TakeoverServer{Header{0x11111111, 0x33333333}, 0x22222222}},
	{"ERROR", "0a000020 00000001 00000002 000c0014 0001000a 7ffe0006 aaaa0000 00060004",
		&Error{Header: Header{1, 2}, Errors: param.OperationError{
			{Code: param.CauseUnrecognizedParameter, Info: []byte{0x7f, 0xfe, 0, 6, 0xaa, 0xaa}},
			{Code: param.CauseLackOfResources}}}},
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
			require.Equal(t, v.msg.From(), m.From())
			require.Equal(t, v.msg.To(), m.To())
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
			require.NoError(t, err)
			require.Equal(t, c, again, "%s cut to %d", v.name, n)
		}
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
