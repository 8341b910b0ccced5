// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// "If an endpoint receives an ABORT chunk with a format error or no TCB is
// found, it MUST silently discard it." RFC 9260, Section 3.3.7.
func TestMalformedAbort(t *testing.T) {
	for name, chunk := range map[string][]byte{
		"chunk longer than the packet": {byte(wire.ChunkAbort), 0, 0, 12, 0, 12, 0, 8},
		"cause longer than the chunk":  {byte(wire.ChunkAbort), 0, 0, 8, 0, 12, 0, 9},
		"cause without length":         {byte(wire.ChunkAbort), 0, 0, 6, 0, 12, 0, 0},
		"cause of length 0":            {byte(wire.ChunkAbort), 0, 0, 8, 0, 12, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, Config{})
			_, z := p.connect()
			require.Empty(t, p.inject(p.z, z, chunk))
			require.Equal(t, StateEstablished, z.State())
		})
	}
}

// "The receiver of an ABORT chunk MUST accept the packet if the Verification
// Tag field of the packet matches its own tag and the T bit is not set OR if
// it is set to its Peer's Tag and the T bit is set in the Chunk Flags.
// Otherwise, the receiver MUST silently discard the packet" RFC 9260, Section
// 8.5.1, B: wherever in the packet it is.
func TestTagsOfBundledChunks(t *testing.T) {
	hb := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("info"))
	t.Run("ABORT T behind another chunk", func(t *testing.T) {
		p := newPair(t, Config{})
		_, z := p.connect()
		p.inject(p.z, z, hb, wire.AppendAbort(nil, true, nil))
		require.Equal(t, StateEstablished, z.State())
	})
	t.Run("chunks behind a reflected SHUTDOWN COMPLETE", func(t *testing.T) {
		p := newPair(t, Config{})
		_, z := p.connect()
		answers := p.injectRaw(p.z, p.packetTo(p.z, z, z.peerTag, wire.AppendShutdownComplete(nil, true), hb, wire.AppendAbort(nil, false, nil)))
		require.Empty(t, answers)
		require.Equal(t, StateEstablished, z.State())
	})
}

// "If the receiver is in COOKIE-ECHOED or COOKIE-WAIT state, the procedures in
// Section 8.4 SHOULD be followed; in other words, it is treated as an OOTB
// packet." RFC 9260, Section 8.5.1, E: the tag is that of an association which
// the receiver does not know any more.
func TestShutdownAckWhileSettingUp(t *testing.T) {
	for _, state := range []State{StateCookieWait, StateCookieEchoed} {
		t.Run(state.String(), func(t *testing.T) {
			p := newPair(t, Config{})
			require.NoError(t, p.z.stack.Listen(5000))
			if state == StateCookieEchoed {
				p.a.filter = dropChunk(wire.ChunkCookieEcho, 1)
			} else {
				p.a.filter = dropChunk(wire.ChunkInit, 1)
			}
			a := p.dial()
			p.pump()
			require.Equal(t, state, a.State())
			for _, tag := range []uint32{0xabcd, a.myTag} {
				d := p.packetTo(p.a, a, tag, wire.AppendShutdownAck(nil))
				var got wire.Header
				p.a.filter = nil
				p.a.inbox = append(p.a.inbox, d)
				p.deliver(p.a)
				var buf [1500]byte
				tx, ok := a.PollTransmit(p.now, buf[:])
				require.True(t, ok)
				got, _ = wire.ParseHeader(buf[:])
				require.Equal(t, tag, got.Tag)
				require.Equal(t, "SHUTDOWN COMPLETE T", dump(buf[:tx.Len]))
			}
			p.run(10 * time.Second)
			require.Equal(t, StateEstablished, a.State(), "the handshake goes on")
		})
	}
}

// "Upon reception of the SHUTDOWN COMPLETE chunk, the endpoint verifies
// that it is in the SHUTDOWN-ACK-SENT state" RFC 9260, Section 9.2. A peer that
// has lost the association before it got the SHUTDOWN ACK, and dials again,
// ends it that way.
func TestRedialEndsOldShutdown(t *testing.T) {
	p := newPair(t, Config{})
	_, z := p.connect()
	p.inject(p.z, z, wire.AppendShutdown(nil, z.out.cumAck))
	require.Equal(t, StateShutdownAckSent, z.State())
	p.a.assocs[0].close(nil) // it forgets everything
	p.flush(p.a)
	again, err := p.a.stack.Associate(p.now, AssociateParams{LocalPort: z.remotePort, Remote: addrs("10.0.0.2"), Port: 5000})
	require.NoError(t, err)
	p.a.assocs = append(p.a.assocs, again)
	p.run(2 * time.Second)
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, z.Err())
	require.Equal(t, StateEstablished, again.State())
}

// "The reception of any packet from its peer (i.e., as the peer sends all of
// its queued DATA chunks) SHOULD clear the endpoint's retransmission count and
// restart the T2-shutdown timer" RFC 9260, Section 9.2.
func TestAnyPacketRestartsT2(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	a.Shutdown(p.now)
	p.a.filter = func(Datagram) bool { return false }
	p.pump()
	require.Equal(t, StateShutdownSent, a.State())
	p.run(900 * time.Millisecond)
	p.inject(p.a, a, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("info")))
	require.Equal(t, p.now.Add(a.t2.path.rto.rto), a.t2.deadline)
}
