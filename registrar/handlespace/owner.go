// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"iter"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// owner is what one home ENRP server owns. It exists while it owns something.
type owner struct {
	id       uint32
	elements *policy.Tree[*Element] // by handle and identifier
	sum      uint64                 // of all byte blocks as 16-bit words; exact, so that it can be subtracted from
	sumLong  uint64                 // of these, of those with long handles
	node     policy.Node[*owner]
}

// SetHome makes another ENRP server the owner of an element.
func (s *Space) SetHome(e *Element, home uint32) {
	if !e.In() || e.pe.HomeID == home {
		return
	}
	s.disown(e)
	e.pe.HomeID = home
	e.unshow()
	s.own(e)
}

// NumOwned returns the number of elements an ENRP server owns.
func (s *Space) NumOwned(home uint32) int {
	if o := s.owners[home]; o != nil {
		return o.elements.Len()
	}
	return 0
}

// Owners yields the identifiers of all ENRP servers that own something, in ascending order, 0 among them if there are
// elements without an owner. The handlespace must not change meanwhile.
func (s *Space) Owners() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for o := range s.byID.All() {
			if !yield(o.id) {
				return
			}
		}
	}
}

// Checksum returns the PE checksum of what an ENRP server owns: "pe_checksum_pr" of RFC 5353, Section 3.6.
//
// RFC 5353, Section 3.6.2: "The PE checksum calculation MUST use the Internet algorithm described in [RFC1071]."
func (s *Space) Checksum(home uint32) param.PEChecksum {
	o := s.owners[home]
	if o == nil {
		return checksum(0)
	}
	return checksum(o.sum)
}

// ShortChecksum is the PE checksum without the elements whose pool handle is longer than param.MaxHandleRSPLIB: for peers
// that are not told of them.
func (s *Space) ShortChecksum(home uint32) param.PEChecksum {
	o := s.owners[home]
	if o == nil {
		return checksum(0)
	}
	return checksum(o.sum - o.sumLong)
}

func checksum(sum uint64) param.PEChecksum {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return param.PEChecksum(^uint16(sum))
}

func (s *Space) own(e *Element) {
	o := s.owners[e.pe.HomeID]
	if o == nil {
		o = &owner{id: e.pe.HomeID, elements: policy.NewTree(byHandleAndID)}
		o.node.Value = o
		s.owners[o.id] = o
		s.byID.Insert(&o.node)
	}
	o.elements.Insert(&e.owned)
	// RFC 5353, Section 3.6.2: "it can instead simply update the checksum by adding or subtracting the byte block of the
	// corresponding PE from the previous checksum value."
	o.sum += e.sum()
	o.sumLong += e.sumLong()
}

func (s *Space) disown(e *Element) {
	o := s.owners[e.pe.HomeID]
	o.elements.Remove(&e.owned)
	o.sum -= e.sum()
	o.sumLong -= e.sumLong()
	if o.elements.Len() == 0 {
		delete(s.owners, o.id)
		s.byID.Remove(&o.node)
	}
}

// sum adds up the byte block of an element as 16-bit words: its pool handle and its identifier.
func (e *Element) sum() uint64 { return e.pool.sum + uint64(e.pe.ID>>16) + uint64(e.pe.ID&0xffff) }

// sumLong is sum for an element with a long handle, else 0.
func (e *Element) sumLong() uint64 {
	if len(e.pool.handle) <= param.MaxHandleRSPLIB {
		return 0
	}
	return e.sum()
}

// sumOf adds up the 16-bit words of a handle.
//
// RFC 5353, Section 3.6.2: "padded with zeros to next 32-bit word boundary, if needed"
func sumOf(h param.PoolHandle) uint64 {
	var sum uint64
	for i := range len(h) {
		sum += uint64(h[i]) << (8 * (1 - i%2))
	}
	return sum
}

func byHandleAndID(a, b *Element) bool {
	if a.pool != b.pool && a.pool.handle != b.pool.handle {
		return a.pool.handle < b.pool.handle
	}
	return a.pe.ID < b.pe.ID
}
