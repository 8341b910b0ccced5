// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/rserpool/rserpool/conformance"
)

// TAP writes the results as the Test Anything Protocol, version 13. What is inconclusive is "not ok" with a TODO, which
// harnesses do not count as a failure.
func TAP(w io.Writer, r *conformance.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", len(r.Results))
	for i := range r.Results {
		res := &r.Results[i]
		title := fmt.Sprintf("%d - %s %s %s", i+1, res.ID, res.Case.Level, strings.ReplaceAll(res.Case.Stimulus, "#", "\\#"))
		switch res.Verdict {
		case conformance.Pass:
			fmt.Fprintf(&b, "ok %s\n", title)
		case conformance.Skipped:
			fmt.Fprintf(&b, "ok %s # SKIP %s\n", title, oneLine(res.Why))
		case conformance.Inconclusive:
			fmt.Fprintf(&b, "not ok %s # TODO inconclusive: %s\n", title, oneLine(res.Why))
		default:
			fmt.Fprintf(&b, "not ok %s\n  ---\n  rule: %q\n  expected: %q\n  seen: %q\n  packets: |\n", title, res.Case.Rule, res.Expected, res.Seen)
			for line := range strings.Lines(res.Transcript) {
				b.WriteString("    " + line)
			}
			b.WriteString("  ...\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
