// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// maxCachedPools bounds the cache. A pool user with more pools than that asks again.
const maxCachedPools = 1024

// cache remembers resolved pools, and selects from them as their policies say.
type cache struct {
	stale    time.Duration // stale_cache_value; negative: no cache
	rand     *rand.Rand
	registry *policy.Registry
	pools    []*cachedPool // least recently filled first
}

type cachedPool struct {
	handle   param.PoolHandle
	policy   param.Policy
	selector policy.Selector[*cachedElement]
	elements []*cachedElement
	held     bool // a registrar tells of changes: nothing goes stale
}

type cachedElement struct {
	param.PoolElement
	outdate time.Time
	member  policy.Member[*cachedElement]
}

func (c *cache) init(cfg Config) {
	c.stale, c.rand, c.registry = cfg.StaleCacheValue, cfg.Rand, cfg.Policies
}

func (c *cache) pool(h param.PoolHandle) *cachedPool {
	i := slices.IndexFunc(c.pools, func(p *cachedPool) bool { return p.handle == h })
	if i < 0 {
		return nil
	}
	return c.pools[i]
}

// fill enters the answer of a registrar. If it is known to be all of the pool, other elements are gone.
//
// RFC 5352, Section 2.2.6: "any load policy parameter within a Pool Element parameter (if present) MUST be ignored, and
// MUST NOT be used to determine the overall pool member selection policy."
func (c *cache) fill(now time.Time, h param.PoolHandle, overall param.Policy, elems []param.PoolElement, all bool) {
	if c.stale < 0 {
		return
	}
	p := c.pool(h)
	if p != nil {
		c.purge(h) // to be the most recent one
	}
	if p == nil || p.policy.Type != overall.Type {
		p = c.newPool(h, overall)
	}
	if len(c.pools) >= maxCachedPools {
		c.pools = slices.Delete(c.pools, 0, 1)
	}
	c.pools = append(c.pools, p)
	for i := range elems {
		p.enter(elems[i], now.Add(c.stale))
	}
	if all {
		p.deleteFunc(func(e *cachedElement) bool {
			return !slices.ContainsFunc(elems, func(o param.PoolElement) bool { return o.ID == e.ID })
		})
	}
}

func (c *cache) newPool(h param.PoolHandle, overall param.Policy) *cachedPool {
	rule, err := c.registry.Rule(overall.Type)
	if err != nil {
		// A policy that is not known here: the registrar's order is the best there is, and taking turns keeps it.
		rule, _ = c.registry.Rule(param.RoundRobin)
	}
	// One of the selected elements is used, the others are in reserve: so one is turned.
	sel, err := policy.NewSelector[*cachedElement](rule, 1)
	if err != nil {
		panic(err) // a Registry has valid rules only
	}
	return &cachedPool{handle: h, policy: overall, selector: sel}
}

// enter inserts an element or brings it up to date.
func (p *cachedPool) enter(pe param.PoolElement, outdate time.Time) {
	i := slices.IndexFunc(p.elements, func(e *cachedElement) bool { return e.ID == pe.ID })
	if i >= 0 {
		e := p.elements[i]
		e.PoolElement, e.outdate = pe, outdate
		if err := p.selector.Update(&e.member, pe.Policy); err != nil {
			p.selector.Update(&e.member, p.fallback(pe))
		}
		return
	}
	e := &cachedElement{PoolElement: pe, outdate: outdate}
	e.member.Elem = e
	if err := p.selector.Insert(&e.member, pe.Policy); err != nil {
		if err := p.selector.Insert(&e.member, p.fallback(pe)); err != nil {
			return
		}
	}
	p.elements = append(p.elements, e)
}

// fallback is the policy parameter of an element whose own does not fit that of the pool.
func (p *cachedPool) fallback(param.PoolElement) param.Policy {
	if p.policy.Type.Known() {
		return p.policy
	}
	return param.Policy{Type: param.RoundRobin}
}

func (p *cachedPool) deleteFunc(gone func(*cachedElement) bool) {
	p.elements = slices.DeleteFunc(p.elements, func(e *cachedElement) bool {
		if !gone(e) {
			return false
		}
		p.selector.Remove(&e.member)
		return true
	})
}

// youngerThan reports whether all that is known of a pool was learnt within age.
func (c *cache) youngerThan(now time.Time, h param.PoolHandle, age time.Duration) bool {
	p := c.pool(h)
	return p != nil && p.held || p != nil && !slices.ContainsFunc(p.elements, func(e *cachedElement) bool {
		return expired(e.outdate.Add(age-c.stale), now)
	})
}

// pick selects up to n elements that are not stale.
func (c *cache) pick(now time.Time, h param.PoolHandle, n uint32) ([]param.PoolElement, param.Policy) {
	p := c.pool(h)
	if p == nil {
		return nil, param.Policy{}
	}
	if !p.held {
		p.deleteFunc(func(e *cachedElement) bool { return expired(e.outdate, now) })
	}
	if len(p.elements) == 0 {
		c.purge(h)
		return nil, param.Policy{}
	}
	picked := p.selector.Select(nil, int(min(n, uint32(len(p.elements)))), c.rand)
	elems := make([]param.PoolElement, len(picked))
	for i, m := range picked {
		elems[i] = m.Elem.PoolElement
	}
	return elems, p.policy
}

// hold keeps what is known of a pool until release: a registrar tells when it changes.
func (c *cache) hold(h param.PoolHandle) {
	if p := c.pool(h); p != nil {
		p.held = true
	}
}

// release lets what is known of a pool go stale, from now on.
func (c *cache) release(now time.Time, h param.PoolHandle) {
	p := c.pool(h)
	if p == nil || !p.held {
		return
	}
	p.held = false
	for _, e := range p.elements {
		e.outdate = now.Add(c.stale)
	}
}

func (c *cache) drop(k Key) {
	if p := c.pool(k.Handle); p != nil {
		p.deleteFunc(func(e *cachedElement) bool { return e.ID == k.ID })
	}
}

func (c *cache) purge(h param.PoolHandle) {
	c.pools = slices.DeleteFunc(c.pools, func(p *cachedPool) bool { return p.handle == h })
}
