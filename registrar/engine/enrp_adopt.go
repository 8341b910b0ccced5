// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// maxAdopting is how many associations to pool elements are set up at the same time: enough for the thousands of a failed
// server within seconds, few enough for the sockets' buffers.
const maxAdopting = 512

// An adoption is an ASAP endpoint whose pool elements are to adopt this server as their home.
type adoption struct {
	target   Target
	elements []*handlespace.Element
	until    time.Time // then its place is free for another one
	claimed  bool      // the elements are owned here already; else a peer has suggested it
}

type endpoint struct {
	addr  netip.AddrPort
	encap uint16
}

// adoptions are those that wait and those that run.
type adoptions struct {
	queue   []*adoption
	running []*adoption
	at      map[endpoint]*adoption // of the queue, by first address
}

func (s *adoptions) init() { s.at = make(map[endpoint]*adoption) }

func (t *Target) endpoint(x netip.Addr) endpoint {
	return endpoint{netip.AddrPortFrom(x, t.Port), encapPort(t.EncapPort)}
}

// adopt wants an element that this server has become the owner of to know that. pumpAdoptions does it.
//
// RFC 5353, Section 3.5.2, step 2: "send a point-to-point ASAP_ENDPOINT_KEEP_ALIVE message, with the 'H' flag set to '1', to
// each of the PEs. This will trigger the PE to adopt the initiating sever as its new Home ENRP server."
func (e *Engine) adopt(now time.Time, el *handlespace.Element) { e.enqueue(now, el, true) }

func (e *Engine) enqueue(now time.Time, el *handlespace.Element, claimed bool) {
	s := &e.scope.adoptions
	t := el.PE().ASAPTransport
	if t == nil || len(t.Addrs) == 0 || t.Port == 0 {
		if claimed { // who cannot be asked may still speak up
			e.space.SetTimer(el, handlespace.TimerProbe, now.Add(e.cfg.KeepAliveTimeout))
		}
		return
	}
	target := Target{Addrs: t.Addrs, Port: t.Port, EncapPort: el.PE().EncapPort}
	key := target.endpoint(t.Addrs[0])
	ad := s.at[key]
	if ad == nil || ad.claimed != claimed {
		ad = &adoption{target: target, claimed: claimed}
		s.queue = append(s.queue, ad)
		s.at[key] = ad
	}
	ad.elements = append(ad.elements, el)
}

// open removes the elements from an adoption that need it no more: they are gone, or have registered here themselves.
func (e *Engine) open(ad *adoption) bool {
	ad.elements = slices.DeleteFunc(ad.elements, func(el *handlespace.Element) bool {
		return !el.In() || el.Assoc() != 0 || (el.Home() == e.cfg.ServerID) != ad.claimed
	})
	return len(ad.elements) > 0
}

// pumpAdoptions begins as many adoptions as may run.
func (e *Engine) pumpAdoptions(now time.Time) {
	s := &e.scope.adoptions
	if len(s.queue) == 0 {
		return
	}
	for len(s.queue) > 0 && len(s.running) < maxAdopting {
		ad := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		if key := ad.target.endpoint(ad.target.Addrs[0]); s.at[key] == ad {
			delete(s.at, key)
		}
		if !e.open(ad) {
			continue
		}
		if a := e.there(&ad.target); a != nil {
			e.adoptOver(now, a, ad)
			continue
		}
		ad.until = now.Add(e.cfg.KeepAliveTimeout)
		if ad.claimed {
			for _, el := range ad.elements {
				e.space.SetTimer(el, handlespace.TimerProbe, ad.until)
			}
		}
		e.scope.lastID++
		e.scope.adopting[e.scope.lastID] = ad
		s.running = append(s.running, ad)
		e.out.connects.push(Connect{ID: e.scope.lastID, Protocol: ProtocolASAP, Target: ad.target})
	}
}

// there returns the association with an ASAP endpoint, if there is one.
func (e *Engine) there(t *Target) *association {
	for _, x := range t.Addrs {
		if a := e.scope.endpoints[t.endpoint(x)]; a != nil {
			return a
		}
	}
	return nil
}

// adoptOver sends the keep-alives over an association.
func (e *Engine) adoptOver(now time.Time, a *association, ad *adoption) {
	for _, el := range ad.elements {
		if ad.claimed {
			e.space.Bind(el, a.id)
			a.elements++
			e.space.SetTimer(el, handlespace.TimerProbe, now.Add(e.cfg.KeepAliveTimeout))
		} else {
			a.invited = slices.DeleteFunc(a.invited, func(x *handlespace.Element) bool { return x == el || !x.In() || x.Assoc() != 0 })
			if len(a.invited) < maxSuggested {
				a.invited = append(a.invited, el)
			}
		}
		e.stats.KeepAlives++
		e.send(a, &asap.EndpointKeepAlive{Home: true, ServerID: e.cfg.ServerID, PoolHandle: el.Pool().Handle(), PEID: el.ID()})
	}
	ad.elements = nil
}

// end takes an adoption off those that run.
func (e *Engine) end(id uint64, ad *adoption) {
	delete(e.scope.adopting, id)
	e.scope.adoptions.running = slices.DeleteFunc(e.scope.adoptions.running, func(x *adoption) bool { return x == ad })
}

func (e *Engine) adoptionConnected(now time.Time, id uint64, ad *adoption, assoc uint64, p Peer) bool {
	e.end(id, ad)
	defer e.pumpAdoptions(now)
	if !e.open(ad) {
		return false
	}
	a := e.newAssoc(now, assoc, ProtocolASAP, p)
	if a == nil {
		return false // the timers of the elements run
	}
	e.adoptOver(now, a, ad)
	return true
}

// adoptionFailed removes elements that cannot be reached.
//
// RFC 5352, Section 3.5: "If the sending of ASAP_ENDPOINT_KEEP_ALIVE to a PE fails, the ENRP server MUST consider the PE as
// unreachable and MUST remove the PE from its handlespace."
func (e *Engine) adoptionFailed(now time.Time, id uint64, ad *adoption) {
	e.end(id, ad)
	if !e.open(ad) {
		ad.elements = nil
	} else if a := e.there(&ad.target); a != nil {
		e.adoptOver(now, a, ad) // it was faster
	} else if ad.claimed {
		for _, el := range ad.elements {
			e.remove(el, ReasonNoAnswer)
		}
	}
	e.pumpAdoptions(now)
}

// adoptionsTimeout makes room for others where the network does not answer. The elements have timers of their own.
func (e *Engine) adoptionsTimeout(now time.Time) {
	s := &e.scope.adoptions
	n := len(s.running)
	s.running = slices.DeleteFunc(s.running, func(ad *adoption) bool { return expired(ad.until, now) })
	if len(s.running) < n {
		e.pumpAdoptions(now)
	}
}
