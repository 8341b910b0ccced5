// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"math"
	"slices"
	"time"
)

// far is when what takes too long for a time.Duration is over.
const far = 100 * 365 * 24 * time.Hour

// A job is one that an Element works at.
type job struct {
	session   uint64
	id        uint32
	size      uint64
	completed float64 // calculations, up to Element.at

	told       time.Time // of the last cookie
	toldAmount float64   // and what was completed then

	asked bool      // a KeepAlive was sent
	due   time.Time // when to send one, or when the answer is too late
}

func (j *job) heard(now time.Time, interval time.Duration) { j.asked, j.due = false, now.Add(interval) }

// left is how many calculations there are to do.
func (j *job) left() float64 { return max(0, float64(j.size)-j.completed) }

func (j *job) cookie() Cookie {
	c := Cookie{JobID: j.id, JobSize: j.size, Completed: j.size}
	if done := math.Floor(j.completed); done < float64(j.size) {
		c.Completed = uint64(done)
	}
	return c
}

func (e *Element) find(session uint64, id uint32) *job {
	for _, j := range e.jobs {
		if j.session == session && j.id == id {
			return j
		}
	}
	return nil
}

// admit takes a job, or rejects it.
func (e *Element) admit(now time.Time, session uint64, c Cookie) {
	if len(e.jobs) >= e.cfg.MaxJobs {
		e.stats.Rejected++
		e.send(session, Reject, c.JobID)
		return
	}
	e.advance(now)
	j := &job{session: session, id: c.JobID, size: c.JobSize, completed: float64(c.Completed), told: now, toldAmount: float64(c.Completed)}
	j.heard(now, e.cfg.KeepAliveInterval)
	e.jobs = append(e.jobs, j)
	e.stats.Accepted++
	e.send(session, Accept, c.JobID)
}

// drop ends jobs that are not complete.
func (e *Element) drop(now time.Time, which func(*job) bool) {
	e.advance(now)
	before := len(e.jobs)
	e.jobs = slices.DeleteFunc(e.jobs, which)
	e.stats.Dropped += uint64(before - len(e.jobs))
}

// rate returns how many calculations of each job are done in a second.
func (e *Element) rate() float64 { return e.cfg.Capacity / float64(len(e.jobs)) }

// advance does the calculations up to now.
func (e *Element) advance(now time.Time) {
	if elapsed := now.Sub(e.at).Seconds(); elapsed > 0 && len(e.jobs) > 0 {
		each := elapsed * e.rate()
		for _, j := range e.jobs {
			n := min(each, j.left())
			j.completed += n
			e.stats.Calculations += n
		}
	}
	e.at = now
}

// after returns how long so many calculations of a job take, rounded up.
func (e *Element) after(calculations float64) time.Duration {
	if ns := math.Ceil(calculations / e.rate() * 1e9); ns < float64(far) {
		return time.Duration(ns)
	}
	return far
}

// Deadline returns when HandleTimer is to be called, the zero time if there are no jobs.
func (e *Element) Deadline() (at time.Time) {
	for _, j := range e.jobs {
		for _, t := range []time.Time{j.due, e.completion(j), e.nextCookie(j)} {
			if at.IsZero() || t.Before(at) {
				at = t
			}
		}
	}
	return at
}

func (e *Element) completion(j *job) time.Time { return e.at.Add(e.after(j.left())) }

func (e *Element) nextCookie(j *job) time.Time {
	byTime := j.told.Add(e.cfg.CookieMaxTime)
	if by := e.at.Add(e.after(max(0, e.cfg.CookieMaxCalculations-(j.completed-j.toldAmount)))); by.Before(byTime) {
		return by
	}
	return byTime
}

// HandleTimer does what is due.
func (e *Element) HandleTimer(now time.Time) {
	if len(e.jobs) == 0 {
		return
	}
	// At the end of a job the others get more: what is calculated up to its end and after it is not the same.
	for {
		first := now
		for _, j := range e.jobs {
			if t := e.completion(j); t.Before(first) {
				first = t
			}
		}
		e.advance(first)
		before := len(e.jobs)
		e.jobs = slices.DeleteFunc(e.jobs, func(j *job) bool {
			if e.completion(j).After(first) {
				return false
			}
			e.stats.Completed++
			e.out = append(e.out, Output{Session: j.session, Message: Message{
				Type: Complete, JobID: j.id, JobSize: j.size, Completed: j.size,
			}})
			return true
		})
		if len(e.jobs) == 0 || len(e.jobs) == before {
			break
		}
	}
	e.advance(now)
	for _, j := range e.jobs {
		if !e.nextCookie(j).After(now) {
			e.giveCookie(j)
			j.told, j.toldAmount = now, j.completed
		}
		if j.due.After(now) || j.asked {
			continue
		}
		j.asked, j.due = true, now.Add(e.cfg.KeepAliveTimeout)
		e.send(j.session, KeepAlive, j.id)
	}
	e.drop(now, func(j *job) bool {
		late := j.asked && !j.due.After(now)
		if late {
			e.send(j.session, Abort, j.id)
		}
		return late
	})
}
