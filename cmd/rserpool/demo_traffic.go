// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// traffic sends numbered messages and counts the answers.
type traffic struct {
	d    *demoShow
	sess *pool.Session

	unanswered []uint64 // ascending
	stats      demoSummary
	lastAnswer time.Time
}

// run sends until the context ends, and then waits for the answers that are missing, up to a limit.
func (t *traffic) run(ctx context.Context, failovers chan<- *pool.FailoverError) {
	receiving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	in := make(chan answer)
	t.d.work.Go(func() { t.receive(receiving, in) })
	tick := time.NewTicker(t.d.cfg.Interval)
	defer tick.Stop()
	sending, late := ctx.Done(), (<-chan time.Time)(nil)
	t.lastAnswer = time.Now()
	for sending != nil || len(t.unanswered) > 0 {
		ticks := tick.C
		if sending == nil {
			ticks = nil
		}
		select {
		case <-ticks:
			t.stats.Sent++
			t.unanswered = append(t.unanswered, t.stats.Sent)
			t.send(receiving, t.stats.Sent)
		case r := <-in:
			f, ok := errors.AsType[*pool.FailoverError](r.err)
			switch {
			case r.err == nil:
				t.answer(r.m)
			case ok:
				t.failover(receiving, f)
				select {
				case failovers <- f:
				default: // nobody waits for this one
				}
			default:
				t.d.say("the session has ended: %v", r.err)
				t.stats.Lost = uint64(len(t.unanswered))
				return
			}
		case <-sending:
			sending, late = nil, time.After(demoGrace)
		case <-late:
			t.stats.Lost = uint64(len(t.unanswered))
			return
		}
	}
}

// grace is how long the last answers may take.
const demoGrace = 5 * time.Second

func (t *traffic) receive(ctx context.Context, in chan<- answer) {
	for {
		m, err := t.sess.Recv(ctx)
		select {
		case in <- answer{m, err}:
		case <-ctx.Done():
			return
		}
		if _, ok := errors.AsType[*pool.FailoverError](err); err != nil && !ok {
			return
		}
	}
}

// send hands a message to the session. If the element has failed it is sent after the failover.
func (t *traffic) send(ctx context.Context, n uint64) {
	err := t.sess.Send(ctx, sctp.Message{Data: binary.BigEndian.AppendUint64(nil, n)})
	if err != nil && !errors.Is(err, pool.ErrElementFailed) {
		t.d.say("message %d could not be sent: %v", n, err)
	}
}

func (t *traffic) answer(m sctp.Message) {
	if len(m.Data) != 8 {
		return
	}
	n := binary.BigEndian.Uint64(m.Data)
	i, found := slices.BinarySearch(t.unanswered, n)
	if !found {
		t.stats.Duplicates++
		return
	}
	t.unanswered = slices.Delete(t.unanswered, i, i+1)
	t.stats.Answered++
	now := time.Now()
	t.stats.LongestSilence = max(t.stats.LongestSilence, now.Sub(t.lastAnswer))
	t.lastAnswer = now
}

// failover sends again what the failed element has not answered: that may be done twice here.
func (t *traffic) failover(ctx context.Context, f *pool.FailoverError) {
	silence := time.Since(t.lastAnswer)
	t.stats.Failovers = append(t.stats.Failovers, silence)
	t.stats.SentAgain += uint64(len(t.unanswered))
	t.d.say("failover: %s → %s, association set up in %v, %v after the last answer of %s (%v)",
		t.d.name(f.From.ID), t.d.name(f.To.ID), roundTime(f.Took), roundTime(silence), t.d.name(f.From.ID), f.Err)
	if n := len(t.unanswered); n > 0 {
		t.d.say("%d unanswered messages are sent to %s", n, t.d.name(f.To.ID))
	}
	for _, n := range t.unanswered {
		t.send(ctx, n)
	}
}
