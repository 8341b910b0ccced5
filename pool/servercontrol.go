// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"log/slog"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/sctp"
)

// maxResolvedCards bounds the handles of one client that are resolved for it.
const maxResolvedCards = 4

// control takes an ASAP message: of a pool user, or of a registrar, which is known by its keep-alive.
func (s *ServerConn) control(ctx context.Context, m sctp.Message) {
	if s.link != nil || len(m.Data) > 0 && asap.MessageType(m.Data[0]) == asap.TypeEndpointKeepAlive {
		s.registrarLink(m)
		return
	}
	msg, reports, err := asap.Parse(m.Data)
	report(ctx, s.conn, reports, &s.reports)
	switch msg := msg.(type) {
	case nil:
		s.log(slog.LevelDebug, "message of a client not used", "error", err)
	case *asap.CookieEcho:
		s.takeEcho(msg.Cookie)
	case *asap.BusinessCard:
		s.takeCard(newCard(msg))
	case *asap.Cookie:
		s.mu.Lock()
		s.cookie = slices.Clone(msg.Cookie)
		s.mu.Unlock()
	case *asap.Error:
		s.log(slog.LevelDebug, "client reports", "error", msg.Errors)
	default:
		s.log(slog.LevelDebug, "message of a client not used", "type", msg.Type().String())
	}
}

// takeEcho takes the cookie of another element.
//
// RFC 5352, Section 3.8: "it SHOULD send the latest received cookie parameter in an ASAP_COOKIE_ECHO message to the new PE
// as the first message on the control channel." One that comes later is of no use: the session has a state by then.
func (s *ServerConn) takeEcho(cookie []byte) {
	s.mu.Lock()
	s.echoes++
	again := s.echoes > 1
	s.mu.Unlock()
	if again {
		s.log(slog.LevelDebug, "cookie not used: it is not the first one of the session")
		return
	}
	cookie, ok := s.verify(cookie)
	if !ok {
		s.log(slog.LevelWarn, "cookie not used: its signature is not of this pool")
		return
	}
	s.mu.Lock()
	s.echo = cookie
	s.mu.Unlock()
}

// takeCard takes the business card of a client that is an element of another pool.
func (s *ServerConn) takeCard(card *BusinessCard) {
	s.mu.Lock()
	if s.card == nil || s.card.Handle != card.Handle {
		s.cards++
	}
	resolve := s.cards <= maxResolvedCards
	s.card = card
	s.mu.Unlock()
	if resolve {
		s.c.populate(card.Handle)
	}
}
