// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// An Engine is a registrar. Create it with [New].
type Engine struct {
	cfg    Config
	space  *handlespace.Space
	assocs map[uint64]*association
	out    outputs
	stats  Stats
	scope  *scope // nil without ENRP

	topics     topics
	announceAt time.Time // zero: never

	// Memory used again and again.
	selected []*handlespace.Element
	shown    []byte
}

// New returns a registrar without associations and with an empty handlespace. The first announcement is due at now.
func New(now time.Time, cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg:    cfg,
		assocs: make(map[uint64]*association),
		topics: topics{byHandle: make(map[param.PoolHandle]*topic)},
	}
	e.space = handlespace.New(handlespace.Config{
		Policies:     cfg.Policies,
		Rand:         cfg.Rand,
		MaxIncrement: cfg.MaxIncrement,
		MaxElements:  cfg.MaxElements,
		// What peers own is kept whatever its policy: else the checksums would differ.
		KeepUnknown: cfg.ENRP != nil,
		Changed:     e.poolChanged,
	})
	if cfg.ENRP != nil {
		e.scope = newScope(now, *cfg.ENRP, cfg.ServerID) // announcements begin when the initialization is complete
	} else if cfg.ServerAnnounce > 0 {
		e.announceAt = now
	}
	return e, nil
}

// ServerID returns the identifier of the registrar.
func (e *Engine) ServerID() uint32 { return e.cfg.ServerID }

// HandleASAP handles a message that came over an association with the payload protocol identifier of ASAP. The bytes are
// not kept. Nothing in them can cause more than an answer, a log event, or their sender's own loss.
func (e *Engine) HandleASAP(now time.Time, assoc uint64, b []byte) {
	a := e.assocs[assoc]
	if a == nil || a.proto != ProtocolASAP {
		return
	}
	// Most messages are handle resolutions as every pool user sends them, and these are read where they lie.
	if handle, items, ok := asap.PeekHandleResolution(b); ok {
		e.resolve(now, a, handle, items, false)
		return
	}
	m, reports, err := asap.Parse(b)
	if err != nil {
		e.stats.BadMessages++
		e.event(Event{Kind: EventBadMessage, Assoc: assoc, Err: err})
	} else {
		e.handle(now, a, m)
	}
	// RFC 5352, Section 2.2.14: "if an error report to the message sender is needed, the ASAP endpoint that discovered
	// the error SHOULD send back an ASAP_ERROR message". It follows the answer, which the sender is waiting for.
	if len(reports) > 0 {
		e.send(a, &asap.Error{Errors: reports})
	}
}

func (e *Engine) handle(now time.Time, a *association, m asap.Message) {
	if a.peer.TCP {
		e.handleTCP(now, a, m)
	} else {
		e.handleAny(now, a, m)
	}
}

// handleAny handles a message of whoever may send it.
func (e *Engine) handleAny(now time.Time, a *association, m asap.Message) {
	switch m := m.(type) {
	case *asap.Registration:
		e.register(now, a, m)
	case *asap.Deregistration:
		e.deregister(a, m)
	case *asap.HandleResolution:
		e.resolve(now, a, []byte(m.PoolHandle), m.Items, m.SendUpdates)
	case *asap.EndpointKeepAliveAck:
		e.keepAliveAck(now, a, m)
	case *asap.EndpointUnreachable:
		e.unreachable(now, a, m)
	case *asap.Error:
		e.event(Event{Kind: EventPeerError, Assoc: a.id, Err: m.Errors})
	default:
		// A message that is known, but not for a registrar: no rule wants it reported.
		e.stats.Ignored++
	}
}

// NextDeadline returns when HandleTimeout is due, and whether it is at all. It may have been due before the last input.
func (e *Engine) NextDeadline() (at time.Time, ok bool) {
	at, ok = e.space.NextDeadline()
	if !e.announceAt.IsZero() && (!ok || e.announceAt.Before(at)) {
		at, ok = e.announceAt, true
	}
	if due := e.topics.due; !due.IsZero() && (!ok || due.Before(at)) {
		at, ok = due, true
	}
	if s := e.scope; s != nil && !s.due.IsZero() && (!ok || s.due.Before(at)) {
		at, ok = s.due, true
	}
	return at, ok
}

// HandleTimeout does what is due at now.
func (e *Engine) HandleTimeout(now time.Time) {
	for {
		el, timer := e.space.Expire(now)
		if el == nil {
			break
		}
		switch timer {
		case handlespace.TimerLife:
			e.lifeEnds(el)
		case handlespace.TimerKeepAlive:
			e.keepAlive(now, el)
		case handlespace.TimerProbe:
			e.keepAliveFails(now, el)
		}
	}
	e.enrpTimeout(now)
	e.tellTopics(now)
	e.announce(now)
}

// jitter returns d, more or less by up to 1/part of it.
func (e *Engine) jitter(d time.Duration, part int64) time.Duration {
	spread := int64(d) / part
	if spread <= 0 {
		return d
	}
	return d + time.Duration(int64(e.cfg.Rand.Uint64N(uint64(2*spread+1)))-spread)
}
