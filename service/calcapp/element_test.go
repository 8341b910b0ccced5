// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

var epoch = time.Unix(1_000_000, 0)

// a rig is an Element with a clock.
type rig struct {
	*Element
	t   *testing.T
	now time.Time
	log []string // time since epoch in ms, session, what was sent
}

func newRig(t *testing.T, cfg ElementConfig) *rig {
	require.NoError(t, cfg.Validate())
	return &rig{Element: NewElement(cfg), t: t, now: epoch}
}

func (r *rig) poll() {
	for o, ok := r.Poll(); ok; o, ok = r.Poll() {
		what := fmt.Sprintf("%v %d", o.Message.Type, o.Message.JobID)
		if o.Message.Type == 0 {
			what = fmt.Sprintf("cookie %d: %d of %d", o.Cookie.JobID, o.Cookie.Completed, o.Cookie.JobSize)
		}
		r.log = append(r.log, fmt.Sprintf("%d ms, session %d: %s", r.now.Sub(epoch).Milliseconds(), o.Session, what))
	}
}

func (r *rig) says(session uint64, typ Type, id uint32, size uint64) {
	r.t.Helper()
	require.NoError(r.t, r.HandleMessage(r.now, session, Message{Type: typ, JobID: id, JobSize: size}))
	r.poll()
}

// until does all that is due up to a time in ms, and returns what was sent since the last call.
func (r *rig) until(ms int) (log []string) {
	end := epoch.Add(time.Duration(ms) * time.Millisecond)
	for n := 0; ; n++ {
		require.Less(r.t, n, 10_000, "it does not get on")
		at := r.Deadline()
		if at.IsZero() || at.After(end) {
			break
		}
		if at.After(r.now) {
			r.now = at
		}
		r.HandleTimer(r.now)
		r.poll()
	}
	r.now = end
	log, r.log = r.log, nil
	return log
}

// Jobs share the capacity: two of them take twice as long, and when one ends the other gets all of it.
func TestJobsShareTheCapacity(t *testing.T) {
	r := newRig(t, ElementConfig{Capacity: 1000, KeepAliveInterval: time.Hour})
	r.says(1, Request, 1, 1000)
	require.InDelta(t, 0.1, r.Load(), 1e-9)
	require.Equal(t, []string{"0 ms, session 1: accept 1"}, r.until(500))
	r.says(2, Request, 1, 1000)
	require.Equal(t, []string{"500 ms, session 2: accept 1", "1500 ms, session 1: complete 1", "2000 ms, session 2: complete 1"}, r.until(5000))
	require.Zero(t, r.Jobs())
	require.Zero(t, r.Load())
	require.True(t, r.Deadline().IsZero())
	require.InDelta(t, 2000, r.Stats().Calculations, 1e-3)
	require.EqualValues(t, 2, r.Stats().Completed)
}

// An element that is late with its timer does at each job what it should have.
func TestLateTimer(t *testing.T) {
	r := newRig(t, ElementConfig{Capacity: 1000, KeepAliveInterval: time.Hour, CookieMaxTime: time.Hour})
	r.says(1, Request, 1, 1000)
	r.says(1, Request, 2, 2000)
	r.says(1, Request, 3, 4000)
	r.now = epoch.Add(6 * time.Second)
	r.HandleTimer(r.now)
	r.HandleDrain(r.now, 1)
	r.poll()
	require.Equal(t, []string{"6000 ms, session 1: complete 1", "6000 ms, session 1: complete 2", "6000 ms, session 1: cookie 3: 3000 of 4000"}, r.log[3:])
}

func TestRejectsWhenFull(t *testing.T) {
	r := newRig(t, ElementConfig{MaxJobs: 2})
	r.says(1, Request, 1, 1e6)
	r.says(1, Request, 2, 1e6)
	r.says(2, Request, 1, 1e6)
	require.NoError(t, r.HandleCookie(r.now, 3, Cookie{JobID: 9, JobSize: 1e6, Completed: 1}))
	r.poll()
	require.Equal(t, []string{"0 ms, session 1: accept 1", "0 ms, session 1: accept 2", "0 ms, session 2: reject 1", "0 ms, session 3: reject 9"}, r.until(0))
	require.EqualValues(t, 1, r.Load())
	r.says(1, Abort, 2, 0)
	r.says(2, Request, 1, 1e6)
	require.Equal(t, []string{"0 ms, session 2: accept 1"}, r.until(0))
	r.HandleEnd(r.now, 1)
	r.HandleEnd(r.now, 2)
	require.Zero(t, r.Jobs())
	require.Equal(t, ElementStats{Accepted: 3, Rejected: 2, Dropped: 3}, r.Stats())
}

// A job goes on from a cookie, and there are cookies by time and by calculations.
func TestCookies(t *testing.T) {
	r := newRig(t, ElementConfig{Capacity: 1000, KeepAliveInterval: time.Hour, CookieMaxTime: 5 * time.Second, CookieMaxCalculations: 2000})
	require.NoError(t, r.HandleCookie(r.now, 1, Cookie{JobID: 1, JobSize: 6000, Completed: 1000}))
	r.poll()
	require.Equal(t, []string{"0 ms, session 1: accept 1", "2000 ms, session 1: cookie 1: 3000 of 6000"}, r.until(3000))
	r.says(1, Request, 1, 6000)
	r.says(2, Request, 1, 9000)
	require.Equal(t, []string{"3000 ms, session 1: accept 1", "3000 ms, session 2: accept 1",
		"5000 ms, session 1: cookie 1: 5000 of 6000", "7000 ms, session 1: complete 1",
		"7000 ms, session 2: cookie 1: 2000 of 9000"}, r.until(7000))
	r.HandleDrain(r.now.Add(500*time.Millisecond), 2)
	r.poll()
	require.Equal(t, []string{"7000 ms, session 2: cookie 1: 2500 of 9000"}, r.log)
	require.Zero(t, r.Jobs())
	require.ErrorContains(t, r.HandleCookie(r.now, 1, Cookie{JobSize: 1, Completed: 2}), "2 calculations of 1 are completed")
}

// A user that does not answer is dropped, and told so in case it is there.
func TestKeepAlives(t *testing.T) {
	r := newRig(t, ElementConfig{Capacity: 1, CookieMaxTime: time.Hour})
	r.says(1, Request, 1, 1e6)
	require.Equal(t, []string{"0 ms, session 1: accept 1", "2500 ms, session 1: keep-alive 1"}, r.until(4000))
	r.says(1, KeepAlive, 1, 0)
	r.says(1, KeepAliveAck, 1, 0)
	require.Equal(t, []string{"4000 ms, session 1: keep-alive ack 1", "6500 ms, session 1: keep-alive 1", "9000 ms, session 1: abort 1"}, r.until(60_000))
	require.Zero(t, r.Jobs())
	r.says(1, KeepAlive, 1, 0)
	r.says(1, KeepAliveAck, 1, 0)
	r.says(1, Abort, 1, 0)
	require.Equal(t, []string{"60000 ms, session 1: abort 1"}, r.until(60_000))
	for _, typ := range []Type{Accept, Reject, Complete} {
		require.ErrorContains(t, r.HandleMessage(r.now, 1, Message{Type: typ, JobID: 3}), "calcapp: "+typ.String()+" 3, which is not for a pool element")
	}
}

// Sizes without measure: nothing, and more than there is time.
func TestExtremeSizes(t *testing.T) {
	r := newRig(t, ElementConfig{Capacity: 1e-300, KeepAliveInterval: time.Minute, CookieMaxTime: 2000 * time.Hour})
	r.says(1, Request, 1, 0)
	require.Equal(t, []string{"0 ms, session 1: accept 1", "0 ms, session 1: complete 1"}, r.until(0))
	require.NoError(t, r.HandleCookie(r.now, 1, Cookie{JobID: 2, JobSize: math.MaxUint64, Completed: math.MaxUint64}))
	r.poll()
	r.says(1, Request, 3, math.MaxUint64)
	require.Equal(t, []string{"0 ms, session 1: accept 2", "0 ms, session 1: accept 3", "0 ms, session 1: complete 2"}, r.until(0))
	require.Len(t, r.until(61_000), 1)
	for _, bad := range []ElementConfig{
		{Capacity: -1}, {Capacity: math.NaN()}, {Capacity: math.Inf(1)}, {MaxJobs: -1}, {KeepAliveTimeout: -1}, {CookieMaxCalculations: -1},
	} {
		require.ErrorContains(t, bad.Validate(), "calcapp: ")
	}
}

// Whatever sessions do, jobs are within their limit, calculations within the capacity, and all ends.
func TestElementAtRandom(t *testing.T) {
	for i := range uint64(50) {
		rnd := rand.New(rand.NewPCG(*seed, i))
		r := newRig(t, ElementConfig{Capacity: 1000, MaxJobs: 3})
		for range 300 {
			session, id := rnd.Uint64N(4), rnd.Uint32N(3)
			switch rnd.IntN(8) {
			case 0, 1:
				r.says(session, Request, id, rnd.Uint64N(5000))
			case 2:
				r.says(session, KeepAlive, id, 0)
			case 3:
				r.says(session, KeepAliveAck, id, 0)
			case 4:
				r.says(session, Abort, id, 0)
			case 5:
				r.HandleEnd(r.now, session)
			default:
				r.until(int(r.now.Sub(epoch).Milliseconds()) + rnd.IntN(2000))
			}
			require.LessOrEqual(t, r.Jobs(), 3)
		}
		r.until(int(r.now.Sub(epoch).Milliseconds()) + 60_000)
		s := r.Stats()
		require.Zero(t, r.Jobs(), "seed %d, %d", *seed, i)
		require.Equal(t, s.Accepted, s.Completed+s.Dropped)
		require.LessOrEqual(t, s.Calculations, 1000*r.now.Sub(epoch).Seconds()+1e-6)
	}
}
