// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/simnet"
)

// nobody is a target that does not answer.
func nobody() *conformance.Target {
	net := simnet.New(1)
	a := netip.MustParseAddr("10.0.0.1")
	return &conformance.Target{
		Role: conformance.Endpoint, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}, EncapPort: 9899, Port: 7,
		Network: net.Host("T", a).Network(), Local: []netip.Addr{a}, Caps: map[string]bool{},
	}
}

// fake is a Control with one act.
type fake struct {
	act string
	err error
	got conformance.Args
}

func (f *fake) Has(act string) bool { return act == f.act }

func (f *fake) Do(_ context.Context, _ string, args conformance.Args) error {
	f.got = args
	return f.err
}

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		id      string // default: 9260/5.1/1
		run     func(*conformance.T)
		target  func(*conformance.Target)
		runner  func(*conformance.Runner)
		verdict conformance.Verdict
		why     string
	}{
		"it returns":           {run: func(*conformance.T) {}, verdict: conformance.Pass},
		"a failure":            {run: func(t *conformance.T) { t.Fail("this", "that") }, verdict: conformance.Fail, why: "that"},
		"a check":              {run: func(t *conformance.T) { t.Check(1 == 2, "this", "the %s", "other") }, verdict: conformance.Fail, why: "the other"},
		"nobody answers":       {run: func(t *conformance.T) { t.Dial(tester.Setup{}) }, verdict: conformance.Inconclusive, why: "INIT ACK did not come"},
		"nobody must answer":   {run: func(t *conformance.T) { t.Assoc(tester.Setup{}).ExpectSilence() }, verdict: conformance.Pass},
		"an answer must come":  {run: func(t *conformance.T) { t.Assoc(tester.Setup{}).ExpectInitAck() }, verdict: conformance.Fail, why: "nothing"},
		"the case is broken":   {run: func(*conformance.T) { panic("oops") }, verdict: conformance.Inconclusive, why: "the case itself is broken: oops"},
		"an address too many":  {run: func(t *conformance.T) { t.Endpoint().Addr(1) }, verdict: conformance.Skipped, why: "the tester has 1 addresses"},
		"it takes too long":    {run: func(t *conformance.T) { t.Sleep(time.Hour) }, verdict: conformance.Inconclusive, why: "longer than it may"},
		"another role":         {id: "5352/3.1/1", verdict: conformance.Skipped, why: "the target is a endpoint"},
		"no control":           {id: "9260/9.2/12", verdict: conformance.Skipped, why: "nothing makes"},
		"slow":                 {id: "9260/5.1.5/4", runner: func(r *conformance.Runner) { r.NoSlow = true }, verdict: conformance.Skipped, why: "slow"},
		"no echo":              {id: "9260/9.2/4", verdict: conformance.Skipped, why: "echo is not declared"},
		"a skipped capability": {run: func(t *conformance.T) { t.Skip("auth", "no RANDOM") }, verdict: conformance.Skipped, why: "no RANDOM"},
		"a declared capability": {
			run: func(t *conformance.T) { t.Skip("auth", "no RANDOM") }, target: func(t *conformance.Target) { t.Caps["auth"] = true },
			verdict: conformance.Fail, why: "no RANDOM",
		},
		"S cannot do it": {
			id: "9260/9.2/12", run: func(t *conformance.T) { t.Act(t.Assoc(tester.Setup{}), "shutdown") },
			target:  func(t *conformance.Target) { t.Control = &fake{act: "shutdown", err: errors.New("not now")} },
			verdict: conformance.Inconclusive, why: "not now",
		},
		"S has ended": {
			run: func(*conformance.T) {}, target: func(t *conformance.Target) { t.Ended = func() error { return errors.New("signal 11") } },
			verdict: conformance.Fail, why: "signal 11",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := conformance.Case{ID: "9260/5.1/1", Run: tc.run}
				if tc.id != "" {
					c.ID = tc.id
				}
				if c.Run == nil {
					c.Run = func(*conformance.T) { panic("it was run") }
				}
				r := conformance.Runner{Target: nobody()}
				if tc.target != nil {
					tc.target(r.Target)
				}
				if tc.runner != nil {
					tc.runner(&r)
				}
				res := r.Run(t.Context(), conformance.Join([]conformance.Case{c}))[0]
				require.Equal(t, tc.verdict, res.Verdict, res.Explain())
				require.Contains(t, res.Seen+res.Why, tc.why)
			})
		})
	}
}

// An act is told where the tester is.
func TestAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{act: "shutdown"}
		r := conformance.Runner{Target: nobody()}
		r.Target.Control = f
		run := func(t *conformance.T) { t.Act(t.Assoc(tester.Setup{Port: 1234}), "shutdown", "reason", "because") }
		res := r.Run(t.Context(), conformance.Join([]conformance.Case{{ID: "9260/9.2/12", Run: run}}))[0]
		require.Equal(t, conformance.Pass, res.Verdict, res.Explain())
		require.Equal(t, "1234", f.got["port"])
		require.Equal(t, "10.0.0.1", f.got["addr"])
		require.NotEmpty(t, f.got["udp"])
		require.Equal(t, "because", f.got["reason"])
	})
}

// Cases run at the same time; their results stay in order, and a run that is ended leaves out the rest.
func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cases []conformance.Case
		for _, id := range []string{"9260/5.1/1", "9260/5.1/2", "9260/5.1/4", "9260/5.1/11"} {
			cases = append(cases, conformance.Case{ID: id, Run: func(t *conformance.T) { t.Sleep(time.Minute) }})
		}
		cases = conformance.Join(cases)
		begun, done := 0, 0
		r := conformance.Runner{Target: nobody(), Parallel: 2, Begin: func(*conformance.Case) { begun++ }, Done: func(*conformance.Result) { done++ }}
		start := time.Now()
		results := r.Run(t.Context(), cases)
		require.Equal(t, 2*time.Minute, time.Since(start))
		require.Len(t, results, 4)
		for i, res := range results {
			require.Equal(t, cases[i].ID, res.ID)
		}
		require.Equal(t, 4, begun)
		require.Equal(t, 4, done)

		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		results = r.Run(ctx, cases)
		require.Len(t, results, 4)
		require.Equal(t, conformance.Inconclusive, results[3].Verdict)
		cancel()
		require.Empty(t, r.Run(ctx, cases))
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := conformance.Runner{}
		require.ErrorContains(t, r.Probe(t.Context(), nobody()), "nobody answers")
	})
}

// What fails once, on a busy host for example, is run again when all else is done.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := map[string]int{}
		run := func(bad int) func(t *conformance.T) {
			return func(t *conformance.T) {
				if runs[t.Case.ID]++; runs[t.Case.ID] <= bad {
					t.Fail("nothing", "run %d", runs[t.Case.ID])
				}
			}
		}
		cases := conformance.Join([]conformance.Case{{ID: "9260/5.1/1", Run: run(1)}, {ID: "9260/5.1/2", Run: run(9)}, {ID: "9260/5.1/4", Run: run(0)}})
		var done []string
		r := conformance.Runner{Target: nobody(), Retries: 2, Done: func(res *conformance.Result) { done = append(done, res.ID) }}
		res := r.Run(t.Context(), cases)
		require.Equal(t, []string{"9260/5.1/4", "9260/5.1/1", "9260/5.1/2"}, done)
		require.Equal(t, conformance.Pass, res[0].Verdict)
		require.Equal(t, "seen at first: run 1", res[0].Retried)
		require.Equal(t, conformance.Fail, res[1].Verdict)
		require.Equal(t, "run 2", res[1].Seen)
		require.Equal(t, map[string]int{"9260/5.1/1": 2, "9260/5.1/2": 2, "9260/5.1/4": 1}, runs)

		// Two runs that disagree take a third one.
		n := 0
		torn := conformance.Join([]conformance.Case{{ID: "9260/5.1/1", Run: func(t *conformance.T) {
			if n++; n == 1 {
				t.Inconclusive("nothing")
			}
			t.Fail("nothing", "run %d", n)
		}}})
		res = r.Run(t.Context(), torn)
		require.Equal(t, "run 3", res[0].Seen)
	})
}

// A system under test that is dead is started anew, once, and is not waited for again and again.
func TestDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, restarted := 0, 0
		dial := func(t *conformance.T) { run++; t.Dial(tester.Setup{}) }
		var cases []conformance.Case
		for _, id := range []string{"9260/3.2/4", "9260/3.2/6", "9260/3.2/8", "9260/3.2/9", "9260/3.2/10", "9260/5.1/1", "9260/5.1/2", "9260/8.5/1"} {
			cases = append(cases, conformance.Case{ID: id, Run: dial})
		}
		r := conformance.Runner{Target: nobody(), Retries: 2, Restart: func() { restarted++ }}
		results := r.Run(t.Context(), conformance.Join(cases))
		require.Len(t, results, len(cases))
		for _, res := range results {
			require.Equal(t, conformance.Inconclusive, res.Verdict, res.Explain())
		}
		require.Contains(t, results[len(results)-1].Why, "does not answer any more")
		require.Equal(t, 4, run)
		require.Equal(t, 1, restarted)
	})
}
