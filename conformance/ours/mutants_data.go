// SPDX-License-Identifier: Apache-2.0

package ours

import "github.com/rserpool/rserpool/sctp/wire"

// dataMutants break the transfer of data.
var dataMutants = []Mutant{
	{
		Name:   "SACKs are never sent",
		Caught: []string{"9260/5.1/11", "9260/3.3.4/1"},
		New: func() Middlebox {
			return Middlebox{Out: func(p *Pkt) []*Pkt { return Only(p.Without(wire.ChunkSack)) }}
		},
	},
}
