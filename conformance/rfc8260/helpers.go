// SPDX-License-Identifier: Apache-2.0

package rfc8260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// settle is when an exchange is over.
const settle = 250 * time.Millisecond

// interleaved is what T says to have I-DATA negotiated, and all that goes with it.
var interleaved = tester.Setup{ForwardTSN: true, Extensions: []wire.ChunkType{wire.ChunkIData, wire.ChunkIForwardTSN, wire.ChunkForwardTSN, wire.ChunkReconfig}}

func dial(t *conformance.T) *tester.Assoc {
	a := t.Dial(interleaved)
	t.NeedIData(a)
	return a
}

func establish(t *conformance.T) *tester.Assoc {
	a := t.Establish(interleaved)
	t.NeedIData(a)
	return a
}

// quiet is an association where what T sends on stream 0 stays in S's reordering queue, for MID 0 is not sent.
func quiet(t *conformance.T) *tester.Assoc {
	a := establish(t)
	a.SetSSN(0, 1)
	a.ExpectSack(a.SendData(0, []byte("quiet")))
	t.Sleep(settle)
	a.Drain()
	return a
}

// fragment is an I-DATA chunk with the next TSN.
func fragment(a *tester.Assoc, flags uint8, stream uint16, mid wire.MID, fsn wire.FSN, payload []byte) []byte {
	d := wire.IData{Flags: flags, TSN: a.TSN(), Stream: stream, MID: mid, FSN: fsn, Payload: payload}
	return d.Append(nil)
}

// idata are the I-DATA chunks of S in the association, each TSN once, in order of their TSNs.
func idata(t *conformance.T, a *tester.Assoc) (all []wire.IData) {
	for _, p := range t.Packets() {
		if !p.In || p.Header.DstPort != a.Port {
			continue
		}
	chunks:
		for _, c := range p.Chunks {
			d, err := wire.ParseIData(c.Chunk)
			if err != nil {
				continue
			}
			i := len(all)
			for i > 0 && d.TSN.LessEq(all[i-1].TSN) {
				if i--; all[i].TSN == d.TSN {
					continue chunks
				}
			}
			all = append(all[:i], append([]wire.IData{d}, all[i:]...)...)
		}
	}
	return all
}

// none checks that S has sent no chunk of a type.
func none(t *conformance.T, a *tester.Assoc, typ wire.ChunkType) {
	for _, p := range t.Packets() {
		t.Check(!p.In || p.Header.DstPort != a.Port || p.Has(typ) == nil, "no "+typ.String(), "%v", p)
	}
}

// whole waits until S has sent n messages to their last fragment, whether they can be put together or not.
func whole(t *conformance.T, a *tester.Assoc, n int) {
	if !t.Until(t.Wait(), func() bool {
		ends := 0
		for _, d := range idata(t, a) {
			if d.Flags&wire.DataEnd != 0 {
				ends++
			}
		}
		return ends >= n
	}) {
		t.Inconclusive("S has not sent %d whole messages; seen: %s", n, a.Seen())
	}
}

// fragmented has S send a message of several fragments with PPID 4711, and returns these.
func fragmented(t *conformance.T, a *tester.Assoc) []wire.IData {
	if ok, _ := t.Target.Can("cmd:send"); ok {
		t.Act(a, "send", "size", "6000", "stream", "1", "ppid", "4711")
	} else {
		a.SendMessage(1, 0, 4711, pattern(6000))
	}
	whole(t, a, 1)
	all := idata(t, a)
	if len(all) < 2 {
		t.Inconclusive("S does not fragment")
	}
	return all
}

// echoes sends messages of several sizes, and waits for the echo of each.
func echoes(a *tester.Assoc, sizes ...int) {
	for _, n := range sizes {
		b := pattern(n)
		a.SendData(1, b)
		a.ExpectEcho(b)
	}
}

// pattern is n bytes none of which is like its neighbours.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i + i/251)
	}
	return b
}
