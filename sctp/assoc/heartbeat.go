// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"encoding/binary"
	"time"
)

// A heartbeat is the HEARTBEAT machine of a path (RFC 9260, Sections 5.4 and
// 8.3).
type heartbeat struct {
	next     time.Time // when the next HEARTBEAT is due; zero: never
	deadline time.Time // when the one sent counts as unanswered; zero: none out
	nonce    uint64
	sentAt   time.Time
	asked    bool // REQUESTHEARTBEAT of the user
}

// heartbeatInfoLen is the length of our Heartbeat Information: path index,
// 64-bit nonce. What was sent when is kept here, so nothing a peer echoes is
// believed but the nonce.
const heartbeatInfoLen = 12

// schedule sets the time of the next one. RFC 9260, Section 8.3: "once per RTO
// of that destination address plus the protocol parameter 'HB.interval', with
// jittering of +/- 50% of the RTO value".
func (h *heartbeat) schedule(now time.Time, rto, interval time.Duration, jitter float64) {
	if interval < 0 {
		h.next = time.Time{}
		return
	}
	h.next = now.Add(interval + rto/2 + time.Duration(jitter*float64(rto)))
}

// scheduleProbe sets the time of the next path verification: Section 5.4: "In
// each RTO, a probe MAY be sent on an active UNCONFIRMED path".
func (h *heartbeat) scheduleProbe(at time.Time) { h.next = at }

func (h *heartbeat) sent(now time.Time, rto time.Duration, nonce uint64) {
	h.nonce, h.sentAt = nonce, now
	h.deadline = now.Add(rto)
	h.asked = false
}

// answered checks a HEARTBEAT ACK and returns the round-trip time.
func (h *heartbeat) answered(now time.Time, nonce uint64) (rtt time.Duration, ok bool) {
	if h.deadline.IsZero() || nonce != h.nonce {
		return 0, false
	}
	h.deadline = time.Time{}
	return now.Sub(h.sentAt), true
}

func (h *heartbeat) stop() { *h = heartbeat{} }

// appendHeartbeat appends a HEARTBEAT chunk for the path.
func (p *path) appendHeartbeat(b []byte) []byte {
	return appendHeartbeatInfo(b, p.index, p.hb.nonce)
}

func parseHeartbeatInfo(info []byte) (index uint32, nonce uint64, ok bool) {
	if len(info) != heartbeatInfoLen {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(info), binary.BigEndian.Uint64(info[4:]), true
}

// hasSent tells whether a HEARTBEAT or a probe of the path MTU has a nonce.
func (p *path) hasSent(nonce uint64) bool {
	return p.hb.nonce == nonce || p.pm.out && p.pm.nonce == nonce
}

// heartbeatOf finds the path of a nonce: at the index, unless a path has been
// removed meanwhile.
func (a *Association) heartbeatOf(index uint32, nonce uint64) *path {
	if index < uint32(len(a.paths)) && a.paths[index].hasSent(nonce) {
		return a.paths[index]
	}
	for _, p := range a.paths {
		if p.hasSent(nonce) && int(index) > p.index {
			return p
		}
	}
	return nil
}
