// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"iter"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// DefaultMaxElements bounds the handlespace where [Config] does not: 2^20 elements take about 2 GiB, more than a
// registrar should lose to whoever registers faster than registrations expire.
const DefaultMaxElements = 1 << 20

// Config is what a [Space] needs.
type Config struct {
	// Policies are the supported policies; nil for all of RFC 5356 and RSPLIB.
	Policies *policy.Registry
	// KeepUnknown accepts pools with a policy that is not supported, and selects from them round robin. Otherwise they are
	// rejected. A registrar that drops what its peers own never agrees with them on a checksum.
	KeepUnknown bool
	// Rand is the source of randomness for the randomized policies; it must be set.
	Rand policy.Rand
	// MaxIncrement is how many elements a selection turns to the end of their round; 0 for the 1 of RFC 5356.
	MaxIncrement int
	// MaxElements bounds the number of pool elements; 0 for DefaultMaxElements, negative for no bound.
	MaxElements int
	// Changed, if set, is told of each pool in which there is something else for its users: an element came, has gone, or
	// has other attributes than before, apart from its home and its life. It must not change the handlespace.
	Changed func(*Pool)
}

// A Space is a handlespace. Create it with [New].
type Space struct {
	cfg      Config
	pools    map[param.PoolHandle]*Pool
	byHandle *policy.Tree[*Pool]
	owners   map[uint32]*owner
	byID     *policy.Tree[*owner]
	assocs   map[uint64]*Element // the first of a ring
	timers   *policy.Tree[*timer]
	elements int
	scratch  []*policy.Member[*Element]
}

// New returns an empty handlespace.
func New(cfg Config) *Space {
	if cfg.Policies == nil {
		cfg.Policies = policy.NewRegistry()
	}
	if cfg.MaxElements == 0 {
		cfg.MaxElements = DefaultMaxElements
	}
	return &Space{
		cfg:      cfg,
		pools:    make(map[param.PoolHandle]*Pool),
		byHandle: policy.NewTree(func(a, b *Pool) bool { return a.handle < b.handle }),
		owners:   make(map[uint32]*owner),
		byID:     policy.NewTree(func(a, b *owner) bool { return a.id < b.id }),
		assocs:   make(map[uint64]*Element),
		timers:   policy.NewTree(func(a, b *timer) bool { return a.at.Before(b.at) }),
	}
}

// SetMaxElements changes Config.MaxElements. What is above a lower bound stays.
func (s *Space) SetMaxElements(n int) {
	if n == 0 {
		n = DefaultMaxElements
	}
	s.cfg.MaxElements = n
}

// changed tells of a pool.
func (s *Space) changed(p *Pool) {
	if s.cfg.Changed != nil {
		s.cfg.Changed(p)
	}
}

// NumPools returns the number of pools.
func (s *Space) NumPools() int { return len(s.pools) }

// NumElements returns the number of pool elements in all pools.
func (s *Space) NumElements() int { return s.elements }

// Pool returns the pool with this handle, or nil.
func (s *Space) Pool(h param.PoolHandle) *Pool { return s.pools[h] }

// PoolOf is Pool for a handle in a buffer, without allocating.
func (s *Space) PoolOf(handle []byte) *Pool { return s.pools[param.PoolHandle(handle)] }

// Pools yields all pools in the order of their handles. The handlespace must not change meanwhile.
func (s *Space) Pools() iter.Seq[*Pool] { return s.byHandle.All() }

// Lookup returns a pool element, or nil.
func (s *Space) Lookup(h param.PoolHandle, id uint32) *Element {
	if p := s.pools[h]; p != nil {
		return p.Lookup(id)
	}
	return nil
}

// Resolve selects up to n elements of a pool by its policy and appends them to dst, the one to try first in front. It
// turns the order of the pool for the next call. There may be none: elements of weight 0 are not selected. The error is
// an [*Error] with the cause Unknown Pool Handle.
func (s *Space) Resolve(dst []*Element, h param.PoolHandle, n int) ([]*Element, error) {
	p := s.pools[h]
	if p == nil {
		return dst, &Error{Code: param.CauseUnknownPoolHandle, Handle: h}
	}
	return s.Select(dst, p, n), nil
}

// Select is Resolve for a pool at hand.
func (s *Space) Select(dst []*Element, p *Pool, n int) []*Element {
	s.scratch = p.selector.Select(s.scratch[:0], n, s.cfg.Rand)
	for _, m := range s.scratch {
		dst = append(dst, m.Elem)
	}
	clear(s.scratch) // do not keep removed elements
	return dst
}
