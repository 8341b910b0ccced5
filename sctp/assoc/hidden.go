// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Addresses behind NAT (Config.BehindNAT). RFC 6951, Section 5.7: "IP addresses
// that might require translation MUST NOT be put into any SCTP packet. This means
// that a multihomed SCTP association is set up initially as a single-homed one, and
// the protocol extension [RFC5061] in combination with [RFC4895] is used to add the
// other addresses. Only wildcard addresses are put into the SCTP packet." A wildcard
// means the address that the packet comes from, as the peer sees it: one request at
// a time can be made, and it goes from the address that it is about.

// nextHidden takes the next request out of the queue, as a wildcard, and tells where
// its ASCONF goes from.
func (a *Association) nextHidden(now time.Time) (requests []addrRequest, source netip.AddrPort) {
	s := &a.asconf
	take := func(i int) []addrRequest {
		r := s.queue[i]
		s.queue = slices.Delete(s.queue, i, i+1)
		return []addrRequest{r}
	}
	for _, kind := range []wire.ParamType{wire.ParamAddIP, wire.ParamSetPrimary, wire.ParamDeleteIP} {
		i := slices.IndexFunc(s.queue, func(r addrRequest) bool {
			return r.kind == kind && (kind != wire.ParamSetPrimary || slices.Contains(a.local, r.addr))
		})
		switch {
		case i < 0:
		case kind != wire.ParamDeleteIP:
			source = s.queue[i].addr
			return take(i), source
		case len(a.local) > 0:
			return a.deleteOthers(now, take(i)), a.local[0]
		}
	}
	return nil, source
}

// deleteOthers: RFC 5061, Section 4.2.2, of a wildcard: "all addresses of the peer
// except the source address of the packet MUST be deleted". Those that stay are
// added again, and not used before.
func (a *Association) deleteOthers(now time.Time, r []addrRequest) []addrRequest {
	s := &a.asconf
	stay := a.local[1:]
	a.local = slices.Clone(a.local[:1])
	a.relocate(now, false)
	for _, l := range stay {
		if s.queued(wire.ParamAddIP, l) < 0 {
			s.queue = append(s.queue, addrRequest{kind: wire.ParamAddIP, addr: l})
		}
	}
	// What else is to be deleted is deleted by that, too.
	for i := 0; i < len(s.queue); i++ {
		if s.queue[i].kind == wire.ParamDeleteIP {
			r = append(r, s.queue[i])
			s.queue = slices.Delete(s.queue, i, i+1)
			i--
		}
	}
	return r
}

// hiddenParams are the parameters of requests with wildcards: of several deletions
// one is enough, whose answer is that to all.
func (a *Association) hiddenParams(requests []addrRequest) (params []byte) {
	s := &a.asconf
	s.lastID++
	for i := range requests {
		requests[i].id = s.lastID
	}
	r := wire.AsconfRequest{Type: requests[0].kind, ID: s.lastID, Address: wildcard(requests[0].addr.Addr())}
	return r.Append(nil)
}

// wildcard is the wildcard address of an address's family.
func wildcard(addr netip.Addr) netip.Addr {
	if addr.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// hiddenRoute chooses a path that the ASCONF can take from its source: after timeouts
// in turn. If the source has gone meanwhile, it goes in front of the next one, from
// there: one that was answered already is answered again, another is refused.
func (a *Association) hiddenRoute(now time.Time) (p *path, local netip.AddrPort) {
	s := &a.asconf
	usable := func(q *sentAsconf) bool {
		return slices.Contains(a.local, q.source) || slices.Contains(s.added(), q.source)
	}
	last := s.sent[len(s.sent)-1]
	if !usable(last) && len(s.sent) < maxBundled && a.buildAsconf(now) {
		last = s.sent[len(s.sent)-1]
	}
	if !usable(last) {
		return a.asconfRoute()
	}
	for _, q := range s.sent[:len(s.sent)-1] {
		q.strayed = true
	}
	for i := range a.paths {
		p := a.paths[(a.dataPath().index+s.t4.expired+i)%len(a.paths)]
		if _, ok := sourceFor([]netip.AddrPort{last.source}, p.remote.Addr()); ok && (p.state != PathUnconfirmed || !a.anyConfirmed()) {
			return p, last.source
		}
	}
	return nil, local
}

// askAgain: deletions that were refused because they came from an address that the
// peer does not know are asked for again.
func (a *Association) askAgain(q *sentAsconf, responses []byte) bool {
	resp, ok := responseTo(q.requests[0].id, responses)
	if !ok || len(resp.Causes) == 0 || q.requests[0].kind != wire.ParamDeleteIP {
		return false
	}
	for _, r := range q.requests {
		if len(a.asconf.queue) < maxQueuedRequests && !slices.Contains(a.local, r.addr) {
			a.asconf.queue = append(a.asconf.queue, addrRequest{kind: r.kind, addr: r.addr})
		}
	}
	return true
}
