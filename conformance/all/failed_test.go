// SPDX-License-Identifier: Apache-2.0

package all_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/all"
	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/ours"
)

var (
	reports = flag.String("reports", "", "JSON reports of peers, as a glob, for TestNeverFailed")
	sweep   = flag.Bool("sweep", false, "have TestNeverFailed run every mutant against every case, not only against those said to catch it")
)

// TestNeverFailed lists the cases that no mutant and no peer has ever failed: they may check nothing.
//
//	go test ./conformance/all -run NeverFailed -v -reports '../../artifacts/conformance/*.json' [-sweep]
func TestNeverFailed(t *testing.T) {
	var mu sync.Mutex
	failed := map[string][]string{} // by whom
	for _, m := range ours.Mutants() {
		for _, id := range m.Caught {
			failed[id] = append(failed[id], m.Name)
		}
	}
	names, err := filepath.Glob(*reports)
	require.NoError(t, err)
	for _, name := range names {
		f, err := os.Open(name)
		require.NoError(t, err)
		r, err := conformance.ReadJSON(f)
		f.Close()
		require.NoError(t, err)
		for _, res := range r.Results {
			if res.Verdict == conformance.Fail {
				failed[res.ID] = append(failed[res.ID], r.Name)
			}
		}
	}
	if *sweep {
		t.Run("sweep", func(t *testing.T) {
			for _, m := range ours.Mutants() {
				t.Run(m.Name, func(t *testing.T) {
					t.Parallel()
					for _, c := range all.Cases() {
						if c.Run == nil || slices.Contains(m.Caught, c.ID) {
							continue
						}
						if res := casetest.One(t, c, &m); res.Verdict == conformance.Fail {
							mu.Lock()
							failed[c.ID] = append(failed[c.ID], m.Name)
							mu.Unlock()
							t.Logf("also caught by %s", c.ID)
						}
					}
				})
			}
		})
	}
	n := 0
	for _, c := range all.Cases() {
		if c.Run != nil && len(failed[c.ID]) == 0 {
			n++
			t.Logf("never failed: %s %s", c.ID, c.Stimulus)
		}
	}
	t.Logf("%d of %d cases have never failed", n, len(all.Cases()))
}
