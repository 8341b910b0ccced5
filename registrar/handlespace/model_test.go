// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// checkSpace fails unless all indices say the same.
func checkSpace(t require.TestingT, s *Space) {
	var all []*Element
	owned := map[uint32][]*Element{}
	assocs := map[uint64]int{}
	running := 0
	require.Equal(t, len(s.pools), s.byHandle.Len())
	for p := range s.Pools() {
		require.Same(t, p, s.Pool(p.Handle()))
		require.Positive(t, p.Len())
		require.Equal(t, p.Len(), p.selector.Len())
		for e := range p.Elements() {
			require.Same(t, p, e.Pool())
			require.Same(t, e, s.Lookup(p.Handle(), e.ID()))
			require.True(t, e.In() && e.owned.In())
			require.Equal(t, e.PE().Policy, e.member.Policy())
			require.NoError(t, p.consistent(e.PE()))
			all = append(all, e)
			owned[e.Home()] = append(owned[e.Home()], e)
			if e.Assoc() != 0 {
				assocs[e.Assoc()]++
				require.Contains(t, s.OfAssoc(nil, e.Assoc()), e)
			}
			for k := range Timer(numTimers) {
				if _, ok := e.Deadline(k); ok {
					running++
				}
			}
		}
	}
	require.Len(t, all, s.NumElements())
	require.Equal(t, running, s.timers.Len())
	require.Len(t, s.assocs, len(assocs))
	for a, n := range assocs {
		require.Len(t, s.OfAssoc(nil, a), n)
	}
	require.Equal(t, slices.Sorted(maps.Keys(owned)), slices.Collect(s.Owners()))
	require.Len(t, s.owners, len(owned))
	for home, es := range owned {
		require.Equal(t, len(es), s.NumOwned(home))
		require.Equal(t, naiveChecksum(es), s.Checksum(home))
		require.Equal(t, ids(es), ids(walk(s, WalkOwned(home))))
	}
	require.Equal(t, ids(all), ids(walk(s, WalkAll())))
}

func walk(s *Space, c Cursor) (es []*Element) {
	for e, c := s.Next(c); e != nil; e, c = s.Next(c) {
		es = append(es, e)
	}
	return es
}

type key struct {
	handle param.PoolHandle
	id     uint32
}

// entry is a pool element of the model.
type entry struct {
	pe     param.PoolElement
	assoc  uint64
	timers map[Timer]time.Time
}

// A handlespace and a map are given the same commands and must always say the same.
func TestSpaceAgainstMap(t *testing.T) {
	handles := rapid.SampledFrom([]param.PoolHandle{"a", "b", "bb", "\xff\xff"})
	identifiers := rapid.OneOf(rapid.Uint32Range(0, 5), rapid.Just(uint32(0xffffffff)))
	homes := rapid.Uint32Range(0, 3)
	assocs := rapid.Uint64Range(0, 4)
	timers := rapid.SampledFrom([]Timer{TimerLife, TimerKeepAlive, TimerProbe})
	policies := rapid.SampledFrom([]policy.Policy{policy.RoundRobin{}, policy.WeightedRoundRobin{Weight: 2}, policy.WeightedRoundRobin{},
		policy.Random{}, policy.LeastUsed{Load: 4}, policy.LeastUsed{Load: 7}, policy.LeastUsedDegradation{Degradation: 9}})
	rapid.Check(t, func(t *rapid.T) {
		s, model := space(), map[key]*entry{}
		now := time.Unix(1000, 0)
		keyOf := func(t *rapid.T) key { return key{handles.Draw(t, "handle"), identifiers.Draw(t, "id")} }
		poolOf := func(h param.PoolHandle) (ids []uint32) {
			for k := range model {
				if k.handle == h {
					ids = append(ids, k.id)
				}
			}
			slices.Sort(ids)
			return ids
		}
		t.Repeat(map[string]func(*rapid.T){
			"register": func(t *rapid.T) {
				k, assoc := keyOf(t), assocs.Draw(t, "assoc")
				pe := element(k.id, homes.Draw(t, "home"), policies.Draw(t, "policy"))
				if rapid.IntRange(0, 9).Draw(t, "use") == 0 {
					pe.UserTransport.Use = param.DataOnly
				}
				others, old := poolOf(k.handle), model[k]
				r, err := s.Register(k.handle, pe, assoc)
				if len(others) > 0 {
					o := model[key{k.handle, others[0]}].pe
					if o.Policy.Type != pe.Policy.Type || o.UserTransport.Use != pe.UserTransport.Use {
						require.Error(t, err)
						return
					}
				}
				require.NoError(t, err)
				require.Equal(t, old == nil, r.New)
				require.Equal(t, len(others) == 0, r.NewPool)
				if old == nil {
					old = &entry{timers: map[Timer]time.Time{}}
					model[k] = old
				} else {
					require.Equal(t, old.pe.HomeID, r.OldHome)
					require.Equal(t, old.assoc, r.OldAssoc)
				}
				old.pe, old.assoc = pe, assoc
			},
			"deregister": func(t *rapid.T) {
				k := keyOf(t)
				e := s.Deregister(k.handle, k.id)
				require.Equal(t, model[k] != nil, e != nil)
				delete(model, k)
			},
			"home": func(t *rapid.T) {
				k, home := keyOf(t), homes.Draw(t, "home")
				if e := s.Lookup(k.handle, k.id); e != nil {
					s.SetHome(e, home)
					model[k].pe.HomeID = home
				}
			},
			"lose association": func(t *rapid.T) {
				assoc := assocs.Draw(t, "assoc")
				for _, e := range s.OfAssoc(nil, assoc) {
					k := key{e.Pool().Handle(), e.ID()}
					require.Equal(t, assoc, model[k].assoc)
					delete(model, k)
					require.True(t, s.Remove(e))
				}
				for _, m := range model {
					require.True(t, assoc == 0 || m.assoc != assoc)
				}
			},
			"timer": func(t *rapid.T) {
				k, timer := keyOf(t), timers.Draw(t, "timer")
				e := s.Lookup(k.handle, k.id)
				if e == nil {
					return
				}
				if d := rapid.IntRange(-1, 20).Draw(t, "seconds"); d < 0 {
					s.StopTimer(e, timer)
					delete(model[k].timers, timer)
				} else {
					at := now.Add(time.Duration(d) * time.Second)
					s.SetTimer(e, timer, at)
					model[k].timers[timer] = at
				}
			},
			"expire": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "seconds")) * time.Second)
				last := time.Time{}
				for e, k := s.Expire(now); e != nil; e, k = s.Expire(now) {
					m := model[key{e.Pool().Handle(), e.ID()}]
					at, ok := m.timers[k]
					require.True(t, ok)
					require.False(t, at.Before(last) || at.After(now), "order")
					last = at
					delete(m.timers, k)
				}
				for _, m := range model {
					for _, at := range m.timers {
						require.True(t, at.After(now), "left behind")
					}
				}
			},
			"resolve": func(t *rapid.T) {
				h, n := handles.Draw(t, "handle"), rapid.IntRange(0, 7).Draw(t, "n")
				members := poolOf(h)
				es, err := s.Resolve(nil, h, n)
				require.Equal(t, len(members) == 0, err != nil)
				members = slices.DeleteFunc(members, func(id uint32) bool {
					p := model[key{h, id}].pe.Policy
					return p.Type == param.WeightedRoundRobin && p.Weight == 0
				})
				require.Len(t, es, min(n, len(members)))
				for _, e := range es {
					i := slices.Index(members, e.ID())
					require.GreaterOrEqual(t, i, 0, "twice, or not there")
					members = slices.Delete(members, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				checkSpace(t, s)
				keys := slices.SortedFunc(maps.Keys(model), func(a, b key) int {
					return cmp.Or(cmp.Compare(a.handle, b.handle), cmp.Compare(a.id, b.id))
				})
				es := walk(s, WalkAll())
				require.Len(t, es, len(keys))
				var first time.Time
				for i, k := range keys {
					require.Equal(t, k, key{es[i].Pool().Handle(), es[i].ID()})
					require.Equal(t, model[k].pe, *es[i].PE())
					require.Equal(t, model[k].assoc, es[i].Assoc())
					for timer, at := range model[k].timers {
						got, ok := es[i].Deadline(timer)
						require.True(t, ok && got.Equal(at))
						if first.IsZero() || at.Before(first) {
							first = at
						}
					}
				}
				at, ok := s.NextDeadline()
				require.Equal(t, !first.IsZero(), ok)
				require.True(t, at.Equal(first))
			},
		})
	})
}

// The same commands give the same order, whatever the maps inside do.
func TestSpaceIsDeterministic(t *testing.T) {
	run := func() (trace []uint32) {
		s := space()
		for i := range uint32(300) {
			mustRegister(t, s, param.PoolHandle(rune('a'+i%7)), element(i, i%5, policy.WeightedRandom{Weight: i % 4}), uint64(i%11))
		}
		for p := range s.Pools() {
			for range 5 {
				es, _ := s.Resolve(nil, p.Handle(), 4)
				trace = append(trace, ids(es)...)
			}
		}
		return append(trace, ids(s.OfAssoc(nil, 3))...)
	}
	require.Equal(t, run(), run())
}
