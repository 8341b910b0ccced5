// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

// A FailoverMode says who decides about a failover.
type FailoverMode uint8

const (
	// FailoverAuto is the default: Session.Recv does it and returns a *FailoverError once it is done.
	FailoverAuto FailoverMode = iota
	// FailoverManual leaves it to the program: Session.Recv returns a *FailoverNecessaryError and then waits until
	// Session.Failover was called, after which it returns the *FailoverError.
	//
	// RFC 5352, Section 3.8: "Upper layers may be involved in the failover procedure."
	FailoverManual
)

// MaxCookie is the length in bytes of the longest cookie that is sent: what a message of ASAP holds.
const MaxCookie = param.MaxMessage - 4 - 4 - 3

// DialOptions are what one session may have different from others. The zero value of a field means its default.
type DialOptions struct {
	// Failover says who decides about a failover. Default: FailoverAuto.
	Failover FailoverMode
	// StaleCacheValue is how old what is known of the pool may be, so that no registrar need be asked
	// (stale_cache_value; RFC 5352, Section 7.2). Default, and at most: Config.ASAP.StaleCacheValue. Negative: a
	// registrar is always asked.
	StaleCacheValue time.Duration
	// ConnectTimeout, FailoverTimeout and RetryDelay are those of Config for this session. FailoverTimeout is that of one
	// Session.Failover in FailoverManual.
	ConnectTimeout, FailoverTimeout, RetryDelay time.Duration
	// MaxCookie is the length in bytes of the longest cookie that is kept for the element. A longer one is dropped, and
	// the one before as well, since it is out of date. Default: MaxCookie, what can be
	// sent on. Negative: none is kept.
	MaxCookie int
	// Card is the business card of the program, if it is an element of a pool itself: the element that serves the
	// session gets it before the first message, and can turn to other elements of that pool. Default: none.
	Card *BusinessCard
	// Prefer lists elements of the pool that are to be tried first, in this order; of those that a registrar names, the
	// ID is enough. A business card from the pool takes its place. Default: the policy of the pool decides alone.
	Prefer *BusinessCard
	// CardNotices makes Session.Recv return a *CardNotice when the element has sent a business card.
	CardNotices bool
}

func (o *DialOptions) withDefaults(c *settings) error {
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
		off  bool
	}{
		{"ConnectTimeout", &o.ConnectTimeout, c.ConnectTimeout, false},
		{"FailoverTimeout", &o.FailoverTimeout, c.FailoverTimeout, true},
		{"RetryDelay", &o.RetryDelay, c.RetryDelay, false},
	} {
		if *d.v == 0 {
			*d.v = d.def
		} else if *d.v < 0 && !d.off {
			return fmt.Errorf("dial options: %s: %v is negative", d.name, *d.v)
		}
	}
	switch {
	case o.Failover > FailoverManual:
		return fmt.Errorf("dial options: Failover: %d is not a mode", o.Failover)
	case o.MaxCookie == 0 || o.MaxCookie > MaxCookie:
		o.MaxCookie = MaxCookie
	}
	if o.Card != nil {
		if _, err := o.Card.encode(); err != nil {
			return fmt.Errorf("dial options: Card: %w", err)
		}
	}
	return nil
}

// DialWith is Dial with options.
func (c *Client) DialWith(ctx context.Context, handle string, o DialOptions) (*Session, error) {
	s, err := c.dial(ctx, handle, o, nil)
	if err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	return s, nil
}

// dial starts a session that may have a cookie from before.
func (c *Client) dial(ctx context.Context, handle string, o DialOptions, cookie []byte) (*Session, error) {
	if err := o.withDefaults(&c.cfg); err != nil {
		return nil, err
	}
	if c.stack == nil {
		return nil, fmt.Errorf("session with pool %.32q: %w", handle, ErrNoSCTP)
	}
	s := &Session{
		c: c, handle: handle, opt: o, cookie: cookie,
		failing: make(chan struct{}, 1), reading: make(chan struct{}, 1), moved: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	got, err := s.connect(ctx, nil)
	if err != nil {
		s.cancel()
		return nil, err
	}
	s.conn, s.element, s.since, s.heard = got.conn, got.element, time.Now(), time.Now()
	return s, nil
}
