// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A Report is a run of the suite, as it is written to JSON.
type Report struct {
	// Name is what the system under test is called, Command how the run is repeated.
	Name    string    `json:"name"`
	Command string    `json:"command,omitempty"`
	Role    Role      `json:"role"`
	Time    time.Time `json:"time"`
	Results []Result  `json:"results"`
}

// WriteJSON writes the report.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

// ReadJSON reads a report, and joins its results with the requirements. Results of requirements that are no more are left
// out.
func ReadJSON(rd io.Reader) (*Report, error) {
	var r Report
	if err := json.NewDecoder(rd).Decode(&r); err != nil {
		return nil, err
	}
	kept := r.Results[:0]
	for _, res := range r.Results {
		if req := Requirements()[res.ID]; req != nil {
			res.Case = &Case{ID: res.ID, Requirement: req}
			kept = append(kept, res)
		}
	}
	r.Results = kept
	return &r, nil
}

// WriteSummary writes a line of totals.
func WriteSummary(w io.Writer, results []Result) {
	n, mandatory := Count(results)
	fmt.Fprintf(w, "%d cases: %d passed, %d failed (%d of them mandatory), %d inconclusive, %d skipped\n",
		len(results), n[Pass], n[Fail], mandatory, n[Inconclusive], n[Skipped])
}

// WriteResult writes what people want to see of a result on a console: a line, and everything if it is a failure.
func WriteResult(w io.Writer, r *Result, verbose bool) {
	switch {
	case r.Verdict == Fail || verbose:
		fmt.Fprint(w, r.Explain())
	case r.Verdict == Pass:
		again := ""
		if r.Retried != "" {
			again = " when run again; " + r.Retried
		}
		fmt.Fprintf(w, "pass          %s (%s) %.2fs%s\n", r.ID, r.Case.Level, r.Took.Seconds(), again)
	default:
		fmt.Fprintf(w, "%-13s %s (%s) %s\n", r.Verdict, r.ID, r.Case.Level, r.Why)
	}
}
