// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The helpers must write what the vectors, made by hand from the RFCs, hold.
func TestAppendHelpersWriteTheVectors(t *testing.T) {
	vectors := map[string][]byte{}
	for _, v := range readVectors(t) {
		vectors[v.name] = v.bytes
	}
	v4 := netip.MustParseAddr("192.0.2.1")
	for name, got := range map[string][]byte{
		"RFC 9260: INIT with addresses": (&Init{
			InitiateTag: 0xa1, ARwnd: 1 << 17, OutboundStreams: 10, InboundStreams: 10, InitialTSN: 1,
			Params: AppendCookiePreservative(AppendAddress(AppendAddress(nil, v4), netip.MustParseAddr("2001:db8::1")), 4000),
		}).Append(nil, ChunkInit),
		"RFC 9260: ERROR with causes": AppendError(nil, AppendUnrecognizedParams(AppendCause(AppendUnrecognizedChunk(AppendStaleCookie(
			AppendMissingParams(AppendInvalidStream(nil, 7), ParamStateCookie), 10000), []byte{0xff, 0, 0, 6, 0xaa, 0xbb}),
			CauseCookieWhileShuttingDown, nil), AppendParam(nil, 0xc123, nil))),
		"RFC 9260: ABORT, protocol violation, T bit": AppendAbort(nil, true, AppendProtocolViolation(nil, "bug")),
		"RFC 9260: ABORT, restart with new addresses": AppendAbort(nil, false, AppendRestartNewAddresses(nil,
			netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2"))),
		"RFC 9260: ABORT, no user data": AppendAbort(nil, false, AppendNoUserData(nil, 1)),
		"RFC 9260: ABORT, invalid mandatory parameter, unresolvable address, out of resource": AppendAbort(nil, false,
			AppendCause(AppendUnresolvableAddress(AppendInvalidMandatoryParam(nil), AppendParam(nil, ParamHostName, []byte("foo\x00"))),
				CauseOutOfResource, nil)),
		"ABORT by user": append(vectors["ABORT by user"][:HeaderLen:HeaderLen], AppendAbort(nil, false, AppendUserInitiatedAbort(nil, nil))...),
		"RFC 4820: PAD": AppendPad(nil, 8),
		"RFC 5061: ASCONF, add and delete and set primary": (&Asconf{
			Seq: 1, Address: netip.MustParseAddr("192.0.2.3"),
			Params: AppendSetPrimary(AppendDeleteIP(AppendAddIP(nil, 0x01023474, v4), 0x01023476, v4), 0x01023479, v4),
		}).Append(nil),
		"RFC 6525: RE-CONFIG, reset SSN and TSN": (&Reconfig{Params: AppendSSNTSNReset(nil, 9)}).Append(nil),
		"RFC 9260: INIT ACK with an unrecognized parameter": (&Init{
			InitiateTag: 0xa2, ARwnd: 1 << 17, OutboundStreams: 5, InboundStreams: 5, InitialTSN: 2,
			Params: AppendUnrecognizedParam(AppendStateCookie(nil, []byte{0xde, 0xad, 0xbe, 0xef}), []byte{0xc0, 0xff, 0, 9, 0x11, 0x22, 0x33, 0x44, 0x55}),
		}).Append(nil, ChunkInitAck),
		"RFC 4895: ERROR, unsupported HMAC": AppendError(nil, AppendUnsupportedHMAC(nil, 2)),
		"RFC 6525: RE-CONFIG, reset outgoing and incoming": (&Reconfig{Params: (&StreamReset{
			Incoming: true, RequestSeq: 2, Streams: []uint16{1, 2, 3},
		}).Append((&StreamReset{RequestSeq: 1, ResponseSeq: 2, LastTSN: 3, Streams: []uint16{4, 5}}).Append(nil))}).Append(nil),
		"RFC 3758: Forward-TSN-Supported": AppendForwardTSNSupported(nil),
		"ECN Capable":                     AppendECNCapable(nil),
		"RFC 4820: Padding":               AppendPadding(nil, 8),
	} {
		require.Contains(t, vectors, name)
		require.Equal(t, hex.EncodeToString(vectors[name]), hex.EncodeToString(got), name)
	}
}

func TestDumpOfBadPackets(t *testing.T) {
	p := AppendCookieAck((&Header{SrcPort: 1, DstPort: 2, Tag: 0xa1}).Append(nil))
	SetChecksum(p)
	require.Equal(t, "1>2 vtag=0xa1: COOKIE ACK", Dump(p))
	p[8]++
	require.Equal(t, "1>2 vtag=0xa1 bad checksum: COOKIE ACK", Dump(p))

	p = append(p, 3, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 1)
	SetChecksum(p)
	require.Equal(t, "1>2 vtag=0xa1: COOKIE ACK; SACK flags=0x0 len=5 (sctp: bad SACK chunk at offset 2: length is 5, want at least 16); "+
		"sctp: bad DATA chunk at offset 2: length is 1, want at least 4", Dump(p))
	require.Equal(t, "sctp: bad common header at offset 0: packet has 3 bytes, want at least 12", Dump(p[:3]))

	p = (&Init{Params: []byte{0, 5, 0, 4, 0, 9, 0, 9}}).Append(nil, ChunkInit)
	c, _, err := NextChunk(p)
	require.NoError(t, err)
	require.Equal(t, "INIT tag=0x0 a_rwnd=0 os=0 mis=0 tsn=0 {IPv4 Address (sctp: bad IPv4 Address parameter at offset 2: length is 4, want 8), "+
		"sctp: bad Cookie Preservative parameter at offset 2: length is 9, but only 4 bytes are left}", c.String())
}

// Flags the RFC reserves are shown nowhere, known ones in the order of their bits.
func TestDumpDataFlags(t *testing.T) {
	for flags, want := range map[uint8]string{0: "-", DataBegin | DataEnd: "BE", DataUnordered: "U", 0xff: "IUBE"} {
		require.Equal(t, want, dataFlags(flags))
	}
}
