// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/rserpool/rserpool/conformance"
)

//go:embed page.html
var page string

var tmpl = template.Must(template.New("page").Parse(page))

// column is an implementation and its totals.
type column struct {
	*conformance.Report
	Pass, Fail, Mandatory, Inconclusive, Skipped int
}

// section is one of an RFC, with its cases.
type section struct {
	RFC, Name string
	Rows      []row
	Sums      []sum // by column
}

type sum struct{ Pass, Fail, Inconclusive, Skipped int }

type row struct {
	*conformance.Requirement
	Cells []*conformance.Result // by column; nil if the case was not run
}

// HTML writes a page of its own, without anything to be fetched: a matrix by section, with a column for each report, where a
// click shows the rule, what was seen, and the packets.
func HTML(w io.Writer, reports ...*conformance.Report) error {
	var data struct {
		Columns  []column
		Sections []section
	}
	byID := make([]map[string]*conformance.Result, len(reports))
	ids := map[string]bool{}
	for i, r := range reports {
		byID[i] = map[string]*conformance.Result{}
		for j := range r.Results {
			byID[i][r.Results[j].ID] = &r.Results[j]
			ids[r.Results[j].ID] = true
		}
		n, mandatory := conformance.Count(r.Results)
		data.Columns = append(data.Columns, column{r, n[conformance.Pass], n[conformance.Fail], mandatory, n[conformance.Inconclusive], n[conformance.Skipped]})
	}
	var order []string
	for id := range ids {
		order = append(order, id)
	}
	slices.SortFunc(order, conformance.CompareID)
	for _, id := range order {
		req := conformance.Requirements()[id]
		if n := len(data.Sections); n == 0 || data.Sections[n-1].RFC+"/"+data.Sections[n-1].Name != req.Section() {
			data.Sections = append(data.Sections, section{RFC: req.RFC(), Name: strings.TrimPrefix(req.Section(), req.RFC()+"/"), Sums: make([]sum, len(reports))})
		}
		s := &data.Sections[len(data.Sections)-1]
		r := row{Requirement: req}
		for i := range reports {
			res := byID[i][id]
			r.Cells = append(r.Cells, res)
			if res == nil {
				continue
			}
			switch res.Verdict {
			case conformance.Pass:
				s.Sums[i].Pass++
			case conformance.Fail:
				s.Sums[i].Fail++
			case conformance.Inconclusive:
				s.Sums[i].Inconclusive++
			default:
				s.Sums[i].Skipped++
			}
		}
		s.Rows = append(s.Rows, r)
	}
	return tmpl.Execute(w, data)
}
