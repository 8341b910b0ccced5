// SPDX-License-Identifier: Apache-2.0

// Package casetest runs conformance cases against our own implementation in "go test": each in a bubble of virtual time,
// with a fresh system under test on a virtual network.
//
//	func TestCases(t *testing.T) { casetest.Run(t, rfc9260.Cases()) }
//
// # Limitations
//
// A case that is skipped for a capability which our implementation is meant to have fails the test, and so does one that
// passes although it is listed as a deviation.
package casetest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/ours"
)

// absent are the needs that our implementation on a virtual network cannot have, and why.
var absent = map[string]string{
	"pcap":    "the virtual network has no UDP header",
	"cfg:nat": "the stack has no mode for legacy NATs",
}

// Run checks that each case passes, in a subtest named by its ID.
func Run(t *testing.T, cases []conformance.Case) {
	for _, c := range conformance.Join(cases) {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			res := One(t, c, nil)
			why := deviations[c.ID]
			switch {
			case why != "" && res.Verdict == conformance.Fail:
				t.Skip("a deviation: " + why)
			case why != "":
				t.Errorf("%s is listed as a deviation (%s), and does not fail:\n%s", c.ID, why, res.Explain())
			case res.Verdict == conformance.Pass:
				if testing.Verbose() {
					t.Log("\n" + res.Explain())
				}
			case res.Verdict == conformance.Skipped && c.Unobservable != "":
				t.Skip(res.Why)
			case res.Verdict == conformance.Skipped && slices.ContainsFunc(c.Needs, func(n string) bool { return absent[n] != "" }):
				t.Skip(res.Why)
			default:
				t.Error("\n" + res.Explain())
			}
		})
	}
}

// One runs a case in a bubble, against a mutant if that is not nil.
func One(t *testing.T, c conformance.Case, mutant *ours.Mutant) (res conformance.Result) {
	synctest.Test(t, func(t *testing.T) {
		target, done, err := ours.Open(&c, mutant)
		if err != nil {
			t.Fatal(err)
		}
		r := conformance.Runner{Target: target, Seed: 1}
		res = r.RunCase(t.Context(), &c)
		done()
	})
	return res
}
