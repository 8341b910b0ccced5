// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// A tuning makes the buffers of an association as large as its paths need, up
// to Config.MaxSendBuffer and MaxRecvBuffer. A window of W bytes lets through W
// bytes in a round trip: what limits a sender should be the path, not these.
type tuning struct {
	recv  int           // the receive buffer
	rtt   time.Duration // of the set-up, if this side was dialled: it sends no data of its own, maybe
	since time.Time     // when read began to be counted
	read  int           // bytes that the user has taken since
}

// sendBuffer is how much may be queued and unacknowledged: twice what is
// worth sending in a round trip, and what the messages themselves cost.
func (a *Association) sendBuffer() int {
	n := a.cfg.SendBuffer
	if a.cfg.MaxSendBuffer > n {
		window := 0
		for _, p := range a.paths {
			window += p.cc.cwnd
		}
		n = min(max(n, 3*window), a.cfg.MaxSendBuffer)
	}
	return n
}

// recvBuffer is how much may be held for messages received but not read.
func (a *Association) recvBuffer() int { return max(a.cfg.RecvBuffer, a.tuning.recv) }

// tuneRecv notes what the user has read. If that was more than half of the
// buffer within a round trip, the peer could have sent more: the buffer becomes
// twice what was read. A user who does not keep up gets no more.
func (a *Association) tuneRecv(now time.Time, bytes int) {
	t := &a.tuning
	if a.recvBuffer() >= a.cfg.MaxRecvBuffer {
		return
	}
	t.read += bytes
	rtt := a.recvRTT()
	if rtt == 0 {
		return
	}
	took := now.Sub(t.since)
	if took < rtt {
		return
	}
	perTrip := int(float64(t.read) * float64(rtt) / float64(took))
	if !t.since.IsZero() && 2*perTrip > a.recvBuffer() {
		t.recv = min(2*perTrip, a.cfg.MaxRecvBuffer)
	}
	t.since, t.read = now, 0
}

// recvRTT is the least round-trip time that is known, or 0: what a queue in a
// host adds needs no larger buffer.
func (a *Association) recvRTT() time.Duration {
	rtt := a.tuning.rtt
	if a.primary != nil && a.primary.rto.least > 0 && (rtt == 0 || a.primary.rto.least < rtt) {
		rtt = a.primary.rto.least
	}
	return rtt
}
