// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// overDTLS is the configuration of a stack that accepts zero.
var overDTLS = Config{ErrorDetection: wire.ErrorDetectionDTLS}

// zeroPacket gives Z a packet whose checksum is zero.
func (x *tester) zeroPacket(tag uint32, chunks ...[]byte) {
	b := (&wire.Header{SrcPort: x.port, DstPort: 5000, Tag: tag}).Append(nil)
	for _, c := range chunks {
		b = append(b, c...)
	}
	x.heard = nil
	x.p.z.inbox = append(x.p.z.inbox, Datagram{Local: addrs("10.0.0.2")[0], Remote: x.from, Data: b})
	x.p.deliver(x.p.z)
	x.p.flush(x.p.z)
}

func announcesZero(t *testing.T, params []byte) bool {
	found := false
	for prm, err := range wire.Params(params) {
		require.NoError(t, err)
		if m, err := prm.ZeroChecksumAcceptable(); err == nil {
			require.Equal(t, wire.ErrorDetectionDTLS, m)
			found = true
		}
	}
	return found
}

// Both sides send everything without CRC32c but what must have it: INIT and
// INIT ACK, COOKIE ECHO also with DATA, answers out of the blue. Nobody does
// unless both are protected.
func TestZeroChecksumBothSides(t *testing.T) {
	for _, tt := range []struct{ a, z bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		p := newPair(t, Config{})
		zero := map[wire.ChunkType]int{} // by the first chunk
		with := map[wire.ChunkType]int{}
		watch := func(d Datagram) bool {
			first := wire.ChunkType(d.Data[wire.HeaderLen])
			if wire.ChecksumOK(d.Data) {
				with[first]++
			} else {
				require.True(t, wire.ChecksumZero(d.Data))
				zero[first]++
			}
			return true
		}
		p.a.filter, p.z.filter = watch, watch
		if tt.a {
			p.a.stack.cfg.announced = extZeroChecksum
		}
		if tt.z {
			p.z.stack.cfg.announced = extZeroChecksum
		}
		a, z := p.connect()
		require.NoError(t, a.Send(p.now, Message{Data: []byte("hello")}))
		p.run(time.Minute)
		require.Len(t, p.z.msgs, 1)
		a.Shutdown(p.now)
		p.run(time.Minute)
		require.Equal(t, StateClosed, z.State())
		both := tt.a && tt.z
		if !both {
			require.Empty(t, zero)
			require.Zero(t, a.Stats().ZeroChecksumsSent+z.Stats().ZeroChecksumsSent)
			continue
		}
		for _, c := range []wire.ChunkType{wire.ChunkInit, wire.ChunkInitAck, wire.ChunkCookieEcho} {
			require.Positive(t, with[c], c)
			require.Zero(t, zero[c], c)
		}
		for _, c := range []wire.ChunkType{wire.ChunkCookieAck, wire.ChunkSack, wire.ChunkHeartbeat, wire.ChunkShutdown} {
			require.Positive(t, zero[c], c)
			require.Zero(t, with[c], c)
		}
		require.Positive(t, a.Stats().ZeroChecksumsSent)
		require.Positive(t, p.z.stack.Stats().ZeroChecksums)
		require.Zero(t, p.z.stack.Stats().BadChecksum)
	}
}

// RFC 9653, Section 5.1: whoever accepts zero says so in INIT and INIT ACK,
// and nobody else.
func TestZeroChecksumIsAnnounced(t *testing.T) {
	for _, cfg := range []Config{{}, overDTLS} {
		x := newTester(t, cfg)
		x.connect()
		require.Equal(t, cfg.ErrorDetection != 0, announcesZero(t, x.ack.Params), "INIT ACK, also to an INIT without it")
		x, _ = dialled(t, cfg)
		require.Equal(t, cfg.ErrorDetection != 0, announcesZero(t, x.ack.Params), "INIT")
	}
}

// RFC 9653, Section 5.2, 1: no parameter, another method or a malformed one: no
// zero is sent. It is accepted nevertheless (Section 5.3).
func TestZeroChecksumOfOtherPeers(t *testing.T) {
	for _, params := range [][]byte{
		nil,
		wire.AppendZeroChecksumAcceptable(nil, 0),
		wire.AppendZeroChecksumAcceptable(nil, 2),
		wire.AppendParam(nil, wire.ParamZeroChecksumAcceptable, []byte{0, 0, 1}),
		wire.AppendParam(nil, wire.ParamZeroChecksumAcceptable, nil),
	} {
		x := newTester(t, overDTLS)
		x.init.Params = params
		z := x.connect()
		x.zeroPacket(x.ack.InitiateTag, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("alive?")))
		x.chunkHeard(wire.ChunkHeartbeatAck)
		x.answers() // have their CRC32c
		require.Zero(t, z.Stats().ZeroChecksumsSent)
		require.EqualValues(t, 1, x.p.z.stack.Stats().ZeroChecksums)
		for prm, err := range wire.Params(x.ack.Params) {
			require.NoError(t, err)
			require.NotEqual(t, wire.ParamUnrecognized, prm.Type)
		}
	}
}

// RFC 9653, Section 5.3: whoever has not announced it drops what has no
// correct CRC32c, and whoever has still drops what is neither correct nor zero.
func TestZeroChecksumReceiver(t *testing.T) {
	alive := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("alive?"))
	x := newTester(t, Config{})
	x.init.Params = wire.AppendZeroChecksumAcceptable(nil, wire.ErrorDetectionDTLS)
	x.connect()
	x.zeroPacket(x.ack.InitiateTag, alive)
	require.Empty(t, x.heard)
	require.EqualValues(t, 1, x.p.z.stack.Stats().BadChecksum)

	x = newTester(t, overDTLS)
	x.connect()
	b := append((&wire.Header{SrcPort: x.port, DstPort: 5000, Tag: x.ack.InitiateTag, Checksum: 1}).Append(nil), alive...)
	require.False(t, wire.ChecksumOK(b))
	a, _ := x.p.z.stack.Route(x.p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: x.from, Data: b})
	require.Nil(t, a)
	require.EqualValues(t, 1, x.p.z.stack.Stats().BadChecksum)
}

// Section 5.3 on packets out of the blue: they are answered, with a CRC32c; but
// an INIT and a COOKIE ECHO must have theirs.
func TestZeroChecksumOutOfTheBlue(t *testing.T) {
	x := newTester(t, overDTLS)
	x.zeroPacket(99, x.data(wire.Data{}))
	x.chunkHeard(wire.ChunkAbort)
	x.answers() // have their CRC32c
	x.zeroPacket(0, x.init.Append(nil, wire.ChunkInit))
	require.Empty(t, x.heard)
	x.sendInit()
	cookie := x.cookie()
	x.zeroPacket(x.ack.InitiateTag, wire.AppendCookieEcho(nil, cookie))
	require.Empty(t, x.heard)
	require.Empty(t, x.p.z.assocs)
	require.EqualValues(t, 2, x.p.z.stack.Stats().BadChecksum)
}

// Section 5.2 on ASCONF: wherever it stands in the packet.
func TestZeroChecksumNotWithAsconf(t *testing.T) {
	a := &Association{ext: extZeroChecksum}
	h := (&wire.Header{SrcPort: 1, DstPort: 2, Tag: 3}).Append(nil)
	ack := wire.AppendCookieAck(nil)
	for _, c := range []wire.ChunkType{wire.ChunkAsconf, wire.ChunkCookieEcho, wire.ChunkInit} {
		p := append(append(h[:len(h):len(h)], ack...), wire.AppendChunk(nil, c, 0, make([]byte, 8))...)
		require.False(t, a.mayZeroChecksum(p), c)
	}
	require.True(t, a.mayZeroChecksum(append(h[:len(h):len(h)], ack...)))
	a.ext = 0
	require.False(t, a.mayZeroChecksum(append(h[:len(h):len(h)], ack...)))
}

func TestErrorDetectionConfig(t *testing.T) {
	_, err := Config{ErrorDetection: 2}.WithDefaults()
	require.ErrorContains(t, err, "ErrorDetection")
}
