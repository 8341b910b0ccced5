// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// acts are what happens to the pool.
func (d *demoShow) acts(ctx context.Context, sess *pool.Session, cable *cable, failovers <-chan *pool.FailoverError, done <-chan struct{}) (time.Duration, error) {
	if err := d.calm(ctx); err != nil {
		return 0, err
	}
	e := d.elements[sess.Element().ID]
	d.say("── element %s, which serves the user, crashes: its associations are aborted", e.name)
	e.crash()
	if err := awaitFailover(ctx, failovers, done); err != nil {
		return 0, err
	}
	if err := d.calm(ctx); err != nil {
		return 0, err
	}
	e = d.elements[sess.Element().ID]
	d.say("── element %s falls silent: it runs, but its cable is cut", e.name)
	e.silence()
	if err := awaitFailover(ctx, failovers, done); err != nil {
		return 0, err
	}
	if err := d.calm(ctx); err != nil {
		return 0, err
	}
	if len(d.addrs) < 2 {
		d.say("── this host has no second loopback address, so no network goes away")
		return 0, nil
	}
	return d.cutPath(ctx, sess, cable)
}

// cutPath takes the network of the primary path away for a while. The association goes on over the other.
func (d *demoShow) cutPath(ctx context.Context, sess *pool.Session, cable *cable) (time.Duration, error) {
	gone := d.addrs[0]
	for _, p := range sess.Conn().Paths() {
		if p.Primary {
			gone = p.Remote.Addr()
		}
	}
	d.say("── the network of %v goes away; element %s has another one", gone, d.name(sess.Element().ID))
	start := time.Now()
	cable.Cut(gone)
	if err := d.pathBecomes(ctx, sess, gone, sctp.PathInactive); err != nil {
		return 0, err
	}
	took := time.Since(start)
	d.say("path to %v failed after %v; the association goes on", gone, roundTime(took))
	if err := d.calm(ctx); err != nil {
		return 0, err
	}
	d.say("── the network of %v is back", gone)
	cable.Mend(gone)
	start = time.Now()
	if err := d.pathBecomes(ctx, sess, gone, sctp.PathActive); err != nil {
		return 0, err
	}
	d.say("path to %v is active again after %v", gone, roundTime(time.Since(start)))
	return took, d.calm(ctx)
}

// pathBecomes waits for a path to change its state.
func (d *demoShow) pathBecomes(ctx context.Context, sess *pool.Session, remote netip.Addr, state sctp.PathState) error {
	for {
		e, err := sess.Conn().NextEvent(ctx)
		if err != nil {
			return fmt.Errorf("path to %v did not become %v: %w", remote, state, err)
		}
		if p, ok := e.(sctp.EventPathChange); ok && p.Remote.Addr() == remote && p.State == state {
			return nil
		}
	}
}

// errEnded says that the session did not survive.
var errEnded = errors.New("the session has ended")

// wait waits for a failover.
func awaitFailover(ctx context.Context, failovers <-chan *pool.FailoverError, done <-chan struct{}) error {
	select {
	case <-failovers:
		return nil
	case <-done:
		return errEnded
	case <-ctx.Done():
		return fmt.Errorf("no failover: %w", ctx.Err())
	}
}

// calm lets the user send undisturbed.
func (d *demoShow) calm(ctx context.Context) error {
	t := time.NewTimer(d.cfg.Calm)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
