// SPDX-License-Identifier: Apache-2.0

package rfc7829

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

const (
	settle = 250 * time.Millisecond
	// most is how long the first timeout of a path may take.
	most = 10 * time.Second
)

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

// silence makes T answer nothing at all.
func silence(a *tester.Assoc) { a.OnPacket = func(*tester.Packet) bool { return true } }

// echo has S send DATA and returns its chunk.
func echo(a *tester.Assoc) *tester.Chunk {
	a.Drain()
	a.SendData(0, []byte("echo"))
	_, c := a.ExpectData()
	return c
}

// again matches the retransmission of a DATA chunk.
func again(a *tester.Assoc, c *tester.Chunk) tester.Match {
	tsn := a.DataIn(c).TSN
	return tester.Is(wire.ChunkData).Where("again", func(k *tester.Chunk) bool { return a.DataIn(k).TSN == tsn })
}

// failing is a multihomed association where T3-rtx has expired for the primary, which gets no answers.
func failing(t *conformance.T) *tester.Assoc {
	a := multihomed(t)
	a.Deafen(0, 1)
	c := echo(a)
	if c.Packet.Local != 0 {
		t.Inconclusive("S does not send to T's first address")
	}
	if a.Next(most, again(a, c).To(1)) == nil {
		t.Inconclusive("S does not retransmit to T's second address")
	}
	t.Sleep(settle)
	a.Drain()
	return a
}

// beat waits for a HEARTBEAT to T's first address and returns when it came.
func beat(a *tester.Assoc, d time.Duration) time.Time {
	return a.ExpectWithin(d, tester.Is(wire.ChunkHeartbeat).To(0)).Packet.Time
}

// interval is HB.interval.
func interval(t *conformance.T) time.Duration {
	return time.Duration(t.Param("HB.interval", 30)) * time.Second
}

// pause is how long S may take from a HEARTBEAT to the next one when T does not answer: it may wait for the answer first.
func pause(t *conformance.T) time.Duration {
	return interval(t) + 3*time.Duration(t.Param("RTO.Max", 60))*time.Second
}
