// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"fmt"
	"strconv"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Times by which cases judge.
const (
	settle = 250 * time.Millisecond // a burst is over; much less than RTO.Min
)

// warm is an association where T has sent a DATA chunk, and S has acknowledged it: what S does with the first one of an
// association need not be what it does later. See quiet.
func warm(t *conformance.T, s tester.Setup) *tester.Assoc {
	a := t.Establish(s)
	a.SetSSN(0, 1)
	a.ExpectSack(quiet(a))
	t.Sleep(settle)
	a.Drain()
	return a
}

// quiet sends a packet with one DATA chunk that S acknowledges and does not answer with data: ordered messages of a stream
// whose first one never comes (see warm) do not reach S's user.
func quiet(a *tester.Assoc) wire.TSN { return a.SendData(0, []byte("quiet")) }

// quietChunk is the chunk of quiet.
func quietChunk(a *tester.Assoc, flags uint8) []byte {
	return a.Fragments(0, flags, 0, []byte("quiet"))[0]
}

// sack sends a SACK of the case's own making.
func sack(a *tester.Assoc, cum wire.TSN, rwnd uint32, gaps ...wire.GapAckBlock) {
	s := wire.Sack{CumTSNAck: cum, ARwnd: rwnd, Gaps: gaps}
	a.Send(s.Append(nil))
}

// A transmission is a DATA chunk that S has sent.
type transmission struct {
	wire.Data
	at    time.Time
	first bool // that of this TSN
	chunk *tester.Chunk
}

// transmissions are all that have come so far, in order.
func transmissions(t *conformance.T, a *tester.Assoc) (all []transmission) {
	seen := map[wire.TSN]bool{}
	for _, p := range t.Packets() {
		if !p.In || p.Err != nil || p.Header.DstPort != a.Port {
			continue
		}
		for _, c := range p.Chunks {
			if c.Type != wire.ChunkData {
				continue
			}
			d := a.DataIn(c)
			all = append(all, transmission{d, p.Time, !seen[d.TSN], c})
			seen[d.TSN] = true
		}
	}
	return all
}

// firsts are the first transmissions of all TSNs.
func firsts(t *conformance.T, a *tester.Assoc) (all []transmission) {
	for _, x := range transmissions(t, a) {
		if x.first {
			all = append(all, x)
		}
	}
	return all
}

// size is that of the chunk in a packet.
func (x transmission) size() int { return (len(x.chunk.Raw) + 3) &^ 3 }

// sending is an association where S has begun to send count messages, size bytes each, and T acknowledges nothing: what S
// sends without that has come.
func sending(t *conformance.T, s tester.Setup, count, size int) *tester.Assoc {
	a := t.Dial(s)
	a.Auto.Sack = false
	t.Act(a, "send", "count", strconv.Itoa(count), "size", strconv.Itoa(size))
	a.Expect(tester.Is(wire.ChunkData))
	t.Sleep(settle)
	a.Drain()
	return a
}

// outstanding is sending, and the TSN of S's first DATA chunk; there are at least n of them. If there are not, S has a
// smaller window than a case can do with.
func outstanding(t *conformance.T, s tester.Setup, n, count, size int) (*tester.Assoc, wire.TSN) {
	a := sending(t, s, count, size)
	all := firsts(t, a)
	if len(all) < n {
		t.Inconclusive("S has %d DATA chunks outstanding, of %d needed", len(all), n)
	}
	return a, all[0].TSN
}

// describe is transmissions for people.
func describe(all []transmission) string {
	if len(all) == 0 {
		return "no DATA"
	}
	s := ""
	for i, x := range all {
		if i == 12 {
			return s + fmt.Sprintf("and %d more", len(all)-i)
		}
		s += fmt.Sprintf("TSN %d; ", x.TSN)
	}
	return s
}

// multihomed is an association where S knows T's first two addresses and has confirmed both. The first one is the primary.
func multihomed(t *conformance.T) *tester.Assoc {
	a := t.Dial(tester.Setup{ListAddrs: []int{0, 1}})
	if a.Next(40*time.Second, tester.Is(wire.ChunkHeartbeat).To(1)) == nil {
		t.Inconclusive("S does not confirm the tester's second address by a HEARTBEAT")
	}
	t.Sleep(settle)
	a.Drain()
	return a
}

// pmtu is the largest IP packet that S may send; a user who tests over another path declares it.
func pmtu(t *conformance.T) int { return t.Param("PMTU", 1500) }

// ipLen is the size of S's packet with the headers of UDP and IP.
func ipLen(p *tester.Packet) int {
	if p.Src.Addr().Is4() {
		return len(p.Data) + 8 + 20
	}
	return len(p.Data) + 8 + 40
}

// packetsOf are the packets of S in the association, in order.
func packetsOf(t *conformance.T, a *tester.Assoc) (all []*tester.Packet) {
	for _, p := range t.Packets() {
		if p.In && p.Err == nil && p.Header.DstPort == a.Port {
			all = append(all, p)
		}
	}
	return all
}

// chunksOf are S's chunks of a type, in order.
func chunksOf(t *conformance.T, a *tester.Assoc, typ wire.ChunkType) (all []*tester.Chunk) {
	for _, p := range packetsOf(t, a) {
		for _, c := range p.Chunks {
			if c.Type == typ {
				all = append(all, c)
			}
		}
	}
	return all
}
