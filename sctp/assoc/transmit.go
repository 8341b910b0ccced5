// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// nilTime is no time: a timer that does not run.
var nilTime time.Time

// PollTransmit puts the next packet to send into buf, which must have room for
// MaxPacketSize bytes. What goes out follows from the state, in a fixed order:
// answers, HEARTBEATs, the shutdown, retransmissions, acknowledgements and new
// data, bundled as far as they go to the same path.
func (a *Association) PollTransmit(now time.Time, buf []byte) (Transmit, bool) {
	if t, ok := a.transmitAlone(buf); ok {
		return t, true
	}
	switch a.state {
	case StateClosed:
		a.replies = nil
		return Transmit{}, false
	case StateCookieWait:
		if !a.t1.due {
			return Transmit{}, false
		}
		return a.transmitInit(now, buf)
	case StateCookieEchoed:
		// RFC 9260, Section 5.1, C: "until the COOKIE ACK chunk is returned, the
		// sender MUST NOT send any other packets to the peer".
		if !a.t1.due {
			return Transmit{}, false
		}
		return a.transmitCookieEcho(now, buf)
	}
	if t, ok := a.transmitAsconf(now, buf); ok {
		return t, true
	}
	if len(a.local) == 0 {
		return Transmit{}, false // the last address is gone: RFC 5061, Section 5.3, F4
	}
	if t, ok := a.transmitProbe(now, buf); ok {
		return t, true
	}
	p, data := a.nextPath(now)
	if p == nil {
		return Transmit{}, false
	}
	k := a.begin(p, buf, a.peerTag)
	k.appendReplies()
	if p.hb.asked {
		k.appendHeartbeat(now)
		data = data && p.timeouts < blackHoleTimeouts // whether it passes says something of small packets
	}
	if p.state != PathUnconfirmed {
		k.appendAck(data)
		if a.forwardDue() {
			k.appendForward(now)
		}
		if p == a.dataPath() && a.reconfigDue() {
			k.appendReconfig(now)
		}
		k.appendShutdown(now)
		if data {
			k.appendData(now)
		}
	} else if !a.anyConfirmed() {
		// The peer has replaced all its addresses, by an authenticated ASCONF, and
		// begun to shut down, after which it does not answer HEARTBEATs: it must not
		// wait for ever.
		k.appendShutdown(now)
	}
	return k.end()
}

// nextPath chooses where the next packet goes, and whether it carries data.
func (a *Association) nextPath(now time.Time) (p *path, data bool) {
	target := a.dataTarget(now)
	switch {
	case len(a.replies) > 0:
		p = a.replies[0].path
	case a.heartbeatPath() != nil:
		p = a.heartbeatPath()
	case a.t2.due:
		p = a.shutdownPath()
	case a.ack.due:
		p = a.sackPath()
	case a.forwardDue(), a.reconfigDue():
		p = a.dataPath()
	default:
		p = target
	}
	return p, p != nil && p == target
}

func (a *Association) heartbeatPath() *path {
	for _, p := range a.paths {
		if p.hb.asked {
			return p
		}
	}
	return nil
}

// sackPath is where acknowledgements go. RFC 9260, Section 6.7: "the SCTP
// endpoint SHOULD always try to send the SACK chunk to the same destination
// address from which the last DATA chunk was received."
func (a *Association) sackPath() *path {
	if p := a.ack.from; p != nil && p.state != PathUnconfirmed {
		return p
	}
	return a.dataPath()
}

// A packet is one that is being built.
type packet struct {
	a        *Association
	p        *path
	local    netip.AddrPort
	b        []byte
	max      int
	oversize bool
	auth     bool // an AUTH chunk is needed
	stream   int  // of the last DATA chunk in it, or -1
	fresh    bool // holds DATA chunks sent for the first time
	resent   bool // holds others
}

func (a *Association) begin(p *path, buf []byte, tag uint32) packet {
	h := wire.Header{SrcPort: a.localPort, DstPort: a.remotePort, Tag: tag}
	return packet{a: a, p: p, local: p.local, stream: -1, b: h.Append(buf[:0]), max: min(p.maxPacket(), cap(buf)) - a.authReserve()}
}

func (k *packet) end() (Transmit, bool) {
	if len(k.b) == wire.HeaderLen {
		return Transmit{}, false
	}
	if k.auth || k.a.auth.busy {
		k.b = k.a.authenticate(k.b)
	}
	if k.a.mayZeroChecksum(k.b) {
		k.a.stats.ZeroChecksumsSent++ // the header has it
	} else {
		wire.SetChecksum(k.b)
	}
	k.a.stats.PacketsSent++
	oversize := k.oversize || len(k.b) > k.p.maxPacket()
	return Transmit{Local: k.local, Remote: k.p.remote, Len: len(k.b), Oversize: oversize, ECT: k.ect()}, true
}

func (k *packet) room() int { return k.max - len(k.b) }

func (k *packet) appendHeartbeat(now time.Time) {
	const heartbeatLen = wire.ChunkHeaderLen + wire.ParamHeaderLen + heartbeatInfoLen
	if k.room() < heartbeatLen {
		return
	}
	k.p.tried = k.local
	k.p.hb.sent(now, k.p.rto.rto, k.a.rng.Uint64())
	k.b = k.p.appendHeartbeat(k.b)
	k.a.stats.HeartbeatsSent++
}

// appendAck appends a SACK if one is due, or if there is something to
// acknowledge and data goes the same way (RFC 9260, Section 6.1). In
// SHUTDOWN-SENT the SHUTDOWN chunk does it, unless there are gaps.
func (k *packet) appendAck(data bool) {
	a := k.a
	if k.p != a.sackPath() || !(a.ack.due || data && a.ack.packets > 0) {
		return
	}
	if a.state == StateShutdownAckSent {
		a.ack.due = false
		return
	}
	if a.state == StateShutdownSent && a.t2.due && !a.tracker.hasGaps() && len(a.tracker.dups) == 0 {
		a.ack.packets, a.ack.due, a.ack.delay = 0, false, nilTime
		return
	}
	if len(k.b) > wire.HeaderLen && a.sackLen() > k.room() {
		return // in the next packet
	}
	k.appendECNE()
	k.b = a.appendSack(k.b, k.room())
}

func (k *packet) appendShutdown(now time.Time) {
	a := k.a
	if !a.t2.due || k.p != a.shutdownPath() {
		return
	}
	switch a.state {
	case StateShutdownSent:
		k.b = wire.AppendShutdown(k.b, a.tracker.cum)
	case StateShutdownAckSent:
		k.b = wire.AppendShutdownAck(k.b)
	}
	k.p.tried = k.local
	a.t2.sent(now, k.p)
}

func (a *Association) transmitInit(now time.Time, buf []byte) (Transmit, bool) {
	p := a.setupPath()
	if len(a.local) == 0 {
		a.t1.sent(now, p) // as if it were lost
		return Transmit{}, false
	}
	k := a.begin(p, buf, 0)
	k.b = a.appendInit(k.b, p.remote.Addr())
	if a.t1.expired == 0 {
		p.rttPending, p.rttStart = true, now
	} else {
		p.rttPending = false
	}
	a.t1.sent(now, p)
	return k.end()
}

// transmitCookieEcho sends the COOKIE ECHO, the first time with as much data
// as fits (RFC 9260, Section 5.1, C).
func (a *Association) transmitCookieEcho(now time.Time, buf []byte) (Transmit, bool) {
	p := a.setupPath()
	k := a.begin(p, buf, a.peerTag)
	k.b = wire.AppendCookieEcho(k.b, a.cookie)
	k.appendReplies()
	if a.t1.expired == 0 && p == a.dataPath() {
		p.cc.openBurst(0, a.cfg.MaxBurst)
		k.appendData(now)
		p.stopT3() // T1-cookie runs for both
	}
	a.cookieEchoed = now
	a.t1.sent(now, p)
	return k.end()
}
