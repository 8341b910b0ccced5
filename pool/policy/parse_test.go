// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Policy{
		"RoundRobin":                  RoundRobin{},
		"WeightedRoundRobin:3":        WeightedRoundRobin{3},
		"Random":                      Random{},
		"WeightedRandom:4294967295":   WeightedRandom{full},
		"Priority:0":                  Priority{},
		"LeastUsed":                   LeastUsed{},
		"LeastUsedDegradation:1":      LeastUsedDegradation{Degradation: full},
		"PriorityLeastUsed:0.25":      PriorityLeastUsed{Degradation: Fraction(.25)},
		"RandomizedLeastUsed":         RandomizedLeastUsed{},
		"RandomizedPriorityLeastUsed": Other{Type: param.RandomizedPriorityLeastUsed},
		"WeightedRandomDPF:3:0.001":   Other{Type: param.WeightedRandomDPF, Weight: 3, WeightDPF: Fraction(.001)},
		"PriorityLeastUsedDegradationDPF:0.5:0.001": Other{Type: param.PriorityLeastUsedDegradationDPF,
			LoadDegradation: Fraction(.5), LoadDPF: Fraction(.001)},
	} {
		p, err := Parse(s)
		require.NoError(t, err)
		require.Equal(t, want, p)
		require.Equal(t, want, FromParam(p.Param()))
		again, err := Parse(p.String())
		require.NoError(t, err)
		require.Equal(t, p, again, "%v", p)
	}
	p, err := Parse("leastused")
	require.NoError(t, err)
	require.Equal(t, LeastUsed{}, p)
}

func TestParseErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                           `policy "" is unknown; known are RoundRobin, WeightedRoundRobin:weight, `,
		"LeastUsd":                   `policy "LeastUsd" is unknown`,
		"WeightedRoundRobin":         "has 0 arguments, not 1: write WeightedRoundRobin:weight",
		"WeightedRoundRobin:":        `weight "" is not an integer from 0 to 4294967295`,
		"WeightedRoundRobin:-1":      `weight "-1" is not an integer`,
		"WeightedRoundRobin:1:2":     "has 2 arguments, not 1",
		"WeightedRandom:4294967296":  "is not an integer from 0 to 4294967295",
		"RoundRobin:":                "has 1 arguments, not 0: write RoundRobin",
		"LeastUsedDegradation:25":    `degradation "25" is not a number from 0 to 1`,
		"LeastUsedDegradation:NaN":   "is not a number from 0 to 1",
		"LeastUsedDegradationDPF:.5": "write LeastUsedDegradationDPF:degradation:dpf",
	} {
		_, err := Parse(s)
		require.ErrorContains(t, err, want)
	}
}

func TestEveryPolicyHasATextFormAndARule(t *testing.T) {
	g := NewRegistry()
	require.Len(t, forms, len(builtin))
	for _, f := range forms {
		r, err := g.Rule(f.typ)
		require.NoError(t, err)
		require.Equal(t, f.name, r.Name)
		require.True(t, f.typ.Known())
		require.NoError(t, r.valid())
	}
	require.Equal(t, "0xc0000001", Other{Type: 0xc0000001}.String())
	require.Equal(t, LeastUsedDegradation{7, 2}, WithLoad(LeastUsedDegradation{1, 2}, 7))
	require.Equal(t, RoundRobin{}, WithLoad(RoundRobin{}, 7))
}

func TestRegistryTakesNewPolicies(t *testing.T) {
	const closest = param.PolicyType(0xc0000001)
	g := NewRegistry()
	_, err := g.Rule(closest)
	var unsupported *UnsupportedError
	require.True(t, errors.As(err, &unsupported))
	require.EqualError(t, err, "policy: type 0xc0000001 is not supported")

	noData := errors.New("one byte of data is needed")
	require.NoError(t, g.Add(Rule{Type: closest, Name: "Closest", Value: func(p param.Policy, _ uint64) uint64 { return uint64(p.Data[0]) },
		Validate: func(p param.Policy) error {
			if len(p.Data) != 1 {
				return noData
			}
			return nil
		}}))
	rule, err := g.Rule(closest)
	require.NoError(t, err)
	sel, err := NewSelector[string](rule, 0)
	require.NoError(t, err)
	p := &pool{sel, map[string]*Member[string]{}}
	p.add(t, "A", Other{Type: closest, Data: "\x09"})
	p.add(t, "B", Other{Type: closest, Data: "\x02"})
	require.Equal(t, "BA", p.pick(2, nil))
	require.ErrorIs(t, sel.Insert(&Member[string]{}, param.Policy{Type: closest}), noData)
	_, err = NewRegistry().Rule(closest)
	require.Error(t, err, "registries are independent")

	value := func(param.Policy, uint64) uint64 { return 0 }
	for _, r := range []Rule{{Name: "x", Value: value}, {Type: 0x40000000, Value: value}, {Type: closest},
		{Type: closest, Value: value, Discipline: 9}, {Type: closest, Value: value, Discipline: Interleaved, Degrades: true}} {
		require.Error(t, g.Add(r))
		_, err := NewSelector[int](&r, 0)
		require.Error(t, err)
	}
}
