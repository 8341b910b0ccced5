// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/rserpool/rserpool/registrar/engine"
)

// levelOf says how much an event matters.
func levelOf(ev engine.Event) slog.Level {
	switch ev.Kind {
	case engine.EventRemoved:
		if ev.Reason == engine.ReasonUpdate || ev.Reason == engine.ReasonResync {
			return slog.LevelDebug // its own registrar has told that already
		}
	case engine.EventReregistered, engine.EventBadMessage, engine.EventPeerError, engine.EventResyncBegun, engine.EventResynchronized:
		return slog.LevelDebug
	case engine.EventReported, engine.EventRejected, engine.EventPeerDown, engine.EventResyncFailed, engine.EventConflict:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// maxUnlogged bounds the events that wait until others have been logged.
const maxUnlogged = 4096

// logEvents writes a line about each event that has not been logged yet. While someone is at it others go on: he looks
// again before he leaves.
func (s *Server) logEvents() {
	for s.hasUnlogged() && s.logging.TryLock() {
		s.mu.Lock()
		events, lost := s.unlogged, s.unloggable
		s.unlogged, s.unloggable = nil, 0
		s.mu.Unlock()
		for _, ev := range events {
			s.logEvent(ev)
		}
		if lost > 0 {
			s.log.Warn("events were not logged: that takes too long", "count", lost)
		}
		s.logging.Unlock()
	}
}

func (s *Server) hasUnlogged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unlogged) > 0
}

// logEvent writes a line about an event.
func (s *Server) logEvent(ev engine.Event) {
	ctx, level := context.Background(), levelOf(ev)
	msg := ev.Kind.String()
	var attrs []slog.Attr
	if ev.Handle != "" {
		msg = "pool element " + msg
		attrs = append(attrs, slog.String("pool", fmt.Sprintf("%.64s", string(ev.Handle))), slog.String("element", hex(ev.ID)))
	}
	for _, id := range []struct {
		name string
		id   uint32
	}{{"peer", ev.Peer}, {"by", ev.By}} {
		if id.id != 0 {
			attrs = append(attrs, slog.String(id.name, hex(id.id)))
		}
	}
	if ev.Count != 0 {
		attrs = append(attrs, slog.Int("elements", ev.Count))
	}
	if ev.Reason != 0 {
		attrs = append(attrs, slog.String("reason", ev.Reason.String()))
	}
	if ev.Err != nil {
		attrs = append(attrs, slog.String("error", ev.Err.Error()))
	}
	if ev.Assoc != 0 {
		attrs = append(attrs, slog.Uint64("assoc", ev.Assoc))
	}
	s.log.LogAttrs(ctx, level, msg, attrs...)
}

// hex spells an identifier.
func hex(id uint32) string { return fmt.Sprintf("%#08x", id) }
