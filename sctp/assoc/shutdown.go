// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Shutdown closes the association gracefully: what is queued is delivered
// first (RFC 9260, Section 9.2).
func (a *Association) Shutdown(now time.Time) {
	switch a.state {
	case StateCookieWait, StateCookieEchoed:
		a.shutdownWanted = true
	case StateEstablished:
		a.enter(StateShutdownPending)
		a.progress(now)
	}
	// "Once an endpoint has reached the SHUTDOWN-RECEIVED state, it MUST ignore
	// ULP shutdown requests".
}

// allAcknowledged tells whether the peer has got everything.
func (a *Association) allAcknowledged() bool { return a.queue.empty() && a.out.count() == 0 }

// progress makes the transitions that wait for outstanding data.
func (a *Association) progress(now time.Time) {
	if !a.allAcknowledged() {
		return
	}
	switch a.state {
	case StateShutdownPending:
		// "Once all its outstanding data has been acknowledged, the endpoint sends a
		// SHUTDOWN chunk to its peer".
		a.enter(StateShutdownSent)
		a.t2.begin()
		// "If the T5-shutdown-guard timer is used, it SHOULD be set to the
		// RECOMMENDED value of 5 times 'RTO.Max'."
		a.t5ShutdownGuard = now.Add(5 * a.cfg.RTOMax)
		a.stopHeartbeats()
	case StateShutdownReceived:
		// "If the receiver of the SHUTDOWN chunk has no more outstanding DATA chunks,
		// the SHUTDOWN chunk receiver MUST send a SHUTDOWN ACK chunk and start a
		// T2-shutdown timer of its own".
		a.enterShutdownAckSent()
	}
}

func (a *Association) enterShutdownAckSent() {
	a.enter(StateShutdownAckSent)
	a.t2.begin()
	a.stopHeartbeats()
}

func (a *Association) stopHeartbeats() {
	for _, p := range a.paths {
		p.hb.stop()
	}
}

func (a *Association) handleShutdown(now time.Time, c wire.Chunk) {
	cum, err := wire.ParseShutdown(c)
	if err != nil {
		a.stats.BadPackets++
		return
	}
	a.nothingFollows()
	switch a.state {
	case StateEstablished, StateShutdownPending:
		a.enter(StateShutdownReceived)
		a.event(EventPeerShutdown{})
		a.handleCumAck(now, cum)
	case StateShutdownReceived:
		a.handleCumAck(now, cum)
	case StateShutdownSent:
		// "the endpoint SHOULD respond immediately with a SHUTDOWN ACK chunk to its
		// peer and move into the SHUTDOWN-ACK-SENT state, restarting its T2-shutdown
		// timer."
		a.enterShutdownAckSent()
	case StateShutdownAckSent:
		a.t2.due = true // our SHUTDOWN ACK was lost
	}
}

// nothingFollows delivers what waits for messages that have been abandoned: a peer
// shuts down when all it has sent is acknowledged, so that they will not come. A
// message of which it has abandoned a part that had no TSN yet needs no FORWARD
// TSN, and nothing else would tell.
func (a *Association) nothingFollows() {
	a.releaseAtEnd()
	if a.state.mayReceiveData() && a.canForward() && !a.tracker.hasGaps() {
		a.reassembly.forget()
	}
	a.reassembly.cutAll(false)
}

// handleCumAck takes a cumulative acknowledgement that says nothing of gaps.
func (a *Association) handleCumAck(now time.Time, cum wire.TSN) {
	s := wire.Sack{CumTSNAck: cum, ARwnd: uint32(a.peerArwnd)}
	for _, g := range a.out.gaps {
		if cum.Less(g.first) {
			s.Gaps = append(s.Gaps, wire.GapAckBlock{Start: uint16(g.first.Diff(cum)), End: uint16(g.last.Diff(cum))})
		}
	}
	a.handleSack(now, &s)
}

func (a *Association) handleShutdownAck(now time.Time, d Datagram) {
	switch a.state {
	case StateShutdownSent, StateShutdownAckSent:
		a.nothingFollows()
		// "MUST stop the T2-shutdown timer, send a SHUTDOWN COMPLETE chunk to its
		// peer, and remove all record of the association."
		if p := a.pathTo(d.Remote.Addr()); p.state == PathUnconfirmed {
			d.Local, d.Remote = a.dataPath().local, a.dataPath().remote // Section 5.4
		}
		a.replyAlone(d, a.peerTag, wire.AppendShutdownComplete(nil, false))
		a.close(nil)
	}
}

// handleShutdownComplete: RFC 9260, Section 8.5.1, C: "An endpoint MUST ignore
// the SHUTDOWN COMPLETE chunk if it is not in the SHUTDOWN-ACK-SENT state."
func (a *Association) handleShutdownComplete() {
	if a.state == StateShutdownAckSent {
		a.close(nil)
	}
}

// onT2Expiry: "An endpoint SHOULD limit the number of retransmissions of the
// SHUTDOWN chunk to the protocol parameter 'Association.Max.Retrans'."
func (a *Association) onT2Expiry(now time.Time) {
	if a.t2.expired > a.cfg.AssociationMaxRetrans {
		a.close(&LostError{Reason: "peer does not answer the shutdown"})
		return
	}
	a.t2.path.rto.backOff()
	a.strike(now, a.t2.path, true)
}

// shutdownPath varies with every retransmission, as for DATA.
func (a *Association) shutdownPath() *path {
	p := a.dataPath()
	if a.t2.expired%2 == 1 {
		return a.retransmitPath(p)
	}
	return p
}

// Abort ends the association at once. RFC 9260, Section 9.1: "If the
// association is aborted on request of the upper layer, a 'User-Initiated
// Abort' error cause ... SHOULD be present".
func (a *Association) Abort(now time.Time, reason string) {
	a.abort(now, reason, wire.AppendUserInitiatedAbort(nil, []byte(reason[:min(len(reason), maxReported)])))
}

// Refuse is Abort for want of resources (RFC 9260, Section 3.3.10.4).
func (a *Association) Refuse(now time.Time, reason string) {
	a.abort(now, reason, wire.AppendCause(nil, wire.CauseOutOfResource, nil))
}

func (a *Association) abortViolation(now time.Time, what string) {
	a.abort(now, what, wire.AppendProtocolViolation(nil, what))
}

func (a *Association) abort(_ time.Time, reason string, causes []byte) {
	if a.state == StateClosed {
		return
	}
	if a.peerTag != 0 {
		p := a.dataPath()
		a.replies = append(a.replies[:0], outReply{
			local: p.local, remote: p.remote, tag: a.peerTag, alone: true,
			chunk: wire.AppendAbort(nil, false, causes),
		})
	}
	a.close(&AbortError{Causes: causes, Reason: reason})
}
