// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rserpool/rserpool/conformance"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes the results as JUnit XML: a suite per RFC section. What is inconclusive is an error.
func JUnit(w io.Writer, r *conformance.Report) error {
	all := junitSuites{Name: r.Name}
	var took time.Duration
	for i := range r.Results {
		res := &r.Results[i]
		section := "RFC " + strings.Replace(res.Case.Section(), "/", " Section ", 1)
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != section {
			all.Suites = append(all.Suites, junitSuite{Name: section, Timestamp: r.Time.UTC().Format("2006-01-02T15:04:05")})
			took = 0
		}
		s := &all.Suites[len(all.Suites)-1]
		c := junitCase{
			Name: fmt.Sprintf("%s (%s) %s", res.ID, res.Case.Level, res.Case.Stimulus), Class: "conformance." + res.Case.RFC(),
			Time: fmt.Sprintf("%.3f", res.Took.Seconds()),
		}
		s.Tests++
		switch res.Verdict {
		case conformance.Fail:
			s.Failures++
			c.Failure = &junitMessage{"expected " + res.Expected + "; seen " + res.Seen, clean(res.Explain())}
		case conformance.Inconclusive:
			s.Errors++
			c.Error = &junitMessage{"inconclusive: " + oneLine(res.Why), clean(res.Explain())}
		case conformance.Skipped:
			s.Skipped++
			c.Skipped = &junitMessage{Message: res.Why}
		}
		took += res.Took
		s.Time = fmt.Sprintf("%.3f", took.Seconds())
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// clean leaves out what XML cannot carry.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
