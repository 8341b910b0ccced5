// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPacket walks a whole packet, as Dump does.
func FuzzPacket(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.kind == "packet" {
			f.Add(v.bytes)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		Dump(p)
		if len(p) < HeaderLen {
			return
		}
		h, err := ParseHeader(p)
		require.NoError(t, err)
		require.Equal(t, p[:HeaderLen], h.Append(nil))
		for c, err := range Chunks(p[HeaderLen:]) {
			if err == nil {
				checkChunk(t, c)
			}
		}
		SetChecksum(p)
		require.True(t, ChecksumOK(p))
	})
}

// fuzzChunk fuzzes flags and value of one type of chunk.
func fuzzChunk(f *testing.F, types ...ChunkType) {
	for _, b := range vectorChunks(f) {
		c, _, err := NextChunk(b)
		require.NoError(f, err)
		for i, t := range types {
			if c.Type == t {
				f.Add(i, c.Flags, c.Value)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i int, flags uint8, value []byte) {
		if i < 0 || i >= len(types) || len(value) > MaxLen-ChunkHeaderLen {
			return
		}
		c, rest, err := NextChunk(AppendChunk(nil, types[i], flags, value))
		require.NoError(t, err)
		require.Empty(t, rest)
		checkChunk(t, c)
	})
}

// checkChunk checks that what a chunk decodes to encodes to something that
// decodes to the same, and to the same bytes if there is only one encoding.
func checkChunk(t *testing.T, c Chunk) {
	_ = c.String()
	once, err := reencode(c)
	if err != nil {
		require.IsType(t, &ParseError{}, err)
		return
	}
	d, rest, err := NextChunk(once)
	require.NoError(t, err)
	require.Empty(t, rest)
	twice, err := reencode(d)
	require.NoError(t, err)
	require.Equal(t, once, twice)
	if flags, ok := canonicalFlags(c); ok {
		require.Equal(t, AppendChunk(nil, c.Type, flags, c.Value), once)
	}
}

// canonicalFlags returns the flags of c which are not ignored on receipt, and
// false if something else in it may be ignored or written in several ways:
// reserved fields, padding inside, the IPv4-mapped form of an address.
func canonicalFlags(c Chunk) (uint8, bool) {
	switch c.Type {
	case ChunkData, ChunkPad:
		return c.Flags, true
	case ChunkShutdownComplete:
		return c.Flags & FlagT, true
	case ChunkSack, ChunkShutdown, ChunkShutdownAck, ChunkCookieEcho, ChunkCookieAck, ChunkECNE, ChunkCWR, ChunkAuth, ChunkForwardTSN:
		return 0, true
	case ChunkInit, ChunkInitAck:
		return 0, len(c.Value) == InitHeaderLen-ChunkHeaderLen
	}
	return 0, false
}

func FuzzData(f *testing.F)       { fuzzChunk(f, ChunkData) }
func FuzzIData(f *testing.F)      { fuzzChunk(f, ChunkIData) }
func FuzzInit(f *testing.F)       { fuzzChunk(f, ChunkInit, ChunkInitAck) }
func FuzzSack(f *testing.F)       { fuzzChunk(f, ChunkSack) }
func FuzzHeartbeat(f *testing.F)  { fuzzChunk(f, ChunkHeartbeat, ChunkHeartbeatAck) }
func FuzzAbort(f *testing.F)      { fuzzChunk(f, ChunkAbort, ChunkError) }
func FuzzShutdown(f *testing.F)   { fuzzChunk(f, ChunkShutdown, ChunkShutdownAck, ChunkShutdownComplete) }
func FuzzCookie(f *testing.F)     { fuzzChunk(f, ChunkCookieEcho, ChunkCookieAck) }
func FuzzECN(f *testing.F)        { fuzzChunk(f, ChunkECNE, ChunkCWR) }
func FuzzAuth(f *testing.F)       { fuzzChunk(f, ChunkAuth) }
func FuzzAsconf(f *testing.F)     { fuzzChunk(f, ChunkAsconf, ChunkAsconfAck) }
func FuzzReconfig(f *testing.F)   { fuzzChunk(f, ChunkReconfig) }
func FuzzForwardTSN(f *testing.F) { fuzzChunk(f, ChunkForwardTSN, ChunkIForwardTSN) }

func FuzzParams(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.kind == "param" {
			f.Add(v.bytes)
		}
	}
	for _, b := range vectorChunks(f) {
		c, _, err := NextChunk(b)
		require.NoError(f, err)
		if i, err := ParseInit(c); err == nil {
			f.Add(i.Params)
		}
		if a, err := ParseAsconf(c); err == nil {
			f.Add(a.Params)
		}
		if r, err := ParseReconfig(c); err == nil {
			f.Add(r.Params)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var bad error
		for p, err := range Params(b) {
			if bad = err; err != nil {
				break
			}
			_ = p.String()
			once, err := reencodeParam(p)
			if err != nil {
				require.IsType(t, &ParseError{}, err)
				continue
			}
			q, rest, err := NextParam(once)
			require.NoError(t, err)
			require.Empty(t, rest)
			twice, err := reencodeParam(q)
			require.NoError(t, err)
			require.Equal(t, once, twice)
		}
		require.Equal(t, bad == nil, CheckParams(b) == nil)
	})
}

func FuzzCauses(f *testing.F) {
	for _, b := range vectorChunks(f) {
		c, _, err := NextChunk(b)
		require.NoError(f, err)
		if c.Type == ChunkAbort || c.Type == ChunkError {
			f.Add(c.Value)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var bad error
		for c, err := range Causes(b) {
			if bad = err; err != nil {
				break
			}
			_ = c.String()
			once, err := reencodeCause(c)
			if err != nil {
				require.IsType(t, &ParseError{}, err)
				continue
			}
			d, rest, err := NextCause(once)
			require.NoError(t, err)
			require.Empty(t, rest)
			twice, err := reencodeCause(d)
			require.NoError(t, err)
			require.Equal(t, once, twice)
		}
		require.Equal(t, bad == nil, CheckCauses(b) == nil)
	})
}
