// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// errorLimit bounds the error counter of a path. RFC 7829, Section 4.1, 3: "it
// is considered reasonable enough to require that the limit be an order of
// magnitude higher than the PMR value": beyond PMR it only serves to choose among
// inactive paths.
func errorLimit(maxRetrans int) int { return 10 * (maxRetrans + 1) }

// strike counts an error and tells whether it changed the path's state. RFC 9260,
// Section 8.2: "When the value in the error counter exceeds the protocol parameter
// 'Path.Max.Retrans' of that destination address, the endpoint SHOULD mark the
// destination transport address as inactive"; RFC 7829, Section 3.2, 2: "When the
// value in the destination address error counter exceeds PFMR, the endpoint MUST
// mark the destination address as in the PF state."
func (p *path) strike(c *Config) (changed bool) {
	p.errorCount = min(p.errorCount+1, errorLimit(c.PathMaxRetrans))
	switch {
	case p.state != PathActive && p.state != PathPotentiallyFailed:
		return false
	case p.errorCount > c.PathMaxRetrans:
		p.state = PathInactive
		return true
	case p.state == PathActive && c.PotentiallyFailedMaxRetrans >= 0 && p.errorCount > c.PotentiallyFailedMaxRetrans:
		p.state = PathPotentiallyFailed
		return true
	}
	return false
}

// clear resets the error counter after an acknowledgement and tells whether
// that made a failed path active again.
func (p *path) clear() (nowActive bool) {
	p.errorCount = 0
	if p.state == PathInactive || p.state == PathPotentiallyFailed {
		p.state = PathActive
		return true
	}
	return false
}

// failing tells whether the path is potentially failed: HEARTBEATs go there once
// per RTO.
func (p *path) failing() bool { return p.state == PathPotentiallyFailed }

// lastResort is where data goes when no path is active. RFC 7829, Section 3.2,
// 4: "the sender MUST choose one destination address in PF state ... with the
// lowest error count"; Section 4.1 says the same of inactive ones when there are
// no others. Of equals the one that follows from is taken, and from itself last,
// unless stay is set.
func (a *Association) lastResort(from *path, stay bool) *path {
	best := from
	better := func(q *path) bool {
		switch {
		case q.state == PathUnconfirmed:
			return false // RFC 9260, Section 5.4: nothing but probes goes there
		case best.state == PathUnconfirmed:
			return true
		case q.failing() != best.failing():
			return q.failing()
		case q.errorCount != best.errorCount:
			return q.errorCount < best.errorCount
		}
		return best == from && !stay
	}
	for i := 1; i < len(a.paths); i++ {
		if q := a.paths[(from.index+i)%len(a.paths)]; better(q) {
			best = q
		}
	}
	return best
}

// watchFailing has HEARTBEATs sent on a path that has become potentially failed.
// RFC 7829, Section 3.2, 5: "The HB.Interval of the Path Heartbeat function of
// [RFC4960] MUST be ignored for destination addresses in PF state. Instead,
// HEARTBEAT chunks are sent to destination addresses in PF state once per RTO ...
// if the Path Heartbeat function is disabled for the destination address,
// HEARTBEATs MUST NOT be sent."
func (a *Association) watchFailing(now time.Time, p *path) {
	switch {
	case a.cfg.HeartbeatInterval < 0 || !a.mayHeartbeat():
		p.hb.next = nilTime
	case !p.hb.deadline.IsZero():
		p.hb.next = nilTime // its answer, or its timeout, comes first
	case a.dataTells(p):
		p.hb.next = now.Add(p.rto.rto)
	default:
		p.hb.next = nilTime
		p.hb.asked = true
	}
}

// dataTells tells whether data shows how a path is. RFC 7829, Section 3.2, 6:
// "When data is being transmitted to a destination address in the PF state, the
// transmission of a HEARTBEAT chunk MAY be omitted ... Likewise, the timeout of a
// HEARTBEAT chunk MAY be ignored if data is outstanding towards the destination
// address": both would count the same loss.
func (a *Association) dataTells(p *path) bool {
	return p.failing() && (p.flightSize > 0 || a.out.marked > 0 && p == a.dataPath())
}

// switchover implements RFC 7829, Section 5, 2 and 3: "When the path error counter
// on a set primary path exceeds PSMR, the SCTP implementation MUST autonomously
// select and set a new primary path", which "MUST be the path that, at the given
// time, would be chosen for data transfer". It returns the path that has become
// primary, or nil.
func (a *Association) switchover() *path {
	if a.cfg.PrimarySwitchoverMaxRetrans < 0 || a.primary.errorCount <= a.cfg.PrimarySwitchoverMaxRetrans {
		return nil
	}
	p := a.dataPath()
	if p == a.primary {
		return nil
	}
	a.primary, a.dataPathCurrent = p, nil
	return p
}

// pathChanged reports that a path has changed its state, and makes another one
// primary if that is due.
func (a *Association) pathChanged(p *path) {
	q := a.switchover()
	if shown := a.shown(p); shown != p.told || p == q {
		p.told = shown
		a.pathEvent(p)
	}
	if q != nil && q != p {
		a.pathEvent(q)
	}
}

// shown is a path's state as the user sees it. RFC 7829, Section 3.2, 12: "it is
// recommended that an SCTP stack implementing SCTP-PF also provide the ULP with
// the means to suppress exposure of the PF state".
func (a *Association) shown(p *path) PathState {
	if p.failing() && a.cfg.HidePotentiallyFailed {
		return PathActive
	}
	return p.state
}

func (a *Association) pathEvent(p *path) {
	a.event(EventPathChange{Remote: p.remote, State: a.shown(p), Primary: p == a.primary})
}
