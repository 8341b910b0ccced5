// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Types that nobody has assigned, named by their two highest bits.
const (
	chunk00 wire.ChunkType = 0x3e
	chunk01 wire.ChunkType = 0x7e
	chunk10 wire.ChunkType = 0xbe
	chunk11 wire.ChunkType = 0xfe

	param00 wire.ParamType = 0x3e01
	param01 wire.ParamType = 0x7e01
	param10 wire.ParamType = 0xbe01
	param11 wire.ParamType = 0xfe01
)

const (
	// atOnce is how long what is sent "immediately" may take.
	atOnce = 100 * time.Millisecond
	// again is how long a first retransmission of the handshake may take: RTO.Initial was 3 s before RFC 9260.
	again = 10 * time.Second
)

// called makes S open an association and returns the tester's side of it, which has seen S's INIT.
func called(t *conformance.T, s tester.Setup) *tester.Assoc {
	a, _ := calledBy(t, s)
	return a
}

// calledBy is called, with S's INIT.
func calledBy(t *conformance.T, s tester.Setup) (*tester.Assoc, *tester.Chunk) {
	a := t.Listening(s)
	c := a.Next(t.Wait(), tester.Is(wire.ChunkInit))
	if c == nil {
		t.Inconclusive("the system under test has sent no INIT")
	}
	return a, c
}

// cookieEchoed is called, and brings S to COOKIE-ECHOED.
func cookieEchoed(t *conformance.T, s tester.Setup) *tester.Assoc {
	a := called(t, s)
	a.SendInitAck()
	if a.Next(t.Wait(), tester.Is(wire.ChunkCookieEcho)) == nil {
		t.Inconclusive("the system under test has sent no COOKIE ECHO")
	}
	return a
}

// up ends the handshake of an S that has sent COOKIE ECHO, and checks that there is an association.
func up(a *tester.Assoc) {
	a.Send(wire.AppendCookieAck(nil))
	a.Up = true
	a.ExpectAlive()
}

// offered sends an INIT and has got S's INIT ACK with a cookie.
func offered(t *conformance.T, s tester.Setup) *tester.Assoc {
	a := t.Assoc(s)
	offer(t, a)
	return a
}

// offer sends the INIT of a and waits for the INIT ACK, which it returns.
func offer(t *conformance.T, a *tester.Assoc) *tester.Chunk {
	a.SendInit()
	c := a.Next(t.Wait(), tester.Is(wire.ChunkInitAck))
	if c == nil || a.Cookie == nil {
		t.Inconclusive("the system under test has sent no INIT ACK with a State Cookie; seen: %s", a.Seen())
	}
	return c
}

// serves makes the case inconclusive unless S still takes associations: that nothing was answered has a meaning then.
func serves(t *conformance.T) { t.Dial(tester.Setup{}) }

// since are the chunks that have come from S, taken or not, after the first n packets of the record.
func since(t *conformance.T, n int) (chunks []*tester.Chunk) {
	for _, p := range t.Packets()[n:] {
		if p.In && p.Err == nil {
			chunks = append(chunks, p.Chunks...)
		}
	}
	return chunks
}

// mark is how many packets there have been.
func mark(t *conformance.T) int { return len(t.Packets()) }

// noneSince watches for Quiet, and fails if S has sent a chunk that matches after the first n packets, taken or not and
// to whatever association.
func noneSince(t *conformance.T, n int, m tester.Match) {
	t.Sleep(t.Quiet())
	for _, c := range since(t, n) {
		if m.OK(c) {
			t.Fail("no "+m.Text, "%v", c.Packet)
		}
	}
}

// expectSince waits for a chunk that matches after the first n packets, taken or not and to whatever association.
func expectSince(t *conformance.T, n int, m tester.Match) (found *tester.Chunk) {
	if !t.Until(t.Wait(), func() bool {
		chunks := since(t, n)
		if i := slices.IndexFunc(chunks, m.OK); i >= 0 {
			found = chunks[i]
		}
		return found != nil
	}) {
		t.Fail(m.Text, "%d other chunks", len(since(t, n)))
	}
	return found
}

// tagged narrows a match to packets with a verification tag.
func tagged(m tester.Match, tag uint32) tester.Match {
	return m.Where("with the right verification tag", func(c *tester.Chunk) bool { return c.Packet.Header.Tag == tag })
}

// unrecognized are the values of the Unrecognized Parameters of an INIT ACK.
func unrecognized(a *tester.Assoc, initAck *tester.Chunk) (values [][]byte) {
	for _, p := range tester.InitParams(a.InitOf(initAck)) {
		if p.Type == wire.ParamUnrecognized {
			values = append(values, p.Value)
		}
	}
	return values
}

// reportedWith is what the Unrecognized Parameters causes of the ERROR chunks in a chunk's packet hold.
func reportedWith(c *tester.Chunk) (b []byte) {
	for _, e := range c.Packet.Chunks {
		if e.Type != wire.ChunkError {
			continue
		}
		for _, x := range tester.Causes(e) {
			if x.Code == wire.CauseUnrecognizedParams {
				b = append(b, x.Value...)
			}
		}
	}
	return b
}

// padding is what follows a chunk up to the next one, or to the end of the packet.
func padding(c *tester.Chunk) []byte {
	off := wire.HeaderLen
	for _, before := range c.Packet.Chunks[:c.Index] {
		off += (len(before.Raw) + 3) &^ 3
	}
	off += len(c.Raw)
	end := len(c.Packet.Data)
	if c.Index < len(c.Packet.Chunks)-1 {
		end = (off + 3) &^ 3
	}
	return c.Packet.Data[off:end]
}

// heartbeat is a HEARTBEAT with these flags, whose Heartbeat Info parameter holds info, and with its padding changed.
func heartbeat(flags uint8, info []byte, pad byte) []byte {
	b := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info)
	b[1] = flags
	for i := wire.ChunkHeaderLen + wire.ParamHeaderLen + len(info); i < len(b); i++ {
		b[i] = pad
	}
	return b
}

// echoes waits until S has sent n bytes of user data, and returns its DATA chunks, each once, in the order of their TSNs.
func echoes(t *conformance.T, a *tester.Assoc, n int) (all []wire.Data) {
	if !t.Until(t.Wait(), func() bool {
		all = nil
		size := 0
		seen := map[wire.TSN]bool{}
		for _, c := range since(t, 0) {
			if d, err := wire.ParseData(c.Chunk); err == nil && c.Packet.Header.DstPort == a.Port && !seen[d.TSN] {
				seen[d.TSN] = true
				size += len(d.Payload)
				all = append(all, d)
			}
		}
		return size >= n
	}) {
		t.Inconclusive("the system under test has not echoed %d bytes; seen: %s", n, a.Seen())
	}
	slices.SortFunc(all, func(x, y wire.Data) int { return int(x.TSN.Diff(y.TSN)) })
	return all
}

// pieces sends a message that does not fit into a packet, and returns the fragments of its echo.
func pieces(t *conformance.T, a *tester.Assoc, flags uint8, ppid wire.PPID) []wire.Data {
	const size = 4000
	a.SendMessage(1, flags, ppid, make([]byte, size))
	all := echoes(t, a, size)
	if len(all) == 1 {
		t.Inconclusive("the system under test sends %d bytes in one packet", size)
	}
	return all
}
