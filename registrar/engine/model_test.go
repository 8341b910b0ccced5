// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A model is a registrar for people who read slowly. It knows one pool policy per pool and looks at everything.
type model struct {
	elements map[string]*modelElement
	assocs   map[uint64]string // address
	now      time.Time
}

type modelElement struct {
	pool    string
	id      uint32
	policy  param.PolicyType
	assoc   uint64
	expires time.Time
	reports int
}

func (m *model) key(pool string, id uint32) string { return fmt.Sprintf("%s/%d", pool, id) }

func (m *model) pool(pool string) (ids []uint32, policy param.PolicyType) {
	for _, el := range m.elements {
		if el.pool == pool {
			ids, policy = append(ids, el.id), el.policy
		}
	}
	slices.Sort(ids)
	return ids, policy
}

func (m *model) advance(d time.Duration) {
	m.now = m.now.Add(d)
	for k, el := range m.elements {
		if !el.expires.After(m.now) {
			delete(m.elements, k)
		}
	}
}

// register returns whether it is granted.
func (m *model) register(assoc uint64, pool string, id uint32, policy param.PolicyType, life uint32, addr string) bool {
	if addr != m.assocs[assoc] {
		return false
	}
	if ids, p := m.pool(pool); len(ids) > 0 && p != policy {
		return false
	}
	el := m.elements[m.key(pool, id)]
	if el != nil && m.assocs[el.assoc] != m.assocs[assoc] {
		return false
	}
	m.elements[m.key(pool, id)] = &modelElement{pool: pool, id: id, policy: policy, assoc: assoc,
		expires: m.now.Add(time.Duration(life) * time.Second)}
	return true
}

// Whatever happens, engine and model say the same. RFC 5352, Sections 3.1 to 3.5.
func TestEngineAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newScene(t, func(c *Config) { c.Profile = ProfileRFC })
		m := &model{elements: make(map[string]*modelElement), assocs: make(map[uint64]string), now: start}
		pools := rapid.SampledFrom([]string{"A", "a pool with a longer name"})
		id := rapid.Uint32Range(1, 3)
		addr := rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2"})
		policies := rapid.SampledFrom([]param.PolicyType{param.RoundRobin, param.RoundRobin, param.Random, param.LeastUsed})
		var last uint64
		up := func(addr string) {
			last++
			m.assocs[last] = addr
			s.up(last, host(addr))
		}
		up("10.0.0.1")
		up("10.0.0.1")
		assoc := func() uint64 {
			if len(m.assocs) == 0 {
				t.Skip("no association")
			}
			var all []uint64
			for a := range m.assocs {
				all = append(all, a)
			}
			slices.Sort(all)
			return rapid.SampledFrom(all).Draw(t, "assoc")
		}
		t.Repeat(map[string]func(*rapid.T){
			"up": func(t *rapid.T) { up(addr.Draw(t, "addr")) },
			"lost": func(t *rapid.T) {
				a := assoc()
				s.lost(a)
				delete(m.assocs, a)
				for k, el := range m.elements {
					if el.assoc == a {
						delete(m.elements, k)
					}
				}
			},
			"register": func(t *rapid.T) {
				a, pool, id, policy, life := assoc(), pools.Draw(t, "pool"), id.Draw(t, "id"), policies.Draw(t, "policy"), rapid.Uint32Range(1, 20).Draw(t, "life")
				from := m.assocs[a]
				if rapid.IntRange(0, 9).Draw(t, "wrong") == 0 {
					from = addr.Draw(t, "addr")
				}
				want := "0300"
				if !m.register(a, pool, id, policy, life, from) {
					want = "0301"
				}
				require.Equal(t, []string{want}, heads(s.in(a, with(reg(pool, id, from), func(pe *param.PoolElement) {
					pe.Policy.Type, pe.Life = policy, life
				}))))
			},
			"deregister": func(t *rapid.T) {
				a, pool, id := assoc(), pools.Draw(t, "pool"), id.Draw(t, "id")
				out := s.in(a, dereg(pool, id))
				el := m.elements[m.key(pool, id)]
				refused := el != nil && m.assocs[el.assoc] != m.assocs[a]
				if !refused {
					delete(m.elements, m.key(pool, id))
				}
				r, _, err := asap.Parse(unhex(t, out[0]))
				require.NoError(t, err)
				require.Equal(t, refused, len(r.(*asap.DeregistrationResponse).Errors) > 0)
			},
			"resolve": func(t *rapid.T) {
				a, pool := assoc(), pools.Draw(t, "pool")
				n := rapid.Uint32Range(0, 6).Draw(t, "items")
				got := ids(t, s.in(a, resolve(pool, n)))
				want, _ := m.pool(pool)
				if n == 0 {
					n = DefaultMaxResolutionItems
				}
				require.Len(t, got, min(len(want), int(n)))
				slices.Sort(got)
				require.Len(t, slices.Compact(got), len(got), "each once")
				for _, id := range got {
					require.Contains(t, want, id)
				}
			},
			"report": func(t *rapid.T) {
				a, pool, id := assoc(), pools.Draw(t, "pool"), id.Draw(t, "id")
				for _, o := range s.in(a, report(pool, id)) {
					s.answer = func(uint32) bool { return true }
					s.keptAlive(o)
				}
				if el := m.elements[m.key(pool, id)]; el != nil {
					if el.reports++; el.reports > DefaultMaxBadPEReport {
						delete(m.elements, m.key(pool, id))
					}
				}
			},
			"wait": func(t *rapid.T) {
				d := time.Duration(rapid.IntRange(1, 8000).Draw(t, "ms")) * time.Millisecond
				s.advance(d)
				m.advance(d)
			},
			"": func(t *rapid.T) {
				st := s.e.Stats()
				require.Equal(t, len(m.elements), st.Elements)
				require.Equal(t, len(m.assocs), st.Associations)
				perAssoc := make(map[uint64]int)
				for _, p := range s.e.Snapshot().Pools {
					for _, el := range p.Elements {
						w := m.elements[m.key(string(p.Handle), el.ID)]
						require.NotNil(t, w, "%s/%d", p.Handle, el.ID)
						require.Equal(t, w.assoc, el.Assoc)
						require.Equal(t, w.expires, el.Expires)
						require.EqualValues(t, w.reports, el.BadReports)
						require.Equal(t, uint32(serverID), el.HomeID)
						perAssoc[el.Assoc]++
					}
				}
				for id, a := range s.e.assocs {
					require.Equal(t, perAssoc[id], a.elements)
				}
			},
		})
	})
}
