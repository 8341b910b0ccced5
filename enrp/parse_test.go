// SPDX-License-Identifier: Apache-2.0

package enrp

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

// RFC 5353, Section 3.7: "it SHOULD handle the unknown message or the unknown parameter according to the unrecognized
// message and parameter handling rules"
func TestUnrecognizedParameterActionBits(t *testing.T) {
	for _, a := range []struct {
		tlv            string
		stop, reported bool
	}{
		{"3ffe0006aaaa0000", true, false},
		{"7ffe0006aaaa0000", true, true},
		{"bffe0006aaaa0000", false, false},
		{"fffe0006aaaa0000", false, true},
	} {
		for name, s := range map[string]string{
			"PRESENCE":              "0100* 11111111 00000000 000f0006 ffff0000 " + a.tlv + serverHex,
			"HANDLE_TABLE_REQUEST":  "0200* 11111111 00000000" + a.tlv,
			"HANDLE_TABLE_RESPONSE": "0300* 11111111 00000000" + handleHex + a.tlv + echoHex,
			"HANDLE_UPDATE":         "0400* 11111111 00000000 00000000" + a.tlv + handleHex + echoHex,
			"LIST_RESPONSE": "0600* 11111111 00000000" +
				"000b0020 22222222 00040010 26ad0000 00010008 0a2c0002" + a.tlv,
			"INIT_TAKEOVER": "0700* 11111111 00000000 22222222" + a.tlv,
		} {
			t.Run(name+" "+a.tlv[:4], func(t *testing.T) {
				m, reports, err := Parse(message(t, s))
				if a.stop {
					require.ErrorContains(t, err, "unrecognized")
					require.Nil(t, m)
				} else {
					require.NoError(t, err)
					require.NotNil(t, m)
				}
				if !a.reported {
					require.Empty(t, reports)
					return
				}
				require.Equal(t, param.OperationError{
					{Code: param.CauseUnrecognizedParameter, Info: unhex(t, a.tlv[:12])},
				}, reports)
			})
		}
	}
}

func TestUnrecognizedMessageActionBits(t *testing.T) {
	for typ, reported := range map[uint8]bool{0x00: false, 0x0b: false, 0x5f: true, 0x9f: false, 0xdf: false} {
		b := []byte{typ, 0, 0, 8, 1, 2, 3, 4}
		m, reports, err := Parse(b)
		require.Nil(t, m)
		_, ok := errors.AsType[*param.UnknownMessageError](err)
		require.True(t, ok)
		require.Equal(t, reported, reports.Has(param.CauseUnrecognizedMessage), "%#x", typ)
	}
}

func TestErrorMessagesAreNeverAnswered(t *testing.T) {
	for _, s := range []string{"0a00* 00000001 00000002 fffe0004", "0a00* 00000001 00000002 7ffe0004"} {
		_, reports, err := Parse(message(t, s))
		require.Error(t, err)
		require.Empty(t, reports)
	}
}

func TestBadMessages(t *testing.T) {
	const ids = "11111111 22222222 "
	for _, c := range []struct {
		hex, want string
		quoted    string // the TLV that is reported with Invalid Values; "-" for no report
	}{
		{"0100*", "ends before its Sending Server's ID", "-"},
		{"0500* 11111111", "ends before its Receiving Server's ID", "-"},
		{"0700*" + ids, "ends before its Targeting Server's ID", "-"},
		{"0400*" + ids, "ends before its Update Action", "-"},
		{"0400*" + ids + "00020000" + handleHex + echoHex, "update action 0x2 is reserved", ""},
		{"0400*" + ids + "00000000" + handleHex, "Pool Element: is missing", ""},
		{"0400*" + ids + "00000000" + echoHex, "Pool Handle: is missing", ""},
		{"0400*" + ids + "00000000" + handleHex + handleHex, "Pool Handle: occurs twice", handleHex},
		{"0400*" + ids + "00000000" + handleHex + echoHex + echoHex, "Pool Element: occurs twice", echoHex},
		{"0100*" + ids + "000f0006 ffff0000 000f0006 ffff0000", "PE Checksum: occurs twice", "000f0006 ffff"},
		{"0100*" + ids + "000f0008 0000ffff", "PE Checksum: length is 8, not 6", "000f0008 0000ffff"},
		{"0100*" + ids + serverHex + serverHex, "Server Information: occurs twice", serverHex},
		{"0100*" + ids + "000b0006 11110000", "has no server ID", "000b0006 1111"},
		{"0100*" + ids + "000b0008 11111111", "has no SCTP Transport", "000b0008 11111111"},
		{"0100*" + ids + "000b0018 11111111 00050010 26ad0000 00010008 0a2c0003", "has no SCTP Transport",
			"000b0018 11111111 00050010 26ad0000 00010008 0a2c0003"},
		{"0300*" + ids + echoHex, "comes before the first Pool Handle", echoHex},
		{"0300*" + ids + handleHex + handleHex + echoHex, "Pool Element: is missing", ""},
		{"0300*" + ids + handleHex, "Pool Element: is missing", ""},
		{"0a00*" + ids, "Operation Error: is missing", "-"},
		{"0a00*" + ids + "000c0008 00060004 000c0008 00060004", "Operation Error: occurs twice", "-"},
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

func TestRejectionsCarryNothing(t *testing.T) {
	m, _, err := Parse(message(t, "0301* 11111111 22222222"+handleHex+echoHex))
	require.NoError(t, err)
	require.Equal(t, &HandleTableResponse{Header: Header{0x11111111, 0x22222222}, Rejected: true}, m)

	m, _, err = Parse(message(t, "0601* 11111111 22222222"+serverHex))
	require.NoError(t, err)
	require.Equal(t, &ListResponse{Header: Header{0x11111111, 0x22222222}, Rejected: true}, m)
}

func TestMessagesThatCannotBeEncoded(t *testing.T) {
	homeless, silent := echo(), echo()
	homeless.HomeID = 0
	silent.ASAPTransport = nil
	udp := echo()
	udp.ASAPTransport = new(*udp.ASAPTransport)
	udp.ASAPTransport.Protocol = param.UDP
	noSCTP := param.ServerInformation{Transport: param.Transport{Protocol: param.TCP}}
	for _, c := range []struct {
		m    Message
		want string
	}{
		{&Presence{Server: &noSCTP}, "transport is TCP, not SCTP"},
		{&ListResponse{Rejected: true, Servers: []param.ServerInformation{server1}}, "present in a rejection"},
		{&HandleTableResponse{Rejected: true, Pools: []PoolEntry{{"P", []param.PoolElement{echo()}}}},
			"present in a rejection"},
		{&HandleTableResponse{Pools: []PoolEntry{{"P", nil}}}, `is missing in pool "P"`},
		{&HandleTableResponse{Pools: []PoolEntry{{"", []param.PoolElement{echo()}}}}, "Pool Handle: is empty"},
		{&HandleUpdate{Action: 2, PoolHandle: "P", PoolElement: echo()}, "update action 0x2 is reserved"},
		{&HandleUpdate{PoolHandle: "P", PoolElement: homeless}, "has no home server"},
		{&HandleUpdate{PoolHandle: "P", PoolElement: silent}, "has no ASAP transport"},
		{&HandleUpdate{PoolHandle: "P", PoolElement: udp}, "ASAP transport is UDP, not SCTP"},
		{&Error{}, "Operation Error: is missing"},
	} {
		b, err := c.m.AppendBinary([]byte("prefix"))
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, c.m.Type().String())
		require.Equal(t, "prefix", string(b), "the buffer is as it was")
	}
}

func TestStrings(t *testing.T) {
	require.Equal(t, "ENRP_INIT_TAKEOVER_ACK", TypeInitTakeoverAck.String())
	require.Equal(t, "ENRP message 0xb", MessageType(0xb).String())
	require.Equal(t, "ADD_PE", AddPE.String())
	require.Equal(t, "DEL_PE", DelPE.String())
}
