// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
)

func TestRequirements(t *testing.T) {
	rows := conformance.Requirements()
	require.GreaterOrEqual(t, len(rows), 561)
	needs := []string{"echo", "echo-u", "grant", "pf", "auth", "idata", "addr2", "addr3", "mcast", "tcp", "pcap", "cfg:auth-key", "cfg:max-items-1", "cfg:nat", "cfg:no-pr"}
	levels := []conformance.Level{conformance.Must, conformance.MustNot, conformance.Should, conformance.ShouldNot, conformance.Prose}
	roles := []conformance.Role{conformance.Server, conformance.Client, conformance.Endpoint, conformance.Registrar, conformance.PE, conformance.PU}
	for id, r := range rows {
		require.Contains(t, levels, r.Level, id)
		require.Contains(t, roles, r.Role, id)
		require.NotEmpty(t, r.Rule, id)
		require.NotEmpty(t, r.Stimulus, id)
		require.NotEmpty(t, r.Expected, id)
		require.False(t, strings.HasPrefix(r.Stimulus, "["), "%s: a notation is not understood", id)
		for _, n := range r.Needs {
			act, is := strings.CutPrefix(n, "cmd:")
			require.True(t, is && conformance.Acts[act] != "" || slices.Contains(needs, n), "%s needs %q, which nothing has", id, n)
		}
	}
	r := rows["9260/9.2/9"]
	require.Equal(t, []string{"cmd:shutdown"}, r.Needs)
	require.True(t, r.Slow)
	require.Equal(t, "9260", r.RFC())
	require.Equal(t, "9260/9.2", r.Section())
}

func TestSelect(t *testing.T) {
	var cases []conformance.Case
	for _, id := range []string{"9260/5.1/1", "9260/5.1/11", "9260/5.1.4/1", "9260/5.2.1/1", "6951/5.1/1", "5352/3.1/1"} {
		cases = append(cases, conformance.Case{ID: id, Run: func(*conformance.T) {}})
	}
	cases = conformance.Join(cases)
	for pattern, want := range map[string]string{
		"9260/5.1/1":    "9260/5.1/1",
		"9260/5.1":      "9260/5.1/1 9260/5.1/11 9260/5.1.4/1",
		"9260/5":        "9260/5.1/1 9260/5.1/11 9260/5.1.4/1 9260/5.2.1/1",
		"rfc9260":       "9260/5.1/1 9260/5.1/11 9260/5.1.4/1 9260/5.2.1/1",
		"9260/5.1/*":    "9260/5.1/1 9260/5.1/11",
		"*/5.1/1":       "9260/5.1/1 6951/5.1/1",
		"5352 6951":     "6951/5.1/1 5352/3.1/1",
		"*":             "9260/5.1/1 9260/5.1/11 9260/5.1.4/1 9260/5.2.1/1 6951/5.1/1 5352/3.1/1",
		"9260/5.[2-9]*": "9260/5.2.1/1",
	} {
		got, err := conformance.Select(cases, strings.Fields(pattern)...)
		require.NoError(t, err, pattern)
		var ids []string
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		require.Equal(t, want, strings.Join(ids, " "), pattern)
	}
	_, err := conformance.Select(cases, "9260/5.1", "9260/7")
	require.ErrorContains(t, err, `"9260/7"`)
}

// TestActsAreDocumented: who writes a shim finds every act.
func TestActsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/conformance.md")
	require.NoError(t, err)
	for act := range conformance.Acts {
		require.Contains(t, string(doc), "`"+act+"`")
	}
}
