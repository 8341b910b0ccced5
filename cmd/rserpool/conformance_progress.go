// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rserpool/rserpool/conformance"
)

// progress shows results as they come, and on a terminal what is being checked.
type progress struct {
	w        io.Writer
	terminal bool
	verbose  bool
	total    int
	finished int
	failed   int
	running  []string
}

func newProgress(w io.Writer, total int, verbose bool) *progress {
	p := &progress{w: w, total: total, verbose: verbose}
	if f, ok := w.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb" {
			p.terminal = true
		}
	}
	return p
}

func (p *progress) begin(c *conformance.Case) {
	p.running = append(p.running, c.ID)
	p.show()
}

func (p *progress) done(r *conformance.Result) {
	p.finished++
	if r.Verdict == conformance.Fail {
		p.failed++
	}
	if i := slices.Index(p.running, r.ID); i >= 0 {
		p.running = slices.Delete(p.running, i, i+1)
	}
	p.clear()
	conformance.WriteResult(p.w, r, p.verbose)
	if r.Verdict == conformance.Pass && !p.verbose {
		r.Transcript = ""
	}
	p.show()
}

func (p *progress) end() { p.clear() }

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) show() {
	if p.terminal {
		p.clear()
		fmt.Fprintf(p.w, "%d/%d, %d failed: %s", p.finished, p.total, p.failed, strings.Join(p.running, " "))
	}
}
