// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// fragmented is an association where S has echoed a message four times the PMTU, and the first transmissions of its DATA.
func fragmented(t *conformance.T) (*tester.Assoc, []transmission) {
	a := t.Dial(tester.Setup{})
	want := bytes.Repeat([]byte("fragment"), pmtu(t)/2)
	a.SendData(0, want)
	if !t.Until(t.Wait(), func() bool {
		n := 0
		for _, x := range firsts(t, a) {
			n += len(x.Payload)
		}
		return n >= len(want)
	}) {
		t.Inconclusive("S does not echo a message of %d bytes; perhaps it does not fragment", len(want))
	}
	return a, firsts(t, a)
}

// Section 6.9, Fragmentation and Reassembly.
var section6_9 = []conformance.Case{
	{ID: "9260/6.9/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		want := bytes.Repeat([]byte("0123456789"), tester.FragmentSize/4)
		chunks := a.Fragments(0, 0, 0, want)
		for _, i := range []int{2, 0, 1} {
			a.Send(chunks[i])
		}
		a.ExpectEcho(want)
		a.ExpectNoMessage()
	}},
	{ID: "9260/6.9/2", Run: func(t *conformance.T) {
		a, _ := fragmented(t)
		for _, p := range packetsOf(t, a) {
			t.Check(ipLen(p) <= pmtu(t), "IP packets no larger than the PMTU", "one of %d bytes, the PMTU is %d", ipLen(p), pmtu(t))
		}
	}},
	{ID: "9260/6.9/3", Run: func(t *conformance.T) {
		_, all := fragmented(t)
		for i, x := range all {
			var want uint8
			switch i {
			case 0:
				want = wire.DataBegin
			case len(all) - 1:
				want = wire.DataEnd
			}
			t.Check(len(all) > 1 && x.Flags&(wire.DataBegin|wire.DataEnd) == want, "B in the first DATA chunk of the message, E in the last one", "%v", x.chunk.Chunk)
		}
	}},
	{ID: "9260/6.9/4", Run: func(t *conformance.T) {
		a, all := fragmented(t)
		var got []byte
		for i, x := range all {
			t.Check(x.TSN == a.Peer.InitialTSN.Add(uint32(i)), "consecutive TSNs", "TSN %d is followed by %d", a.Peer.InitialTSN.Add(uint32(i))-1, x.TSN)
			got = append(got, x.Payload...)
		}
		t.Check(bytes.Equal(got, bytes.Repeat([]byte("fragment"), pmtu(t)/2)), "the message in the order of the TSNs", "%d bytes in another order", len(got))
	}},
}
