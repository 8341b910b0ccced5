// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rserpool/rserpool/conformance/bench/usrsctp"
)

// options are the command line.
type options struct {
	n          int
	time       time.Duration
	rows       string
	contenders string
	json       string
	cache      string
}

func (o *options) register(f *flag.FlagSet) {
	f.IntVar(&o.n, "n", 5, "repetitions")
	f.DurationVar(&o.time, "time", 2*time.Second, "how long a test sends; on a path with a delay it is twice that")
	f.StringVar(&o.rows, "rows", "", "regular expression of the rows to measure")
	f.StringVar(&o.contenders, "contenders", "", "the contenders to measure, with commas between them")
	f.StringVar(&o.json, "json", "", "file for everything that was measured")
	f.StringVar(&o.cache, "cache", filepath.Join(os.TempDir(), "rserpool-bench-peers"), "directory for peers that are built")
}

// programs are the contenders that there are. What cannot be built is left out.
func (o *options) programs() (map[string]program, []string) {
	all := make(map[string]program)
	var notes []string
	for name := range inProgram {
		all[name] = program{os.Args[0], []string{"worker", name}}
	}
	if o.wants(usrName) {
		path, library, err := usrsctp.Build(filepath.Join(o.cache, "usrsctp"))
		if err != nil {
			notes = append(notes, "usrsctp is left out: "+err.Error())
		} else {
			all[usrName] = program{path: path}
			notes = append(notes, "usrsctp is "+library+".")
		}
	}
	if o.wants(quicName) {
		path := filepath.Join(o.cache, "quicpeer")
		cmd := exec.Command("go", "build", "-o", path, ".")
		cmd.Dir = filepath.Join("conformance", "bench", "quicpeer")
		// Its network is that of the host, which this process has left; the cache has what it needs.
		if out, err := cmd.CombinedOutput(); err != nil {
			notes = append(notes, fmt.Sprintf("quic-go is left out: %v %s", err, out))
		} else {
			all[quicName] = program{path: path}
		}
	}
	return all, notes
}

func (o *options) wants(contender string) bool {
	return o.contenders == "" || slices.Contains(strings.Split(o.contenders, ","), contender)
}

// A report is what -json writes.
type report struct {
	Date        time.Time                       `json:"date"`
	System      string                          `json:"system"`
	Repetitions int                             `json:"repetitions"`
	Foreign     []float64                       `json:"foreign"` // share of the machine others used, for each repetition
	Notes       []string                        `json:"notes"`
	Cells       map[string]map[string][]float64 `json:"cells"` // "row, figure", contender
	Floors      []verdict                       `json:"floors"`
}

func (o *options) run(ctx context.Context) error {
	want, err := regexp.Compile(o.rows)
	if err != nil {
		return err
	}
	var measured []row
	for _, r := range rows {
		if want.MatchString(r.name) {
			measured = append(measured, r)
		}
	}
	if len(measured) == 0 {
		return fmt.Errorf("-rows %q: no row has such a name", o.rows)
	}
	programs, notes := o.programs()
	t := newTable()
	rep := report{Date: time.Now(), System: system(), Notes: notes}
	for rep.Repetitions < o.n && ctx.Err() == nil {
		rep.Foreign = append(rep.Foreign, o.repeat(ctx, t, measured, programs, &rep))
		rep.Repetitions++
	}
	return o.tell(t, measured, &rep)
}

// repeat lets each contender take its turn in each row, and returns what share of the machine others used.
func (o *options) repeat(ctx context.Context, t *table, measured []row, programs map[string]program, rep *report) float64 {
	start, busy, own := time.Now(), busyTime(), ownTime()
	for _, r := range measured {
		for _, c := range r.contenders {
			p, ok := programs[c]
			if !ok || !o.wants(c) || ctx.Err() != nil {
				continue
			}
			d := o.time
			if r.path != nil {
				d *= 2
			}
			f, err := r.measure(ctx, p, d)
			if err != nil {
				note := fmt.Sprintf("%s, %s, repetition %d: %v", r.name, c, rep.Repetitions+1, err)
				fmt.Fprintln(os.Stderr, note)
				rep.Notes = append(rep.Notes, note)
				f = map[string]float64{r.first(): 0} // it has failed, which is no speed
			}
			t.add(r.name, c, f)
			fmt.Fprintf(os.Stderr, "%d/%d %-28s %-11s %10.1f %s\n", rep.Repetitions+1, o.n, r.name, c, f[r.first()], r.first())
		}
	}
	took := time.Since(start).Seconds() * float64(runtime.NumCPU())
	return (busyTime() - busy - (ownTime() - own)) / took
}

// tell writes the tables.
func (o *options) tell(t *table, measured []row, rep *report) error {
	if rep.Repetitions == 0 {
		return fmt.Errorf("nothing was measured")
	}
	for _, f := range floors {
		if v, ok := f.judge(t); ok {
			rep.Floors = append(rep.Floors, v)
		}
	}
	fmt.Printf("%s. n = %d; others used %.0f %% of the machine (median).\n", rep.System, rep.Repetitions, 100*median(rep.Foreign))
	for _, n := range rep.Notes {
		fmt.Println(n)
	}
	fmt.Println()
	if err := t.markdown(os.Stdout, measured); err != nil {
		return err
	}
	if err := writeVerdicts(os.Stdout, rep.Floors); err != nil {
		return err
	}
	if o.json == "" {
		return nil
	}
	rep.Cells = make(map[string]map[string][]float64)
	for k, v := range t.cells {
		name := k.row + ", " + k.figure
		if rep.Cells[name] == nil {
			rep.Cells[name] = make(map[string][]float64)
		}
		rep.Cells[name][k.contender] = v
	}
	b, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o644)
}

// system says what this ran on.
func system() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	model := "processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(b); m != nil {
			model = string(m[1])
		}
	}
	return fmt.Sprintf("Linux %s, %d × %s, %s", strings.TrimSpace(string(release)), runtime.NumCPU(), model, runtime.Version())
}
