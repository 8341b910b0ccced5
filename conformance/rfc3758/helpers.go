// SPDX-License-Identifier: Apache-2.0

package rfc3758

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// settle is when a burst is over; much less than RTO.Min.
const settle = 250 * time.Millisecond

// most is how long S may take to abandon a message: when its T3-rtx timer expires at the latest.
const most = 20 * time.Second

// partial is what T says to have FORWARD TSN negotiated.
var partial = tester.Setup{ForwardTSN: true, Extensions: []wire.ChunkType{wire.ChunkForwardTSN}}

// sender is an association with FORWARD TSN where T acknowledges nothing any more: a message has passed before.
func sender(t *conformance.T) *tester.Assoc {
	a := t.Dial(partial)
	t.NeedForwardTSN(a)
	t.Act(a, "send", "size", "20")
	a.ExpectMessage()
	t.Sleep(settle)
	a.Drain()
	a.Auto.Sack = false
	return a
}

// receiver is an association with FORWARD TSN. What T sends on stream 0 stays in S's reordering queue, for SSN 0 is not
// sent.
func receiver(t *conformance.T) *tester.Assoc {
	a := t.Establish(partial)
	t.NeedForwardTSN(a)
	a.SetSSN(0, 1)
	a.ExpectSack(a.SendData(0, []byte("quiet")))
	t.Sleep(settle)
	a.Drain()
	return a
}

// forward sends a FORWARD TSN.
func forward(a *tester.Assoc, tsn wire.TSN, streams ...wire.SkippedStream) {
	f := wire.ForwardTSN{NewCumTSN: tsn, Streams: streams}
	a.Send(f.Append(nil))
}

// sack sends a SACK of the case's own making.
func sack(a *tester.Assoc, cum wire.TSN, rwnd uint32, gaps ...wire.GapAckBlock) {
	s := wire.Sack{CumTSNAck: cum, ARwnd: rwnd, Gaps: gaps}
	a.Send(s.Append(nil))
}

// forwardIn decodes a FORWARD TSN.
func forwardIn(c *tester.Chunk) (f wire.ForwardTSN) {
	_ = wire.ParseForwardTSN(c.Chunk, &f)
	return f
}

// skipping matches a FORWARD TSN that skips all up to a TSN.
func skipping(tsn wire.TSN) tester.Match {
	return tester.Is(wire.ChunkForwardTSN).Where("that skips all S has sent", func(c *tester.Chunk) bool {
		return tsn.LessEq(forwardIn(c).NewCumTSN)
	})
}

// unread are the DATA chunks that have come and were not taken, in order.
func unread(a *tester.Assoc) (all []wire.Data) {
	for _, c := range a.Unread() {
		if c.Type == wire.ChunkData {
			all = append(all, a.DataIn(c))
		}
	}
	return all
}

// highest is the highest of their TSNs.
func highest(t *conformance.T, all []wire.Data) wire.TSN {
	if len(all) == 0 {
		t.Inconclusive("S has sent no DATA")
	}
	h := all[0].TSN
	for _, d := range all {
		if h.Less(d.TSN) {
			h = d.TSN
		}
	}
	return h
}
