// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"strconv"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// unanswered is an association where S has sent an echo that T does not acknowledge.
func unanswered(t *conformance.T) (*tester.Assoc, *tester.Chunk) {
	a := t.Dial(tester.Setup{})
	a.Auto.Sack = false
	a.SendData(0, []byte("echo"))
	_, c := a.ExpectData()
	return a, c
}

// same matches the retransmission of a DATA chunk.
func same(a *tester.Assoc, c *tester.Chunk) tester.Match {
	tsn := a.DataIn(c).TSN
	return tester.Is(wire.ChunkData).Where("again", func(k *tester.Chunk) bool { return a.DataIn(k).TSN == tsn })
}

// Section 6.3, Management of Retransmission Timer, and its subsections.
var section6_3 = []conformance.Case{
	{ID: "9260/6.3.2/1", Run: func(t *conformance.T) {
		a, c := unanswered(t)
		a.ExpectWithin(10*time.Second, same(a, c))
	}},
	{ID: "9260/6.3.2/2", Run: func(t *conformance.T) {
		a, c := unanswered(t)
		a.SendSack()
		a.ExpectNoneFor(5*time.Second, same(a, c))
	}},
	{ID: "9260/6.3.3/1", Run: func(t *conformance.T) {
		a, c := unanswered(t)
		a.Auto.HeartbeatAck = false // what measures the round trip ends the back-off
		most := time.Duration(t.Param("RTO.Max", 60)) * time.Second
		var last time.Duration
		for i := range min(8, t.Param("Association.Max.Retrans", 10)) {
			next := a.Next(2*most, same(a, c))
			if next == nil && a.Aborted && i > 3 {
				return // HEARTBEATs that are not answered count as retransmissions do
			}
			t.Check(next != nil, "the same DATA again", "none within %v", 2*most)
			d := next.Packet.Time.Sub(c.Packet.Time)
			// Each HEARTBEAT that is not answered may double RTO, too.
			limit := 2 * last
			for _, p := range packetsOf(t, a) {
				if p.Has(wire.ChunkHeartbeat) != nil && p.Time.After(c.Packet.Time.Add(-2*last)) && p.Time.Before(next.Packet.Time) {
					limit *= 2
				}
			}
			// Timers may be late on a busy host.
			if i > 0 {
				t.Check(d >= min(2*last, most)*7/10 && d <= min(limit, most)*3/2, "intervals between retransmissions that double up to RTO.Max", "%v after %v", d, last)
			}
			c, last = next, d
		}
	}},
	{ID: "9260/6.3.3/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		t.Act(a, "send", "size", "10000") // shows the size of S's packets
		a.ExpectMessage()
		t.Sleep(settle)
		a.Drain()
		a.Auto.Sack = false
		before := len(firsts(t, a))
		t.Act(a, "send", "size", "20")
		_, c := a.ExpectData()
		t.Act(a, "send", "count", "8", "size", "400")
		t.Sleep(settle)
		all := firsts(t, a)[before:]
		k, sum := 0, 0 // the chunks that fit into a packet as large as S has sent
		for most := pmdcs(t, a); k < len(all) && sum+all[k].size() <= most; k++ {
			sum += all[k].size()
		}
		if k < 2 || all[k-1].chunk.Packet == c.Packet {
			t.Inconclusive("S has sent %d DATA chunks, %d in its first packet", len(all), len(c.Packet.Chunks))
		}
		a.Drain()
		again := a.ExpectWithin(10*time.Second, same(a, c))
		n := 0
		for _, x := range again.Packet.Chunks {
			if x.Type == wire.ChunkData {
				d := a.DataIn(x)
				t.Check(n < len(all) && d.TSN == all[n].TSN, "the lowest outstanding TSNs in the retransmission", "%v", again.Packet)
				n++
			}
		}
		t.Check(n >= k, "at least the "+strconv.Itoa(k)+" lowest outstanding TSNs in the retransmission", "%v", again.Packet)
	}},
}
