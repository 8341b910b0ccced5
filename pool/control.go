// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
)

// The control channel of a session: the ASAP messages between a pool user and a pool element on their association.

const (
	// maxControlRun is how many messages of ASAP are taken in a row after the context has ended, in search of one of data
	// behind them: a peer that sends nothing else does not keep a Recv from returning.
	maxControlRun = 64
	// maxReports bounds the ASAP_ERRORs to one peer: one who does not understand the first few never will.
	maxReports = 16
	// controlTimeout bounds the sending of messages that nobody waits for.
	controlTimeout = time.Second
)

func isControl(m sctp.Message) bool { return m.PPID == asap.PPID }

// hasControl reports whether there is a control channel to an element.
//
// RFC 5352, Section 3.9: "An ASAP_BUSINESS_CARD message MUST ONLY be sent if a control channel exists between a PU and PE."
func (e Element) hasControl() bool {
	return e.Transport.Protocol == param.SCTP && e.Transport.Use == param.DataPlusControl
}

// sendControl sends a message of ASAP.
func sendControl(ctx context.Context, conn *sctp.Conn, m asap.Message) error {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return err
	}
	return conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: b})
}

// report tells a peer what was wrong with a message, unless it was told too often; n counts.
//
// RFC 5352, Section 2.2.14: "the ASAP endpoint that discovered the error SHOULD send back an ASAP_ERROR message"
func report(ctx context.Context, conn *sctp.Conn, reports param.OperationError, n *int) {
	if len(reports) == 0 || *n >= maxReports {
		return
	}
	*n++
	limited, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	sendControl(limited, conn, &asap.Error{Errors: reports})
}

// control takes an ASAP message of the element. The caller has reading.
func (s *Session) control(ctx context.Context, conn *sctp.Conn, m sctp.Message) {
	log := func(level slog.Level, msg string, args ...any) {
		s.c.do(func(time.Time) {
			s.c.note(level, msg, append([]any{"pool", s.handle, "element", idString(s.Element().ID)}, args...)...)
		})
	}
	msg, reports, err := asap.Parse(m.Data)
	report(ctx, conn, reports, &s.reports)
	switch msg := msg.(type) {
	case nil:
		log(slog.LevelDebug, "message of an element not used", "error", err)
	case *asap.Cookie:
		// RFC 5352, Section 3.8: "The PU's ASAP endpoint stores the Cookie parameter and discards an older cookie if it is
		// previously stored."
		c := slices.Clone(msg.Cookie)
		if c == nil {
			c = []byte{}
		}
		if len(c) > s.opt.MaxCookie {
			log(slog.LevelWarn, "cookie is too long", "bytes", len(c), "limit", s.opt.MaxCookie)
			c = nil
		}
		s.mu.Lock()
		s.cookie = c
		s.mu.Unlock()
	case *asap.BusinessCard:
		card := newCard(msg)
		s.mu.Lock()
		s.card = card
		if s.opt.CardNotices {
			if len(s.notices) == maxNotices {
				s.notices = s.notices[1:]
			}
			s.notices = append(s.notices, &CardNotice{*card})
		}
		s.mu.Unlock()
		if card.Handle == s.handle {
			s.c.populate(card.Handle)
		}
	case *asap.Error:
		log(slog.LevelDebug, "element reports", "error", msg.Errors)
	default:
		log(slog.LevelDebug, "message of an element not used", "type", msg.Type().String())
	}
}

// SendCookie gives the element something to bring to the next element of the program's own pool, as [ServerConn.SendCookie]
// does in the other direction. It is for programs that have sent a business card.
func (s *Session) SendCookie(ctx context.Context, cookie []byte) error {
	return s.sendControl(ctx, &asap.Cookie{Cookie: cookie})
}

// SendCard gives the element a business card of the program, or another one. It is not sent to the next element, unless
// it is that of DialOptions.
//
// RFC 5352, Section 3.9: "After communication has been established between a PE and PU, a new ASAP_BUSINESS_CARD message may
// be sent at any time by either entity to update its failover order."
func (s *Session) SendCard(ctx context.Context, card BusinessCard) error {
	m, err := card.message()
	if err != nil {
		return err
	}
	return s.sendControl(ctx, m)
}

func (s *Session) sendControl(ctx context.Context, m asap.Message) error {
	s.mu.Lock()
	conn, e, err := s.conn, s.element, s.err
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case !e.hasControl():
		return errNoControl
	}
	return sendControl(ctx, conn, m)
}
