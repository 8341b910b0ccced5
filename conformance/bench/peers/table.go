// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// A key names a cell.
type key struct{ row, figure, contender string }

// A table holds what was measured in each repetition.
type table struct{ cells map[key][]float64 }

func newTable() *table { return &table{make(map[key][]float64)} }

func (t *table) add(row, contender string, figures map[string]float64) {
	for f, x := range figures {
		k := key{row, f, contender}
		t.cells[k] = append(t.cells[k], x)
	}
}

func (t *table) values(row, figure, contender string) []float64 {
	return t.cells[key{row, figure, contender}]
}

// median of at least one value; of an even number the mean of the middle two.
func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// ratio is the median of the repetitions' ratios, without those in which the other one has failed; NaN if there are none.
func ratio(a, b []float64) float64 {
	var r []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			r = append(r, a[i]/b[i])
		}
	}
	if len(r) == 0 {
		return math.NaN()
	}
	return median(r)
}

// three is a number with three digits.
func three(x float64) string {
	switch {
	case x >= 99.95:
		return fmt.Sprintf("%.0f", x)
	case x >= 9.995:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// figureOrder is that of the columns.
var figureOrder = []string{rate, cpuByte, each, cpuEach, p99}

// markdown writes a line for each row and figure, the medians with those of the repetitions' ratios ours ÷ theirs.
func (t *table) markdown(w io.Writer, measured []row) error {
	all := []string{oursName, plainName, cubicName, lossyName, usrName, pionName, quicName, tcpName}
	fmt.Fprintf(w, "| | | %s |\n|---|---|%s\n", strings.Join(all, " | "), strings.Repeat("---|", len(all)))
	for _, r := range measured {
		for _, f := range figureOrder {
			mine := t.values(r.name, f, oursName)
			var cells []string
			found := false
			for _, c := range all {
				v := t.values(r.name, f, c)
				if len(v) == 0 {
					cells = append(cells, "")
					continue
				}
				found = true
				cell := three(median(v))
				if c != oursName && len(mine) > 0 {
					cell += fmt.Sprintf(" (%s)", three(ratio(mine, v)))
				}
				cells = append(cells, cell)
			}
			if found {
				fmt.Fprintf(w, "| %s | %s | %s |\n", r.name, f, strings.Join(cells, " | "))
			}
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func writeVerdicts(w io.Writer, vs []verdict) error {
	fmt.Fprint(w, "| Floor | measured | |\n|---|---|---|\n")
	for _, v := range vs {
		is, met := "≥", "met"
		if v.Figure == cpuByte {
			is = "≤"
		}
		if !v.Met {
			met = "**missed**"
		}
		fmt.Fprintf(w, "| %s, %s: %s %s %s × %s | %s | %s |\n", v.Row, v.Figure, v.Ours, is, three(v.Floor), v.Of, three(v.Ratio), met)
	}
	_, err := fmt.Fprintln(w)
	return err
}
