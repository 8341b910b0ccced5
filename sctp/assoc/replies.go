// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

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

// reply answers a chunk of the packet that is being handled. RFC 9260, Section
// 12.4: "the sender of the response chunk(s) MUST NOT send more than one packet
// containing chunks other than DATA chunks": what does not fit into one is left
// out. If several do, there is also room for a SHUTDOWN.
func (a *Association) reply(p *path, chunk []byte) {
	room := p.maxPacket() - wire.HeaderLen - a.authReserve()
	if len(chunk) > room || a.replied > 0 && a.replied+len(chunk)+wire.ShutdownLen > room {
		return
	}
	a.replied += len(chunk)
	a.addReply(outReply{path: p, chunk: chunk})
}

// replyError reports an error where it came from. RFC 9260, Section 5.4: "An
// endpoint MUST NOT send any chunks to an UNCONFIRMED address", which has no
// exception for ERROR.
func (a *Association) replyError(p *path, causes []byte) {
	if p.state == PathUnconfirmed {
		p = a.dataPath()
	}
	a.reply(p, wire.AppendError(nil, causes))
}

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
	ack := outReply{path: p, chunk: wire.AppendCookieAck(nil)}
	if len(a.replies) > 0 && a.replies[0].path == p && a.replies[0].chunk[0] == byte(wire.ChunkCookieAck) {
		return // one is enough for copies of a COOKIE ECHO
	}
	// COOKIE ACK "MUST be the first chunk in the packet" (Section 5.1, D).
	a.replies = slices.Insert(a.replies, 0, ack)
}

// dropBundled drops the answers that would be bundled with something.
func (a *Association) dropBundled() {
	a.replies = slices.DeleteFunc(a.replies, func(r outReply) bool { return !r.alone })
}

// MaxPacketSize is the size in bytes of the largest packet PollTransmit makes
// now. It is the MTU but for what IP has to fragment: a COOKIE ECHO
// with a large cookie, or the answer to an INIT that lists many addresses.
func (a *Association) MaxPacketSize() int {
	n := max(a.cfg.MTU, maxInitPacket, wire.HeaderLen+wire.ChunkHeaderLen+(len(a.cookie)+3)&^3+a.authReserve())
	for _, p := range a.paths {
		n = max(n, p.maxPacket())
		if p.pm.due {
			n = max(n, maxPacket(p.pm.size, p.remote.Addr()))
		}
	}
	for _, r := range a.replies {
		if r.alone {
			n = max(n, wire.HeaderLen+len(r.chunk)+a.authLen())
		}
	}
	return n
}

// transmitAlone sends the first answer if it goes alone. Others wait for an
// address to come from, if there is none, and keep nobody waiting.
func (a *Association) transmitAlone(buf []byte) (Transmit, bool) {
	i := slices.IndexFunc(a.replies, func(r outReply) bool { return r.alone })
	if i < 0 || i > 0 && a.hasSource() {
		return Transmit{}, false
	}
	r := a.replies[i]
	if i == 0 {
		a.replies = a.replies[1:]
	} else {
		a.replies = slices.Delete(a.replies, i, i+1)
	}
	if !slices.Contains(a.local, r.local) {
		// RFC 5061, Section 5.3, F1, F4: one that is being added or deleted is no source.
		// With no other, the answer to an ASCONF comes from where the peer has sent
		// that to, or two that both change their only address would wait for ever.
		if local, ok := sourceFor(a.local, r.remote.Addr()); ok {
			r.local = local
		} else if wire.ChunkType(r.chunk[0]) != wire.ChunkAsconfAck {
			return a.transmitAlone(buf)
		}
	}
	packet := singleChunk(a.localPort, a.remotePort, r.tag, r.chunk)
	if r.tag == a.peerTag && a.needsAuth(wire.ChunkType(r.chunk[0])) {
		packet = a.authenticate(packet)
		wire.SetChecksum(packet)
	}
	n := copy(buf, packet)
	a.stats.PacketsSent++
	return Transmit{Local: r.local, Remote: r.remote, Len: n, Oversize: n > maxPacket(a.cfg.MTU, r.remote.Addr())}, true
}

// appendReplies takes the answers to the path from the queue as long as they
// fit. One that is larger than a packet is dropped.
func (k *packet) appendReplies() {
	a := k.a
	for len(a.replies) > 0 && !a.replies[0].alone && a.replies[0].path == k.p {
		chunk := a.replies[0].chunk
		if !k.auth && !a.auth.busy && a.needsAuth(wire.ChunkType(chunk[0])) {
			k.auth = true
			k.max -= a.authLen()
		}
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
