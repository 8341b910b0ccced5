// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// onT3Expiry handles the expiry of T3-rtx on a path (RFC 9260, Section 6.3.3).
func (a *Association) onT3Expiry(now time.Time, p *path) {
	p.stopT3()
	if p.flightSize == 0 {
		if a.forwarding() {
			a.onForwardTimeout(now, p)
		}
		return
	}
	a.forward.due = true // RFC 3758, Section 3.5, A5
	a.stats.T3Expirations++
	probing := a.windowClosed()
	if !probing {
		p.cc.onTimeout() // E1
		p.solo = true
		if p.timeouts++; p.timeouts == blackHoleTimeouts && a.maySwallow(p) {
			p.hb.asked = true // do small packets pass?
		}
	}
	p.rto.backOff() // E2
	a.fastRecovery = false
	a.tlp = lossProbe{samples: a.tlp.samples}
	if p.rack != nil {
		a.markOnTimeout(now, p)
	} else {
		a.markWhere(func(c *outChunk) bool { return c.path == p })
	}
	a.mayExceedCwnd = true // E3: a packet goes out whatever cwnd is
	// RFC 9260, Section 6.1, A: "If the sender continues to receive SACK chunks
	// from the peer while doing zero window probing, the unacknowledged window
	// probes SHOULD NOT increment the error counter".
	if probing && a.sackSinceProbe {
		a.sackSinceProbe = false
		return
	}
	a.strike(now, p, true)
}

const (
	// blackHoleTimeouts in a row make a path suspect of losing what is large.
	blackHoleTimeouts = 2
)

// maySwallow tells whether a path may lose what is outstanding for its size.
func (a *Association) maySwallow(p *path) bool {
	if p.mtu <= minMTU || p.pm.state == MTUBase {
		return false
	}
	for tsn := a.out.cumAck.Add(1); tsn != a.out.next; tsn = tsn.Add(1) {
		if c := a.out.at(tsn); c.state != chunkGapAcked && c.state != chunkAbandoned && c.size() > minMTU-ipv6UDPOverIP-wire.HeaderLen {
			return true
		}
	}
	return false
}

// markWhere marks chunks in flight for retransmission.
func (a *Association) markWhere(match func(*outChunk) bool) {
	o := &a.out
	for tsn := o.cumAck.Add(1); tsn != o.next; tsn = tsn.Add(1) {
		if c := o.at(tsn); c.state == chunkInFlight && match(c) {
			o.mark(c)
		}
	}
	a.retransmitFrom = o.cumAck.Add(1)
	for _, p := range a.paths {
		if p.flightSize == 0 {
			p.stopT3()
		}
	}
}

// nextMarked finds the lowest chunk marked for retransmission, and abandons
// messages that must not be sent again.
func (a *Association) nextMarked(now time.Time) (*outChunk, bool) {
	o := &a.out
	if o.marked == 0 {
		return nil, false
	}
	if a.retransmitFrom.LessEq(o.cumAck) {
		a.retransmitFrom = o.cumAck.Add(1)
	}
	for ; a.retransmitFrom.Less(o.next); a.retransmitFrom = a.retransmitFrom.Add(1) {
		if c := o.at(a.retransmitFrom); c.state == chunkRetransmit {
			if !a.mustAbandon(now, c) {
				return c, true
			}
			a.abandonSent(c.msg)
		}
	}
	return nil, false
}

// targetOf is where a marked chunk goes. RFC 9260, Section 6.4: "an endpoint
// SHOULD send fast retransmissions to the same destination transport address
// to which the original data was sent", and after a timeout to another one. A
// probe of a closed window is not lost, and stays on its path.
func (a *Association) targetOf(c *outChunk) *path {
	if (c.fast && (!c.resent || c.path.rack != nil) || a.windowClosed()) && c.path.usable() {
		return c.path
	}
	return a.retransmitPath(c.path)
}

// A windowProbe sends one chunk into a closed receive window after a pause
// (RFC 9260, Section 6.1, A). After that T3-rtx sends it again.
type windowProbe struct {
	deadline time.Time
	due      bool
}

func (w *windowProbe) fire() { w.deadline, w.due = time.Time{}, true }

// windowClosed tells whether what is outstanding was sent into a window which
// has no room for it: all of it serves as probe.
func (a *Association) windowClosed() bool {
	if a.out.count() == 0 {
		return false
	}
	c := a.out.at(a.out.cumAck.Add(1))
	return a.peerArwnd < int(c.n) && c.state != chunkAbandoned
}

// peerRwnd is what may still be sent into the peer's window. RFC 9260, Section
// 6.2.1, D, ii: "Set rwnd equal to the newly received a_rwnd minus the number
// of bytes still outstanding".
func (a *Association) peerRwnd() int { return a.peerArwnd - a.out.bytes }
