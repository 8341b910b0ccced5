// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"

	"github.com/rserpool/rserpool/asap/param"
)

// A Policy is what a pool element registers with: the policy of its pool and its own part in it. All elements of a
// pool have the same policy type. The types of this package implement it, and your own may: the wire format comes from
// Param, the selection from a [Rule].
type Policy interface {
	// Param returns the Pool Member Selection Policy parameter of RFC 5354, Section 3.8.
	Param() param.Policy
	// String returns the text form that [Parse] reads, without the load.
	String() string
}

// Loads and degradations are parts of 0xffffffff, which is 100 %; [Fraction] makes them from a number between 0 and 1.
type (
	// RoundRobin takes the elements in turn: RFC 5356, Section 4.1. It is the default policy.
	RoundRobin struct{}
	// WeightedRoundRobin takes the elements in turn, each as often as its weight: RFC 5356, Section 4.2. An element of
	// weight 0 is never selected.
	WeightedRoundRobin struct{ Weight uint32 }
	// Random takes any element: RFC 5356, Section 4.3.
	Random struct{}
	// WeightedRandom takes any element with a probability proportional to its weight: RFC 5356, Section 4.4. An element of
	// weight 0 is never selected.
	WeightedRandom struct{ Weight uint32 }
	// Priority takes the elements with the highest priorities: RFC 5356, Section 4.5.
	Priority struct{ Priority uint32 }
	// LeastUsed takes the elements with the lowest load: RFC 5356, Section 5.1.
	LeastUsed struct{ Load uint32 }
	// LeastUsedDegradation is LeastUsed that counts Degradation on top of Load for each selection since the last update:
	// RFC 5356, Section 5.2.
	LeastUsedDegradation struct{ Load, Degradation uint32 }
	// PriorityLeastUsed takes the elements whose load will be lowest with one more user: RFC 5356, Section 5.3.
	PriorityLeastUsed struct{ Load, Degradation uint32 }
	// RandomizedLeastUsed takes any element with a probability proportional to its free capacity: RFC 5356, Section 5.4.
	RandomizedLeastUsed struct{ Load uint32 }
	// Other is any policy as its parameter: RSPLIB's private ones, and those that this package does not know.
	Other param.Policy
)

// Fraction returns f, from 0 to 1, as a part of 0xffffffff. What lies outside is clamped.
func Fraction(f float64) uint32 { return param.Fraction(f) }

// Param implements [Policy].
func (RoundRobin) Param() param.Policy { return param.Policy{Type: param.RoundRobin} }

// Param implements [Policy].
func (p WeightedRoundRobin) Param() param.Policy {
	return param.Policy{Type: param.WeightedRoundRobin, Weight: p.Weight}
}

// Param implements [Policy].
func (Random) Param() param.Policy { return param.Policy{Type: param.Random} }

// Param implements [Policy].
func (p WeightedRandom) Param() param.Policy {
	return param.Policy{Type: param.WeightedRandom, Weight: p.Weight}
}

// Param implements [Policy].
func (p Priority) Param() param.Policy {
	return param.Policy{Type: param.Priority, Priority: p.Priority}
}

// Param implements [Policy].
func (p LeastUsed) Param() param.Policy { return param.Policy{Type: param.LeastUsed, Load: p.Load} }

// Param implements [Policy].
func (p LeastUsedDegradation) Param() param.Policy {
	return param.Policy{Type: param.LeastUsedDegradation, Load: p.Load, LoadDegradation: p.Degradation}
}

// Param implements [Policy].
func (p PriorityLeastUsed) Param() param.Policy {
	return param.Policy{Type: param.PriorityLeastUsed, Load: p.Load, LoadDegradation: p.Degradation}
}

// Param implements [Policy].
func (p RandomizedLeastUsed) Param() param.Policy {
	return param.Policy{Type: param.RandomizedLeastUsed, Load: p.Load}
}

// Param implements [Policy].
func (p Other) Param() param.Policy { return param.Policy(p) }

func (RoundRobin) String() string             { return "RoundRobin" }
func (p WeightedRoundRobin) String() string   { return Other(p.Param()).String() }
func (Random) String() string                 { return "Random" }
func (p WeightedRandom) String() string       { return Other(p.Param()).String() }
func (p Priority) String() string             { return Other(p.Param()).String() }
func (p LeastUsed) String() string            { return Other(p.Param()).String() }
func (p LeastUsedDegradation) String() string { return Other(p.Param()).String() }
func (p PriorityLeastUsed) String() string    { return Other(p.Param()).String() }
func (p RandomizedLeastUsed) String() string  { return Other(p.Param()).String() }

func (p Other) String() string {
	q := param.Policy(p)
	for _, f := range forms {
		if f.typ != q.Type {
			continue
		}
		s := f.name
		for _, a := range f.args {
			if v := *a.field(&q); a.fraction {
				s += ":" + strconv.FormatFloat(param.Float(v), 'g', 10, 64)
			} else {
				s += ":" + strconv.FormatUint(uint64(v), 10)
			}
		}
		return s
	}
	return fmt.Sprintf("%#08x", uint32(q.Type))
}

// FromParam returns the typed form of a parameter; Other for the types that have none.
func FromParam(p param.Policy) Policy {
	switch p.Type {
	case param.RoundRobin:
		return RoundRobin{}
	case param.WeightedRoundRobin:
		return WeightedRoundRobin{p.Weight}
	case param.Random:
		return Random{}
	case param.WeightedRandom:
		return WeightedRandom{p.Weight}
	case param.Priority:
		return Priority{p.Priority}
	case param.LeastUsed:
		return LeastUsed{p.Load}
	case param.LeastUsedDegradation:
		return LeastUsedDegradation{p.Load, p.LoadDegradation}
	case param.PriorityLeastUsed:
		return PriorityLeastUsed{p.Load, p.LoadDegradation}
	case param.RandomizedLeastUsed:
		return RandomizedLeastUsed{p.Load}
	}
	return Other(p)
}

// WithLoad returns the policy with another load, a part of 0xffffffff, for the next re-registration. Policies without a
// load are returned as they are.
func WithLoad(p Policy, load uint32) Policy {
	q := p.Param()
	if !q.Type.Known() || !q.Type.Adaptive() {
		return p
	}
	q.Load = load
	return FromParam(q)
}
