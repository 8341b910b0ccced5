// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"fmt"
	"math"
	"time"
)

// The defaults are RSPLIB's.
const (
	DefaultCapacity              = 1e6
	DefaultMaxJobs               = 10
	DefaultElementKeepAlive      = 2500 * time.Millisecond
	DefaultCookieMaxTime         = 5 * time.Second
	DefaultCookieMaxCalculations = 5e6
)

// An ElementConfig says how an Element works. Zero is the default of a field.
type ElementConfig struct {
	// Capacity is how many calculations are done in a second, by all jobs together. Default: DefaultCapacity.
	Capacity float64
	// MaxJobs is how many jobs there may be at once. Default: DefaultMaxJobs.
	MaxJobs int
	// KeepAliveInterval is how long after the last sign of the user a job of his is asked for, and KeepAliveTimeout how long
	// he may take to answer before it is dropped. Default: DefaultElementKeepAlive.
	KeepAliveInterval, KeepAliveTimeout time.Duration
	// CookieMaxTime and CookieMaxCalculations are after how long, and after how many calculations of a job, there is a
	// cookie of it. Default: DefaultCookieMaxTime, DefaultCookieMaxCalculations.
	CookieMaxTime         time.Duration
	CookieMaxCalculations float64
}

// Validate says what is wrong with the configuration.
func (c *ElementConfig) Validate() error {
	switch {
	case !(c.Capacity >= 0) || math.IsInf(c.Capacity, 0):
		return fmt.Errorf("calcapp: Capacity %v is not a positive number", c.Capacity)
	case c.MaxJobs < 0:
		return fmt.Errorf("calcapp: MaxJobs %d is negative", c.MaxJobs)
	case c.KeepAliveInterval < 0, c.KeepAliveTimeout < 0, c.CookieMaxTime < 0:
		return fmt.Errorf("calcapp: a time is negative")
	case !(c.CookieMaxCalculations >= 0):
		return fmt.Errorf("calcapp: CookieMaxCalculations %v is negative", c.CookieMaxCalculations)
	}
	return nil
}

func (c *ElementConfig) defaults() {
	or(&c.Capacity, DefaultCapacity)
	or(&c.MaxJobs, DefaultMaxJobs)
	or(&c.KeepAliveInterval, DefaultElementKeepAlive)
	or(&c.KeepAliveTimeout, DefaultElementKeepAlive)
	or(&c.CookieMaxTime, DefaultCookieMaxTime)
	or(&c.CookieMaxCalculations, DefaultCookieMaxCalculations)
}

// or sets what is zero.
func or[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// An Output is what an Element has for a user.
type Output struct {
	// Session is the number of the session.
	Session uint64
	// Message is to be sent, or else Cookie to be given if there is no message.
	Message Message
	Cookie  Cookie
}

// ElementStats count what an Element has done.
type ElementStats struct {
	// Accepted, Rejected, Completed and Dropped count jobs; those dropped had a user who was silent, left, or did not want
	// them any more.
	Accepted, Rejected, Completed, Dropped uint64
	// Calculations is how many were done.
	Calculations float64
}

// An Element has the jobs of a pool element. Each gets the same part of its capacity.
type Element struct {
	cfg   ElementConfig
	jobs  []*job // in the order in which they were accepted
	at    time.Time
	out   []Output
	stats ElementStats
}

// NewElement returns an Element without jobs. The configuration must be valid.
func NewElement(cfg ElementConfig) *Element {
	cfg.defaults()
	return &Element{cfg: cfg}
}

// Jobs returns how many there are.
func (e *Element) Jobs() int { return len(e.jobs) }

// Load returns how many jobs there are of those that there may be, from 0 to 1.
func (e *Element) Load() float64 { return float64(len(e.jobs)) / float64(e.cfg.MaxJobs) }

// Stats returns what was done.
func (e *Element) Stats() ElementStats { return e.stats }

// HandleMessage takes a message of a session. It fails if a user does not send such a thing.
func (e *Element) HandleMessage(now time.Time, session uint64, m Message) error {
	j := e.find(session, m.JobID)
	switch {
	case m.Type == Request && j == nil:
		e.admit(now, session, Cookie{JobID: m.JobID, JobSize: m.JobSize})
	case m.Type == Request: // by a user who does not know that his cookie has been brought
		j.heard(now, e.cfg.KeepAliveInterval)
		e.send(session, Accept, m.JobID)
	case m.Type == KeepAlive && j == nil:
		e.send(session, Abort, m.JobID)
	case m.Type == KeepAlive:
		e.send(session, KeepAliveAck, m.JobID)
	case m.Type == KeepAliveAck && j != nil:
		j.heard(now, e.cfg.KeepAliveInterval)
	case m.Type == Abort && j != nil:
		e.drop(now, func(o *job) bool { return o == j })
	case m.Type == KeepAliveAck, m.Type == Abort: // it has crossed a Complete
	default:
		return fmt.Errorf("calcapp: %v %d, which is not for a pool element", m.Type, m.JobID)
	}
	return nil
}

// HandleCookie takes the cookie that a session has brought from another element.
func (e *Element) HandleCookie(now time.Time, session uint64, c Cookie) error {
	if err := c.check(); err != nil {
		return err
	}
	if e.find(session, c.JobID) == nil {
		e.admit(now, session, c)
	}
	return nil
}

// HandleEnd drops the jobs of a session that has ended.
func (e *Element) HandleEnd(now time.Time, session uint64) {
	e.drop(now, func(j *job) bool { return j.session == session })
}

// HandleDrain gives cookies of all jobs of a session and drops them, because the element leaves.
func (e *Element) HandleDrain(now time.Time, session uint64) {
	e.advance(now)
	for _, j := range e.jobs {
		if j.session == session {
			e.giveCookie(j)
		}
	}
	e.HandleEnd(now, session)
}

// Poll returns the next output, if there is one. Those of a session must be sent in this order.
func (e *Element) Poll() (Output, bool) {
	if len(e.out) == 0 {
		return Output{}, false
	}
	o := e.out[0]
	if e.out = e.out[1:]; len(e.out) == 0 {
		e.out = nil
	}
	return o, true
}

func (e *Element) send(session uint64, t Type, id uint32) {
	e.out = append(e.out, Output{Session: session, Message: Message{Type: t, JobID: id}})
}

func (e *Element) giveCookie(j *job) {
	e.out = append(e.out, Output{Session: j.session, Cookie: j.cookie()})
}
