// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/all"
	"github.com/rserpool/rserpool/udpencap"
)

// exitUnsupported: nothing could be checked.
const exitUnsupported = 127

// conformanceFlags are those of conformance.
type conformanceFlags struct {
	target            string
	port, enrpPort    uint16
	local             []string
	localPort         uint16
	caps              []string
	list, noSlow      bool
	level, name, json string
	timeout           time.Duration
	wait, quiet       time.Duration
	parallel          int
	verbose           bool
	role              conformance.Role
	keep              func(conformance.Case) bool
	stdout, stderr    io.Writer
}

func newConformanceCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "conformance",
		Short: "Check an implementation of SCTP over UDP or of RSerPool against the RFCs",
		Long: "conformance sends packets to an implementation, good ones and bad ones, and says which rules of the RFCs its\n" +
			"answers break. The exit code is 0 if all cases passed, 1 if one failed, 127 if nothing could be checked.",
		Args: cobra.NoArgs,
		RunE: needsCommand,
	}
	cmd.AddCommand(
		newConformanceRole("sctp", "an SCTP endpoint", conformance.Endpoint, 7, func(c conformance.Case) bool { return conformance.Endpoint.Serves(c.Role) }),
		newConformanceRole("registrar", "a registrar, by pool elements and pool users", conformance.Registrar, 3863, func(c conformance.Case) bool {
			return c.Role == conformance.Registrar && c.Peer != "enrp"
		}),
		newConformanceRole("enrp", "a registrar, by other registrars", conformance.Registrar, 3863, func(c conformance.Case) bool {
			return c.Role == conformance.Registrar && c.Peer == "enrp"
		}),
	)
	return cmd
}

func newConformanceRole(use, what string, role conformance.Role, port uint16, keep func(conformance.Case) bool) *cobra.Command {
	f := &conformanceFlags{role: role, keep: keep}
	cmd := &cobra.Command{
		Use:   use + " [CASE...]",
		Short: "Check " + what,
		Long:  "Check " + what + ". A CASE is an RFC, a section, a case or a glob of them: 9260, 9260/6.2, 9260/6.2/1, '*/5.*'.",
		Example: "  rserpool conformance " + use + " --target 192.0.2.1:9899\n" +
			"  rserpool conformance " + use + " --list",
		RunE: func(cmd *cobra.Command, args []string) error {
			f.stdout, f.stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			return f.run(cmd.Context(), args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.target, "target", "", "address and UDP port of the system under test")
	fl.Uint16Var(&f.port, "sctp-port", port, "SCTP port it listens to; 0: it does not")
	if role == conformance.Registrar {
		fl.Uint16Var(&f.enrpPort, "enrp-port", 9901, "SCTP port it listens to for ENRP")
	}
	fl.StringArrayVar(&f.local, "local", nil, "local address, may be repeated for cases with several (default: that of the route to the target)")
	fl.Uint16Var(&f.localPort, "local-port", 0, "local UDP port (default: any; one at a time if it is set)")
	fl.StringArrayVar(&f.caps, "cap", nil, "capability of the system under test, such as echo; may be repeated")
	fl.BoolVar(&f.list, "list", false, "list the cases and check nothing")
	fl.BoolVar(&f.noSlow, "no-slow", false, "leave out cases that take minutes")
	fl.StringVar(&f.level, "level", "all", "must, should or all")
	fl.StringVar(&f.name, "name", "", "name of the system under test in reports (default: the target)")
	fl.StringVar(&f.json, "json", "", "write a JSON report to this file")
	fl.DurationVar(&f.timeout, "timeout", 0, "how long a case may take (default: 2 minutes, 30 for slow ones)")
	fl.DurationVar(&f.wait, "wait", 0, "how long an answer may take (default: 5s)")
	fl.DurationVar(&f.quiet, "quiet", 0, "how long to watch that no answer comes (default: 1.5s)")
	fl.IntVar(&f.parallel, "parallel", 1, "how many cases run at a time")
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

func (f *conformanceFlags) run(ctx context.Context, patterns []string) error {
	cases, err := f.cases(patterns)
	if err != nil {
		return err
	}
	if f.list {
		for _, c := range cases {
			fmt.Fprintf(f.stdout, "%-20s %-10s %-10s %s\n", c.ID, c.Level, c.Role, c.Stimulus)
		}
		return nil
	}
	target, err := f.open(ctx)
	if err != nil {
		return err
	}
	r := conformance.Runner{
		Target: target, Timeout: f.timeout, Wait: f.wait, Quiet: f.quiet, Parallel: f.parallel, NoSlow: f.noSlow,
		Seed: uint64(time.Now().UnixNano()),
		Done: func(res conformance.Result) { conformance.WriteResult(f.stdout, &res, f.verbose) },
	}
	rep := conformance.Report{Name: f.name, Command: strings.Join(os.Args, " "), Role: f.role, Time: time.Now()}
	if rep.Name == "" {
		rep.Name = f.target
	}
	rep.Results = r.Run(ctx, cases)
	conformance.WriteSummary(f.stdout, rep.Results)
	if f.json != "" {
		if err := writeFile(f.json, rep.WriteJSON); err != nil {
			return err
		}
	}
	return outcome(rep.Results)
}

// outcome makes the exit code of results.
func outcome(results []conformance.Result) error {
	n, _ := conformance.Count(results)
	switch {
	case n[conformance.Fail] > 0:
		return exitError{exitFailure, fmt.Errorf("%d cases failed", n[conformance.Fail])}
	case n[conformance.Pass] == 0:
		return exitError{exitUnsupported, fmt.Errorf("nothing could be checked")}
	case n[conformance.Inconclusive] > 0:
		return exitError{exitFailure, fmt.Errorf("%d cases are inconclusive", n[conformance.Inconclusive])}
	}
	return nil
}

// open finds the target and our side.
func (f *conformanceFlags) open(ctx context.Context) (*conformance.Target, error) {
	if f.target == "" {
		return nil, usagef("--target is needed")
	}
	host, udp, err := net.SplitHostPort(f.target)
	if err != nil {
		host, udp = strings.Trim(f.target, "[]"), fmt.Sprint(udpencap.DefaultPort)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, usagef("--target: %w", err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", udp)
	if err != nil {
		return nil, usagef("--target: %w", err)
	}
	t := &conformance.Target{
		Role: f.role, Addrs: []netip.Addr{addrs[0].Unmap()}, EncapPort: uint16(port), Port: f.port, ENRPPort: f.enrpPort,
		Network: udpencap.Host(), LocalPort: f.localPort, Caps: map[string]bool{},
	}
	for _, c := range f.caps {
		t.Caps[c] = true
	}
	for _, text := range f.local {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, usagef("--local: %w", err)
		}
		t.Local = append(t.Local, a)
	}
	if len(t.Local) == 0 {
		c, err := net.Dial("udp", netip.AddrPortFrom(t.Addrs[0], t.EncapPort).String())
		if err != nil {
			return nil, usagef("--target: %w", err)
		}
		t.Local = []netip.Addr{c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()}
		c.Close()
	}
	if t.LocalPort != 0 {
		f.parallel = 1
	}
	return t, nil
}

// writeFile writes a file.
func writeFile(name string, write func(io.Writer) error) (err error) {
	w, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		w.Close()
		return err
	}
	return w.Close()
}
