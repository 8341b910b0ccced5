// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// beyond is a stream that S does not have, in an association where it has others.
func beyond(a *tester.Assoc) uint16 { return min(a.Setup.OS, a.Peer.InboundStreams) }

// Section 6.5, Stream Identifier and Stream Sequence Number.
var section6_5 = []conformance.Case{
	{ID: "9260/6.5/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		a.ExpectSack(a.SendData(beyond(a), []byte("no such stream")))
	}},
	{ID: "9260/6.5/2", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		sid := beyond(a)
		a.SendData(sid, []byte("no such stream"))
		cause := tester.CauseOf(a.Expect(tester.Is(wire.ChunkError).Cause(wire.CauseInvalidStream)), wire.CauseInvalidStream)
		got, err := cause.InvalidStream()
		t.Check(err == nil && len(cause.Raw) == 8 && got == sid && cause.Raw[6] == 0 && cause.Raw[7] == 0,
			"an Invalid Stream Identifier cause of 8 bytes with the stream and 0 in the reserved field", "%x", cause.Raw)
	}},
	{ID: "9260/6.5/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for _, sid := range []uint16{0, 2, 1} {
			a.SendData(sid, []byte("first"))
			m := a.ExpectEcho([]byte("first"))
			t.Check(m.Stream == sid && m.SSN == 0, "Stream Sequence Number 0 in the first message of a stream", "SSN %d on stream %d", m.SSN, m.Stream)
		}
	}},
	{ID: "9260/6.5/4", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for i := range 10 {
			want := []byte{byte('0' + i)}
			a.SendData(1, want)
			m := a.ExpectEcho(want)
			t.Check(int(m.SSN) == i, "Stream Sequence Numbers 0 to 9", "%d after %d messages", m.SSN, i)
		}
	}},
	{ID: "9260/6.5/5", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{ARwnd: 4 << 20})
		const count, batch = 1<<16 + 1, 60
		ssns := map[wire.TSN]wire.SSN{} // what is lost on the way comes late
		a.OnMessage = func(m tester.Message) { ssns[m.First] = m.SSN }
		acked := a.Setup.TSN - 1
		a.OnPacket = func(p *tester.Packet) bool {
			if c := p.Has(wire.ChunkSack); c != nil {
				if n := a.SackIn(c).CumTSNAck; acked.Less(n) {
					acked = n
				}
			}
			return false
		}
		type packet struct {
			last   wire.TSN
			chunks [][]byte
		}
		var out []packet // not acknowledged
		until := func(echoes int) bool {
			for range 80 {
				if t.Until(time.Second/4, func() bool { return len(ssns) >= echoes }) {
					return true
				}
				for len(out) > 0 && !acked.Less(out[0].last) {
					out = out[1:]
				}
				if len(out) > 0 {
					a.Send(out[0].chunks...)
				}
			}
			return false
		}
		for sent := 0; sent < count; {
			var chunks [][]byte
			for ; len(chunks) < batch && sent < count; sent++ {
				chunks = append(chunks, a.Data(0, []byte("x")))
			}
			a.Send(chunks...)
			out = append(out, packet{a.NextTSN - 1, chunks})
			if !until(sent - 4*batch + 1) {
				t.Inconclusive("S has echoed %d messages of %d", len(ssns), sent)
			}
			a.Drain()
		}
		t.Check(until(count), "an echo of each message", "%d of %d", len(ssns), count)
		for i := range count {
			ssn, ok := ssns[a.Peer.InitialTSN.Add(uint32(i))]
			t.Check(ok && ssn == wire.SSN(i), "Stream Sequence Numbers that run from 0 to 65535, and on from 0", "%d in message %d", ssn, i)
		}
	}},
	{ID: "9260/6.5/6", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		for i, want := range []struct {
			flags uint8
			ssn   wire.SSN
		}{{0, 0}, {wire.DataUnordered, 0}, {0, 1}} {
			a.SendMessage(3, want.flags, 0, []byte("echo"))
			m := a.ExpectEcho([]byte("echo"))
			if m.Unordered != (want.flags != 0) {
				t.Inconclusive("the echo of message %d is not as ordered as the message", i+1)
			}
			t.Check(m.Unordered || m.SSN == want.ssn, "Stream Sequence Numbers 0 and 1 in the two ordered messages", "%d in message %d", m.SSN, i+1)
		}
	}},
}
