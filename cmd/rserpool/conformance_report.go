// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/report"
)

// conformanceReports are the files that a run leaves.
type conformanceReports struct {
	name, json, tap, junit, html, pcap string
}

func (f *conformanceReports) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.name, "name", "", "name of the system under test in reports (default: the target)")
	fl.StringVar(&f.json, "json", "", "write a JSON report to this file; \"rserpool conformance report\" compares several")
	fl.StringVar(&f.tap, "tap", "", "write a TAP report to this file")
	fl.StringVar(&f.junit, "junit", "", "write a JUnit XML report to this file")
	fl.StringVar(&f.html, "html", "", "write an HTML report to this file")
	fl.StringVar(&f.pcap, "pcap", "", "write a pcapng file for each case that did not pass to this directory")
}

// write writes the reports that were asked for.
func (f *conformanceReports) write(r *conformance.Report) error {
	for _, out := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{f.json, r.WriteJSON},
		{f.tap, func(w io.Writer) error { return report.TAP(w, r) }},
		{f.junit, func(w io.Writer) error { return report.JUnit(w, r) }},
		{f.html, func(w io.Writer) error { return report.HTML(w, r) }},
	} {
		if out.name == "" {
			continue
		}
		if err := writeFile(out.name, out.write); err != nil {
			return err
		}
	}
	return nil
}

// packets writes those of a result.
func (f *conformanceReports) packets(r *conformance.Result, stderr io.Writer) {
	if f.pcap == "" || len(r.Packets) == 0 || r.Verdict != conformance.Fail && r.Verdict != conformance.Inconclusive {
		return
	}
	err := os.MkdirAll(f.pcap, 0o777)
	if err == nil {
		name := filepath.Join(f.pcap, strings.ReplaceAll(r.ID, "/", "_")+".pcapng")
		err = writeFile(name, func(w io.Writer) error { return report.Pcapng(w, r) })
	}
	if err != nil {
		fmt.Fprintln(stderr, "rserpool: --pcap:", err)
	}
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

// newConformanceReportCmd makes pages of JSON reports.
func newConformanceReportCmd() *cobra.Command {
	var html string
	cmd := &cobra.Command{
		Use:     "report JSON...",
		Short:   "Compare the JSON reports of several runs on one HTML page",
		Example: "  rserpool conformance report --html matrix.html ours.json kernel.json usrsctp.json",
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return usagef("report needs the JSON reports of one run or more")
			}
			var reports []*conformance.Report
			for _, name := range names {
				file, err := os.Open(name)
				if err != nil {
					return usageError{err}
				}
				r, err := conformance.ReadJSON(file)
				file.Close()
				if err != nil {
					return usagef("%s: %w", name, err)
				}
				reports = append(reports, r)
			}
			write := func(w io.Writer) error { return report.HTML(w, reports...) }
			if html == "-" {
				return write(cmd.OutOrStdout())
			}
			return writeFile(html, write)
		},
	}
	cmd.Flags().StringVar(&html, "html", "-", "file to write; - is standard output")
	return cmd
}
