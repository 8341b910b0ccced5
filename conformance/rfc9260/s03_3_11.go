// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.11, Cookie Echo (COOKIE ECHO).
var section3_3_11 = []conformance.Case{
	{ID: "9260/3.3.11/1", Run: func(t *conformance.T) {
		for n := 100; n <= 103; n++ {
			cookie := make([]byte, n)
			for i := range cookie {
				cookie[i] = byte(t.Rand().Uint32())
			}
			a := called(t, tester.Setup{Cookie: cookie})
			a.SendInitAck()
			c := a.Expect(tester.Is(wire.ChunkCookieEcho))
			t.Check(bytes.Equal(c.Value, cookie), "the cookie as it was sent", "%x, not %x", c.Value, cookie)
			up(a)
		}
	}},
	{ID: "9260/3.3.11/2", Run: func(t *conformance.T) {
		a := calledWithData(t, tester.Setup{})
		a.AcceptInit()
		if !t.Until(t.Wait(), func() bool { return first(t, wire.ChunkData) >= 0 }) {
			t.Inconclusive("the system under test has sent no DATA")
		}
		t.Check(first(t, wire.ChunkCookieEcho) < first(t, wire.ChunkData), "COOKIE ECHO before DATA", "DATA first")
	}},
}

// calledWithData is called, and S has something to send.
func calledWithData(t *conformance.T, s tester.Setup) *tester.Assoc {
	a := t.Endpoint().Listen(s)
	args := t.Here(a)
	args["size"] = "100"
	t.Do("connect-send", args)
	if a.Next(t.Wait(), tester.Is(wire.ChunkInit)) == nil {
		t.Inconclusive("the system under test has sent no INIT")
	}
	return a
}

// first is where the first chunk of one of the types is among those of S, or -1.
func first(t *conformance.T, types ...wire.ChunkType) int {
	for i, c := range since(t, 0) {
		if tester.Is(types...).OK(c) {
			return i
		}
	}
	return -1
}
