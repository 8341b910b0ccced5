// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// "the sender of the response chunk(s) MUST NOT send more than one packet
// containing chunks other than DATA chunks ... Note that this rule does not
// apply to a SACK chunk" RFC 9260, Section 12.4.
func TestOnePacketAnswersOne(t *testing.T) {
	hb := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, bytes.Repeat([]byte("x"), 40))
	for name, chunks := range map[string][][]byte{
		"HEARTBEATs":         {bytes.Repeat(hb, 30)},
		"unknown chunks":     {bytes.Repeat(wire.AppendChunk(nil, 0xfe, 0, nil), 360)},
		"large ones":         {bytes.Repeat(wire.AppendChunk(nil, 0xfe, 0, make([]byte, 700)), 2)},
		"then a SHUTDOWN":    {bytes.Repeat(hb, 29), wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, make([]byte, 52))},
		"invalid streams":    {},
		"all that fits":      {wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, make([]byte, 1448))},
		"nothing but errors": {bytes.Repeat(wire.AppendChunk(nil, 0xfe, 0, make([]byte, 20)), 60)},
	} {
		t.Run(name, func(t *testing.T) {
			p, z := acked(t, Config{MaxInboundStreams: 4})
			switch name {
			case "then a SHUTDOWN":
				chunks = append(chunks, wire.AppendShutdown(nil, z.out.cumAck))
			case "invalid streams":
				for i := range uint32(60) {
					d := wire.Data{Flags: whole, TSN: z.tracker.cum.Add(1 + i), Stream: 9, Payload: []byte("x")}
					chunks = append(chunks, d.Append(nil))
				}
			}
			answers := p.inject(p.z, z, chunks...)
			require.NotEmpty(t, answers)
			n := 0
			for _, a := range answers {
				for _, c := range strings.Split(a, "; ") {
					if !strings.HasPrefix(c, "SACK") {
						n++
						break
					}
				}
			}
			require.Equal(t, 1, n, "%q", answers)
		})
	}
}

// "An endpoint MUST NOT send any chunks to an UNCONFIRMED address, with the
// following exceptions": HEARTBEAT and HEARTBEAT ACK, but not ERROR. RFC 9260,
// Section 5.4.
func TestUnconfirmedPathGetsNoErrors(t *testing.T) {
	p, z, second := unconfirmed(t)
	d := p.packetTo(p.z, z, z.myTag, wire.AppendChunk(nil, 0xfe, 0, nil))
	d.Remote, d.Local = second, addrs("10.1.0.2")[0]
	var to []netip.Addr
	p.z.filter = func(d Datagram) bool { to = append(to, d.Local.Addr()); return false }
	p.z.inbox = append(p.z.inbox, d)
	p.deliver(p.z)
	p.flush(p.z)
	require.Equal(t, []netip.Addr{z.primary.remote.Addr()}, to)
	require.Equal(t, PathUnconfirmed, z.pathTo(second.Addr()).state)
}

// unconfirmed is a pair in which Z knows a second address of A that does not
// answer HEARTBEATs.
func unconfirmed(t *testing.T) (p *pair, z *Association, second netip.AddrPort) {
	p = newPair(t, Config{})
	p.a.filter = func(d Datagram) bool { return d.Remote.Addr() != addrs("10.1.0.1")[0].Addr() }
	_, z = p.connect()
	second = addrs("10.1.0.1")[0]
	require.Equal(t, PathUnconfirmed, z.pathTo(second.Addr()).state)
	return p, z, second
}

// "Upon the receipt of the SHUTDOWN ACK chunk, the sender of the SHUTDOWN chunk
// MUST stop the T2-shutdown timer, send a SHUTDOWN COMPLETE chunk to its peer"
// RFC 9260, Section 9.2: whatever else the packet asks for.
func TestShutdownCompleteIsNotLostBehindAnswers(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	a.Shutdown(p.now)
	p.a.filter = func(Datagram) bool { return false }
	p.pump()
	require.Equal(t, StateShutdownSent, a.State())
	answers := p.inject(p.a, a, wire.AppendChunk(nil, 0xfe, 0, nil), wire.AppendShutdownAck(nil))
	require.Equal(t, []string{"SHUTDOWN COMPLETE"}, answers)
}

// "An endpoint MUST NOT respond to any received packet that contains an ABORT
// chunk" RFC 9260, Section 9.1.
func TestNoAnswerToAPacketWithAbort(t *testing.T) {
	p, z := acked(t, Config{})
	hb := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("info"))
	require.Empty(t, p.inject(p.z, z, hb, data(z, 1, whole|wire.DataImmediate), wire.AppendAbort(nil, false, nil)))
	require.Equal(t, StateClosed, z.State())
}

// A HEARTBEAT whose answer would not fit the path gets none, and holds nothing
// else back.
func TestHeartbeatLargerThanThePath(t *testing.T) {
	p, z := acked(t, Config{})
	require.NoError(t, z.Send(p.now, Message{Data: []byte("data")}))
	answers := p.inject(p.z, z, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, make([]byte, 3000)))
	require.Len(t, answers, 1)
	require.Regexp(t, "^DATA", answers[0])
}

// "It SHOULD stop any T1-cookie timer that is running and send a COOKIE ACK
// chunk." RFC 9260, Section 5.2.4, D: one is enough for a batch of copies.
func TestCopiesOfCookieEcho(t *testing.T) {
	p := newPair(t, Config{})
	var echo Datagram
	p.a.filter = func(d Datagram) bool {
		if strings.HasPrefix(dump(d.Data), "COOKIE ECHO") {
			echo = d
		}
		return true
	}
	_, z := p.connect()
	for range 100 {
		p.z.inbox = append(p.z.inbox, echo)
	}
	require.Equal(t, []string{"COOKIE ACK"}, p.injectRaw(p.z, echo))
	require.Equal(t, StateEstablished, z.State())
}
