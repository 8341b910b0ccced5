// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"net/netip"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/engine"
)

// A Registrar is a host with a registrar.
type Registrar struct {
	w      *World
	h      *host
	statik []*Registrar
	eng    *engine.Engine
	alarm  *alarm
	ids    map[*assoc]uint64
	assocs map[uint64]*assoc
	starts uint64
}

// AddRegistrar adds a registrar that is not started yet. It looks for those in static without having heard of them.
func (w *World) AddRegistrar(static ...*Registrar) *Registrar {
	r := &Registrar{w: w, statik: static}
	n := len(w.registrars) + 1
	r.h = w.addHost(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), r)
	w.registrars = append(w.registrars, r)
	return r
}

// AddStatic has the registrar look for another one, from its next start on.
func (r *Registrar) AddStatic(s *Registrar) { r.statik = append(r.statik, s) }

func (r *Registrar) base() *host { return r.h }

// Engine returns the engine; nil if it was never started.
func (r *Registrar) Engine() *engine.Engine { return r.eng }

// Up reports whether the registrar runs.
func (r *Registrar) Up() bool { return r.h.up }

// Start starts the registrar, with an identifier of its choice if id is 0.
func (r *Registrar) Start(id uint32) {
	w := r.w
	if r.h.up {
		return
	}
	r.starts++
	rnd := rand.New(rand.NewPCG(w.rand.Uint64(), r.starts))
	for id == 0 {
		id = rnd.Uint32()
	}
	cfg := engine.Config{
		ServerID: id, Rand: rnd, Profile: w.cfg.Profile, ServerAnnounce: -1,
		ENRP: &engine.ENRP{Self: engine.Target{Addrs: []netip.Addr{r.h.addr}, Port: enrp.Port}},
	}
	if w.cfg.MulticastLoss < 1 {
		cfg.ENRP.Sources = []netip.AddrPort{netip.AddrPortFrom(r.h.addr, enrp.Port)}
	}
	for _, s := range r.statik {
		cfg.ENRP.Static = append(cfg.ENRP.Static, engine.Target{Addrs: []netip.Addr{s.h.addr}, Port: enrp.Port})
	}
	if w.cfg.Engine != nil {
		w.cfg.Engine(&cfg)
	}
	eng, err := engine.New(w.now, cfg)
	if err != nil {
		panic("sim: " + err.Error()) // the configuration is the test's
	}
	r.eng, r.alarm, r.h.up, r.h.dark = eng, new(alarm), true, false
	r.ids, r.assocs = make(map[*assoc]uint64), make(map[uint64]*assoc)
	w.logf("%v starts as %08x", r.h.addr, id)
	r.drain()
}

// Crash ends the registrar: its process, or the power of its host.
func (r *Registrar) Crash(power bool) {
	r.w.logf("%v crashes", r.h.addr)
	r.w.down(r.h, power)
}

func (r *Registrar) listens(p uint16) bool { return p == asap.Port || p == enrp.Port }

func protocol(local uint16) engine.Protocol {
	if local == enrp.Port {
		return engine.ProtocolENRP
	}
	return engine.ProtocolASAP
}

func (r *Registrar) peer(a *assoc) engine.Peer {
	p := a.peer(r.h)
	return engine.Peer{Addrs: []netip.Addr{p.host.addr}, Port: p.port, EncapPort: 9899, RTT: r.w.cfg.Latency * 2}
}

func (r *Registrar) enter(a *assoc) uint64 {
	r.ids[a], r.assocs[a.id] = a.id, a
	return a.id
}

func (r *Registrar) accepted(a *assoc, local uint16) {
	if !r.eng.HandleAssocUp(r.w.now, r.enter(a), protocol(local), r.peer(a)) {
		r.forget(a)
		r.w.abort(r.h, a)
	}
	r.drain()
}

func (r *Registrar) connected(id uint64, _ uint16, a *assoc) {
	if !r.eng.HandleConnected(r.w.now, id, r.enter(a), r.peer(a)) {
		r.forget(a)
		r.w.abort(r.h, a)
	}
	r.drain()
}

func (r *Registrar) failed(id uint64, _ uint16) {
	r.eng.HandleConnectFailed(r.w.now, id)
	r.drain()
}

func (r *Registrar) received(a *assoc, ppid uint32, b []byte) {
	id := r.ids[a]
	switch {
	case id == 0:
	case ppid == asap.PPID:
		r.eng.HandleASAP(r.w.now, id, b)
	case ppid == enrp.PPID:
		r.eng.HandleENRP(r.w.now, id, b)
	}
	r.drain()
}

func (r *Registrar) lost(a *assoc, how engine.Loss) {
	if id := r.ids[a]; id != 0 {
		r.forget(a)
		r.eng.HandleAssocLost(r.w.now, id, how)
		r.drain()
	}
}

func (r *Registrar) forget(a *assoc) {
	delete(r.assocs, r.ids[a])
	delete(r.ids, a)
}

// drain does what the engine wants.
func (r *Registrar) drain() {
	w, e := r.w, r.eng
	for {
		t, ok := e.PollTransmit()
		if !ok {
			break
		}
		if a := r.assocs[t.Assoc]; a != nil {
			w.send(r.h, a, t.Protocol.PPID(), t.Data)
		}
	}
	for {
		x, ok := e.PollAbort()
		if !ok {
			break
		}
		if a := r.assocs[x.Assoc]; a != nil {
			r.forget(a)
			w.abort(r.h, a)
		}
	}
	for {
		c, ok := e.PollConnect()
		if !ok {
			break
		}
		local := uint16(asap.Port)
		if c.Protocol == engine.ProtocolENRP {
			local = enrp.Port
		}
		w.connect(r.h, local, c.ID, c.Addrs[0], c.Port)
	}
	for {
		a, ok := e.PollAnnouncement()
		if !ok {
			break
		}
		w.multicast(r, a)
	}
	for {
		ev, ok := e.PollEvent()
		if !ok {
			break
		}
		if w.Log != nil && ev.Kind > engine.EventReregistered {
			w.logf("%v %v peer=%08x by=%08x %s/%x n=%d reason=%v err=%v", r.h.addr, ev.Kind, ev.Peer, ev.By, ev.Handle, ev.ID, ev.Count, ev.Reason, ev.Err)
		}
	}
	if at, ok := e.NextDeadline(); ok {
		r.alarm.set(w, at, func() {
			if r.eng == e && r.h.up {
				e.HandleTimeout(w.now)
				r.drain()
			}
		})
	}
}

// multicast carries a presence to all other registrars.
func (w *World) multicast(from *Registrar, m engine.Announcement) {
	if m.Protocol != engine.ProtocolENRP {
		return
	}
	for _, r := range w.registrars {
		if r == from || !w.reachable(from.h, r.h) || w.rand.Float64() < w.cfg.MulticastLoss {
			continue
		}
		w.After(w.latency(), func() {
			if r.h.up {
				w.trace(from.h.addr, r.h.addr, enrp.PPID, m.Data)
				r.eng.HandleENRPDatagram(w.now, m.Source, m.Data)
				r.drain()
			}
		})
	}
}
