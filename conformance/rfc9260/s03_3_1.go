// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

const wholeMessage = wire.DataBegin | wire.DataEnd

// Section 3.3.1, Payload Data (DATA).
var section3_3_1 = []conformance.Case{
	{ID: "9260/3.3.1/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{})
		d := wire.Data{Flags: 0xf0 | wholeMessage, TSN: a.TSN(), Payload: []byte("reserved")}
		a.Send(d.Append(nil))
		a.ExpectSack(d.TSN)
		t.Sleep(t.Quiet())
		for _, c := range since(t, 0) {
			t.Check(c.Type != wire.ChunkData || c.Flags&0xf0 == 0, "DATA with reserved bits 0", "%#02x in %v", c.Flags, c.Packet)
		}
	}},
	{ID: "9260/3.3.1/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		d := wire.Data{Flags: wire.DataUnordered | wholeMessage, TSN: a.TSN(), SSN: 999, Payload: []byte("unordered")}
		a.Send(d.Append(nil))
		a.ExpectEcho(d.Payload)
	}},
	{ID: "9260/3.3.1/3", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.SetSSN(0, 1)
		a.SendData(0, []byte("ordered"))
		a.SendMessage(0, wire.DataUnordered, 0, []byte("unordered"))
		a.ExpectEcho([]byte("unordered"))
		a.ExpectNoMessage()
	}},
	{ID: "9260/3.3.1/4", Run: func(t *conformance.T) {
		for _, d := range pieces(t, t.Dial(tester.Setup{}), wire.DataUnordered, 0) {
			t.Check(d.Flags&wire.DataUnordered != 0, "the U bit in every fragment", "flags %#02x in TSN %d", d.Flags, d.TSN)
		}
	}},
	{ID: "9260/3.3.1/5", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{TSN: 0xfffffffe})
		for range 4 {
			a.SendData(0, []byte("data"))
		}
		s := a.ExpectSack(1)
		t.Check(s.CumTSNAck == 1 && len(s.Gaps) == 0, "Cumulative TSN Ack 1", "%d, gaps %v", s.CumTSNAck, s.Gaps)
	}},
	{ID: "9260/3.3.1/6", Run: func(t *conformance.T) {
		all := pieces(t, t.Dial(tester.Setup{}), 0, 0)
		for _, d := range all {
			t.Check(d.SSN == all[0].SSN, "the same Stream Sequence Number in every fragment", "%d, then %d in TSN %d", all[0].SSN, d.SSN, d.TSN)
		}
	}},
	{ID: "9260/3.3.1/7", Run: func(t *conformance.T) {
		for _, d := range pieces(t, t.Dial(tester.Setup{}), 0, 0x01020304) {
			t.Check(d.PPID == 0x01020304, "the Payload Protocol Identifier 0x01020304 in every fragment", "%#x in TSN %d", d.PPID, d.TSN)
		}
	}},
	{ID: "9260/3.3.1/8", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.SendData(0, []byte{0xff})
		_, c := a.ExpectData()
		t.Check(len(c.Raw) == 17, "Length 17", "%d", len(c.Raw))
		t.Check(bytes.Equal(padding(c), make([]byte, 3)), "three bytes of padding, all 0", "%x", padding(c))
	}},
	{ID: "9260/3.3.1/9", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.SendData(0, []byte("small"))
		d, c := a.ExpectData()
		t.Check(d.Flags&wholeMessage == wholeMessage, "DATA with the B and E bits", "flags %#02x in %v", d.Flags, c.Packet)
	}},
	{ID: "9260/3.3.1/10", Run: func(t *conformance.T) {
		const size = 4000
		a := t.Dial(tester.Setup{})
		a.SendData(0, make([]byte, size))
		a.SendData(1, make([]byte, size))
		all := echoes(t, a, 2*size)
		if len(all) == 2 {
			t.Inconclusive("the system under test sends %d bytes in one packet", size)
		}
		open := false
		for i, d := range all {
			if i > 0 && open {
				t.Check(d.Flags&wire.DataBegin == 0 && d.TSN == all[i-1].TSN+1 && d.Stream == all[i-1].Stream,
					"the fragments of a message with consecutive TSNs", "TSN %d of stream %d within the message of TSN %d of stream %d", d.TSN, d.Stream, all[i-1].TSN, all[i-1].Stream)
			} else {
				t.Check(d.Flags&wire.DataBegin != 0, "a message to begin with the B bit", "flags %#02x in TSN %d", d.Flags, d.TSN)
			}
			open = d.Flags&wire.DataEnd == 0
		}
	}},
	{ID: "9260/3.3.1/11", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		n := min(10, a.Peer.OutboundStreams)
		for i := range n {
			a.SendData(i, []byte("ten bytes."))
		}
		for i, d := range echoes(t, a, 10*int(n)) {
			t.Check(d.TSN == a.Peer.InitialTSN+wire.TSN(i), "consecutive TSNs from the Initial TSN on", "TSN %d as number %d from %d", d.TSN, i, a.Peer.InitialTSN)
		}
	}},
}
