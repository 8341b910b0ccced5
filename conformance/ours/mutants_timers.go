// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// timerMutants break when things are sent: timers, bursts and the order of packets.
var timerMutants = []Mutant{
	{Name: "RTO.Initial is three seconds", Caught: []string{"9260/16/1"}, New: dropped(wire.ChunkInit, func(n int) bool { return n == 2 })},
	{Name: "RTO.Initial is half a second", Caught: []string{"9260/16/1"}, New: repeating(wire.ChunkInit, time.Second/2)},
	{Name: "RTO is the round trip", Caught: []string{"9260/16/2"}, New: repeating(wire.ChunkData, 10*time.Millisecond)},
	{Name: "RTO is not doubled", Caught: []string{"9260/6.3.3/1"}, New: repeating(wire.ChunkData, 1500*time.Millisecond)},
	{Name: "RTO is doubled beyond RTO.Max", Caught: []string{"9260/6.3.3/1"},
		New: func() Middlebox {
			var last time.Time
			return repeated(func(p *Pkt, _ []*Pkt) []*Pkt {
				if d := time.Since(last); !last.IsZero() && d > 59*time.Second && d < 61*time.Second {
					return nil
				}
				last = time.Now()
				return Only(p)
			})()
		}},
	{Name: "DATA is sent ten times a second", Caught: []string{"9260/6.1/7"},
		New: outgoing(func(p *Pkt) []*Pkt {
			const tick = 100 * time.Millisecond
			if now := time.Now(); p.Has(wire.ChunkData) {
				return Only(after(p, now.Truncate(tick).Add(tick).Sub(now)))
			}
			return Only(p)
		})},
	{Name: "HEARTBEATs come too often", Caught: []string{"9260/8.3/1"}, New: repeating(wire.ChunkHeartbeat, 10*time.Second)},
	{Name: "SHUTDOWN ACK is sent again after the end", Caught: []string{"9260/9.2/13", "9260/9.2/17"}, New: repeating(wire.ChunkShutdownAck, 3*time.Second)},
	{Name: "SACKs are 700 ms late", Caught: []string{"9260/6.2/5", "9260/6.2/6", "9260/6.2/7", "9260/6.2/10", "9260/6.2/11", "3758/3.6/6"}, New: late(wire.ChunkSack, 700*time.Millisecond)},
	{Name: "a SACK goes after the DATA", Caught: []string{"9260/6.1/8"},
		New: outgoing(func(p *Pkt) []*Pkt {
			if p.Has(wire.ChunkData) {
				return apart(p, wire.ChunkSack, 200*time.Millisecond)
			}
			return Only(p)
		})},
}

// repeating is a middlebox that sends packets with a type of chunk again, once each.
func repeating(t wire.ChunkType, d time.Duration) func() Middlebox {
	return outgoing(func(p *Pkt) []*Pkt {
		if p.Has(t) {
			return []*Pkt{p, after(p, d)}
		}
		return Only(p)
	})
}
