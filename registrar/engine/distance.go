// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

// The distance of a pool element, for the policies with a delay penalty factor (draft-dreibholz-rserpool-delay), is half the
// round-trip time between it and its home, and from there to who has the element from its home.

// hasDistance reports whether elements of a policy have a distance.
func hasDistance(t param.PolicyType) bool {
	switch t {
	case param.WeightedRandomDPF, param.LeastUsedDPF, param.LeastUsedDegradationDPF,
		param.PriorityLeastUsedDPF, param.PriorityLeastUsedDegradationDPF:
		return true
	}
	return false
}

// distance returns the distance over a path, in milliseconds, rounded so that it does not change with every measurement.
func (e *Engine) distance(rtt time.Duration) uint32 {
	d := rtt / 2
	if step := e.cfg.DistanceStep; step > 0 {
		d = d.Round(step)
	}
	return uint32(min(max(d.Milliseconds(), 0), math.MaxUint32))
}

// setDistance sets the distance of an element that registers over an association.
func (e *Engine) setDistance(p *param.Policy, a *association) {
	if hasDistance(p.Type) {
		p.Distance = e.distance(a.peer.RTT)
	}
}

// addDistance adds the distance to the peer that an element was learned from.
func (e *Engine) addDistance(p *param.Policy, from *peer) {
	if hasDistance(p.Type) && from.assoc != nil {
		p.Distance = uint32(min(uint64(p.Distance)+uint64(e.distance(from.assoc.peer.RTT)), math.MaxUint32))
	}
}
