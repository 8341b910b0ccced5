// SPDX-License-Identifier: Apache-2.0

package param

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// PolicyType is a pool member selection policy, RFC 5356, Section 7.1.
type PolicyType uint32

// The policies of RFC 5356.
const (
	RoundRobin           PolicyType = 0x00000001 // RR
	WeightedRoundRobin   PolicyType = 0x00000002 // WRR
	Random               PolicyType = 0x00000003 // RAND
	WeightedRandom       PolicyType = 0x00000004 // WRAND
	Priority             PolicyType = 0x00000005 // PRIO
	LeastUsed            PolicyType = 0x40000001 // LU
	LeastUsedDegradation PolicyType = 0x40000002 // LUD
	PriorityLeastUsed    PolicyType = 0x40000003 // PLU
	RandomizedLeastUsed  PolicyType = 0x40000004 // RLU
)

// RSPLIB's policies, from the private space of RFC 5356. RSPLIB knows the numbers of the last two, but neither sends
// nor parses them; their fields follow those of LeastUsedDegradationDPF.
const (
	RandomizedPriorityLeastUsed            PolicyType = 0xb0001001 // RPLU
	RandomizedLeastUsedDegradation         PolicyType = 0xb0001002 // RLUD
	PriorityLeastUsedDegradation           PolicyType = 0xb0001003 // PLUD
	RandomizedPriorityLeastUsedDegradation PolicyType = 0xb0001004 // RPLUD
	WeightedRandomDPF                      PolicyType = 0xb0002001 // WRAND-DPF
	LeastUsedDPF                           PolicyType = 0xb0002002 // LU-DPF
	LeastUsedDegradationDPF                PolicyType = 0xb0002003 // LUD-DPF
	PriorityLeastUsedDPF                   PolicyType = 0xb0002004 // PLU-DPF
	PriorityLeastUsedDegradationDPF        PolicyType = 0xb0002005 // PLUD-DPF
)

// Policy is the Pool Member Selection Policy parameter, RFC 5354, Section 3.8 and RFC 5356: a type and the fields
// that belong to it; the others are zero. Policies are comparable with ==.
//
// Loads and fractions are parts of 0xffffffff, which is 100 %; see [Fraction].
type Policy struct {
	Type PolicyType

	Weight          uint32 // WRR, WRAND, WRAND-DPF: capacity relative to others
	Priority        uint32 // PRIO: larger is preferred
	Load            uint32 // adaptive policies: how much of the pool element is used
	LoadDegradation uint32 // LUD, PLU and kin: what one more user adds to Load
	LoadDPF         uint32 // LU-DPF and kin: delay penalty factor on Load
	WeightDPF       uint32 // WRAND-DPF: delay penalty factor on Weight
	Distance        uint32 // policies with DPF: distance in milliseconds, filled in by registrars

	// Data is the Policy-specific Data of a type that is not known here; it is carried along unchanged.
	Data string
}

// field is one of the numbers of a Policy.
type field uint8

const (
	fWeight field = iota
	fPriority
	fLoad
	fLoadDeg
	fLoadDPF
	fWeightDPF
	fDistance
)

// of points to the number in p.
func (f field) of(p *Policy) *uint32 {
	switch f {
	case fWeight:
		return &p.Weight
	case fPriority:
		return &p.Priority
	case fLoad:
		return &p.Load
	case fLoadDeg:
		return &p.LoadDegradation
	case fLoadDPF:
		return &p.LoadDPF
	case fWeightDPF:
		return &p.WeightDPF
	default:
		return &p.Distance
	}
}

// fieldNames are those of the fields of a Policy.
var fieldNames = [...]string{"Weight", "Priority", "Load", "LoadDegradation", "LoadDPF", "WeightDPF", "Distance"}

// Fields yields the fields that belong to the type, by their names in Policy and in the order of the wire; none if this
// package does not know the type.
func (p Policy) Fields() iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for _, f := range policies[p.Type].fields {
			if !yield(fieldNames[f], *f.of(&p)) {
				return
			}
		}
	}
}

// policies lists, per type, the names and the fields in the order of the wire.
var policies = map[PolicyType]struct {
	name, short string
	fields      []field
}{
	RoundRobin:           {"Round Robin", "RR", nil},
	WeightedRoundRobin:   {"Weighted Round Robin", "WRR", []field{fWeight}},
	Random:               {"Random", "RAND", nil},
	WeightedRandom:       {"Weighted Random", "WRAND", []field{fWeight}},
	Priority:             {"Priority", "PRIO", []field{fPriority}},
	LeastUsed:            {"Least Used", "LU", []field{fLoad}},
	LeastUsedDegradation: {"Least Used with Degradation", "LUD", []field{fLoad, fLoadDeg}},
	PriorityLeastUsed:    {"Priority Least Used", "PLU", []field{fLoad, fLoadDeg}},
	RandomizedLeastUsed:  {"Randomized Least Used", "RLU", []field{fLoad}},

	RandomizedPriorityLeastUsed:            {"Randomized Priority Least Used", "RPLU", []field{fLoad, fLoadDeg}},
	RandomizedLeastUsedDegradation:         {"Randomized Least Used with Degradation", "RLUD", []field{fLoad, fLoadDeg}},
	PriorityLeastUsedDegradation:           {"Priority Least Used with Degradation", "PLUD", []field{fLoad, fLoadDeg}},
	RandomizedPriorityLeastUsedDegradation: {"Randomized Priority Least Used with Degradation", "RPLUD", []field{fLoad, fLoadDeg}},

	WeightedRandomDPF:               {"Weighted Random with DPF", "WRAND-DPF", []field{fWeight, fWeightDPF, fDistance}},
	LeastUsedDPF:                    {"Least Used with DPF", "LU-DPF", []field{fLoad, fLoadDPF, fDistance}},
	LeastUsedDegradationDPF:         {"Least Used with Degradation with DPF", "LUD-DPF", []field{fLoad, fLoadDeg, fLoadDPF, fDistance}},
	PriorityLeastUsedDPF:            {"Priority Least Used with DPF", "PLU-DPF", []field{fLoad, fLoadDeg, fLoadDPF, fDistance}},
	PriorityLeastUsedDegradationDPF: {"Priority Least Used with Degradation with DPF", "PLUD-DPF", []field{fLoad, fLoadDeg, fLoadDPF, fDistance}},
}

// Known reports whether this package knows the fields of the type.
func (t PolicyType) Known() bool {
	_, ok := policies[t]
	return ok
}

// Adaptive reports whether pool elements of the policy report a changing state, such as their load.
//
// RFC 5356, Section 7.1: "A: If set to 1, the policy is adaptive."
// RSPLIB's private numbers do not follow that bit, so for them the Load field decides.
func (t PolicyType) Adaptive() bool {
	switch {
	case t&0x80000000 == 0:
		return t&0x40000000 != 0
	case t == WeightedRandomDPF:
		return false
	default:
		return t.Known()
	}
}

// String returns the name of RFC 5356, Section 7.1, or the number of an unknown type.
func (t PolicyType) String() string {
	if p, ok := policies[t]; ok {
		return p.name
	}
	return fmt.Sprintf("policy %#08x", uint32(t))
}

// Short returns the abbreviation, such as "LUD", or the number of an unknown type.
func (t PolicyType) Short() string {
	if p, ok := policies[t]; ok {
		return p.short
	}
	return fmt.Sprintf("%#08x", uint32(t))
}

// Fraction returns f, from 0 to 1, as the part of 0xffffffff it is on the wire. What lies outside is clamped.
// The rounding is RSPLIB's: 0.25 is 0x40000000, 0.1 is 0x19999999.
func Fraction(f float64) uint32 {
	switch {
	case !(f > 0): // also NaN
		return 0
	case f >= 1:
		return math.MaxUint32
	}
	return uint32(f * (1 << 32))
}

// Float returns the part of 0xffffffff as a number from 0 to 1.
func Float(fraction uint32) float64 { return float64(fraction) / math.MaxUint32 }

// Policy appends the Pool Member Selection Policy parameter.
func (e *Encoder) Policy(p Policy) {
	start := e.open(TypePolicy)
	e.Uint32(uint32(p.Type))
	def, known := policies[p.Type]
	for _, f := range def.fields {
		e.Uint32(*f.of(&p))
	}
	switch {
	case p.Type == 0:
		// RFC 5356, Section 7.1: "0x00000000 (reserved, invalid value)"
		e.Fail(TypePolicy, "policy type 0 is invalid")
	case !known:
		e.b = append(e.b, p.Data...)
	case p.Data != "":
		e.Fail(TypePolicy, "%v has its own fields, not Data", p.Type)
	}
	e.close(start, TypePolicy)
}

// AppendBinary appends the parameter, without padding at its end. It implements encoding.BinaryAppender.
func (p Policy) AppendBinary(b []byte) ([]byte, error) {
	return appendParam(b, func(e *Encoder) { e.Policy(p) })
}

// Policy parses a Pool Member Selection Policy parameter. Types not known here are kept as Data.
func (p Param) Policy() (Policy, error) {
	if len(p.Value) < 4 {
		return Policy{}, p.invalid("has no policy type")
	}
	pol := Policy{Type: PolicyType(binary.BigEndian.Uint32(p.Value))}
	data := p.Value[4:]
	if pol.Type == 0 {
		return Policy{}, p.invalid("policy type 0 is invalid")
	}
	def, known := policies[pol.Type]
	if !known {
		pol.Data = string(data)
		return pol, nil
	}
	if want := 4 * len(def.fields); len(data) != want {
		return Policy{}, p.invalid(fmt.Sprintf("%v has %d bytes of data, not %d", pol.Type, len(data), want))
	}
	for i, f := range def.fields {
		*f.of(&pol) = binary.BigEndian.Uint32(data[4*i:])
	}
	return pol, nil
}
