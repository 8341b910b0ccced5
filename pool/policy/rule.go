// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// Discipline is how a policy uses the value of each pool element.
type Discipline uint8

const (
	// Sorted selects the elements with the lowest values in ascending order, round robin among equals.
	Sorted Discipline = iota
	// Drawn selects by lot without replacement; the value is the element's share. Value 0 is never selected. The sum over
	// a pool must stay below 2^64.
	Drawn
	// Interleaved gives each element as many turns per round as its value is, spread as evenly as possible. Value 0 is
	// never selected. The sum over a pool must stay below 2^64.
	Interleaved
)

// A Rule defines a pool member selection policy: what one number each pool element counts, and what is done with it.
// To add a policy of the private range of RFC 5356, Section 7.1, put its rule into the [Registry] that the registrar
// (registrar.Config.Policies) and the pool users (pool.Config.ASAP.Policies) are given; neither needs a change.
type Rule struct {
	Type param.PolicyType
	// Name is the name of the policy for messages.
	Name string
	// Discipline is how Value is used.
	Discipline Discipline
	// Degrades says that Value depends on the number of selections.
	Degrades bool
	// Value returns the number of an element from its policy parameter and from how often it was selected since its last
	// (re-)registration, which is 0 unless Degrades. It must be a pure function.
	Value func(p param.Policy, selections uint64) uint64
	// Validate returns an error for a parameter of the right type with wrong contents, such as Data of the wrong length.
	// It may be nil.
	Validate func(p param.Policy) error
}

// Check tells whether an element with policy parameter p can be in a pool of this policy.
func (r *Rule) Check(p param.Policy) error {
	if p.Type != r.Type {
		return fmt.Errorf("policy: %v in a pool of %v", p.Type, r.Name)
	}
	if r.Validate != nil {
		return r.Validate(p)
	}
	return nil
}

func (r *Rule) valid() error {
	switch {
	case r.Type == 0 || r.Type == 0x40000000:
		// RFC 5356, Section 7.1: "(reserved, invalid value)"
		return fmt.Errorf("policy: rule %q has the invalid type %#08x", r.Name, uint32(r.Type))
	case r.Value == nil:
		return fmt.Errorf("policy: rule %q has no Value function", r.Name)
	case r.Discipline > Interleaved:
		return fmt.Errorf("policy: rule %q has the unknown discipline %d", r.Name, r.Discipline)
	case r.Discipline == Interleaved && r.Degrades:
		return fmt.Errorf("policy: rule %q is interleaved and cannot degrade", r.Name)
	}
	return nil
}

// A Registry holds the policies that a registrar or a pool user supports. It must not change while it is in use.
type Registry struct {
	rules map[param.PolicyType]*Rule
}

// NewRegistry returns a registry with all policies of RFC 5356 and the private ones of RSPLIB.
func NewRegistry() *Registry {
	g := &Registry{rules: make(map[param.PolicyType]*Rule, len(builtin))}
	for i := range builtin {
		g.rules[builtin[i].Type] = &builtin[i]
	}
	return g
}

// Add adds a policy, or replaces the one with the same type.
func (g *Registry) Add(r Rule) error {
	if err := r.valid(); err != nil {
		return err
	}
	g.rules[r.Type] = &r
	return nil
}

// Rule returns the rule of a policy. The error is an [*UnsupportedError].
func (g *Registry) Rule(t param.PolicyType) (*Rule, error) {
	if r := g.rules[t]; r != nil {
		return r, nil
	}
	return nil, &UnsupportedError{t}
}

// UnsupportedError says that there is no rule for a policy.
type UnsupportedError struct {
	Type param.PolicyType
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("policy: type %#08x is not supported", uint32(e.Type))
}
