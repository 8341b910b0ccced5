// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// packetMutants break what holds for every packet: tags, checksums, unknown chunks.
var packetMutants = []Mutant{
	{
		Name:   "a wrong verification tag is accepted",
		Caught: []string{"9260/8.5/1"},
		New: func() Middlebox {
			var tag uint32 // that S has chosen, and everybody must use
			return Middlebox{
				Out: func(p *Pkt) []*Pkt {
					for _, c := range p.Chunks {
						if in, err := wire.ParseInit(c); err == nil && (c.Type == wire.ChunkInit || c.Type == wire.ChunkInitAck) {
							tag = in.InitiateTag
						}
					}
					return Only(p)
				},
				In: func(p *Pkt, _ func(*Pkt)) []*Pkt {
					if p.Header.Tag != 0 && tag != 0 {
						p.Header.Tag, p.Raw = tag, nil
					}
					return Only(p)
				},
			}
		},
	},
}
