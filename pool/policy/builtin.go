// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"

	"github.com/rserpool/rserpool/asap/param"
)

// full is 100 % load. RFC 5356, Section 3.1: "0xffffffff states that it is fully utilized (100%)."
const full = math.MaxUint32

// builtin are the policies of RFC 5356 and RSPLIB's private ones. Sums of loads are not clamped at 100 %: two
// elements above it still differ.
var builtin = []Rule{
	{Type: param.RoundRobin, Name: "RoundRobin", Discipline: Sorted, Value: same},
	{Type: param.WeightedRoundRobin, Name: "WeightedRoundRobin", Discipline: Interleaved, Value: weight},
	{Type: param.Random, Name: "Random", Discipline: Drawn, Value: one},
	{Type: param.WeightedRandom, Name: "WeightedRandom", Discipline: Drawn, Value: weight},
	// RFC 5356, Section 4.5.2: "The ENRP server MUST select the pool elements with the highest priorities. They MUST be
	// reported in decreasing order."
	{Type: param.Priority, Name: "Priority", Discipline: Sorted, Value: func(p param.Policy, _ uint64) uint64 { return uint64(^p.Priority) }},
	// RFC 5356, Section 5.1.2: "Their load values SHOULD be the lowest possible ones within the pool."
	{Type: param.LeastUsed, Name: "LeastUsed", Discipline: Sorted, Value: load},
	{Type: param.LeastUsedDegradation, Name: "LeastUsedDegradation", Discipline: Sorted, Degrades: true, Value: degraded},
	{Type: param.PriorityLeastUsed, Name: "PriorityLeastUsed", Discipline: Sorted, Value: loadNext},
	// RFC 5356, Section 5.4.2: "The ENRP server SHOULD behave like WRAND, having every PE's weight set to (0xffffffff --
	// load value provided by the pool element)."
	{Type: param.RandomizedLeastUsed, Name: "RandomizedLeastUsed", Discipline: Drawn, Value: unload(load)},

	{Type: param.RandomizedPriorityLeastUsed, Name: "RandomizedPriorityLeastUsed", Discipline: Drawn, Value: unload(loadNext)},
	{Type: param.RandomizedLeastUsedDegradation, Name: "RandomizedLeastUsedDegradation", Discipline: Drawn, Degrades: true, Value: unload(degraded)},
	{Type: param.PriorityLeastUsedDegradation, Name: "PriorityLeastUsedDegradation", Discipline: Sorted, Degrades: true, Value: degradedNext},
	{Type: param.RandomizedPriorityLeastUsedDegradation, Name: "RandomizedPriorityLeastUsedDegradation", Discipline: Drawn, Degrades: true, Value: unload(degradedNext)},
	{Type: param.WeightedRandomDPF, Name: "WeightedRandomDPF", Discipline: Drawn, Value: weightNear},
	{Type: param.LeastUsedDPF, Name: "LeastUsedDPF", Discipline: Sorted, Value: far(load)},
	{Type: param.LeastUsedDegradationDPF, Name: "LeastUsedDegradationDPF", Discipline: Sorted, Degrades: true, Value: far(degraded)},
	{Type: param.PriorityLeastUsedDPF, Name: "PriorityLeastUsedDPF", Discipline: Sorted, Value: far(loadNext)},
	{Type: param.PriorityLeastUsedDegradationDPF, Name: "PriorityLeastUsedDegradationDPF", Discipline: Sorted, Degrades: true, Value: far(degradedNext)},
}

type valueFunc = func(p param.Policy, selections uint64) uint64

func same(param.Policy, uint64) uint64 { return 0 }

func one(param.Policy, uint64) uint64 { return 1 }

func weight(p param.Policy, _ uint64) uint64 { return uint64(p.Weight) }

func load(p param.Policy, _ uint64) uint64 { return uint64(p.Load) }

// RFC 5356, Section 5.3.1: "the selection is made on the lowest sum of load and degradation value."
func loadNext(p param.Policy, _ uint64) uint64 { return uint64(p.Load) + uint64(p.LoadDegradation) }

// RFC 5356, Section 5.2.2: "the lowest possible sum of load value + degradation counter * load degradation value."
func degraded(p param.Policy, selections uint64) uint64 {
	// Bounded, so that the sum with a penalty fits in 64 bits.
	return uint64(p.Load) + min(selections, math.MaxUint32/4)*uint64(p.LoadDegradation)
}

func degradedNext(p param.Policy, selections uint64) uint64 { return degraded(p, selections+1) }

// unload turns a load into a share. A full element keeps the share 1 of 2^32: if all are full, one must still be found.
func unload(load valueFunc) valueFunc {
	return func(p param.Policy, selections uint64) uint64 {
		return max(full-min(load(p, selections), full), 1)
	}
}

// penalty is the distance in milliseconds times the delay penalty factor, at most 100 %.
func penalty(p param.Policy, factor uint32) uint64 {
	return min(uint64(p.Distance)*uint64(factor), full)
}

// far adds the delay penalty to a load.
func far(load valueFunc) valueFunc {
	return func(p param.Policy, selections uint64) uint64 {
		return load(p, selections) + penalty(p, p.LoadDPF)
	}
}

// weightNear is weight * (1 - distance * DPF) in units of 1/4096: fine enough for a distance, and coarse enough for the
// sum over a million elements to fit in 64 bits.
func weightNear(p param.Policy, _ uint64) uint64 {
	return uint64(p.Weight) * max((full-penalty(p, p.WeightDPF))>>20, 1)
}
