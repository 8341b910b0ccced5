// SPDX-License-Identifier: Apache-2.0

package rfc7829

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
)

// Section 3.2, Specification of the SCTP-PF Procedures.
var section3_2 = []conformance.Case{
	{ID: "7829/3.2/1", Run: func(t *conformance.T) {
		a := failing(t)
		c := echo(a)
		t.Check(c.Packet.Local == 1, "new DATA at T's second address after the first timeout", "it came to address %d", c.Packet.Local+1)
	}},
	{ID: "7829/3.2/2", Run: func(t *conformance.T) {
		a := failing(t)
		// The first HEARTBEATs, an RTO of 1 s that has doubled apart; HB.interval alone is longer than that.
		begin := time.Now()
		for range 2 {
			beat(a, interval(t))
		}
		t.Check(time.Since(begin) < interval(t), "two HEARTBEATs in less than HB.interval", "they took %v", time.Since(begin))
	}},
	{ID: "7829/3.2/3", Run: func(t *conformance.T) {
		a := failing(t)
		last := beat(a, interval(t))
		var d [3]time.Duration
		for i := range d {
			at := beat(a, 2*interval(t))
			d[i] = at.Sub(last)
			last = at
		}
		// Twice doubled; each may be half as long or half as long again, for HEARTBEATs have jitter.
		t.Check(d[2] > d[0]*13/10, "intervals that double", "%v, %v, %v", d[0], d[1], d[2])
	}},
	{ID: "7829/3.2/4", Run: func(t *conformance.T) {
		a := failing(t)
		a.OnPacket, a.Auto.Sack, a.From = nil, true, 0
		beat(a, interval(t))
		t.Sleep(settle)
		c := echo(a)
		t.Check(c.Packet.Local == 0, "new DATA at T's first address, which has answered", "it came to address %d", c.Packet.Local+1)
	}},
	{ID: "7829/3.2/5", Run: func(t *conformance.T) {
		a := multihomed(t)
		silence(a)
		a.Auto.Sack = false
		c := echo(a)
		// One timeout for each address, and two more.
		for range 4 {
			a.ExpectWithin(2*most, again(a, c))
		}
	}},
	{ID: "7829/3.2/6", Run: func(t *conformance.T) {
		a := failing(t)
		pause := pause(t)
		last := beat(a, pause)
		next := func() time.Duration {
			at := beat(a, pause)
			d := at.Sub(last)
			last = at
			return d
		}
		for range t.Param("Path.Max.Retrans", 5) + 2 {
			next()
			echo(a) // keeps the association's error count down
		}
		// RTO is RTO.Max by now; one HEARTBEAT may have half of it less, or more, but eight of them do not.
		const n = 8
		var sum time.Duration
		for range n {
			sum += next()
			echo(a)
		}
		least := interval(t) + time.Duration(t.Param("RTO.Max", 60))*time.Second*6/10
		t.Check(sum/n >= least, "HEARTBEATs that are HB.interval and RTO apart", "%v on average, %v at least expected", sum/n, least)
	}},
}
