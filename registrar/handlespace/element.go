// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"iter"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// A Pool is a set of elements with the same handle. It exists while it has elements.
type Pool struct {
	handle    param.PoolHandle
	policy    param.Policy    // of the element that created the pool
	transport param.Transport // likewise
	sum       uint64          // of the handle, for the PE checksum
	selector  policy.Selector[*Element]
	elements  *policy.Tree[*Element]
	node      policy.Node[*Pool]
}

// Handle returns the pool handle.
func (p *Pool) Handle() param.PoolHandle { return p.handle }

// Policy returns the policy parameter of the element that created the pool. Its type is the overall policy of the pool;
// its other fields say nothing about other elements.
func (p *Pool) Policy() param.Policy { return p.policy }

// Protocol returns the overall transport type of the pool.
func (p *Pool) Protocol() param.Protocol { return p.transport.Protocol }

// Use returns the overall data/control channel configuration of the pool.
func (p *Pool) Use() param.TransportUse { return p.transport.Use }

// Len returns the number of elements.
func (p *Pool) Len() int { return p.elements.Len() }

// Lookup returns an element of the pool, or nil.
func (p *Pool) Lookup(id uint32) *Element {
	n := p.elements.First(func(e *Element) bool { return e.pe.ID >= id })
	if n == nil || n.Value.pe.ID != id {
		return nil
	}
	return n.Value
}

// Elements yields the elements of the pool in the order of their identifiers. The pool must not change meanwhile.
func (p *Pool) Elements() iter.Seq[*Element] { return p.elements.All() }

// An Element is a pool element. Its exported fields belong to the caller, apart from what is said there.
type Element struct {
	// BadReports counts the reports that the element is unreachable: the variable of RFC 5352, Section 3.5. Nothing here
	// changes it.
	BadReports uint32
	// Marked is the mark of the re-synchronization in RFC 5353, Section 3.6.3; Register removes it.
	Marked bool

	// What a handle resolution reads lies together, at the start: in a large handlespace nothing of it is in the cache.
	pool *Pool

	member policy.Member[*Element]
	pe     param.PoolElement
	assoc  uint64
	byID   policy.Node[*Element] // in the pool
	owned  policy.Node[*Element] // at the owner
	timers [numTimers]timer

	nextOfAssoc, prevOfAssoc *Element // ring; nil without association
}

// Pool returns the pool of the element. It stays the same after the element was removed.
func (e *Element) Pool() *Pool { return e.pool }

// ID returns the PE identifier.
func (e *Element) ID() uint32 { return e.pe.ID }

// Home returns the identifier of the home ENRP server, the owner.
func (e *Element) Home() uint32 { return e.pe.HomeID }

// Assoc returns the association the element was registered over; 0 if there is none here.
func (e *Element) Assoc() uint64 { return e.assoc }

// PE returns the Pool Element parameter. It must not be changed.
func (e *Element) PE() *param.PoolElement { return &e.pe }

// Shown returns what SetShown was given since the attributes of the element changed last.
func (e *Element) Shown() []byte { return e.member.Near }

// SetShown keeps a copy of the Pool Element parameter as the caller shows it to others.
func (e *Element) SetShown(b []byte) {
	if e.member.Near == nil {
		e.member.Near = make([]byte, 0, (len(b)+63)&^63) // whole cache lines
	}
	e.member.Near = append(e.member.Near[:0], b...)
}

func (e *Element) unshow() { e.member.Near = e.member.Near[:0] }

// In reports whether the element is in the handlespace: it has not been removed.
func (e *Element) In() bool { return e.byID.In() }

// Selections returns how often the element was selected since it registered last, where its policy counts that.
func (e *Element) Selections() uint64 { return e.member.Selections() }
