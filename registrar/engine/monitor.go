// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// An element is probed when its TimerKeepAlive expires, and when it was reported unreachable. Until the answer, TimerProbe
// runs. TimerKeepAlive does not run between a periodic keep-alive and its answer; that tells the two kinds apart.

// scheduleKeepAlive sets when the next periodic keep-alive is due.
//
// RFC 5352, Section 3.5: "the implementation MUST distribute the ASAP_ENDPOINT_KEEP_ALIVE message traffic over a time
// period. This can be achieved by varying the time between two ASAP_ENDPOINT_KEEP_ALIVE messages to the same PE randomly
// by plus/minus 50 percent."
func (e *Engine) scheduleKeepAlive(now time.Time, el *handlespace.Element) {
	if e.cfg.KeepAliveInterval > 0 {
		e.space.SetTimer(el, handlespace.TimerKeepAlive, now.Add(e.jitter(e.cfg.KeepAliveInterval, 2)))
	}
}

// keepAlive asks an element whether it is alive.
func (e *Engine) keepAlive(now time.Time, el *handlespace.Element) {
	a := e.assocs[el.Assoc()]
	if a == nil {
		return
	}
	if _, waiting := el.Deadline(handlespace.TimerProbe); waiting {
		return // asked already; the answer will do for both
	}
	e.space.SetTimer(el, handlespace.TimerProbe, now.Add(e.cfg.KeepAliveTimeout))
	e.stats.KeepAlives++
	// The PE Identifier says which of the elements of the association is meant.
	e.send(a, &asap.EndpointKeepAlive{ServerID: e.cfg.ServerID, PoolHandle: el.Pool().Handle(), PEID: el.ID()})
}

func (e *Engine) keepAliveAck(now time.Time, a *association, m *asap.EndpointKeepAliveAck) {
	el := e.space.Lookup(m.PoolHandle, m.PEID)
	if el != nil && el.Assoc() == 0 && e.accepted(now, a, el) {
		return
	}
	if el == nil || el.Assoc() != a.id {
		return // gone meanwhile, or not its own
	}
	if _, waiting := el.Deadline(handlespace.TimerProbe); !waiting {
		return
	}
	e.stats.KeepAliveAcks++
	e.space.StopTimer(el, handlespace.TimerProbe)
	if _, reported := el.Deadline(handlespace.TimerKeepAlive); reported {
		return // the reports still count: the reporter may see what the registrar does not
	}
	if e.cfg.KeepAliveInterval > 0 {
		el.BadReports = 0
		e.scheduleKeepAlive(now, el)
	}
}

// keepAliveFails removes an element that did not answer.
//
// RFC 5352, Section 3.5: "If the sending of ASAP_ENDPOINT_KEEP_ALIVE to a PE fails, the ENRP server MUST consider the PE
// as unreachable and MUST remove the PE from its handlespace."
func (e *Engine) keepAliveFails(now time.Time, el *handlespace.Element) {
	if e.yield(el) {
		return
	}
	a := e.assocs[el.Assoc()]
	e.remove(el, ReasonNoAnswer)
	if a != nil && a.elements == 0 {
		// Nobody is left behind the association who answers. Should the element come to itself again, it sees that it has
		// to register anew.
		e.stats.Aborts++
		e.abort(now, a, "keep-alive not answered")
	}
}

// abort ends an association from this side.
func (e *Engine) abort(now time.Time, a *association, reason string) {
	e.HandleAssocLost(now, a.id, LossEnded)
	e.out.aborts.push(Abort{Assoc: a.id, Reason: reason})
}

// unreachable handles an ASAP_ENDPOINT_UNREACHABLE.
//
// RFC 5352, Section 3.5: "Upon the reception of an ASAP_ENDPOINT_UNREACHABLE message, an ENRP server MUST immediately send
// a point-to-point ASAP_ENDPOINT_KEEP_ALIVE message to the PE in question (the H flag in the message SHOULD be set to
// '0', in this case)."
func (e *Engine) unreachable(now time.Time, a *association, m *asap.EndpointUnreachable) {
	if !a.reports.allow(now, e.cfg.MaxReportRate) {
		e.stats.Limited++
		return
	}
	el := e.space.Lookup(m.PoolHandle, m.PEID)
	if el == nil {
		return
	}
	e.stats.Reports++
	e.event(Event{Kind: EventReported, Assoc: a.id, Handle: m.PoolHandle, ID: m.PEID})
	if el.Home() != e.cfg.ServerID {
		return // its owner asks it whether it is alive, and only its owner can remove it everywhere
	}
	// RFC 5352, Section 3.5: "If the counter exceeds the protocol threshold MAX-BAD-PE-REPORT, the ENRP server SHOULD
	// remove the PE from its handlespace."
	el.BadReports++
	if int(el.BadReports) > e.cfg.MaxBadPEReport {
		e.remove(el, ReasonReported)
		return
	}
	e.keepAlive(now, el)
}
