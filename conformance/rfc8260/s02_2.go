// SPDX-License-Identifier: Apache-2.0

package rfc8260

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 2.2, Procedures, and its subsections.
var section2_2 = []conformance.Case{
	{ID: "8260/2.2.1/1", Run: func(t *conformance.T) {
		a := dial(t)
		echoes(a, 1, 100)
		// Whether S puts fragments together is another rule: it is enough that it sends something.
		a.SendData(1, pattern(5000))
		a.Next(t.Wait(), tester.Is(wire.ChunkData, wire.ChunkIData))
		t.Sleep(settle)
		none(t, a, wire.ChunkData)
	}},
	{ID: "8260/2.2.1/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		echoes(a, 1, 100, 5000)
		none(t, a, wire.ChunkIData)
	}},
	{ID: "8260/2.2.2/1", Run: func(t *conformance.T) {
		a := dial(t)
		all := fragmented(t, a)
		t.Check(all[0].PPID == 4711, "the payload protocol identifier in the first fragment", "%d instead of 4711", all[0].PPID)
		for i, d := range all {
			begin, end := d.Flags&wire.DataBegin != 0, d.Flags&wire.DataEnd != 0
			t.Check(begin == (i == 0), "the B bit in the first fragment only", "flags %#x in number %d", d.Flags, i)
			t.Check(end == (i == len(all)-1), "the E bit in the last fragment only", "flags %#x in number %d of %d", d.Flags, i, len(all))
			t.Check(int(d.FSN) == i, "FSNs 1, 2, ... after the first fragment", "FSN %d in number %d", d.FSN, i)
		}
	}},
	{ID: "8260/2.2.2/2", Run: func(t *conformance.T) {
		a := dial(t)
		t.Act(a, "send", "count", "2", "size", "6000", "stream", "1")
		whole(t, a, 2)
		var last wire.IData
		for i, d := range idata(t, a) {
			t.Check(i == 0 || last.MID.LessEq(d.MID), "all fragments of one message before those of the next", "MID %d after MID %d", d.MID, last.MID)
			last = d
		}
	}},
	{ID: "8260/2.2.3/1", Run: func(t *conformance.T) {
		a := dial(t)
		const n = 3
		texts := [][]byte{pattern(n * 500), bytes.Repeat([]byte("two"), 500)}
		for i := range n {
			for s, text := range texts {
				flags := uint8(0)
				if i == 0 {
					flags = wire.DataBegin
				}
				if i == n-1 {
					flags = wire.DataEnd
				}
				a.Send(fragment(a, flags, uint16(1+s), 0, wire.FSN(i), text[i*500:(i+1)*500]))
			}
		}
		for s, text := range texts {
			m, ok := a.NextMessage(t.Wait(), func(m tester.Message) bool { return int(m.Stream) == 1+s })
			t.Check(ok && bytes.Equal(m.Data, text), "both messages intact", "%d bytes on stream %d (seen: %v)", len(m.Data), 1+s, ok)
		}
	}},
	{ID: "8260/2.2.3/2", Run: func(t *conformance.T) {
		a := dial(t)
		text := pattern(1500)
		a.Send(fragment(a, wire.DataEnd, 1, 0, 2, text[1000:]))
		a.Send(fragment(a, wire.DataBegin, 1, 0, 0, text[:500]))
		a.Send(fragment(a, 0, 1, 0, 1, text[500:1000]))
		a.ExpectEcho(text)
	}},
	{ID: "8260/2.2.3/3", Run: func(t *conformance.T) {
		a := dial(t)
		a.Send(fragment(a, wire.DataBegin|wire.DataEnd, 1, 1, 0, []byte("one")))
		a.ExpectNoMessage()
		a.Send(fragment(a, wire.DataBegin|wire.DataEnd, 1, 0, 0, []byte("zero")))
		a.ExpectEcho([]byte("zero"))
		a.ExpectEcho([]byte("one"))
	}},
	{ID: "8260/2.2.3/4", Run: func(t *conformance.T) {
		a := establish(t)
		d := wire.Data{Flags: wire.DataBegin | wire.DataEnd, TSN: a.TSN(), Payload: []byte("not interleaved")}
		a.Send(d.Append(nil))
		a.Expect(tester.Is(wire.ChunkAbort))
	}},
	{ID: "8260/2.2.3/5", Run: func(t *conformance.T) {
		establish(t).Abort() // S must know I-DATA
		a := t.Establish(tester.Setup{})
		a.Send(fragment(a, wire.DataBegin|wire.DataEnd, 0, 0, 0, []byte("not negotiated")))
		a.Expect(tester.Is(wire.ChunkAbort))
	}},
}
