// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 3.3.5, Heartbeat Request (HEARTBEAT).
var section3_3_5 = []conformance.Case{
	{ID: "9260/3.3.5/1", Run: func(t *conformance.T) {
		a := t.Establish(tester.Setup{ListAddrs: []int{0, 1}})
		a.OnPacket = func(p *tester.Packet) bool { return p.Local == 1 }
		probes := func() (infos [][]byte) {
			for _, c := range since(t, 0) {
				if c.Type == wire.ChunkHeartbeat && c.Packet.Local == 1 {
					infos = append(infos, c.Value)
				}
			}
			return infos
		}
		// A probe may be sent in each RTO, and is sent in each HB.interval at least.
		if !t.Until(40*time.Second, func() bool { return len(probes()) >= 1 }) {
			t.Inconclusive("no HEARTBEAT came to the second address")
		}
		t.Until(again, func() bool { return len(probes()) >= 3 })
		for i, info := range probes() {
			t.Check(len(info) >= wire.ParamHeaderLen+8, "room for a nonce of 64 bits", "%d bytes of Heartbeat Info", len(info)-wire.ParamHeaderLen)
			for _, before := range probes()[:i] {
				t.Check(!bytes.Equal(info, before), "another nonce in each HEARTBEAT", "%x again", info)
			}
		}
	}},
}
