// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"math/rand/v2"
	"net/netip"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/engine"
)

// elementPort is the SCTP port that pool elements register from.
const elementPort = 5000

// An ElementHost is a host with pool elements.
type ElementHost struct {
	w     *World
	h     *host
	agent *agent.Agent
	alarm *alarm
	links map[*assoc]agent.LinkID
	byID  map[agent.LinkID]*assoc
	wants map[agent.LinkID]bool // is being connected
	Keys  []agent.Key           // of its pool elements
}

// AddElements adds a host with as many pool elements in a pool and starts it. They know all registrars there are now.
func (w *World) AddElements(pool param.PoolHandle, n int) *ElementHost {
	p := &ElementHost{w: w, alarm: new(alarm), links: make(map[*assoc]agent.LinkID), byID: make(map[agent.LinkID]*assoc), wants: make(map[agent.LinkID]bool)}
	i := len(w.elements) + 1
	p.h = w.addHost(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), p)
	p.h.up = true
	w.elements = append(w.elements, p)
	rnd := rand.New(rand.NewPCG(w.rand.Uint64(), 2))
	a, err := agent.New(agent.Config{Rand: rnd, MaxRegAttempt: -1})
	if err != nil {
		panic("sim: " + err.Error())
	}
	p.agent = a
	for _, r := range w.registrars {
		a.AddRegistrar(w.now, agent.Addr{IPs: []netip.Addr{r.h.addr}, Port: asap.Port})
	}
	a.Start(w.now)
	for range n {
		key := agent.Key{Handle: pool, ID: rnd.Uint32() | 1}
		p.Keys = append(p.Keys, key)
		err := a.Register(w.now, agent.Registration{Key: key,
			Transport: param.Transport{Protocol: param.SCTP, Port: elementPort, Use: param.DataPlusControl, Addrs: []netip.Addr{p.h.addr}},
			Policy:    param.Policy{Type: param.RoundRobin},
		})
		if err != nil {
			panic("sim: " + err.Error())
		}
	}
	p.drain()
	return p
}

func (p *ElementHost) base() *host { return p.h }

// Up reports whether the host is there.
func (p *ElementHost) Up() bool { return p.h.up }

// Crash ends the pool elements: their process, or the power of the host.
func (p *ElementHost) Crash(power bool) { p.w.down(p.h, power) }

func (p *ElementHost) listens(n uint16) bool { return n == elementPort }

func (p *ElementHost) accepted(a *assoc, _ uint16) {} // the first message makes it known

func (p *ElementHost) connected(id uint64, _ uint16, a *assoc) {
	l := agent.LinkID(id)
	if !p.wants[l] {
		// It was given up. If the registrar has set it up at the same time, and spoken, it is that one's.
		if _, used := p.links[a]; !used {
			p.w.abort(p.h, a)
		}
		return
	}
	delete(p.wants, l)
	p.links[a], p.byID[l] = l, a
	p.agent.HandleConnected(p.w.now, l, []netip.Addr{a.peer(p.h).host.addr})
	p.drain()
}

var (
	errRefused = errors.New("connection refused")
	errLost    = errors.New("association lost")
)

func (p *ElementHost) failed(id uint64, _ uint16) {
	delete(p.wants, agent.LinkID(id))
	p.agent.HandleLost(p.w.now, agent.LinkID(id), errRefused)
	p.drain()
}

func (p *ElementHost) received(a *assoc, ppid uint32, b []byte) {
	if ppid != asap.PPID {
		return
	}
	l, ok := p.links[a]
	if !ok {
		l = p.agent.HandleInbound(agent.Addr{IPs: []netip.Addr{a.peer(p.h).host.addr}, Port: a.peer(p.h).port})
		p.links[a], p.byID[l] = l, a
	}
	p.agent.HandleMessage(p.w.now, l, b)
	p.drain()
}

func (p *ElementHost) lost(a *assoc, _ engine.Loss) {
	if l, ok := p.links[a]; ok {
		delete(p.links, a)
		delete(p.byID, l)
		p.agent.HandleLost(p.w.now, l, errLost)
		p.drain()
	}
}

func (p *ElementHost) drain() {
	w := p.w
	for {
		x, ok := p.agent.PollAction()
		if !ok {
			break
		}
		switch x := x.(type) {
		case agent.Connect:
			p.wants[x.Link] = true
			w.connect(p.h, elementPort, uint64(x.Link), x.Addr.IPs[0], x.Addr.Port)
		case agent.Send:
			if a := p.byID[x.Link]; a != nil {
				w.send(p.h, a, asap.PPID, x.Data)
			}
		case agent.Disconnect:
			if a := p.byID[x.Link]; a != nil {
				delete(p.links, a)
				delete(p.byID, x.Link)
				w.abort(p.h, a)
			} else {
				delete(p.wants, x.Link)
				w.cancel(p.h, uint64(x.Link))
			}
		}
	}
	for {
		if _, ok := p.agent.PollEvent(); !ok {
			break
		}
	}
	if at, ok := p.agent.Deadline(); ok {
		p.alarm.set(w, at, func() {
			if p.h.up {
				p.agent.HandleTimeout(w.now)
				p.drain()
			}
		})
	}
}

// cancel gives an attempt to set an association up.
func (w *World) cancel(h *host, id uint64) {
	for _, at := range w.attempts {
		if at.from.host == h && at.id == id && at.sides == h.sides {
			w.finish(at)
			return
		}
	}
}
