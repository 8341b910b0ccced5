// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestBadChunks(t *testing.T) {
	for in, want := range map[string]string{
		"0003000f 00000001 00000000 000000":            "sctp: bad DATA chunk at offset 2: length is 15, want at least 16",
		"01000013 00000001 00000001 00010001 000000":   "sctp: bad INIT chunk at offset 2: length is 19, want at least 20",
		"0300000c 00000001 00000001":                   "sctp: bad SACK chunk at offset 2: length is 12, want at least 16",
		"03000010 00000001 00000001 00010000":          "sctp: bad SACK chunk at offset 12: 1 gap ack blocks and 0 duplicate TSNs make 20 bytes, but the length is 16",
		"03000014 00000001 00000001 00000000 00000000": "sctp: bad SACK chunk at offset 12: 0 gap ack blocks and 0 duplicate TSNs make 16 bytes, but the length is 20",
		"03000010 00000001 00000001 ffffffff":          "sctp: bad SACK chunk at offset 12: 65535 gap ack blocks and 65535 duplicate TSNs make 524296 bytes, but the length is 16",
		"04000004":                                     "sctp: bad parameter header at offset 4: 0 bytes left, want 4",
		"04000008 00020004":                            "sctp: bad Heartbeat Info parameter at offset 4: type is parameter type 0x0002",
		"06000008 000c0005":                            "sctp: bad User-Initiated Abort error cause at offset 6: length is 5, but only 4 bytes are left",
		"06000010 000d0008 00000000 000c0003":          "sctp: bad User-Initiated Abort error cause at offset 14: length is 3, want at least 4",
		"07000004":                                     "sctp: bad SHUTDOWN chunk at offset 2: length is 4, want 8",
		"0700000c 00000001 00000002":                   "sctp: bad SHUTDOWN chunk at offset 2: length is 12, want 8",
		"08000008 00000000":                            "sctp: bad SHUTDOWN ACK chunk at offset 2: length is 8, want 4",
		"09000004":                                     "sctp: bad ERROR chunk at offset 2: length is 4, want at least one error cause",
		"0b000005 00":                                  "sctp: bad COOKIE ACK chunk at offset 2: length is 5, want 4",
		"0c000004":                                     "sctp: bad ECNE chunk at offset 2: length is 4, want 8",
		"0e000005 00":                                  "sctp: bad SHUTDOWN COMPLETE chunk at offset 2: length is 5, want 4",
		"0f000006 0000":                                "sctp: bad AUTH chunk at offset 2: length is 6, want at least 8",
		"0f00000c 00000001 00000000":                   "sctp: bad AUTH chunk at offset 8: SHA-1 HMAC has 4 bytes, want 20",
		"40030013 00000001 00000000 00000000 000000":   "sctp: bad I-DATA chunk at offset 2: length is 19, want at least 20",
		"80000006 0000":                                "sctp: bad ASCONF-ACK chunk at offset 2: length is 6, want at least 8",
		"80000010 00000001 c0050008 0000":              "sctp: bad ASCONF-ACK chunk at offset 2: length is 16, but only 14 bytes are left",
		"8000000c 00000001 c0050008":                   "sctp: bad Success Indication parameter at offset 10: length is 8, but only 4 bytes are left",
		"c1000006 0000":                                "sctp: bad ASCONF chunk at offset 2: length is 6, want at least 16",
		"c1000008 00000001":                            "sctp: bad parameter header at offset 8: 0 bytes left, want 4",
		"c1000010 00000001 000b0008 61000000":          "sctp: bad address parameter at offset 8: type is Host Name Address",
		"c1000014 00000001 0005000c 01020304 05060708": "sctp: bad IPv4 Address parameter at offset 10: length is 12, want 8",
		"c1000014 00000001 00050008 01020304 c0010010": "sctp: bad Add IP Address parameter at offset 18: length is 16, but only 4 bytes are left",
		"82000004":                                     "sctp: bad RE-CONFIG chunk at offset 4: 0 parameters, want 1 or 2",
		"8200001c 000f0008 00000001 000f0008 00000002 000f0008 00000003": "sctp: bad RE-CONFIG chunk at offset 4: 3 parameters, want 1 or 2",
		"8200000c 000f0008 00000001 00":                                  "",
		"82000010 000f0008 00000001 000f0002":                            "sctp: bad SSN/TSN Reset Request parameter at offset 14: length is 2, want at least 4",
		"c0000006 0000":                                                  "sctp: bad FORWARD TSN chunk at offset 2: length is 6, want 8 + 4 * n",
		"c000000a 00000001 0001":                                         "sctp: bad FORWARD TSN chunk at offset 2: length is 10, want 8 + 4 * n",
		"c200000c 00000001 00010000":                                     "sctp: bad I-FORWARD-TSN chunk at offset 2: length is 12, want 8 + 8 * n",
	} {
		c, _, err := NextChunk(unhex(t, in))
		if err == nil {
			_, err = reencode(c)
		}
		if want == "" {
			require.NoError(t, err, in)
			continue
		}
		require.EqualError(t, err, want, in)
	}
}

func TestParsersRejectOtherTypes(t *testing.T) {
	c := Chunk{Type: 0x3e, Value: make([]byte, 64), Raw: make([]byte, 68)}
	for name, parse := range map[string]func(Chunk) error{
		"DATA":              func(c Chunk) error { _, err := ParseData(c); return err },
		"I-DATA":            func(c Chunk) error { _, err := ParseIData(c); return err },
		"INIT":              func(c Chunk) error { _, err := ParseInit(c); return err },
		"SACK":              func(c Chunk) error { return ParseSack(c, &Sack{}) },
		"HEARTBEAT":         func(c Chunk) error { _, err := ParseHeartbeat(c); return err },
		"ABORT":             func(c Chunk) error { _, _, err := ParseAbort(c); return err },
		"ERROR":             func(c Chunk) error { _, err := ParseErrorChunk(c); return err },
		"SHUTDOWN":          func(c Chunk) error { _, err := ParseShutdown(c); return err },
		"SHUTDOWN ACK":      ParseShutdownAck,
		"SHUTDOWN COMPLETE": func(c Chunk) error { _, err := ParseShutdownComplete(c); return err },
		"COOKIE ECHO":       func(c Chunk) error { _, err := ParseCookieEcho(c); return err },
		"COOKIE ACK":        ParseCookieAck,
		"ECNE":              func(c Chunk) error { _, err := ParseECNE(c); return err },
		"CWR":               func(c Chunk) error { _, err := ParseCWR(c); return err },
		"PAD":               ParsePad,
		"AUTH":              func(c Chunk) error { _, err := ParseAuth(c); return err },
		"ASCONF":            func(c Chunk) error { _, err := ParseAsconf(c); return err },
		"ASCONF-ACK":        func(c Chunk) error { _, err := ParseAsconfAck(c); return err },
		"RE-CONFIG":         func(c Chunk) error { _, err := ParseReconfig(c); return err },
		"FORWARD TSN":       func(c Chunk) error { return ParseForwardTSN(c, &ForwardTSN{}) },
		"I-FORWARD-TSN":     func(c Chunk) error { return ParseIForwardTSN(c, &IForwardTSN{}) },
	} {
		require.EqualError(t, parse(c), "sctp: bad "+name+" chunk at offset 0: type is chunk type 0x3e")
	}
}

func TestParamLengths(t *testing.T) {
	// Which lengths of the value are accepted, of 0 to 24 bytes of zeros.
	for typ, want := range map[ParamType][]int{
		ParamIPv4:                   {4},
		ParamIPv6:                   {16},
		ParamCookiePreservative:     {4},
		ParamSupportedAddressTypes:  {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24},
		ParamHMACAlgo:               {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24},
		ParamAdaptationIndication:   {4},
		ParamZeroChecksumAcceptable: {4},
		ParamUnrecognized:           nil, // the inner length is 0
		ParamAddIP:                  nil,
		ParamSuccessIndication:      {4},
		ParamErrorCauseIndication:   nil,
		ParamOutgoingReset:          {12, 14, 16, 18, 20, 22, 24},
		ParamIncomingReset:          {4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24},
		ParamSSNTSNReset:            {4},
		ParamReconfigResponse:       {8, 16},
		ParamAddOutgoingStreams:     {8},
		ParamAddIncomingStreams:     {8},
	} {
		var got []int
		for n := range 25 {
			p, _, err := NextParam(AppendParam(nil, typ, make([]byte, n)))
			require.NoError(t, err)
			if _, err := reencodeParam(p); err == nil {
				got = append(got, n)
			}
		}
		require.Equal(t, want, got, typ.String())
	}
	for code, want := range map[CauseCode][]int{
		CauseInvalidStream:     {4},
		CauseMissingParam:      {4}, // zero of them
		CauseStaleCookie:       {4},
		CauseNoUserData:        {4},
		CauseUnrecognizedChunk: {1, 2, 3, 4, 5, 6, 7, 8},
		CauseUnsupportedHMAC:   {2},
	} {
		var got []int
		for n := range 9 {
			c, _, err := NextCause(AppendCause(nil, code, make([]byte, n)))
			require.NoError(t, err)
			if _, err := reencodeCause(c); err == nil {
				got = append(got, n)
			}
		}
		require.Equal(t, want, got, code.String())
	}
}

func TestAddresses(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "0.0.0.0", "::", "2001:db8::1", "fe80::1"} {
		want := netip.MustParseAddr(a)
		p, rest, err := NextParam(AppendAddress(nil, want))
		require.NoError(t, err)
		require.Empty(t, rest)
		got, err := p.Address()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, AppendAddress(nil, netip.MustParseAddr("192.0.2.1")), AppendAddress(nil, netip.MustParseAddr("::ffff:192.0.2.1")))
	require.Equal(t, AppendAddress(nil, netip.MustParseAddr("fe80::1")), AppendAddress(nil, netip.MustParseAddr("fe80::1%eth0")))
	require.Empty(t, AppendAddress(nil, netip.Addr{}))
}

// RFC 6525, Section 3.1: "Only the following combinations are allowed:"
func TestReconfigAllowed(t *testing.T) {
	allowed := map[[2]ParamType]bool{
		{ParamOutgoingReset, 0}:                            true,
		{ParamIncomingReset, 0}:                            true,
		{ParamOutgoingReset, ParamIncomingReset}:           true,
		{ParamSSNTSNReset, 0}:                              true,
		{ParamAddOutgoingStreams, 0}:                       true,
		{ParamAddIncomingStreams, 0}:                       true,
		{ParamAddOutgoingStreams, ParamAddIncomingStreams}: true,
		{ParamReconfigResponse, 0}:                         true,
		{ParamReconfigResponse, ParamOutgoingReset}:        true,
		{ParamReconfigResponse, ParamReconfigResponse}:     true,
	}
	types := []ParamType{0, ParamIPv4, ParamOutgoingReset, ParamIncomingReset, ParamSSNTSNReset,
		ParamReconfigResponse, ParamAddOutgoingStreams, ParamAddIncomingStreams, ParamForwardTSN}
	for _, a := range types {
		for _, b := range types {
			want := allowed[[2]ParamType{a, b}] || allowed[[2]ParamType{b, a}]
			require.Equal(t, want, ReconfigAllowed(a, b), "%v, %v", a, b)
		}
	}
}

func TestParseSackKeepsTheOldOneOnError(t *testing.T) {
	s := Sack{CumTSNAck: 7, Gaps: []GapAckBlock{{2, 3}}}
	c, _, err := NextChunk(unhex(t, "03000010 00000001 00000001 00010000"))
	require.NoError(t, err)
	require.Error(t, ParseSack(c, &s))
	require.Equal(t, Sack{CumTSNAck: 7, Gaps: []GapAckBlock{{2, 3}}}, s)
}
