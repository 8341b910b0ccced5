// SPDX-License-Identifier: Apache-2.0

package rfc8260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// partial skips the case unless I-FORWARD-TSN was agreed, too.
func partial(t *conformance.T, a *tester.Assoc) {
	t.NeedIData(a)
	t.NeedExtension(a, wire.ChunkIForwardTSN)
}

// Section 2.3, Interaction with Other SCTP Extensions, and its subsections.
var section2_3 = []conformance.Case{
	{ID: "8260/2.3.1/1", Run: func(t *conformance.T) {
		a := dial(t)
		partial(t, a)
		a.Auto.Sack = false
		t.Act(a, "pr-ttl", "ttl", "500", "count", "3", "size", "700")
		a.Expect(tester.Is(wire.ChunkIData))
		a.ExpectWithin(20*time.Second, tester.Is(wire.ChunkIForwardTSN))
		t.Sleep(5 * time.Second)
		none(t, a, wire.ChunkForwardTSN)
	}},
	{ID: "8260/2.3.1/2", Run: func(t *conformance.T) {
		a := dial(t)
		partial(t, a)
		n := a.TSN()
		a.SetSSN(1, 1)
		a.SendData(1, []byte("one"))
		a.ExpectNoMessage()
		f := wire.IForwardTSN{NewCumTSN: n, Streams: []wire.SkippedMessage{{Stream: 1, MID: 0}}}
		a.Send(f.Append(nil))
		a.ExpectSack(n + 1)
		a.ExpectEcho([]byte("one"))
	}},
	{ID: "8260/2.3.1/3", Run: func(t *conformance.T) {
		a := establish(t)
		partial(t, a)
		f := wire.ForwardTSN{NewCumTSN: a.TSN()}
		a.Send(f.Append(nil))
		a.Expect(tester.Is(wire.ChunkAbort))
	}},
	{ID: "8260/2.3.2/1", Run: func(t *conformance.T) {
		a := dial(t)
		t.NeedExtension(a, wire.ChunkReconfig)
		seq := wire.Seq(a.NextTSN)
		// both is an ordered and an unordered message, echoed with a MID.
		both := func(mid wire.MID) {
			for _, flag := range []uint8{0, wire.DataUnordered} {
				before := len(idata(t, a))
				a.SendMessage(1, flag, 0, []byte("echo"))
				a.ExpectEcho([]byte("echo"))
				for _, d := range idata(t, a)[before:] {
					if d.Flags&wire.DataUnordered != flag {
						t.Inconclusive("S does not echo unordered messages as such")
					}
					t.Check(d.MID == mid, "MIDs that begin with 0", "MID %d instead of %d with flags %#x", d.MID, mid, d.Flags)
				}
			}
		}
		both(0)
		both(1)
		t.Sleep(settle)
		a.Drain()
		in := wire.StreamReset{Incoming: true, RequestSeq: seq, Streams: []uint16{1}}
		r := wire.Reconfig{Params: in.Append(nil)}
		a.Send(r.Append(nil))
		var out wire.StreamReset
		if a.Next(t.Wait(), tester.Is(wire.ChunkReconfig).Where("with an Outgoing SSN Reset Request", func(c *tester.Chunk) bool {
			for b := c.Value; len(b) > 0; {
				p, rest, err := wire.NextParam(b)
				if err != nil {
					return false
				}
				if p.Type == wire.ParamOutgoingReset && p.StreamReset(&out) == nil {
					return true
				}
				b = rest
			}
			return false
		})) == nil {
			t.Inconclusive("S does not reset the stream")
		}
		resp := wire.ReconfigResponse{ResponseSeq: out.RequestSeq, Result: wire.ReconfigPerformed}
		r = wire.Reconfig{Params: resp.Append(nil)}
		a.Send(r.Append(nil))
		t.Sleep(settle)
		a.Drain()
		both(0)
	}},
}
