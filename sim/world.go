// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
)

// Start is when every world begins.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A Config says what a world is like. Zero values mean the defaults.
type Config struct {
	Seed uint64
	// Latency is the mean time that a message takes. Default: 1 ms.
	Latency time.Duration
	// LossDelay is how long an association lives when its ends do not reach each other, and how long an attempt to set
	// one up takes then. Default: 3 s.
	LossDelay time.Duration
	// MulticastLoss is the part of multicast datagrams that are lost, from 0 to 1; 1 means that there is no multicast.
	MulticastLoss float64
	// Profile is that of the registrars.
	Profile engine.Profile
	// Engine, if set, changes the configuration of each registrar.
	Engine func(*engine.Config)
}

// A World is an operational scope with its network.
type World struct {
	cfg     Config
	rand    *rand.Rand
	now     time.Time
	seq     uint64
	pending events
	hash    hash.Hash64

	hosts     map[netip.Addr]*host
	cut       map[pair]bool
	attempts  []*attempt
	lastAssoc uint64

	registrars []*Registrar
	elements   []*ElementHost

	// Messages counts what was carried.
	Messages uint64
	// Log, if set, gets what the registrars report.
	Log func(format string, args ...any)
}

// New returns an empty world.
func New(cfg Config) *World {
	if cfg.Latency == 0 {
		cfg.Latency = time.Millisecond
	}
	if cfg.LossDelay == 0 {
		cfg.LossDelay = 3 * time.Second
	}
	return &World{cfg: cfg, rand: rand.New(rand.NewPCG(cfg.Seed, 1)), now: Start, hash: fnv.New64a(),
		hosts: make(map[netip.Addr]*host), cut: make(map[pair]bool)}
}

// Trace returns a sum over all messages and when they arrived.
func (w *World) Trace() uint64 { return w.hash.Sum64() }

// Registrars returns all registrars, in the order they were added.
func (w *World) Registrars() []*Registrar { return w.registrars }

// Elements returns all hosts of pool elements, in the order they were added.
func (w *World) Elements() []*ElementHost { return w.elements }

// Rand returns the world's randomness.
func (w *World) Rand() *rand.Rand { return w.rand }

func (w *World) addHost(a netip.Addr, o owner) *host {
	h := &host{addr: a, owner: o}
	w.hosts[a] = h
	return h
}

// A Host is a Registrar or an ElementHost.
type Host interface{ base() *host }

// Cut cuts the link between two hosts, or mends it.
func (w *World) Cut(a, b Host, down bool) {
	x, y := a.base(), b.base()
	if w.cut[pairOf(x.addr, y.addr)] = down; !down {
		w.heal(x)
		return
	}
	for _, s := range x.open {
		if s.peer(x).host == y {
			w.watch(s) // heartbeats find out
		}
	}
}

// down takes a host off the network. When its process ends, the host says so to all peers; when the power fails, nothing
// does.
func (w *World) down(h *host, power bool) {
	if !h.up {
		return
	}
	for _, a := range append([]*assoc(nil), h.open...) {
		if !power {
			w.abort(h, a)
		}
	}
	h.up, h.dark = false, power
	h.sides++
	for _, a := range append([]*assoc(nil), h.open...) {
		a.gone[a.end(h)] = true
		w.watch(a)
	}
}

func (w *World) logf(format string, args ...any) {
	if w.Log != nil {
		w.Log("%9.3f %s", w.Since().Seconds(), fmt.Sprintf(format, args...))
	}
}
