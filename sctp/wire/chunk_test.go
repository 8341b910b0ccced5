// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9260, Section 3.2: "Chunk Types are encoded such that the highest-order
// 2 bits specify the action that is taken if the processing endpoint does not
// recognize the Chunk Type."
func TestUnknownActionBits(t *testing.T) {
	for i, want := range []UnknownAction{
		{Stop: true, Report: false},
		{Stop: true, Report: true},
		{Stop: false, Report: false},
		{Stop: false, Report: true},
	} {
		for _, low := range []int{0, 1, 0x2a, 0x3f} {
			require.Equal(t, want, ChunkType(i<<6|low).UnknownAction(), "chunk %#x", i<<6|low)
		}
		for _, low := range []int{0, 1, 0xff, 0x3fff} {
			require.Equal(t, want, ParamType(i<<14|low).UnknownAction(), "parameter %#x", i<<14|low)
		}
	}
}

// RFC 9260, Section 3.2: "The Chunk Length field does not count any chunk
// padding." So a packet may end with the last chunk's last byte.
func TestFinalPaddingMayBeMissing(t *testing.T) {
	for _, tail := range []string{"", "\x00", "\x00\x00", "\x00\x00\x00", "\xff\xff\xff"} {
		c, rest, err := NextChunk([]byte("\x0a\x00\x00\x05c" + tail))
		require.NoError(t, err)
		require.Empty(t, rest, "padding %q", tail)
		require.Equal(t, Chunk{Type: ChunkCookieEcho, Value: []byte("c"), Raw: []byte("\x0a\x00\x00\x05c")}, c)

		p, rest, err := NextParam([]byte("\x00\x07\x00\x05c" + tail))
		require.NoError(t, err)
		require.Empty(t, rest, "padding %q", tail)
		require.Equal(t, Param{Type: ParamStateCookie, Value: []byte("c"), Raw: []byte("\x00\x07\x00\x05c")}, p)

		ca, rest, err := NextCause([]byte("\x00\x0c\x00\x05c" + tail))
		require.NoError(t, err)
		require.Empty(t, rest, "padding %q", tail)
		require.Equal(t, Cause{Code: CauseUserInitiatedAbort, Value: []byte("c"), Raw: []byte("\x00\x0c\x00\x05c")}, ca)
	}
}

// RFC 9260, Section 3.2: "Note: A robust implementation is expected to accept
// the chunk whether or not the final padding has been included in the Chunk
// Length."
func TestFinalPaddingMayBeCounted(t *testing.T) {
	params := AppendStateCookie(nil, []byte("cookie")) // 10 bytes, 2 of padding
	for _, n := range []int{10, 11, 12} {
		b := AppendChunk(nil, ChunkInitAck, 0, append(make([]byte, 16), params[:n]...))
		c, rest, err := NextChunk(b)
		require.NoError(t, err)
		require.Empty(t, rest)
		i, err := ParseInit(c)
		require.NoError(t, err)
		require.NoError(t, CheckParams(i.Params))
		p, rest, err := NextParam(i.Params)
		require.NoError(t, err)
		require.Empty(t, rest)
		require.Equal(t, "cookie", string(p.Value))
	}
}

// RFC 9260, Section 3.2: "The Chunk Length field does not count any chunk
// padding. However, it does include any padding of variable-length parameters
// other than the last parameter in the chunk."
func TestLengthDoesNotCountTheFinalPadding(t *testing.T) {
	params := AppendStateCookie(AppendStateCookie(nil, []byte("1")), []byte("2")) // 8 + 5 bytes
	causes := AppendUserInitiatedAbort(AppendUserInitiatedAbort(nil, []byte("1")), []byte("2"))
	addr := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	for name, c := range map[string]struct {
		chunk []byte
		want  int
	}{
		"INIT":       {(&Init{Params: params}).Append(nil, ChunkInit), 20 + 13},
		"ABORT":      {AppendAbort(nil, false, causes), 4 + 13},
		"ERROR":      {AppendError(nil, causes), 4 + 13},
		"ASCONF":     {(&Asconf{Address: addr, Params: params}).Append(nil), 16 + 13},
		"ASCONF-ACK": {(&AsconfAck{Params: params}).Append(nil), 8 + 13},
		"RE-CONFIG":  {(&Reconfig{Params: params}).Append(nil), 4 + 13},
	} {
		got, rest, err := NextChunk(c.chunk)
		require.NoError(t, err, name)
		require.Empty(t, rest, name)
		require.Len(t, got.Raw, c.want, name)
		require.Len(t, c.chunk, padded(c.want), name)
	}
	require.Equal(t, []byte{1, 2, 3}, withoutFinalPadding([]byte{1, 2, 3}))
	bad := []byte{0, 1, 0, 3, 0, 0, 0, 0}
	require.Equal(t, bad, withoutFinalPadding(bad))
	bad = []byte{0, 1, 0, 4, 0, 1, 0, 9}
	require.Equal(t, bad, withoutFinalPadding(bad))
}

// The padding must be zero even if the buffer it is written to is not.
func TestPaddingIsZero(t *testing.T) {
	dirty := func() []byte {
		b := make([]byte, 64)
		for i := range b {
			b[i] = 0xff
		}
		return b[:0]
	}
	one := []byte{1}
	require.Equal(t, []byte{10, 0, 0, 5, 1, 0, 0, 0}, AppendChunk(dirty(), ChunkCookieEcho, 0, one))
	require.Equal(t, []byte{0, 7, 0, 5, 1, 0, 0, 0}, AppendParam(dirty(), ParamStateCookie, one))
	require.Equal(t, []byte{0, 12, 0, 5, 1, 0, 0, 0}, AppendCause(dirty(), CauseUserInitiatedAbort, one))
	require.Equal(t, make([]byte, 3), (&Data{Payload: one}).Append(dirty())[17:])
	require.Equal(t, make([]byte, 3), (&IData{Payload: one}).Append(dirty())[21:])
	require.Equal(t, make([]byte, 3), (&Init{Params: []byte{0x80, 8, 0, 5, 1}}).Append(dirty(), ChunkInit)[25:])
	require.Equal(t, make([]byte, 4), AppendPad(dirty(), 8)[4:])
	require.Equal(t, make([]byte, 2), (&IData{}).Append(dirty())[10:12], "reserved field of I-DATA")
}

func TestLengthsBeyond16BitsSaturate(t *testing.T) {
	b := AppendChunk(nil, ChunkCookieEcho, 0, make([]byte, MaxLen))
	require.Equal(t, []byte{0xff, 0xff}, b[2:4])
	b = AppendParam(nil, ParamStateCookie, make([]byte, MaxLen))
	require.Equal(t, []byte{0xff, 0xff}, b[2:4])
	require.Len(t, AppendPad(nil, 1<<20), 65532)
	require.Len(t, AppendPad(nil, 1), 4)
	require.Len(t, AppendPad(nil, 11), 8)
	require.Len(t, AppendPadding(nil, 1<<20), 65532)
	require.Equal(t, []byte{0x80, 0x05, 0, 8, 0, 0, 0, 0}, AppendPadding(nil, 11))
}

func TestBadChunkHeaders(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "sctp: bad chunk header at offset 0: 0 bytes left, want 4",
		"\x00\x03\x00":             "sctp: bad chunk header at offset 0: 3 bytes left, want 4",
		"\x00\x03\x00\x00":         "sctp: bad DATA chunk at offset 2: length is 0, want at least 4",
		"\x03\x00\x00\x03":         "sctp: bad SACK chunk at offset 2: length is 3, want at least 4",
		"\x03\x00\x00\x09\x00\x00": "sctp: bad SACK chunk at offset 2: length is 9, but only 6 bytes are left",
	} {
		_, _, err := NextChunk([]byte(in))
		require.EqualError(t, err, want)
	}
}

func TestIteratorsStopAtTheFirstError(t *testing.T) {
	good := AppendCookieAck(nil)
	n := 0
	for _, err := range Chunks(append(AppendCookieAck(good), 1, 2)) {
		n++
		require.Equal(t, n == 3, err != nil)
	}
	require.Equal(t, 3, n)
	for range Chunks(AppendCookieAck(good)) {
		break
	}
}

// Views must not let an append reach into the rest of the packet.
func TestViewsHaveNoSpareCapacity(t *testing.T) {
	b := AppendCookieAck(AppendCookieEcho(nil, []byte("cookie")))
	c, _, err := NextChunk(b)
	require.NoError(t, err)
	require.Equal(t, len(c.Value), cap(c.Value))
	require.Equal(t, len(c.Raw), cap(c.Raw))
}
