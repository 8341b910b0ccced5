// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
)

// An eventLog collects the events of an association and lets the test wait for one.
type eventLog struct {
	mu    sync.Mutex
	all   []sctp.Event
	next  int           // the first event no wait has consumed
	ended bool          // no more will come
	more  chan struct{} // closed and replaced at every change
}

func watch(t *testing.T, c *sctp.Conn) *eventLog {
	l := &eventLog{more: make(chan struct{})}
	ctx := t.Context()
	go func() {
		for {
			e, err := c.NextEvent(ctx)
			l.mu.Lock()
			if err == nil {
				l.all = append(l.all, e)
			}
			l.ended = err != nil
			close(l.more)
			l.more = make(chan struct{})
			l.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return l
}

func (l *eventLog) snapshot() []sctp.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]sctp.Event(nil), l.all...)
}

// waitEvent waits for an event of type E that satisfies ok (nil: any), after the one that ended the
// last wait.
func waitEvent[E sctp.Event](t *testing.T, ctx context.Context, l *eventLog, ok func(E) bool) E {
	t.Helper()
	for {
		l.mu.Lock()
		for i, e := range l.all[l.next:] {
			if e, is := e.(E); is && (ok == nil || ok(e)) {
				l.next += i + 1
				l.mu.Unlock()
				return e
			}
		}
		ended, more := l.ended, l.more
		l.mu.Unlock()
		var none E
		if ended {
			require.Failf(t, "no such event", "the association ended without %T: %+v", none, l.snapshot())
		}
		select {
		case <-more:
		case <-ctx.Done():
			require.Failf(t, "no such event", "%v without %T: %+v", ctx.Err(), none, l.snapshot())
		}
	}
}

// waitPath waits until the path to an address is reported in a state.
func waitPath(t *testing.T, ctx context.Context, l *eventLog, remote netip.Addr, state sctp.PathState) {
	t.Helper()
	waitEvent(t, ctx, l, func(e sctp.EventPathChange) bool {
		return e.Remote.Addr() == remote && e.State == state
	})
}

// waitLost waits for the last event and returns what ended the association.
func waitLost(t *testing.T, ctx context.Context, l *eventLog) error {
	t.Helper()
	return waitEvent[sctp.EventCommLost](t, ctx, l, nil).Err
}
