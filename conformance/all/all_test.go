// SPDX-License-Identifier: Apache-2.0

package all_test

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/all"
	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/ours"
)

var update = flag.Bool("update", false, "write pending.txt")

// TestEveryRequirement has a case, or stands in pending.txt.
func TestEveryRequirement(t *testing.T) {
	have := map[string]bool{}
	for _, c := range all.Cases() {
		have[c.ID] = true
		require.True(t, (c.Run != nil) != (c.Unobservable != ""), "%s must have either Run or Unobservable", c.ID)
	}
	var missing []string
	for _, id := range slices.SortedFunc(maps.Keys(conformance.Requirements()), conformance.CompareID) {
		if !have[id] {
			missing = append(missing, id)
		}
	}
	text := strings.Join(missing, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile("pending.txt", []byte(text), 0o644))
	}
	pending, err := os.ReadFile("pending.txt")
	require.NoError(t, err)
	require.Equal(t, string(pending), text, "pending.txt is not what has no case: go test ./conformance/all -update")
}

// TestUnobservable: what cannot be checked has its reason in the documentation, too.
func TestUnobservable(t *testing.T) {
	doc, err := os.ReadFile("../../docs/conformance.md")
	require.NoError(t, err)
	for _, c := range all.Cases() {
		if c.Unobservable != "" {
			require.Contains(t, string(doc), "`"+c.ID+"`", "docs/conformance.md does not say why the case cannot be observed")
		}
	}
}

// TestMutants: each deliberately broken behaviour is caught by every case that is said to catch it.
func TestMutants(t *testing.T) {
	cases := map[string]conformance.Case{}
	for _, c := range all.Cases() {
		cases[c.ID] = c
	}
	names := map[string]bool{}
	for _, m := range ours.Mutants() {
		require.False(t, names[m.Name], "two mutants are called %q", m.Name)
		names[m.Name] = true
		require.NotEmpty(t, m.Caught, m.Name)
		for _, id := range m.Caught {
			t.Run(strings.ReplaceAll(m.Name, " ", "-")+"/"+id, func(t *testing.T) {
				t.Parallel()
				c, ok := cases[id]
				require.True(t, ok, "there is no case %s", id)
				res := casetest.One(t, c, &m)
				if res.Verdict != conformance.Fail {
					t.Fatalf("the mutant was not caught: %s", res.Explain())
				}
				t.Logf("expected %s; seen: %s", res.Expected, res.Seen)
			})
		}
	}
}
