// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/all"
)

// exitUnsupported: nothing could be checked.
const exitUnsupported = 127

// conformanceFlags are those of conformance.
type conformanceFlags struct {
	role conformance.Role
	keep func(conformance.Case) bool // which cases are about it

	target  conformanceTarget
	reports conformanceReports

	list, noSlow         bool
	level                string
	timeout, wait, quiet time.Duration
	parallel, retries    int
	seed                 uint64
	verbose              bool
}

func newConformanceCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "conformance",
		Short: "Check an implementation of SCTP over UDP or of RSerPool against the RFCs",
		Long: "conformance sends packets to an implementation, good ones and bad ones, and says which rules of the RFCs its\n" +
			"answers break. The exit code is 0 if no case failed or was inconclusive, 1 if one was,\n" +
			"2 if the command line makes no sense, 127 if nothing could be checked.",
		Example: "  rserpool conformance sctp --target 192.0.2.1:9899 --sctp-port 7 --cap echo --html report.html\n" +
			"  rserpool conformance report --html both.html one.json other.json",
		Args: cobra.NoArgs,
		RunE: needsCommand,
	}
	registrar := func(enrp bool) func(conformance.Case) bool {
		return func(c conformance.Case) bool { return c.Role == conformance.Registrar && (c.Peer == "enrp") == enrp }
	}
	role := func(r conformance.Role) func(conformance.Case) bool {
		return func(c conformance.Case) bool { return r.Serves(c.Role) }
	}
	cmd.AddCommand(
		newConformanceRole("sctp", "an SCTP endpoint", conformance.Endpoint, role(conformance.Endpoint)),
		newConformanceRole("registrar", "a registrar, by pool elements and pool users", conformance.Registrar, registrar(false)),
		newConformanceRole("enrp", "a registrar, by other registrars", conformance.Registrar, registrar(true)),
		newConformanceRole("pe", "a pool element", conformance.PE, role(conformance.PE)),
		newConformanceRole("pu", "a pool user", conformance.PU, role(conformance.PU)),
		newConformanceReportCmd(),
	)
	return cmd
}

func newConformanceRole(use, what string, role conformance.Role, keep func(conformance.Case) bool) *cobra.Command {
	f := &conformanceFlags{role: role, keep: keep}
	cmd := &cobra.Command{
		Use:   use + " [CASE...]",
		Short: "Check " + what,
		Long: "Check " + what + ". A CASE is an RFC, a section, a case or a glob of them: 9260, 9260/6.2, 9260/6.2/1, '*/5.*'.\n" +
			"What a capability, an act and a --control program are is in docs/conformance.md.",
		Example: "  rserpool conformance " + use + " --target 192.0.2.1:9899\n" +
			"  rserpool conformance " + use + " --control ./my-shim --html report.html\n" +
			"  rserpool conformance " + use + " --list",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := cmd.Flags()
	f.target.register(fl, role)
	f.reports.register(fl)
	fl.BoolVar(&f.list, "list", false, "list the cases and check nothing")
	fl.BoolVar(&f.noSlow, "no-slow", false, "leave out cases that take minutes")
	fl.StringVar(&f.level, "level", "all", "must, should or all")
	fl.DurationVar(&f.timeout, "timeout", 0, "how long a case may take (default: 2 minutes, 30 for slow ones)")
	fl.DurationVar(&f.wait, "wait", 0, "how long an answer may take (default: 5s)")
	fl.DurationVar(&f.quiet, "quiet", 0, "how long to watch that no answer comes (default: 1.5s)")
	fl.IntVar(&f.parallel, "parallel", 1, "how many cases run at a time")
	fl.IntVar(&f.retries, "retries", 2, "how often a case that did not pass is run again before that counts")
	fl.Uint64Var(&f.seed, "seed", 0, "seed of the tester's tags and TSNs (default: random)")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show the packets of all cases")
	return cmd
}

// cases are those that the command line names.
func (f *conformanceFlags) cases(patterns []string) ([]conformance.Case, error) {
	cases, err := conformance.Select(slices.DeleteFunc(all.Cases(), func(c conformance.Case) bool { return !f.keep(c) }), patterns...)
	if err != nil {
		return nil, usageError{err}
	}
	switch strings.ToLower(f.level) {
	case "all":
	case "must":
		cases = slices.DeleteFunc(cases, func(c conformance.Case) bool { return !c.Level.Mandatory() })
	case "should":
		cases = slices.DeleteFunc(cases, func(c conformance.Case) bool { return c.Level.Mandatory() })
	default:
		return nil, usagef("--level: %q is none of must, should and all", f.level)
	}
	return cases, nil
}

func (f *conformanceFlags) run(ctx context.Context, patterns []string, stdout, stderr io.Writer) error {
	cases, err := f.cases(patterns)
	if err != nil {
		return err
	}
	if f.list {
		for _, c := range cases {
			fmt.Fprintf(stdout, "%-20s %-10s %-10s %s\n", c.ID, c.Level, c.Role, c.Stimulus)
		}
		return nil
	}
	if f.seed == 0 {
		f.seed = uint64(time.Now().UnixNano())
	}
	r := conformance.Runner{Timeout: f.timeout, Wait: f.wait, Quiet: f.quiet, Parallel: f.parallel, Retries: f.retries, NoSlow: f.noSlow, Seed: f.seed}
	done, err := f.target.open(ctx, f.role, &r, stderr)
	if err != nil {
		return err
	}
	defer done()
	p := newProgress(stdout, len(cases), f.verbose)
	r.Begin, r.Done = p.begin, func(res *conformance.Result) {
		p.done(res)
		f.reports.packets(res, stderr)
		res.Packets = nil
	}
	rep := conformance.Report{Name: f.reports.name, Command: commandLine(), Role: f.role, Time: time.Now()}
	if rep.Name == "" {
		rep.Name = f.target.String()
	}
	rep.Results = r.Run(ctx, cases)
	p.end()
	conformance.WriteSummary(stdout, rep.Results)
	if err := f.reports.write(&rep); err != nil {
		return err
	}
	return outcome(rep.Results)
}

// commandLine is how the run is repeated.
func commandLine() string {
	args := []string{"rserpool"}
	for _, a := range os.Args[1:] {
		if strings.ContainsAny(a, " '\"$*") {
			a = "'" + a + "'"
		}
		args = append(args, a)
	}
	return strings.Join(args, " ")
}

// outcome makes the exit code of results.
func outcome(results []conformance.Result) error {
	n, _ := conformance.Count(results)
	switch {
	case n[conformance.Fail] > 0:
		return exitError{exitFailure, fmt.Errorf("%d of %d cases failed", n[conformance.Fail], len(results))}
	case n[conformance.Inconclusive] > 0:
		return exitError{exitFailure, fmt.Errorf("%d of %d cases are inconclusive", n[conformance.Inconclusive], len(results))}
	case n[conformance.Pass] == 0:
		return exitError{exitUnsupported, fmt.Errorf("nothing could be checked")}
	}
	return nil
}
