// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"errors"
	"fmt"
	"time"
)

// DefaultUserKeepAlive is RSPLIB's.
const DefaultUserKeepAlive = 5 * time.Second

// MaxJobSize is up to what RSPLIB's elements know the size of a job exactly.
const MaxJobSize = 1 << 53

// A UserConfig says how a User works. Zero is the default of a field, which is DefaultUserKeepAlive.
type UserConfig struct {
	// KeepAliveInterval is how long after the last answer of an element it is asked whether it has the job.
	KeepAliveInterval time.Duration
	// KeepAliveTimeout is how long it may take to answer that, or the request.
	KeepAliveTimeout time.Duration
}

// What a User says of an element that does not do the job: another one is to be asked.
var (
	ErrRejected = errors.New("calcapp: the element has too many jobs")
	ErrDropped  = errors.New("calcapp: the element does not have the job any more")
	ErrSilent   = errors.New("calcapp: the element does not answer")
)

// Times tell how a job went.
type Times struct {
	// Requested is when the job was asked for first, Accepted when an element took it last, Completed when it was complete.
	Requested, Accepted, Completed time.Time
}

// Startup is how long it took to find an element that has completed the job.
func (t Times) Startup() time.Duration { return t.Accepted.Sub(t.Requested) }

// Processing is how long that one took.
func (t Times) Processing() time.Duration { return t.Completed.Sub(t.Accepted) }

// A User has one job done by an element, and by others if that does not do it.
type User struct {
	cfg   UserConfig
	id    uint32
	size  uint64
	state userState
	due   time.Time
	times Times
	out   []Message
}

type userState uint8

const (
	idle       userState = iota // no element is asked
	requested                   // an answer is due
	processing                  // it was accepted
	checking                    // and a KeepAliveAck is due
	completed
)

// NewUser returns a User for a job of a number and a size, at most MaxJobSize if elements may be RSPLIB's.
func NewUser(cfg UserConfig, id uint32, size uint64) *User {
	or(&cfg.KeepAliveInterval, DefaultUserKeepAlive)
	or(&cfg.KeepAliveTimeout, DefaultUserKeepAlive)
	return &User{cfg: cfg, id: id, size: size}
}

// Request asks an element for the job, or waits for its answer if it has been given the cookie of the one before. It is then
// sent a KeepAlive, because RSPLIB's elements take a cookie only when something comes after it.
func (u *User) Request(now time.Time, cookieEchoed bool) {
	if u.state == completed {
		return
	}
	if u.times.Requested.IsZero() {
		u.times.Requested = now
	}
	u.out = []Message{{Type: Request, JobID: u.id, JobSize: u.size}}
	if cookieEchoed {
		u.out = []Message{{Type: KeepAlive, JobID: u.id}}
	}
	u.state, u.due = requested, now.Add(u.cfg.KeepAliveTimeout)
}

// Asked reports whether an element is to do the job: whether Request was called, and HandleMessage and HandleTimer have not
// failed since.
func (u *User) Asked() bool { return u.state != idle }

// Done reports whether the job is complete.
func (u *User) Done() bool { return u.state == completed }

// Times returns when what was.
func (u *User) Times() Times { return u.times }

// HandleMessage takes a message of the element. After an error, another element is to be asked by Request: ErrRejected,
// ErrDropped, or what the element has sent that it should not have.
func (u *User) HandleMessage(now time.Time, m Message) error {
	if u.state == idle || u.state == completed {
		return nil
	}
	err := u.handle(now, m)
	if err != nil {
		u.state, u.out = idle, nil
	}
	return err
}

func (u *User) handle(now time.Time, m Message) error {
	switch {
	case m.JobID != u.id:
		return fmt.Errorf("calcapp: %v of job %d, but %d was requested", m.Type, m.JobID, u.id)
	case m.Type == KeepAlive:
		u.out = append(u.out, Message{Type: KeepAliveAck, JobID: u.id})
	case m.Type == Reject && u.state == requested:
		return ErrRejected
	case m.Type == Abort:
		return ErrDropped
	case m.Type == Accept:
		if u.state == requested {
			u.times.Accepted = now
		}
		u.wait(now)
	case u.state == requested:
		return fmt.Errorf("calcapp: %v of job %d before it was accepted", m.Type, m.JobID)
	case m.Type == KeepAliveAck:
		u.wait(now)
	case m.Type == Complete && (m.JobSize != u.size || m.Completed != u.size):
		return fmt.Errorf("calcapp: complete with %d calculations of %d, but %d were requested", m.Completed, m.JobSize, u.size)
	case m.Type == Complete:
		u.state, u.times.Completed, u.out = completed, now, nil
	default:
		return fmt.Errorf("calcapp: %v %d, which is not for a pool user", m.Type, m.JobID)
	}
	return nil
}

// wait waits for the job to be complete.
func (u *User) wait(now time.Time) { u.state, u.due = processing, now.Add(u.cfg.KeepAliveInterval) }

// Deadline returns when HandleTimer is to be called, the zero time if nothing is due.
func (u *User) Deadline() time.Time {
	if u.state == idle || u.state == completed {
		return time.Time{}
	}
	return u.due
}

// HandleTimer does what is due. It fails with ErrSilent if the element has not answered in time.
func (u *User) HandleTimer(now time.Time) error {
	switch {
	case u.Deadline().IsZero() || now.Before(u.due):
	case u.state == processing:
		u.out = append(u.out, Message{Type: KeepAlive, JobID: u.id})
		u.state, u.due = checking, now.Add(u.cfg.KeepAliveTimeout)
	default:
		u.state, u.out = idle, nil
		return ErrSilent
	}
	return nil
}

// Leave notes that the element does not serve any more: another one is to be asked by Request.
func (u *User) Leave() {
	if u.state != completed {
		u.state, u.out = idle, nil
	}
}

// Cancel gives the job up: the element is told.
func (u *User) Cancel() {
	if u.state != idle && u.state != completed {
		u.state, u.out = idle, []Message{{Type: Abort, JobID: u.id}}
	}
}

// Poll returns the next message to send, if there is one.
func (u *User) Poll() (Message, bool) {
	if len(u.out) == 0 {
		return Message{}, false
	}
	m := u.out[0]
	u.out = u.out[1:]
	return m, true
}
