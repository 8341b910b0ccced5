// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A Result is the verdict of a case and why.
type Result struct {
	ID      string  `json:"id"`
	Verdict Verdict `json:"verdict"`
	// Expected and Seen say what the rule asks for and what happened instead, Why why there is no verdict.
	Expected string `json:"expected,omitempty"`
	Seen     string `json:"seen,omitempty"`
	Why      string `json:"why,omitempty"`
	// Retried is what another run of the same case found before.
	Retried string        `json:"retried,omitempty"`
	Took    time.Duration `json:"took"`
	// Transcript has a line per packet.
	Transcript string `json:"transcript,omitempty"`

	Case    *Case            `json:"-"`
	Packets []*tester.Packet `json:"-"`
}

// A Runner runs cases. The zero value runs them one after the other with the default times.
type Runner struct {
	// Timeout is how long a case may take; 0 is 2 minutes, 30 minutes for slow ones.
	Timeout time.Duration
	// Wait is how long an answer may take that must come (5 s), Quiet how long to watch that none comes (1.5 s).
	Wait, Quiet time.Duration
	// Parallel is how many cases run at a time; 0 is 1.
	Parallel int
	// Retries is how often at most a case that did not pass is run again when all others are done, with half of Parallel at a time,
	// until two runs after each other agree: what a busy host made late passes then, and a failure that stays is one. The last run
	// counts, and the result says that there was another.
	Retries int
	// NoSlow skips slow cases.
	NoSlow bool
	// Seed is that of the tester's tags and TSNs.
	Seed uint64
	// Open, if set, makes the target of each case, and close ends it; else all cases share Target.
	Open   func(ctx context.Context, c *Case) (target *Target, close func(), err error)
	Target *Target
	// Restart, if set, ends the system under test, so that Open starts it anew. That is done when several cases in a row are
	// inconclusive and it does not answer an INIT any more. If it does not then either, what has not begun is inconclusive.
	Restart func()
	// Begin and Done, if set, are called before and after each case, one at a time; Done once its verdict stands. Done may change the result, to drop its
	// packets for example.
	Begin func(c *Case)
	Done  func(r *Result)
}

// Run runs the cases and returns their results in the same order. When the context ends, what has not begun is left out.
func (r *Runner) Run(ctx context.Context, cases []Case) []Result {
	results := make([]Result, len(cases))
	var mu sync.Mutex // guards what follows, and the calls of Begin and Done
	var again []int
	watch := watchdog{r: r}
	done := func(i int, res Result) {
		if r.Done != nil {
			r.Done(&res)
		}
		results[i] = res
	}
	each(ctx, r.Parallel, len(cases), func(i int) {
		mu.Lock()
		if r.Begin != nil {
			r.Begin(&cases[i])
		}
		mu.Unlock()
		res := watch.run(ctx, &cases[i])
		mu.Lock()
		defer mu.Unlock()
		if r.Retries > 0 && !res.settled() {
			again = append(again, i)
			results[i] = res
			return
		}
		done(i, res)
	})
	slices.Sort(again)
	// Once the context has ended nothing is run again, but all that was has its verdict.
	each(context.WithoutCancel(ctx), r.Parallel/2, len(again), func(n int) {
		i := again[n]
		res := r.retry(ctx, &watch, &cases[i], results[i])
		mu.Lock()
		defer mu.Unlock()
		done(i, res)
	})
	return slices.DeleteFunc(results, func(res Result) bool { return res.ID == "" })
}

// each calls f with the numbers below n in order, and parallel of them at a time, until the context ends.
func each(ctx context.Context, parallel, n int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(parallel, 1) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wg.Wait()
}

// retry runs a case again until it passes or the verdict is the same again, Retries times at most.
func (r *Runner) retry(ctx context.Context, watch *watchdog, c *Case, first Result) Result {
	res := first
	for range r.Retries {
		if ctx.Err() != nil || res.settled() || watch.dead() != nil {
			break
		}
		before := res.Verdict
		res = watch.run(ctx, c)
		res.Retried = first.Why
		if first.Verdict == Fail {
			res.Retried = "seen at first: " + first.Seen
		}
		if res.Verdict == before {
			break
		}
	}
	return res
}

// settled reports whether a result needs no repetition.
func (r *Result) settled() bool { return r.Verdict == Pass || r.Verdict == Skipped }

// RunCase runs one case.
func (r *Runner) RunCase(ctx context.Context, c *Case) (res Result) {
	begin := time.Now()
	res = Result{ID: c.ID, Case: c, Verdict: Pass}
	defer func() { res.Took = time.Since(begin) }()
	if c.Unobservable != "" {
		res.Verdict, res.Why = Skipped, "cannot be observed: "+c.Unobservable
		return res
	}
	if c.Slow && r.NoSlow {
		res.Verdict, res.Why = Skipped, "slow cases were not asked for"
		return res
	}
	target := r.Target
	if r.Open != nil {
		var done func()
		var err error
		if target, done, err = r.Open(ctx, c); err != nil {
			res.Verdict, res.Why = Inconclusive, "the system under test could not be started: "+err.Error()
			return res
		}
		defer done()
	}
	if !target.Role.Serves(c.Role) {
		res.Verdict, res.Why = Skipped, fmt.Sprintf("the target is a %s, the case is about a %s", target.Role, c.Role)
		return res
	}
	for _, need := range c.Needs {
		if ok, why := target.Can(need); !ok {
			res.Verdict, res.Why = Skipped, why
			if target.Caps[need] {
				res.Verdict, res.Expected, res.Seen = Fail, "capability "+need+", which is declared", why
			}
			return res
		}
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 2 * time.Minute
		if c.Slow {
			timeout = 30 * time.Minute
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	t := newT(ctx, c, target, r)
	e := t.run()
	t.end(cancel)
	res.Verdict, res.Expected, res.Seen, res.Why = e.verdict, e.expected, e.seen, e.note
	if target.Ended != nil {
		if err := target.Ended(); err != nil && e.verdict != Fail {
			res.Verdict, res.Expected, res.Seen = Fail, "the system under test to go on", err.Error()
		}
	}
	res.Packets = t.Packets()
	if e.verdict != Skipped {
		res.Transcript = t.Transcript()
	}
	return res
}

// Probe looks whether the target answers an INIT. The error says that it does not.
func (r *Runner) Probe(ctx context.Context, target *Target) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case ended:
			err = errors.New(p.note + p.seen)
		default:
			panic(p)
		}
	}()
	t := newT(ctx, &Case{ID: "probe", Requirement: &Requirement{ID: "probe"}}, target, r)
	defer t.Close()
	a := t.Assoc(tester.Setup{})
	for range 3 {
		a.SendInit()
		if a.Next(t.Wait()/3, tester.Is(wire.ChunkInitAck, wire.ChunkAbort)) != nil {
			return nil
		}
	}
	return errors.New("nobody answers an INIT")
}

// run runs the case and catches how it ends.
func (t *T) run() (e ended) {
	e = ended{verdict: Pass}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case ended:
			e = p
		default:
			e = ended{verdict: Inconclusive, note: fmt.Sprintf("the case itself is broken: %v\n%s", p, debug.Stack())}
		}
	}()
	t.Case.Run(t)
	return e
}

// end is finish, which must not change the verdict.
func (t *T) end(cancel func()) {
	defer func() {
		if p := recover(); p != nil {
			t.Tester.Close()
		}
	}()
	t.finish(cancel)
}

// Serves reports whether a target of role r can be tested in the role of a case.
func (r Role) Serves(role Role) bool {
	switch role {
	case Server, Client, Endpoint:
		return r == Endpoint || r == Server || r == Client
	}
	return r == role
}

// Count counts the verdicts of results; mandatory are the failures of rules that are Mandatory.
func Count(results []Result) (n map[Verdict]int, mandatory int) {
	n = map[Verdict]int{}
	for _, r := range results {
		n[r.Verdict]++
		if r.Verdict == Fail && r.Case != nil && r.Case.Level.Mandatory() {
			mandatory++
		}
	}
	return n, mandatory
}

// Explain is the whole of a result for people: what the rule is, what it asks for, what was seen, and the packets.
func (r *Result) Explain() string {
	var b strings.Builder
	c := r.Case
	fmt.Fprintf(&b, "%s %s (%s, %s) %s\n", strings.ToUpper(string(r.Verdict)), r.ID, c.Level, c.Role, c.Stimulus)
	fmt.Fprintf(&b, "  RFC %s, Section %s: %q\n", c.RFC(), strings.TrimPrefix(c.Section(), c.RFC()+"/"), c.Rule)
	if r.Expected != "" {
		fmt.Fprintf(&b, "  the case:  %s\n  expected:  %s\n  seen:      %s\n", c.Expected, r.Expected, r.Seen)
	}
	if r.Why != "" {
		fmt.Fprintf(&b, "  because:   %s\n", r.Why)
	}
	if r.Retried != "" {
		fmt.Fprintf(&b, "  before:    %s\n", r.Retried)
	}
	for line := range strings.Lines(r.Transcript) {
		b.WriteString("  | " + line)
	}
	return b.String()
}
