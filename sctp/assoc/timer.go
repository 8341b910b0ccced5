// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// A retryTimer sends something again and again with growing pauses: T1-init,
// T1-cookie, T2-shutdown.
type retryTimer struct {
	deadline time.Time
	due      bool  // it is time to send
	expired  int   // how often it ran out
	path     *path // where it was sent last
}

// begin makes the first transmission due.
func (t *retryTimer) begin() { *t = retryTimer{due: true} }

// sent starts the timer with the RTO of the path.
func (t *retryTimer) sent(now time.Time, p *path) {
	t.due = false
	t.path = p
	t.deadline = now.Add(p.rto.rto)
}

// restart lets a timer that runs begin anew.
func (t *retryTimer) restart(now time.Time) {
	if !t.deadline.IsZero() {
		t.deadline = now.Add(t.path.rto.rto)
	}
}

// expire makes the next transmission due once the deadline has passed.
func (t *retryTimer) expire(now time.Time) bool {
	if t.deadline.IsZero() || t.deadline.After(now) {
		return false
	}
	t.deadline = time.Time{}
	t.expired++
	t.due = true
	return true
}

func (t *retryTimer) stop() { *t = retryTimer{} }

// Deadline is when HandleTimeout wants to be called, if at all.
func (a *Association) Deadline() (time.Time, bool) {
	var d time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (d.IsZero() || t.Before(d)) {
			d = t
		}
	}
	if a.state == StateClosed {
		return d, false
	}
	earlier(a.t1.deadline)
	earlier(a.t2.deadline)
	earlier(a.t5ShutdownGuard)
	earlier(a.ack.delay)
	earlier(a.nagle)
	earlier(a.probe.deadline)
	earlier(a.tlp.timer)
	earlier(a.reconfig.timer)
	earlier(a.asconf.t4.deadline)
	earlier(a.asconf.stranded)
	for _, g := range a.asconf.gone {
		earlier(g.until)
	}
	earlier(a.lifetimeDeadline())
	earlier(a.autoCloseDeadline())
	for _, p := range a.paths {
		if p.rack != nil {
			earlier(p.rack.timer)
		}
		earlier(p.t3RTX)
		earlier(p.pace.next)
		earlier(p.hb.deadline)
		earlier(p.hb.next)
		earlier(p.pm.timer)
	}
	return d, !d.IsZero()
}

// HandleTimeout does what has become due. Calling it early does no harm.
func (a *Association) HandleTimeout(now time.Time) {
	passed := func(t time.Time) bool { return !t.IsZero() && !t.After(now) }
	if a.state == StateClosed {
		return
	}
	if passed(a.t5ShutdownGuard) {
		// RFC 9260, Section 9.2: "At the expiration of this timer, the sender SHOULD
		// abort the association by sending an ABORT chunk."
		a.abort(now, "shutdown took too long", nil)
		return
	}
	if a.t1.expire(now) {
		a.onT1Expiry(now)
	}
	if a.t2.expire(now) {
		a.onT2Expiry(now)
	}
	if passed(a.asconf.stranded) {
		a.close(&LostError{Reason: "no local address any more"})
		return
	}
	if a.asconf.t4.expire(now) {
		a.onT4Expiry(now)
	}
	if len(a.asconf.gone) > 0 && a.asconf.forgetGone(now) {
		a.identityChanged = true
	}
	if passed(a.ack.delay) {
		a.ack.delay = time.Time{}
		a.ack.due = true
	}
	if passed(a.nagle) {
		a.nagle = time.Time{}
		a.nagleOver = true
	}
	if passed(a.probe.deadline) {
		a.probe.fire()
	}
	if passed(a.tlp.timer) {
		a.onProbeTimeout(now)
	}
	a.dropExpired(now)
	if passed(a.autoCloseDeadline()) {
		a.autoClose(now)
	}
	if passed(a.reconfig.timer) {
		a.onReconfigTimeout(now)
	}
	for _, p := range a.paths {
		if a.state == StateClosed {
			return
		}
		if p.rack != nil && passed(p.rack.timer) {
			a.detectLosses(now)
		}
		if passed(p.pace.next) {
			p.pace.next = nilTime
		}
		if passed(p.t3RTX) {
			a.onT3Expiry(now, p)
		}
		if passed(p.hb.deadline) {
			a.onHeartbeatTimeout(now, p)
		}
		if passed(p.hb.next) {
			a.onHeartbeatDue(now, p)
		}
		if passed(p.pm.timer) {
			a.onMTUTimer(now, p)
		}
	}
}
