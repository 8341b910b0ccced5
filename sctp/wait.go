// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"os"
	"sync"
	"time"
)

// A limit is what may end the waiting of a call: a context, or a deadline
// which may be moved while it waits.
type limit struct {
	ctx context.Context
	dl  *deadline
}

func (l limit) done() <-chan struct{} {
	if l.dl != nil {
		return l.dl.wait()
	}
	return l.ctx.Done()
}

// err is nil as long as the call may go on.
func (l limit) err() error {
	if l.dl == nil {
		return l.ctx.Err()
	}
	select {
	case <-l.dl.wait():
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

// A deadline is that of a net.Conn for one direction.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired chan struct{} // closed when the time has come
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channel()
}

func (d *deadline) channel() chan struct{} {
	if d.expired == nil {
		d.expired = make(chan struct{})
	}
	return d.expired
}

// set moves the deadline to t. Calls which wait follow it.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.channel() // the timer fired: let it finish before its channel is replaced
	}
	d.timer = nil

	past := false
	select {
	case <-d.channel():
		past = true
	default:
	}
	left := time.Until(t)
	if t.IsZero() || left > 0 {
		if past {
			d.expired = make(chan struct{})
		}
		if !t.IsZero() {
			c := d.expired
			d.timer = time.AfterFunc(left, func() { close(c) })
		}
	} else if !past {
		close(d.expired)
	}
}

// stop releases the timer.
func (d *deadline) stop() { d.set(time.Time{}) }
