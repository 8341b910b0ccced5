// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// What both have announced is used by both, whoever dials.
func TestExtensionsAreNegotiated(t *testing.T) {
	for _, tt := range []struct{ a, z, want extensions }{
		{0, 0, 0},
		{extForwardTSN | extReconfig, 0, 0},
		{0, extForwardTSN | extReconfig, 0},
		{extForwardTSN | extReconfig | extECN, extReconfig | extECN | extIData, extReconfig | extECN},
		{extAsconf | extAuth, extAsconf | extAuth, extAsconf | extAuth},
		{extAsconf | extAuth, extForwardTSN, 0},
	} {
		p := newPair(t, Config{})
		p.a.stack.cfg.announced, p.z.stack.cfg.announced = tt.a, tt.z
		a, z := p.connect()
		require.Equal(t, tt.want, a.ext)
		require.Equal(t, tt.want, z.ext)
		require.False(t, slices.ContainsFunc(p.a.events, func(e Event) bool { _, is := e.(EventPeerError); return is }), "Z answers no parameter that A does not know")
	}
}

// A peer announces by the parameter, the chunk types, or both; half of the
// chunk types is nothing, and what we have not announced is unknown.
func TestAnnouncementsOfAPeer(t *testing.T) {
	list := func(types ...wire.ChunkType) []byte { return wire.AppendSupportedExtensions(nil, types...) }
	auth := wire.AppendHMACAlgo(wire.AppendRandom(nil, make([]byte, 32)), wire.HMACSHA1)
	forward := wire.AppendParam(nil, wire.ParamForwardTSN, nil)
	for _, tt := range []struct {
		name   string
		ours   extensions
		params []byte
		want   extensions
		report bool
	}{
		{"parameter", extForwardTSN, forward, extForwardTSN, false},
		{"chunk type", extForwardTSN, list(wire.ChunkForwardTSN, wire.ChunkAuth, 0xfe), extForwardTSN, false},
		{"both", extForwardTSN, append(list(wire.ChunkForwardTSN), forward...), extForwardTSN, false},
		{"one of two chunk types", extAsconf | extAuth, list(wire.ChunkAsconf), 0, false},
		{"two of two", extAsconf | extAuth, append(list(wire.ChunkAsconfAck, wire.ChunkAsconf), auth...), extAsconf | extAuth, false},
		{"without authentication", extAsconf | extAuth, list(wire.ChunkAuth), 0, false},
		{"empty list", extAsconf, list(), 0, false},
		{"not ours", extECN, forward, 0, true},
		{"not ours in the list", extECN, list(wire.ChunkForwardTSN), 0, false},
	} {
		x := newTester(t, Config{})
		x.p.z.stack.cfg.announced = tt.ours
		x.init.Params = tt.params
		z := x.connect()
		require.Equal(t, tt.want, z.ext, tt.name)
		reported := false
		for prm, err := range wire.Params(x.ack.Params) {
			require.NoError(t, err)
			reported = reported || prm.Type == wire.ParamUnrecognized
		}
		require.Equal(t, tt.report, reported, tt.name)
	}
}

// RFC 5061, Section 6: "If an SCTP endpoint that supports this extension
// receives an INIT that indicates that the peer supports the ASCONF extension
// but does NOT support the [RFC4895] extension, the receiver of such an INIT
// MUST send an ABORT in response"; with such an INIT ACK it "MUST NOT send the
// COOKIE-ECHO to establish the association".
func TestAsconfWithoutAuth(t *testing.T) {
	for _, dialled := range []bool{true, false} {
		p := newPair(t, Config{})
		p.a.stack.cfg.announced, p.z.stack.cfg.announced = extAsconf|extAuth, extAsconf
		if dialled {
			p.a.stack.cfg.announced, p.z.stack.cfg.announced = extAsconf, extAsconf|extAuth
		}
		require.NoError(t, p.z.stack.Listen(5000))
		a := p.dial()
		p.pump()
		require.Equal(t, StateClosed, a.State())
		require.Empty(t, p.z.assocs)
		lost, ok := lastEvent[EventCommLost](p.a.events)
		require.True(t, ok)
		var aborted *AbortError
		require.ErrorAs(t, lost.Err, &aborted)
	}
}

func TestExtensionParamsFit(t *testing.T) {
	require.LessOrEqual(t, len(allExtensions.append(nil, allExtensions)), maxExtensionParams)
}
