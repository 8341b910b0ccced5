// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"sync"
)

// inconclusiveInRow is how many cases in a row must be inconclusive for the system under test to be suspected.
const inconclusiveInRow = 4

// A watchdog notices that the system under test is no more: else each case would wait for it, again and again.
type watchdog struct {
	r *Runner

	mu       sync.Mutex
	inRow    int
	err      error         // it is dead for good
	checking chan struct{} // somebody looks whether it is
}

// dead says why nothing is run any more; nil if all is well.
func (w *watchdog) dead() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// run is Runner.RunCase for a system under test that may be dead.
func (w *watchdog) run(ctx context.Context, c *Case) Result {
	if err := w.dead(); err != nil {
		return Result{ID: c.ID, Case: c, Verdict: Inconclusive, Why: err.Error()}
	}
	res := w.r.RunCase(ctx, c)
	w.mu.Lock()
	switch res.Verdict {
	case Inconclusive:
		w.inRow++
	case Pass, Fail:
		w.inRow = 0
	}
	look := w.inRow >= inconclusiveInRow && w.err == nil && w.checking == nil
	if look {
		w.checking = make(chan struct{})
	}
	checking := w.checking
	w.mu.Unlock()
	switch {
	case look:
		err := w.look(ctx, c)
		w.mu.Lock()
		w.inRow, w.err, w.checking = 0, err, nil
		w.mu.Unlock()
		close(checking)
	case checking != nil:
		<-checking
	}
	return res
}

// look returns an error if the system under test does not answer, and does not after a new start either.
func (w *watchdog) look(ctx context.Context, c *Case) error {
	if ctx.Err() != nil {
		return nil
	}
	err := w.probe(ctx, c)
	if err == nil || w.r.Restart == nil {
		return err
	}
	w.r.Restart()
	return w.probe(ctx, c)
}

// probe opens a target and looks whether it answers an INIT, if it listens at all.
func (w *watchdog) probe(ctx context.Context, c *Case) error {
	target := w.r.Target
	if w.r.Open != nil {
		t, done, err := w.r.Open(ctx, c)
		if err != nil {
			return fmt.Errorf("the system under test cannot be started any more: %w", err)
		}
		defer done()
		target = t
	}
	if target == nil || target.Port == 0 || len(target.Addrs) == 0 {
		return nil
	}
	if err := w.r.Probe(ctx, target); err != nil {
		return fmt.Errorf("the system under test does not answer any more: %w", err)
	}
	return nil
}
