// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rserpool/rserpool/asap/param"
)

// arg is one argument in the text form of a policy.
type arg struct {
	name     string
	fraction bool // a part of 0xffffffff, written from 0 to 1
	field    func(*param.Policy) *uint32
}

var (
	argWeight    = arg{"weight", false, func(p *param.Policy) *uint32 { return &p.Weight }}
	argPriority  = arg{"priority", false, func(p *param.Policy) *uint32 { return &p.Priority }}
	argDegrade   = arg{"degradation", true, func(p *param.Policy) *uint32 { return &p.LoadDegradation }}
	argLoadDPF   = arg{"dpf", true, func(p *param.Policy) *uint32 { return &p.LoadDPF }}
	argWeightDPF = arg{"dpf", true, func(p *param.Policy) *uint32 { return &p.WeightDPF }}
)

// forms are the text forms; names and order of arguments are those of RSPLIB's -policy option.
var forms = []struct {
	name string
	typ  param.PolicyType
	args []arg
}{
	{"RoundRobin", param.RoundRobin, nil},
	{"WeightedRoundRobin", param.WeightedRoundRobin, []arg{argWeight}},
	{"Random", param.Random, nil},
	{"WeightedRandom", param.WeightedRandom, []arg{argWeight}},
	{"Priority", param.Priority, []arg{argPriority}},
	{"LeastUsed", param.LeastUsed, nil},
	{"LeastUsedDegradation", param.LeastUsedDegradation, []arg{argDegrade}},
	{"PriorityLeastUsed", param.PriorityLeastUsed, []arg{argDegrade}},
	{"RandomizedLeastUsed", param.RandomizedLeastUsed, nil},
	{"RandomizedPriorityLeastUsed", param.RandomizedPriorityLeastUsed, nil},
	{"RandomizedLeastUsedDegradation", param.RandomizedLeastUsedDegradation, []arg{argDegrade}},
	{"PriorityLeastUsedDegradation", param.PriorityLeastUsedDegradation, []arg{argDegrade}},
	{"RandomizedPriorityLeastUsedDegradation", param.RandomizedPriorityLeastUsedDegradation, []arg{argDegrade}},
	{"WeightedRandomDPF", param.WeightedRandomDPF, []arg{argWeight, argWeightDPF}},
	{"LeastUsedDPF", param.LeastUsedDPF, []arg{argLoadDPF}},
	{"LeastUsedDegradationDPF", param.LeastUsedDegradationDPF, []arg{argDegrade, argLoadDPF}},
	{"PriorityLeastUsedDPF", param.PriorityLeastUsedDPF, []arg{argDegrade, argLoadDPF}},
	{"PriorityLeastUsedDegradationDPF", param.PriorityLeastUsedDegradationDPF, []arg{argDegrade, argLoadDPF}},
}

// Parse reads the text form of a policy as RSPLIB's -policy option has it: a name, and the arguments of the policy after
// colons. Weights and priorities are integers from 0 to 4294967295; degradations and delay penalty factors (dpf, per
// millisecond) are numbers from 0 to 1. The case of the name does not matter. Examples: "LeastUsed",
// "WeightedRoundRobin:3", "LeastUsedDegradation:0.25". [Names] lists them all.
func Parse(s string) (Policy, error) {
	name, rest, more := strings.Cut(s, ":")
	for _, f := range forms {
		if !strings.EqualFold(f.name, name) {
			continue
		}
		var values []string
		if more {
			values = strings.Split(rest, ":")
		}
		if len(values) != len(f.args) {
			return nil, fmt.Errorf("policy %q has %d arguments, not %d: write %s", s, len(values), len(f.args), usage(f.name, f.args))
		}
		p := param.Policy{Type: f.typ}
		for i, a := range f.args {
			v, err := a.parse(values[i])
			if err != nil {
				return nil, fmt.Errorf("policy %q: %w", s, err)
			}
			*a.field(&p) = v
		}
		return FromParam(p), nil
	}
	return nil, fmt.Errorf("policy %q is unknown; known are %s", s, strings.Join(Names(), ", "))
}

// Names returns the text forms of all policies, such as "WeightedRoundRobin:weight".
func Names() []string {
	names := make([]string, 0, len(forms))
	for _, f := range forms {
		names = append(names, usage(f.name, f.args))
	}
	return names
}

func usage(name string, args []arg) string {
	for _, a := range args {
		name += ":" + a.name
	}
	return name
}

func (a arg) parse(s string) (uint32, error) {
	if a.fraction {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= 0 && f <= 1) { // not NaN either
			return 0, fmt.Errorf("%s %q is not a number from 0 to 1", a.name, s)
		}
		return param.Fraction(f), nil
	}
	v, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %q is not an integer from 0 to 4294967295", a.name, s)
	}
	return uint32(v), nil
}
