// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Deafen makes one of T's addresses the end of a path that loses everything: T sends from another one, and answers what
// comes to the others only, with SACKs of its own.
func (a *Assoc) Deafen(local, from int) {
	a.From, a.Auto.Sack = from, false
	cum, above := a.CumTSN(), map[wire.TSN]bool{}
	a.OnPacket = func(p *Packet) bool {
		if p.Local == local {
			return true
		}
		data := false
		for _, c := range p.Chunks {
			if c.Type == wire.ChunkData {
				above[a.DataIn(c).TSN] = true
				data = true
			}
		}
		for above[cum+1] {
			cum++
		}
		if data {
			s := wire.Sack{CumTSNAck: cum, ARwnd: a.Setup.ARwnd}
			for tsn := range above {
				if off := tsn.Diff(cum); off > 0 {
					s.Gaps = append(s.Gaps, wire.GapAckBlock{Start: uint16(off), End: uint16(off)})
				}
			}
			slices.SortFunc(s.Gaps, func(x, y wire.GapAckBlock) int { return int(x.Start) - int(y.Start) })
			a.Send(s.Append(nil))
		}
		return false
	}
}
