// SPDX-License-Identifier: Apache-2.0

package main

import "math"

// A floor is what is promised of one contender of ours in relation to others.
type floor struct {
	row, figure string
	ours        string
	times       float64 // the least ratio to the best of the others; of processor time the most
	of          []string
	most        bool
}

var floors = []floor{
	{"one way, 64 KiB", rate, oursName, 4, []string{usrName}, false},
	{"one way, 1 KiB", rate, oursName, 3, []string{pionName}, false},
	{"one way, 64 B", rate, oursName, 3, []string{pionName}, false},
	{"one way, 1 KiB", cpuByte, oursName, 1.0 / 3, []string{pionName}, true},
	{"there and back, 64 B", each, oursName, 1, []string{usrName}, false},
	{"20 ms", rate, oursName, 2, []string{pionName}, false},
	{"20 ms, 0.1 % lost", rate, lossyName, 1, []string{usrName, pionName, quicName}, false},
	{"20 ms, 1 % lost", rate, lossyName, 1, []string{usrName, pionName, quicName}, false},
	{"100 ms", rate, oursName, 1, []string{usrName, pionName, quicName}, false},
	{"associations, one at a time", each, oursName, 1, []string{pionName}, false},
	{"one way, 64 KiB", rate, plainName, 1.2, []string{pionName}, false},
	{"one way, 1 KiB", rate, plainName, 1.2, []string{pionName}, false},
	{"one way, 64 B", rate, plainName, 1.2, []string{pionName}, false},
}

// A verdict is a floor and what was measured.
type verdict struct {
	Row    string  `json:"row"`
	Figure string  `json:"figure"`
	Ours   string  `json:"contender"`
	Of     string  `json:"of"` // the best of the others
	Floor  float64 `json:"floor"`
	Ratio  float64 `json:"ratio"`
	Met    bool    `json:"met"`
}

// judge compares with the best of the others that were measured; ok is false if none was.
func (f *floor) judge(t *table) (v verdict, ok bool) {
	mine := t.values(f.row, f.figure, f.ours)
	for _, o := range f.of {
		theirs := t.values(f.row, f.figure, o)
		if len(mine) == 0 || len(theirs) == 0 {
			continue
		}
		x := ratio(mine, theirs)
		if math.IsNaN(x) {
			continue
		}
		if !ok || !f.most && x < v.Ratio || f.most && x > v.Ratio {
			v = verdict{f.row, f.figure, f.ours, o, f.times, x, x >= f.times != f.most || x == f.times}
			ok = true
		}
	}
	return v, ok
}
