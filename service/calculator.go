// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/calcapp"
)

// rejectDelay is how long a Calculator waits after an element has rejected it. It is RSPLIB's.
const rejectDelay = time.Second

// A Calculator is the user's side of calcapp, for one job. It must be used by one goroutine at a time.
type Calculator struct {
	u      user
	job    *calcapp.User
	echoed bool // the element was given the cookie of the one before
}

// NewCalculator returns a Calculator that is going to ask for a job of a number and a size, at most calcapp.MaxJobSize, over
// a session with a pool of calcapp elements, which must not be used besides.
func NewCalculator(sess *pool.Session, cfg calcapp.UserConfig, id uint32, size uint64) *Calculator {
	return &Calculator{u: user{sess: sess}, job: calcapp.NewUser(cfg, id, size)}
}

// A Calculation is a job that is complete.
type Calculation struct {
	// Times say when it was requested, accepted and completed.
	calcapp.Times
	// Element is who has completed it.
	Element pool.Element
}

// Wait asks for the job and waits until it is complete. If the element fails, has too many jobs, is silent or sends what it
// should not, Wait returns a *pool.FailoverError once another one serves the session: the next call goes on with that one,
// which knows from the cookie of the first what is done, or begins again. Before it leaves an element that has too many jobs,
// it waits a second.
//
// Errors: *pool.FailoverError, which does not end the session; ErrElements; those of pool.Session.Recv and Send. If the
// context ends, the element is told that the job is not wanted any more.
func (c *Calculator) Wait(ctx context.Context) (Calculation, error) {
	for !c.job.Done() {
		if !c.job.Asked() {
			c.job.Request(time.Now(), c.echoed)
		}
		if err := c.step(ctx); err != nil {
			return Calculation{}, c.after(ctx, err)
		}
	}
	return Calculation{Times: c.job.Times(), Element: c.u.sess.Element()}, nil
}

// step sends what there is to send, and takes a message or does what is due.
func (c *Calculator) step(ctx context.Context) error {
	if err := c.flush(ctx); err != nil {
		return err
	}
	m, ok, err := c.u.await(ctx, calcapp.PPID, max(0, time.Until(c.job.Deadline())))
	if err != nil {
		return err
	}
	if !ok {
		if err := c.job.HandleTimer(time.Now()); err != nil {
			return c.u.fault(ctx, err)
		}
		return nil
	}
	msg, err := parseCalcApp(&m)
	if err == nil {
		err = c.job.HandleMessage(time.Now(), msg)
	}
	switch {
	case errors.Is(err, calcapp.ErrRejected):
		if stopped := pause(ctx, rejectDelay); stopped != nil {
			return stopped
		}
		return c.u.leave(ctx, err)
	case errors.Is(err, calcapp.ErrDropped):
		return c.u.leave(ctx, err)
	case err != nil:
		return c.u.fault(ctx, err)
	}
	if msg.Type != calcapp.Accept { // to accept is not to do
		c.u.progress()
	}
	return nil
}

func (c *Calculator) flush(ctx context.Context) error {
	for m, ok := c.job.Poll(); ok; m, ok = c.job.Poll() {
		b, err := m.AppendBinary(nil)
		if err == nil {
			err = c.u.send(ctx, sctp.Message{PPID: calcapp.PPID, Data: b})
		}
		if err != nil {
			return fmt.Errorf("calcapp: %v %d: %w", m.Type, m.JobID, err)
		}
	}
	return nil
}

// after notes that the next element is to be asked, or gives the job up.
func (c *Calculator) after(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*pool.FailoverError](err); ok {
		c.echoed = f.CookieEchoed
		c.job.Leave()
		return err
	}
	if ctx.Err() != nil {
		c.job.Cancel()
		c.flush(context.WithoutCancel(ctx))
	}
	return err
}
