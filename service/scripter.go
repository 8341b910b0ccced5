// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service/scripting"
)

// A Script is what a Scripter has run.
type Script struct {
	// Package is the work package: a tar file, plain or compressed by gzip or bzip2, with a program ssrun. That is run with
	// the name of the output and that of the environment as its first arguments; the latter is empty if there is none.
	Package io.ReadSeeker
	// Environment is a file that many packages need. Elements keep it. Default: there is none.
	Environment io.ReadSeeker
	// Output receives what the script has written. *os.File is one.
	Output ScriptOutput
	// Trials is how many scripts may end with a status other than 0, or without an output, before that is the result.
	// Default: 3, which is RSPLIB's.
	Trials int
	// RetryDelay is how long to wait before another element is asked because of that, or because one is not ready.
	// Default: 1 s.
	RetryDelay time.Duration
	// Config says how long elements may take, and how much output there may be. Its Environment is not used.
	Config scripting.UserConfig
	// Progress is told what happens, if it is there.
	Progress func(ScriptStage)
}

// A ScriptOutput is a file that may be begun again.
type ScriptOutput interface {
	io.WriteSeeker
	// Truncate changes its size.
	Truncate(size int64) error
}

// A ScriptStage is how far a script has come.
type ScriptStage uint8

// The stages.
const (
	ScriptReady   ScriptStage = iota // the element is ready: the upload begins
	ScriptRunning                    // the script runs
	ScriptExited                     // it has ended
)

// A ScriptResult tells what has become of a script.
type ScriptResult struct {
	// Status is its exit status.
	Status uint32
	// Element is who has run it, Host what that calls itself.
	Element pool.Element
	Host    string
	// Trials is how many times it has ended.
	Trials int
	// Size is that of the output in bytes.
	Size int64
}

// ErrNoOutput is matched by the error of a Scripter if elements have run the script and left before they have sent its
// output: those of RSPLIB do so if there is none.
var ErrNoOutput = errors.New("service: the script has no output")

// errStatus is why an element is left although it has run the script.
var errStatus = errors.New("scripting: the script has failed")

// A Scripter is the user's side of scripting, for one script. It must be used by one goroutine at a time.
type Scripter struct {
	s         Script
	u         user
	element   *scripting.User // of the session with this element; nil before it begins
	notBefore time.Time       // when it may begin
	trials    int
	result    *ScriptResult
}

// NewScripter returns a Scripter that is going to have a script run over a session with a pool of scripting elements, which
// must not be used besides. It fails if the environment cannot be read, or the configuration is not valid.
func NewScripter(sess *pool.Session, s Script) (*Scripter, error) {
	if err := s.Config.Validate(); err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	if s.Trials <= 0 {
		s.Trials = 3
	}
	if s.RetryDelay <= 0 {
		s.RetryDelay = time.Second
	}
	if s.Config.ReplyTimeout == 0 {
		s.Config.ReplyTimeout = scripting.DefaultReplyTimeout
	}
	if s.Progress == nil {
		s.Progress = func(ScriptStage) {}
	}
	s.Config.Environment = nil
	if s.Environment != nil {
		h := sha1.New()
		if _, err := s.Environment.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("service: the environment: %w", err)
		}
		if _, err := io.Copy(h, s.Environment); err != nil {
			return nil, fmt.Errorf("service: the environment: %w", err)
		}
		hash := scripting.Hash(h.Sum(nil))
		s.Config.Environment = &hash
	}
	return &Scripter{s: s, u: user{sess: sess}}, nil
}

// Run has the script run, and returns when its output is there. If the element fails, is not ready or silent, sends what it
// should not, or the script has ended with a status other than 0 and may be tried again, Run returns a *pool.FailoverError
// once another one serves the session: the next call begins again with that one.
//
// Errors: *pool.FailoverError, which does not end the session; ErrNoOutput, with a result; ErrElements; those of
// pool.Session.Recv and Send, and of the files.
func (r *Scripter) Run(ctx context.Context) (ScriptResult, error) {
	for r.result == nil {
		if r.element == nil {
			if err := r.begin(ctx); err != nil {
				return ScriptResult{}, err
			}
		}
		err := r.step(ctx)
		if f, ok := errors.AsType[*pool.FailoverError](err); ok {
			return r.failover(f)
		}
		if err != nil {
			return ScriptResult{}, err
		}
	}
	return *r.result, nil
}

// Host returns what the element calls itself, as far as that can be printed.
func (r *Scripter) Host() string {
	if r.element == nil {
		return ""
	}
	return printable(r.element.Info())
}

// begin begins with an element.
func (r *Scripter) begin(ctx context.Context) error {
	if err := pause(ctx, time.Until(r.notBefore)); err != nil {
		return err
	}
	if _, err := r.s.Output.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := r.s.Output.Truncate(0); err != nil {
		return err
	}
	r.element = scripting.NewUser(time.Now(), r.s.Config)
	return nil
}

// failover forgets what was with the last element. If that has left between the exit status and the output, it counts as a
// trial.
func (r *Scripter) failover(f *pool.FailoverError) (ScriptResult, error) {
	got := r.now()
	_, exited := r.element.Exited()
	r.element = nil
	if _, forced := errors.AsType[*pool.ForcedError](f.Err); exited && !forced {
		r.trials++
		got.Element, got.Trials = f.From, r.trials
		if r.trials >= r.s.Trials {
			return got, fmt.Errorf("%w: the last of %d trials was by element 0x%08x: %w", ErrNoOutput, r.trials, f.From.ID, f.Err)
		}
	}
	return ScriptResult{}, f
}

// now returns how things are.
func (r *Scripter) now() ScriptResult {
	status, _ := r.element.Exited()
	return ScriptResult{Status: status, Element: r.u.sess.Element(), Host: r.Host(), Trials: r.trials, Size: r.element.Size()}
}
