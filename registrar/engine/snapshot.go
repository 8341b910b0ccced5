// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// A Snapshot is a copy of the handlespace.
type Snapshot struct {
	ServerID uint32
	Pools    []Pool // in the order of their handles
}

// A Pool is a pool in a Snapshot.
type Pool struct {
	Handle   param.PoolHandle
	Policy   param.Policy // its type is the overall policy of the pool
	Protocol param.Protocol
	Use      param.TransportUse
	Elements []Element // in the order of their identifiers
}

// An Element is a pool element in a Snapshot.
type Element struct {
	param.PoolElement
	Assoc      uint64    // over which it registered; 0 if it did at another registrar
	BadReports uint32    // reports that it is unreachable
	Selections uint64    // since it registered last, where the policy counts them
	Expires    time.Time // when its registration life ends; zero if never
}

// Snapshot returns a copy of the handlespace.
func (e *Engine) Snapshot() Snapshot {
	s := Snapshot{ServerID: e.cfg.ServerID}
	for p := range e.space.Pools() {
		pool := Pool{Handle: p.Handle(), Policy: p.Policy(), Protocol: p.Protocol(), Use: p.Use()}
		for el := range p.Elements() {
			expires, _ := el.Deadline(handlespace.TimerLife)
			pool.Elements = append(pool.Elements, Element{
				PoolElement: *el.PE(), Assoc: el.Assoc(), BadReports: el.BadReports, Selections: el.Selections(), Expires: expires,
			})
		}
		s.Pools = append(s.Pools, pool)
	}
	return s
}
