// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"errors"
	"fmt"
	"time"
)

// The defaults are RSPLIB's, but for the last one.
const (
	DefaultReplyTimeout  = 59500 * time.Millisecond
	DefaultUserKeepAlive = 10 * time.Second
	DefaultMaxOutput     = 256 << 20 // bytes
)

// A UserConfig says how a User works. Zero is the default of a field.
type UserConfig struct {
	// Environment is the SHA-1 of the environment, nil if there is none.
	Environment *Hash
	// ReplyTimeout is how long an element may take with what it must do itself: to say that it is ready, whether it has the
	// environment, that the script runs, and to send the output. Default: DefaultReplyTimeout.
	ReplyTimeout time.Duration
	// KeepAliveInterval is how long after its last answer an element that runs the script is asked whether it does, and
	// KeepAliveTimeout how long it may take to answer. Default: DefaultUserKeepAlive.
	KeepAliveInterval, KeepAliveTimeout time.Duration
	// MaxOutput is how many bytes the output may have. Default: DefaultMaxOutput.
	MaxOutput int64
}

// Validate says what is wrong with the configuration.
func (c *UserConfig) Validate() error {
	if c.ReplyTimeout < 0 || c.KeepAliveInterval < 0 || c.KeepAliveTimeout < 0 || c.MaxOutput < 0 {
		return fmt.Errorf("scripting: a time or a limit is negative")
	}
	return nil
}

func (c *UserConfig) defaults() {
	or(&c.ReplyTimeout, DefaultReplyTimeout)
	or(&c.KeepAliveInterval, DefaultUserKeepAlive)
	or(&c.KeepAliveTimeout, DefaultUserKeepAlive)
	or(&c.MaxOutput, DefaultMaxOutput)
}

// ErrSilent is what a User says of an element that does not do the next thing in time.
var ErrSilent = errors.New("scripting: the element does not answer")

// A NotReadyError is what a User says of an element that does not serve him.
type NotReadyError NotReady

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("scripting: the element %q is not ready: %v", e.Info, e.Reason)
}

// A UserDo is what a user has to do because of a message.
type UserDo uint8

// What there is to do.
const (
	UserNothing       UserDo = iota
	UploadPackage            // upload the work package after what Poll returns, and call HandleUploaded
	UploadEnvironment        // upload the environment, and call HandleUploaded
	Started                  // nothing but to wait: the script runs
	Exited                   // nothing but to wait: the script has ended
	StoreOutput              // Data is the next part of the output
	Done                     // the output is complete
)

// A UserAction is what a user has to do.
type UserAction struct {
	Do   UserDo
	Data []byte
}

// A User is the side of a pool user of a session with one element.
type User struct {
	cfg    UserConfig
	state  userState
	due    time.Time
	asked  bool // a KeepAlive was sent
	out    []Message
	info   string
	status uint32
	size   int64
}

type userState uint8

const (
	waitingReady userState = iota
	waitingEnvironment
	waitingStart
	processing
	receiving
	done
)

// NewUser returns the side of a user at the beginning of a session. The configuration must be valid.
func NewUser(now time.Time, cfg UserConfig) *User {
	cfg.defaults()
	return &User{cfg: cfg, due: now.Add(cfg.ReplyTimeout)}
}

// Info returns what the element has said of its host.
func (u *User) Info() string { return u.info }

// Exited reports whether the script has ended, with the exit status.
func (u *User) Exited() (status uint32, ok bool) { return u.status, u.state >= receiving }

// Size returns how many bytes of the output have come.
func (u *User) Size() int64 { return u.size }

// HandleMessage takes a message. It fails with a *NotReadyError, or if an element does not send such a thing, or too much.
func (u *User) HandleMessage(now time.Time, m Message) (UserAction, error) {
	switch m := m.(type) {
	case *NotReady:
		if u.state == waitingReady {
			return UserAction{}, (*NotReadyError)(m)
		}
	case *Ready:
		if u.state == waitingReady {
			u.info = m.Info
			u.next(now, waitingStart)
			if u.cfg.Environment != nil {
				u.next(now, waitingEnvironment)
				u.out = append(u.out, &Environment{Hash: *u.cfg.Environment})
			}
			return UserAction{Do: UploadPackage}, nil
		}
	case *Environment:
		if u.state == waitingEnvironment && m.Hash == *u.cfg.Environment {
			u.next(now, waitingStart)
			if m.UploadNeeded {
				return UserAction{Do: UploadEnvironment}, nil
			}
			return UserAction{}, nil
		}
	case *Status:
		return u.statusIs(now, m)
	case *KeepAlive:
		u.out = append(u.out, &KeepAliveAck{Bare: true})
		return UserAction{}, nil
	case *KeepAliveAck:
		if u.state == processing {
			u.asked, u.due = false, now.Add(u.cfg.KeepAliveInterval)
		}
		if u.state >= processing {
			return UserAction{}, nil
		}
	case *Download:
		if u.state == receiving {
			return u.download(now, m.Data)
		}
	}
	return UserAction{}, fmt.Errorf("scripting: %s, which is out of place", m.name())
}

// next waits for something that the element must do itself.
func (u *User) next(now time.Time, s userState) { u.state, u.due = s, now.Add(u.cfg.ReplyTimeout) }

func (u *User) statusIs(now time.Time, m *Status) (UserAction, error) {
	switch {
	case u.state == waitingStart && m.Status != 0:
		return UserAction{}, fmt.Errorf("scripting: the element does not run the script: status %d", m.Status)
	case u.state == waitingStart:
		u.state, u.due = processing, now.Add(u.cfg.KeepAliveInterval)
		return UserAction{Do: Started}, nil
	case u.state == processing:
		u.status = m.Status
		u.next(now, receiving)
		return UserAction{Do: Exited}, nil
	}
	return UserAction{}, fmt.Errorf("scripting: %s, which is out of place", m.name())
}

func (u *User) download(now time.Time, data []byte) (UserAction, error) {
	if u.size+int64(len(data)) > u.cfg.MaxOutput {
		return UserAction{}, fmt.Errorf("scripting: the output has more than %d bytes", u.cfg.MaxOutput)
	}
	u.size += int64(len(data))
	u.due = now.Add(u.cfg.ReplyTimeout)
	if len(data) == 0 {
		u.state, u.due = done, time.Time{}
		return UserAction{Do: Done}, nil
	}
	return UserAction{Do: StoreOutput, Data: data}, nil
}

// HandleUploaded says that an upload is complete.
func (u *User) HandleUploaded(now time.Time) { u.due = now.Add(u.cfg.ReplyTimeout) }

// Deadline returns when HandleTimer is to be called, the zero time if nothing is due.
func (u *User) Deadline() time.Time { return u.due }

// HandleTimer does what is due. It fails with ErrSilent.
func (u *User) HandleTimer(now time.Time) error {
	switch {
	case u.due.IsZero() || now.Before(u.due):
	case u.state == processing && !u.asked:
		u.asked, u.due = true, now.Add(u.cfg.KeepAliveTimeout)
		u.out = append(u.out, &KeepAlive{})
	default:
		return ErrSilent
	}
	return nil
}

// Poll returns the next message to send, if there is one.
func (u *User) Poll() (Message, bool) { return pop(&u.out) }
