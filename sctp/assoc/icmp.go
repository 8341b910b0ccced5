// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An ICMP is an ICMP or ICMPv6 message about a packet of ours (RFC 9260, Section
// 10; RFC 6951, Section 5.5).
type ICMP struct {
	// Remote is where the packet went.
	Remote netip.AddrPort
	// PortUnreachable says that nobody has the UDP port there. It stands for
	// Protocol Unreachable.
	PortUnreachable bool
	// MTU is not 0 if the packet was too big, in bytes of IP packet. If neither is
	// set, the destination is unreachable.
	MTU int
	// Data is the beginning of the packet.
	Data []byte
}

// RouteICMP returns the association that sent the packet, whose HandleICMP must get
// the message next, or nil. RFC 9260, Section 10, ICMP5: "An implementation MUST use
// the payload of the ICMP message (v4 or v6) to locate the association that sent the
// message to which ICMP is responding."
func (s *Stack) RouteICMP(m ICMP) *Association {
	if len(m.Data) < icmpQuoted {
		return nil
	}
	src, dst := binary.BigEndian.Uint16(m.Data), binary.BigEndian.Uint16(m.Data[2:])
	return s.byPeer[peerKey{src, dst, netip.AddrPortFrom(m.Remote.Addr().Unmap(), m.Remote.Port())}]
}

const (
	icmpQuoted     = 8                                        // ports and Verification Tag
	icmpQuotedInit = wire.HeaderLen + wire.ChunkHeaderLen + 4 // up to the Initiate Tag
)

// quotesUs implements ICMP6: "An implementation MUST validate that the Verification
// Tag contained in the ICMP message matches the Verification Tag of the peer. If the
// Verification Tag is not 0 and does not match, discard the ICMP message. If it is 0
// and the ICMP message contains enough bytes to verify that the chunk type is an INIT
// chunk and that the Initiate Tag matches the tag of the peer, continue with ICMP7."
// The Initiate Tag of what we have sent is ours.
func (a *Association) quotesUs(data []byte) (init, ok bool) {
	if len(data) < icmpQuoted {
		return false, false
	}
	if tag := binary.BigEndian.Uint32(data[4:]); tag != 0 {
		return false, tag == a.peerTag
	}
	if len(data) < icmpQuotedInit || wire.ChunkType(data[wire.HeaderLen]) != wire.ChunkInit {
		return false, false
	}
	return true, binary.BigEndian.Uint32(data[wire.HeaderLen+wire.ChunkHeaderLen:]) == a.myTag
}

// HandleICMP takes an ICMP message. It ends an association that is being set up
// when no address of the peer can be tried any more. It never ends one that is
// established: there a path becomes potentially failed, and HEARTBEATs or the
// retransmissions of data tell what is true.
func (a *Association) HandleICMP(now time.Time, m ICMP) {
	init, ok := a.quotesUs(m.Data)
	p := a.pathTo(m.Remote.Addr().Unmap())
	if !ok || p == nil || a.state == StateClosed {
		a.stats.ICMPIgnored++
		return
	}
	a.stats.ICMPReceived++
	switch {
	case m.MTU > 0: // ICMP7
		a.handlePacketTooBig(now, p, m.MTU)
	case init && a.state == StateCookieWait:
		a.setupUnreachable(now, p, m.PortUnreachable)
	case !init && a.mayHeartbeat():
		a.suspect(now, p)
	}
}

// setupUnreachable: the INIT did not arrive. ICMP8: "If it does contain an INIT chunk
// and the association is in the COOKIE-WAIT state, handle the ICMP message like an
// ABORT chunk." Here the other addresses of the peer are tried before, at once. A
// host or network that is not reachable now may be soon, so that it only hurries.
func (a *Association) setupUnreachable(now time.Time, p *path, refused bool) {
	p.refused = p.refused || refused
	p.unreachable = true
	left, open := false, false
	for _, q := range a.paths {
		left = left || !q.refused
		open = open || !q.unreachable
	}
	switch {
	case !left:
		a.close(&LostError{Reason: "nobody has the peer's UDP port", Err: ErrRefused})
	case open && a.t1.path == p && !a.t1.due && a.t1.expired < max(a.cfg.MaxInitRetransmits, 0):
		for range a.paths { // which T1 would reach sooner or later
			a.t1.expired++
			if q := a.setupPath(); !q.unreachable {
				break
			}
		}
		a.t1.deadline, a.t1.due = nilTime, true
	}
}

// suspect makes a path potentially failed as if it had timed out. ICMP9: "the
// implementation MAY move the destination to the unreachable state or, alternatively,
// increment the path error counter."
func (a *Association) suspect(now time.Time, p *path) {
	if p.state != PathActive || a.cfg.PotentiallyFailedMaxRetrans < 0 ||
		a.cfg.PotentiallyFailedMaxRetrans >= a.cfg.PathMaxRetrans {
		return
	}
	p.errorCount = max(p.errorCount, a.cfg.PotentiallyFailedMaxRetrans+1)
	p.state = PathPotentiallyFailed
	if p.flightSize > 0 && a.bestOther(p) != nil {
		// What is in flight there is as good as lost, and goes elsewhere.
		p.cc.onTimeout()
		a.markWhere(func(c *outChunk) bool { return c.path == p })
		a.mayExceedCwnd = true
	}
	a.pathChanged(p)
	a.watchFailing(now, p)
}
