// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// nilTime is no time: a timer that does not run.
var nilTime time.Time

// An outReply is a chunk that answers one of the peer's.
type outReply struct {
	path          *path // bundled with what else goes there, unless alone
	local, remote netip.AddrPort
	tag           uint32
	chunk         []byte
	alone         bool // the only chunk of a packet with its own tag
}

// maxOutReplies bounds the answers waiting to be sent; what floods more than
// this gets no answer.
const maxOutReplies = 64

func (a *Association) addReply(r outReply) {
	if len(a.replies) < maxOutReplies {
		a.replies = append(a.replies, r)
	}
}

func (a *Association) reply(p *path, chunk []byte) { a.addReply(outReply{path: p, chunk: chunk}) }

func (a *Association) replyError(p *path, causes []byte) { a.reply(p, wire.AppendError(nil, causes)) }

func (a *Association) replyAlone(d Datagram, tag uint32, chunk []byte) {
	a.addReply(outReply{local: d.Local, remote: d.Remote, tag: tag, chunk: chunk, alone: true})
}

// replyCookieAck answers a COOKIE ECHO. RFC 9260, Section 5.4: "A COOKIE ACK
// chunk MAY be sent to an UNCONFIRMED address, but it MUST be bundled with a
// HEARTBEAT chunk including a nonce."
func (a *Association) replyCookieAck(d Datagram) {
	p := a.pathTo(d.Remote.Addr())
	if p == nil {
		p = a.primary
	}
	if p.state == PathUnconfirmed {
		p.hb.asked = true
	}
	// COOKIE ACK "MUST be the first chunk in the packet" (Section 5.1, D).
	a.replies = append([]outReply{{path: p, chunk: wire.AppendCookieAck(nil)}}, a.replies...)
}

// PollTransmit puts the next packet to send into buf, which must have room for
// MaxPacketSize bytes. What goes out follows from the state, in a fixed order:
// answers, HEARTBEATs, the shutdown, retransmissions, acknowledgements and new
// data, bundled as far as they go to the same path.
func (a *Association) PollTransmit(now time.Time, buf []byte) (Transmit, bool) {
	if len(a.replies) > 0 && a.replies[0].alone {
		r := a.replies[0]
		a.replies = a.replies[1:]
		n := copy(buf, singleChunk(a.localPort, a.remotePort, r.tag, r.chunk))
		a.stats.PacketsSent++
		return Transmit{Local: r.local, Remote: r.remote, Len: n}, true
	}
	switch a.state {
	case StateClosed:
		a.replies = nil
		return Transmit{}, false
	case StateCookieWait:
		if !a.t1.due {
			return Transmit{}, false
		}
		return a.transmitInit(now, buf), true
	case StateCookieEchoed:
		// RFC 9260, Section 5.1, C: "until the COOKIE ACK chunk is returned, the
		// sender MUST NOT send any other packets to the peer".
		if !a.t1.due {
			return Transmit{}, false
		}
		return a.transmitCookieEcho(now, buf), true
	}
	p, data := a.nextPath(now)
	if p == nil {
		return Transmit{}, false
	}
	k := a.begin(p, buf, a.peerTag)
	k.appendReplies()
	if p.hb.asked {
		k.appendHeartbeat(now)
	}
	if p.state != PathUnconfirmed {
		k.appendAck(data)
		k.appendShutdown(now)
		if data {
			k.appendData(now)
		}
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
	b        []byte
	max      int
	oversize bool
}

func (a *Association) begin(p *path, buf []byte, tag uint32) packet {
	h := wire.Header{SrcPort: a.localPort, DstPort: a.remotePort, Tag: tag}
	return packet{a: a, p: p, b: h.Append(buf[:0]), max: min(p.maxPacket(), cap(buf))}
}

func (k *packet) end() (Transmit, bool) {
	if len(k.b) == wire.HeaderLen {
		return Transmit{}, false
	}
	wire.SetChecksum(k.b)
	k.a.stats.PacketsSent++
	return Transmit{Local: k.p.local, Remote: k.p.remote, Len: len(k.b), Oversize: k.oversize}, true
}

func (k *packet) room() int { return k.max - len(k.b) }

// appendReplies takes the answers to the path from the queue as long as they
// fit. One that is larger than a packet is dropped.
func (k *packet) appendReplies() {
	a := k.a
	for len(a.replies) > 0 && !a.replies[0].alone && a.replies[0].path == k.p {
		chunk := a.replies[0].chunk
		if len(chunk) > k.room() {
			if len(k.b) > wire.HeaderLen {
				return
			}
		} else {
			k.b = append(k.b, chunk...)
		}
		a.replies = a.replies[1:]
	}
	if len(a.replies) == 0 {
		a.replies = nil
	}
}

func (k *packet) appendHeartbeat(now time.Time) {
	const heartbeatLen = wire.ChunkHeaderLen + wire.ParamHeaderLen + heartbeatInfoLen
	if k.room() < heartbeatLen {
		return
	}
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
	a.t2.sent(now, k.p)
}

func (a *Association) transmitInit(now time.Time, buf []byte) Transmit {
	p := a.setupPath()
	k := a.begin(p, buf, 0)
	k.b = a.appendInit(k.b, p.remote.Addr())
	if a.t1.expired == 0 {
		p.rttPending, p.rttStart = true, now
	} else {
		p.rttPending = false
	}
	a.t1.sent(now, p)
	t, _ := k.end()
	return t
}

// transmitCookieEcho sends the COOKIE ECHO, the first time with as much data
// as fits (RFC 9260, Section 5.1, C).
func (a *Association) transmitCookieEcho(now time.Time, buf []byte) Transmit {
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
	t, _ := k.end()
	return t
}
