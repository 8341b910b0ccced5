// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// data builds a DATA chunk as the peer of z would send it.
func data(z *Association, offset uint32, flags uint8) []byte {
	d := wire.Data{Flags: flags, TSN: z.tracker.cum.Add(offset), SSN: wire.SSN(offset - 1), Payload: []byte("data")}
	return d.Append(nil)
}

const whole = wire.DataBegin | wire.DataEnd

// acked connects, and gets the SACK for the first DATA chunk out of the way.
func acked(t *testing.T, cfg Config) (*pair, *Association) {
	p := newPair(t, cfg)
	_, z := p.connect()
	d := wire.Data{Flags: whole, TSN: z.tracker.cum.Add(1), Stream: 1, Payload: []byte("data")}
	// RFC 9260, Section 5.1: "After the reception of the first DATA chunk in an
	// association, the endpoint MUST immediately respond with a SACK chunk".
	require.Len(t, p.inject(p.z, z, d.Append(nil)), 1)
	return p, z
}

// "an acknowledgement SHOULD be generated for at least every second packet
// (not every second DATA chunk) received and SHOULD be generated within 200
// ms of the arrival of any unacknowledged DATA chunk" RFC 9260, Section 6.2.
func TestSackEverySecondPacket(t *testing.T) {
	p, z := acked(t, Config{})
	require.Empty(t, p.inject(p.z, z, data(z, 1, whole), data(z, 2, whole)), "two chunks in one packet are one packet")
	require.Len(t, p.inject(p.z, z, data(z, 1, whole)), 1, "the second packet")
	require.Empty(t, p.inject(p.z, z, data(z, 1, whole)))
	deadline, ok := z.Deadline()
	require.True(t, ok)
	require.Equal(t, 200*time.Millisecond, deadline.Sub(p.now))
}

func TestSackAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		chunk func(z *Association) []byte
		want  string
	}{
		// "the receiver SHOULD immediately respond with the corresponding SACK chunk".
		{"I bit", func(z *Association) []byte { return data(z, 1, whole|wire.DataImmediate) }, "SACK"},
		// Section 6.7: "If the endpoint detects a gap in the received DATA chunk
		// sequence, it SHOULD send a SACK chunk with Gap Ack Blocks immediately."
		{"gap", func(z *Association) []byte { return data(z, 3, whole) }, "gaps=[3-3]"},
		// "When a packet arrives with duplicate DATA chunk(s) and with no new DATA
		// chunk(s), the endpoint MUST immediately send a SACK chunk with no delay."
		{"duplicate", func(z *Association) []byte {
			d := wire.Data{Flags: whole, TSN: z.tracker.cum, Payload: []byte("x")}
			return d.Append(nil)
		}, "dups=["},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, z := acked(t, Config{})
			answers := p.inject(p.z, z, tt.chunk(z))
			require.Len(t, answers, 1)
			require.Contains(t, answers[0], tt.want)
		})
	}
}

// "The data receiver continues sending a SACK chunk after receipt of each SCTP
// packet that does not fill the gap." RFC 9260, Section 6.7.
func TestSackWhileGapIsOpen(t *testing.T) {
	p, z := acked(t, Config{})
	cum := z.tracker.cum
	at := func(n uint32) []byte {
		d := wire.Data{Flags: whole, TSN: cum.Add(n), SSN: wire.SSN(n), Stream: 2, Payload: []byte("x")}
		return d.Append(nil)
	}
	require.Contains(t, p.inject(p.z, z, at(2))[0], "gaps=[2-2]")
	require.Contains(t, p.inject(p.z, z, at(3))[0], "gaps=[2-3]")
	require.Contains(t, p.inject(p.z, z, at(5))[0], "gaps=[2-3 5-5]")
	require.NotContains(t, p.inject(p.z, z, at(1))[0], "gaps=[2-3", "filled")
	require.NotContains(t, p.inject(p.z, z, at(4))[0], "gaps")
	require.Empty(t, p.inject(p.z, z, at(6)), "no hole, no hurry")
}

// "Before an endpoint transmits a DATA chunk, if any received DATA chunks have
// not been acknowledged (e.g., due to delayed ack), the sender SHOULD create a
// SACK chunk and bundle it with the outbound DATA chunk" RFC 9260, Section
// 6.1.
func TestSackRidesOnData(t *testing.T) {
	p, z := acked(t, Config{})
	require.Empty(t, p.inject(p.z, z, data(z, 1, whole)))
	require.NoError(t, z.Send(p.now, Message{Data: []byte("reply")}))
	var sent []string
	p.z.filter = func(d Datagram) bool { sent = append(sent, dump(d.Data)); return false }
	p.flush(p.z)
	require.Len(t, sent, 1)
	require.Regexp(t, `^SACK .*; DATA `, sent[0])
	_, waiting := lastEvent[EventCommLost](p.z.events)
	require.False(t, waiting)
	require.True(t, z.ack.delay.IsZero())
}

// RFC 9260, Section 6.5: an invalid stream identifier is acknowledged and
// reported.
func TestInvalidStream(t *testing.T) {
	p, z := acked(t, Config{MaxInboundStreams: 4})
	d := wire.Data{Flags: whole, TSN: z.tracker.cum.Add(1), Stream: 4, Payload: []byte("x")}
	answers := p.inject(p.z, z, d.Append(nil))
	require.Len(t, answers, 1)
	require.Contains(t, answers[0], "Invalid Stream Identifier")
	require.Contains(t, answers[0], "SACK")
	require.Equal(t, d.TSN, z.tracker.cum)
}

// "If an endpoint receives a DATA chunk with no user data ..., it SHOULD send
// an ABORT chunk with a 'No User Data' error cause." RFC 9260, Section 6.2.
func TestEmptyDataAborts(t *testing.T) {
	p, z := acked(t, Config{})
	d := wire.Data{Flags: whole, TSN: z.tracker.cum.Add(1)}
	answers := p.inject(p.z, z, d.Append(nil))
	require.Len(t, answers, 1)
	require.Contains(t, answers[0], "No User Data")
	require.Equal(t, StateClosed, z.State())
}

// RFC 9260, Section 3.2, Table 2: what to do with unknown chunks.
func TestUnknownChunks(t *testing.T) {
	for _, tt := range []struct {
		typ            wire.ChunkType
		report, goesOn bool
	}{{0x3e, false, false}, {0x7e, true, false}, {0xbe, false, true}, {0xfe, true, true}} {
		p, z := acked(t, Config{})
		unknown := wire.AppendChunk(nil, tt.typ, 0, []byte{1, 2, 3, 4})
		cum := z.tracker.cum
		answers := p.inject(p.z, z, unknown, data(z, 1, whole|wire.DataImmediate))
		require.Equal(t, tt.goesOn, z.tracker.cum != cum, "%v", tt.typ)
		text := ""
		for _, a := range answers {
			text += a
		}
		require.Equal(t, tt.report, bytes.Contains([]byte(text), []byte("Unrecognized Chunk Type")), "%v: %s", tt.typ, text)
	}
}

// "When the receiver's advertised window is 0, the receiver MUST drop any new
// incoming DATA chunk with a TSN larger than the largest TSN received so far"
// RFC 9260, Section 6.2; and the sender probes (Section 6.1, A).
func TestZeroWindow(t *testing.T) {
	p := newPair(t, Config{RecvBuffer: 8000, SendBuffer: 1 << 20})
	a, z := p.connect()
	p.z.slow = true
	for range 40 {
		require.NoError(t, a.Send(p.now, Message{Data: bytes.Repeat([]byte("x"), 1000)}))
	}
	p.pump()
	require.Zero(t, z.arwnd(), "the window is closed")
	read := len(p.z.msgs)
	require.Less(t, read, 40)
	p.run(10 * time.Minute)
	require.Equal(t, StateEstablished, a.State(), "probing alone does not end an association")
	require.LessOrEqual(t, a.Stats().Retransmissions, uint64(110), "probes back off, until a HEARTBEAT ACK measures the path again")
	require.Less(t, z.buffered(), 2*8000+1500)
	p.z.slow = false
	for range 200 {
		p.z.drain(p.now)
		p.run(time.Second)
	}
	require.Len(t, p.z.msgs, 40)
	require.Equal(t, 8000, z.arwnd())
}

// "One way to achieve this is to send a window update only if the window can be
// increased by at least a quarter of the receive buffer size of the
// association." RFC 9260, Section 6.2.
func TestWindowUpdate(t *testing.T) {
	p := newPair(t, Config{RecvBuffer: 64 << 10})
	a, z := p.connect()
	p.z.slow = true
	for range 20 {
		require.NoError(t, a.Send(p.now, Message{Data: bytes.Repeat([]byte("x"), 2000)}))
	}
	p.pump()
	p.run(time.Second)
	sacks := z.Stats().SacksSent
	z.Consumed(p.now, 1, 2000)
	p.pump()
	require.Equal(t, sacks, z.Stats().SacksSent, "one message read is no reason for a SACK")
	z.Consumed(p.now, 8, 16000)
	p.pump()
	require.Equal(t, sacks+1, z.Stats().SacksSent)
}

// "The sending of a DATA chunk fills the congestion or receiver window." is a
// reason for the I bit (RFC 9260, Section 6.1): no SACK waits for a second
// packet which cannot come.
func TestWindowOfOneMessageIsNotSlow(t *testing.T) {
	p := newPair(t, Config{RecvBuffer: 1500})
	a, z := p.connect()
	for range 10 {
		require.NoError(t, a.Send(p.now, Message{Data: bytes.Repeat([]byte("x"), 1000)}))
	}
	begun := p.now
	p.pump()
	require.EqualValues(t, 10, z.Stats().DataChunksReceived, "all without a delayed SACK")
	require.Equal(t, begun, p.now)
}

// RFC 9260, Section 6.9: a message larger than the receive window arrives.
func TestMessageLargerThanWindow(t *testing.T) {
	p := newPair(t, Config{RecvBuffer: 20000})
	a, _ := p.connect()
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	require.NoError(t, a.Send(p.now, Message{Data: big}))
	p.pump()
	p.run(time.Minute)
	require.Len(t, p.z.msgs, 1)
	require.True(t, bytes.Equal(big, p.z.msgs[0].Data), "16 MiB arrive intact")
}

func TestMessageTooLargeToReassemble(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	z.cfg.MaxMessageSize = 100_000
	require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 200_000)}))
	p.pump()
	require.Equal(t, StateClosed, z.State())
	require.ErrorContains(t, a.Err(), "Out of Resource")
}

// RFC 9260, Section 6.9: "An endpoint MUST recognize fragmented DATA chunks by
// examining the B/E bits in each of the received DATA chunks": those that
// contradict each other end the association.
func TestFragmentFlagsContradict(t *testing.T) {
	for name, flags := range map[string][2]uint8{
		"B after B":     {wire.DataBegin, wire.DataBegin},
		"whole after B": {wire.DataBegin, whole},
	} {
		t.Run(name, func(t *testing.T) {
			p, z := acked(t, Config{NoPartialReliability: true})
			p.inject(p.z, z, data(z, 1, flags[0]))
			answers := p.inject(p.z, z, data(z, 1, flags[1]))
			require.Len(t, answers, 1)
			require.Contains(t, answers[0], "Protocol Violation")
		})
	}
}
