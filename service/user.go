// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// DefaultTimeout is how long an element may be silent before another one is looked for. It is RSPLIB's.
const DefaultTimeout = 5 * time.Second

// maxVain is how many elements in a row may fail before they have said anything that was asked for.
const maxVain = 5

// ErrElements is matched by the error of a user of a service if several elements in a row have not done what they should.
var ErrElements = errors.New("service: the elements of the pool do not serve")

// A user is a session with elements that must answer in time, and with what the protocol allows.
type user struct {
	sess    *pool.Session
	timeout time.Duration
	vain    int // failovers since something right was received
}

// recv waits for the next message, with a PPID. It returns a *pool.FailoverError when another element serves the session,
// be it that the one before was silent for too long.
func (u *user) recv(ctx context.Context, ppid sctp.PPID) (sctp.Message, error) {
	timeout := u.timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	m, ok, err := u.await(ctx, ppid, timeout)
	if !ok && err == nil {
		u.giveUp(ctx, fmt.Sprintf("nothing came for %v", timeout))
		m, _, err = u.await(ctx, ppid, -1)
	}
	return m, err
}

// await is recv, but reports false if nothing has come for some time; if that is negative, it waits for as long as it
// takes.
func (u *user) await(ctx context.Context, ppid sctp.PPID, d time.Duration) (m sctp.Message, ok bool, err error) {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if d >= 0 {
		limited, cancel = context.WithTimeout(ctx, d)
	}
	m, err = u.sess.Recv(limited)
	cancel()
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		if u.sess.Conn().Err() == nil {
			return m, false, nil
		}
		m, err = u.sess.Recv(ctx) // the session says when it has looked for an element for too long
	}
	if err == nil && m.PPID != ppid {
		return m, false, u.fault(ctx, fmt.Errorf("a message with PPID %d, not %d", m.PPID, ppid))
	}
	return m, err == nil, u.count(err)
}

// leave gives the element up because it does not do what it could, and returns the *pool.FailoverError. It is not
// reported as unreachable, and there is no limit to how many such elements there are in a row.
func (u *user) leave(ctx context.Context, why error) error {
	u.sess.ForceFailover(ctx, pool.Force{Reason: why.Error()})
	for {
		if _, err := u.sess.Recv(ctx); err != nil {
			return err
		}
	}
}

// fault gives the element up because of what it has sent, and returns the *pool.FailoverError.
func (u *user) fault(ctx context.Context, what error) error {
	e := u.sess.Element()
	u.giveUp(ctx, what.Error())
	if u.vain+1 >= maxVain {
		return fmt.Errorf("%w: the last of %d in a row was element 0x%08x: %w", ErrElements, maxVain, e.ID, what)
	}
	for {
		if _, err := u.sess.Recv(ctx); err != nil {
			return u.count(err)
		}
	}
}

// giveUp has another element serve the session, if there is one. Recv tells what came of it.
func (u *user) giveUp(ctx context.Context, reason string) {
	u.sess.ForceFailover(ctx, pool.Force{Reason: reason, Unreachable: true})
}

// count counts failovers.
func (u *user) count(err error) error {
	f, ok := errors.AsType[*pool.FailoverError](err)
	if !ok {
		return err
	}
	if u.vain++; u.vain >= maxVain {
		return fmt.Errorf("%w: the last of %d in a row: %w", ErrElements, u.vain, f.Err)
	}
	return f
}

// progress notes that the element has done what it should.
func (u *user) progress() { u.vain = 0 }

// send sends a message. If the element has failed, the next recv says so.
func (u *user) send(ctx context.Context, m sctp.Message) error {
	err := u.sess.Send(ctx, m)
	if errors.Is(err, pool.ErrElementFailed) {
		return nil
	}
	return err
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
