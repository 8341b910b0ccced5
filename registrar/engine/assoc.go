// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// A Peer is the other end of an association, or of a TCP connection, which is treated as one that pool users may use.
type Peer struct {
	// TCP says that it is a TCP connection. Addrs has its one address then, and the ports do not count.
	TCP bool
	// Addrs are its addresses in the association, the primary one first.
	Addrs []netip.Addr
	// Port is its SCTP port.
	Port uint16
	// EncapPort is the UDP port of the primary path, RFC 6951.
	EncapPort uint16
	// RTT is the smoothed round-trip time of the primary path; 0 if it is not known.
	RTT time.Duration
}

// shares reports whether both have an address in common: they are on the same host.
func (p *Peer) shares(q *Peer) bool {
	return slices.ContainsFunc(p.Addrs, q.has)
}

func (p *Peer) has(a netip.Addr) bool { return slices.Contains(p.Addrs, a) }

// An association is what is known of one.
type association struct {
	id          uint64
	proto       Protocol
	peer        Peer
	elements    int // registered over it
	resolutions bucket
	reports     bucket
	link        *link                  // nil for ASAP
	endpoint    endpoint               // under which scope.endpoints has it
	topics      []*topic               // that it has subscribed to
	invited     []*handlespace.Element // of others, asked over it to make this server their home
}

// HandleAssocUp introduces an association that a peer has set up, for ASAP or for ENRP. The identifier is the caller's
// choice above 0, and not used again. It reports false if there are too many, or if the protocol is not spoken: then the
// association is to be aborted.
func (e *Engine) HandleAssocUp(now time.Time, assoc uint64, proto Protocol, p Peer) bool {
	a := e.newAssoc(now, assoc, proto, p)
	if a == nil {
		return false
	}
	if proto == ProtocolENRP {
		// The peer speaks first, and is known by what it says then.
		e.rearm()
	}
	return true
}

// newAssoc enters an association; nil if it is refused.
func (e *Engine) newAssoc(now time.Time, assoc uint64, proto Protocol, p Peer) *association {
	if assoc == 0 || e.assocs[assoc] != nil {
		return nil
	}
	if len(e.assocs) >= e.cfg.MaxAssocs || proto == ProtocolENRP && (e.scope == nil || p.TCP) {
		e.stats.Refused++
		return nil
	}
	a := &association{
		id: assoc, proto: proto, peer: p,
		resolutions: newBucket(now),
		reports:     newBucket(now),
	}
	switch {
	case proto == ProtocolENRP:
		a.link = new(link)
	case e.scope != nil && len(p.Addrs) > 0 && !p.TCP:
		t := Target{Port: p.Port, EncapPort: p.EncapPort}
		a.endpoint = t.endpoint(p.Addrs[0])
		e.scope.endpoints[a.endpoint] = a
	}
	e.assocs[assoc] = a
	return a
}

// NeedsPeer reports whether a message is judged by the addresses of its association, or its round-trip time counts. Call
// HandlePeer before HandleASAP or HandleENRP then, if they may have changed. In ENRP the same numbers are those of
// presences and requests for a handle table.
func NeedsPeer(b []byte) bool {
	return len(b) > 0 && (b[0] == byte(asap.TypeRegistration) || b[0] == byte(asap.TypeDeregistration))
}

// HandlePeer replaces what is known of the peer of an association.
func (e *Engine) HandlePeer(assoc uint64, p Peer) {
	if a := e.assocs[assoc]; a != nil {
		a.peer = p
	}
}

// A Loss says how an association has ended.
type Loss uint8

// The ways in which associations end.
const (
	LossSilent Loss = iota // the peer does not answer any more
	LossEnded              // the peer, or this side, has shut it down or aborted it
)

// HandleAssocLost ends an association. Its pool elements go with it: who cannot be reached by its registrar is not there,
// and who left without deregistering has left.
func (e *Engine) HandleAssocLost(now time.Time, assoc uint64, how Loss) {
	a := e.assocs[assoc]
	if a == nil {
		return
	}
	delete(e.assocs, assoc)
	e.out.drop(assoc)
	for len(a.topics) > 0 {
		e.unsubscribe(a, a.topics[len(a.topics)-1])
	}
	if a.link != nil {
		e.linkLost(now, a, how)
		return
	}
	if e.scope != nil && e.scope.endpoints[a.endpoint] == a {
		delete(e.scope.endpoints, a.endpoint)
	}
	e.selected = e.space.OfAssoc(e.selected[:0], assoc)
	e.selected = slices.DeleteFunc(e.selected, e.yield)
	moves := e.mayMove(e.selected)
	for _, el := range e.selected {
		if moves {
			e.move(now, el)
		} else {
			e.remove(el, ReasonAssocLost)
		}
	}
	clear(e.selected)
}

// A bucket lets through so many per second on average.
type bucket struct {
	tokens time.Duration
	at     time.Time
}

func newBucket(now time.Time) bucket {
	return bucket{tokens: time.Second, at: now}
}

// allow takes one out of the bucket, which fills up within a second by the rate; 0 or less lets through everything.
func (b *bucket) allow(now time.Time, rate int) bool {
	if rate <= 0 {
		return true
	}
	b.tokens = min(b.tokens+now.Sub(b.at), time.Second)
	b.at = now
	cost := time.Second / time.Duration(rate)
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}
