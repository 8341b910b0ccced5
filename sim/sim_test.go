// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/stretchr/testify/require"
)

var (
	seedsFlag = flag.Int("sim.seeds", 2, "run each simulation with this many seeds")
	seedFlag  = flag.Uint64("seed", 1, "the first seed")
	verbose   = flag.Bool("sim.log", false, "log what the registrars report")
)

// reregistration is when all elements have registered again (T4-reregistration of RFC 5352, Section 7.1).
const reregistration = 11 * time.Minute

// settle lets time pass until the scope has converged; longer if nobody can see that it has not.
func settle(t *testing.T, w *World, limit time.Duration) {
	t.Helper()
	err := converge(w, limit)
	if errors.Is(err, ErrUnseen) {
		t.Logf("seed %d, after %v: %v", w.cfg.Seed, w.Since(), err)
		err = converge(w, reregistration)
	}
	require.NoError(t, err, "seed %d, after %v", w.cfg.Seed, w.Since())
}

func converge(w *World, limit time.Duration) (err error) {
	for end := w.Now().Add(limit); !w.Now().After(end); w.Run(100 * time.Millisecond) {
		if err = w.Converged(); err == nil {
			return nil
		}
	}
	return err
}

func world(t *testing.T, cfg Config) *World {
	w := New(cfg)
	if *verbose {
		w.Log = t.Logf
	}
	return w
}

// scope starts registrars that know the first one, and elements.
func scope(w *World, registrars, hosts int) {
	for i := range registrars {
		r := w.AddRegistrar()
		if i > 0 {
			r.AddStatic(w.Registrars()[0])
		}
	}
	for _, r := range w.Registrars() {
		r.Start(0)
	}
	for i := range hosts {
		w.AddElements(param.PoolHandle(fmt.Sprintf("Pool%d", i%17)), 1+i%3)
	}
}

// Two registrars find each other and share what they know; one crashes, and comes back with its identifier.
func TestSimTwoRegistrars(t *testing.T) {
	w := world(t, Config{Seed: *seedFlag})
	scope(w, 2, 10)
	settle(t, w, 20*time.Second)
	r := w.Registrars()[0]
	r.Crash(false)
	at := w.Now()
	settle(t, w, time.Second)
	require.Less(t, w.Now().Sub(at), time.Second)
	r.Start(r.Engine().ServerID())
	settle(t, w, 20*time.Second)
}

// forSeeds runs a simulation with several seeds, and those that have once failed.
func forSeeds(t *testing.T, known []uint64, run func(t *testing.T, seed uint64)) {
	seeds := known
	for i := range uint64(*seedsFlag) {
		seeds = append(seeds, *seedFlag+i)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { run(t, seed) })
	}
}

// Registrars and pool elements crash and restart, links fail, multicast is lost; then there is peace, and everything is as
// it should be: no element is lost or owned by two.
func TestSimChaos(t *testing.T) {
	forSeeds(t, nil, func(t *testing.T, seed uint64) {
		w := world(t, Config{Seed: seed, MulticastLoss: []float64{0, 0.3, 1}[seed%3]})
		n := 2 + int(seed%6)
		scope(w, n, 40+int(seed%5)*20)
		settle(t, w, 30*time.Second)
		rnd := w.Rand()
		for range 20 {
			w.Run(time.Duration(rnd.IntN(6000)) * time.Millisecond)
			r := w.Registrars()[rnd.IntN(n)]
			q := w.Registrars()[rnd.IntN(n)]
			p := w.Elements()[rnd.IntN(len(w.Elements()))]
			switch rnd.IntN(6) {
			case 0, 1:
				if r.Up() {
					r.Crash(rnd.IntN(2) == 0)
				}
			case 2:
				r.Start([]uint32{0, r.Engine().ServerID()}[rnd.IntN(2)])
			case 3:
				if r != q {
					down := rnd.IntN(2) == 0
					w.logf("%v and %v: cut %v", r.h.addr, q.h.addr, down)
					w.Cut(r, q, down)
				}
			case 4:
				down := rnd.IntN(2) == 0
				w.logf("%v and %v: cut %v", r.h.addr, p.h.addr, down)
				w.Cut(r, p, down)
			case 5:
				p.Crash(rnd.IntN(2) == 0)
				w.AddElements("New", 2)
			}
		}
		w.logf("peace")
		for _, r := range w.Registrars() {
			r.Start(0)
			for _, q := range w.Registrars() {
				if q != r {
					w.Cut(r, q, false)
				}
			}
			for _, p := range w.Elements() {
				w.Cut(r, p, false)
			}
		}
		settle(t, w, 5*time.Minute)
		w.Run(10 * time.Second)
		require.NoError(t, w.Converged(), "seed %d: it stays so", seed)
	})
}

// The same seed gives the same run.
func TestSimIsDeterministic(t *testing.T) {
	run := func() (uint64, uint64) {
		w := world(t, Config{Seed: *seedFlag, MulticastLoss: 0.2})
		scope(w, 4, 50)
		w.Run(7 * time.Second)
		w.Registrars()[1].Crash(true)
		w.Run(20 * time.Second)
		w.Registrars()[1].Start(0)
		w.Run(20 * time.Second)
		return w.Trace(), w.Messages
	}
	t1, n1 := run()
	t2, n2 := run()
	require.Equal(t, n1, n2)
	require.Equal(t, t1, t2)
}

// 16 registrars and a thousand pool elements; half of the registrars crash at the same time.
func TestSimLargeScope(t *testing.T) {
	forSeeds(t, nil, func(t *testing.T, seed uint64) {
		if seed > *seedFlag && *seedsFlag < 10 {
			t.Skip("one is enough for a short run")
		}
		w := world(t, Config{Seed: seed, MulticastLoss: 0.1})
		scope(w, 16, 500)
		settle(t, w, 30*time.Second)
		for i, r := range w.Registrars() {
			if i%2 == 0 {
				r.Crash(i%4 == 0)
			}
		}
		at := w.Now()
		settle(t, w, 30*time.Second)
		t.Logf("%d messages, converged %v after the crash", w.Messages, w.Now().Sub(at))
		for _, r := range w.Registrars() {
			r.Start(0)
		}
		settle(t, w, 30*time.Second)
	})
}

// The scope falls apart in two, each of which goes on for itself, and grows together again.
func TestSimPartition(t *testing.T) {
	forSeeds(t, nil, func(t *testing.T, seed uint64) {
		w := world(t, Config{Seed: seed, MulticastLoss: []float64{0.1, 1}[seed%2]})
		scope(w, 4, 60)
		settle(t, w, 30*time.Second)
		side := func(i int) bool { return i%2 == 0 }
		cut := func(down bool) {
			for i, r := range w.Registrars() {
				for j, q := range w.Registrars() {
					if i < j && side(i) != side(j) {
						w.Cut(r, q, down)
					}
				}
				for j, p := range w.Elements() {
					// Some reach both sides.
					if side(i) != side(j) && j%5 != 0 {
						w.Cut(r, p, down)
					}
				}
			}
		}
		cut(true)
		w.Run(time.Duration(20+seed%60) * time.Second)
		for i, r := range w.Registrars() {
			for _, p := range r.Engine().Peers() {
				require.NotEqual(t, engine.PeerTakeover, p.State, "registrar %d", i)
			}
		}
		cut(false)
		settle(t, w, 3*time.Minute)
	})
}

// RFC profile: its timers, and the arbitration the other way round.
func TestSimProfileRFC(t *testing.T) {
	forSeeds(t, nil, func(t *testing.T, seed uint64) {
		w := world(t, Config{Seed: seed, Profile: engine.ProfileRFC, LossDelay: 4 * time.Second})
		scope(w, 5, 40)
		settle(t, w, time.Minute)
		w.Registrars()[2].Crash(true)
		settle(t, w, 2*time.Minute)
		w.Registrars()[2].Start(0)
		w.Registrars()[0].Crash(false)
		w.Registrars()[4].Crash(false)
		settle(t, w, 2*time.Minute)
	})
}

// Suggested takeovers move elements to the registrars that are the better homes for them; none is missed meanwhile.
func TestSimTakeoverSuggestion(t *testing.T) {
	forSeeds(t, nil, func(t *testing.T, seed uint64) {
		w := world(t, Config{Seed: seed, Profile: engine.ProfileRFC, Engine: func(c *engine.Config) { c.ENRP.SuggestTakeover = true }})
		scope(w, 4, 40)
		settle(t, w, time.Minute)
		for range 200 {
			w.Run(500 * time.Millisecond)
			for _, r := range w.Registrars() {
				require.Equal(t, len(w.Elements())*2-1, r.Engine().Stats().Elements, "seed %d, after %v", seed, w.Since())
			}
		}
		require.NoError(t, w.Converged())
		best := 0
		for _, p := range w.Elements() {
			if len(p.Keys) > 1 {
				continue // moves with the others of its process
			}
			best++
			for _, r := range w.Registrars() {
				for _, q := range w.Registrars() {
					if el := find(q, p.Keys[0]); el != nil {
						require.LessOrEqual(t, r.Engine().ServerID()^el.ID, el.HomeID^el.ID)
					}
				}
			}
		}
		require.Positive(t, best)
	})
}

// After a crash without a word, with the elements' registrar gone, all of them are there all the time, and owned again soon.
func TestSimNobodyIsMissed(t *testing.T) {
	forSeeds(t, []uint64{528}, func(t *testing.T, seed uint64) { // 528: two checksums are the same by chance
		w := world(t, Config{Seed: seed})
		scope(w, 3, 60)
		settle(t, w, 30*time.Second)
		n := w.Registrars()[1].Engine().Stats().Elements
		w.Registrars()[0].Crash(seed%2 == 0)
		for range 300 {
			w.Run(100 * time.Millisecond)
			for _, r := range w.Registrars()[1:] {
				require.Equal(t, n, r.Engine().Stats().Elements, "seed %d, after %v", seed, w.Since())
			}
		}
		require.NoError(t, w.Converged())
		for _, r := range w.Registrars()[1:] {
			require.LessOrEqual(t, r.Engine().Stats().Resyncs, uint64(8), "seed %d: no storm", seed)
		}
	})
}

func find(r *Registrar, k agent.Key) *engine.Element {
	for _, p := range r.Engine().Snapshot().Pools {
		for i := range p.Elements {
			if p.Handle == k.Handle && p.Elements[i].ID == k.ID {
				return &p.Elements[i]
			}
		}
	}
	return nil
}
