// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/sctp"
)

// A ServerConn is the association of a session on the side of the element. Recv must not be called by two goroutines
// at once; the other methods may be.
type ServerConn struct {
	c       *Client
	srv     *Server // nil: nobody serves here
	conn    *sctp.Conn
	ctx     context.Context // of the handler
	first   *sctp.Message   // received before the handler was started
	link    *link           // if it is a registrar's
	reports int             // of what was wrong on the control channel
	keep    keeper

	mu     sync.Mutex
	echo   []byte        // the cookie that the client has brought
	echoes int           // that have come
	card   *BusinessCard // of the client
	cards  int           // that have come
	cookie []byte        // of the client, which is an element
}

func newServerConn(c *Client, srv *Server, conn *sctp.Conn) *ServerConn {
	s := &ServerConn{c: c, srv: srv, conn: conn, ctx: c.ctx}
	if srv != nil {
		s.keep.init(srv.Cookies)
	}
	return s
}

// Send hands a message to the association, as sctp.Conn.Send does.
func (s *ServerConn) Send(ctx context.Context, m sctp.Message) error {
	if m.PPID == asap.PPID {
		return ErrReservedPPID
	}
	err := s.conn.Send(ctx, m)
	if err == nil {
		s.keep.count(len(m.Data))
	}
	return err
}

// Recv waits for the next message, as sctp.Conn.Recv does. Messages of ASAP are taken care of meanwhile, keep-alives
// of registrars for example.
func (s *ServerConn) Recv(ctx context.Context) (sctp.Message, error) {
	m, err := s.recv(ctx)
	if err == nil {
		s.keep.count(len(m.Data))
	}
	return m, err
}

func (s *ServerConn) recv(ctx context.Context) (sctp.Message, error) {
	if m := s.first; m != nil {
		s.first = nil
		return *m, nil
	}
	for controls := 1; ; controls++ {
		m, err := s.conn.Recv(ctx)
		if err != nil || !isControl(m) {
			return m, err
		}
		s.control(ctx, m)
		if controls >= maxControlRun && ctx.Err() != nil {
			return sctp.Message{}, ctx.Err()
		}
	}
}

// CookieEcho returns the cookie that the client has brought from another element, or nil. It comes before the first
// message of the session, unless a client sends on other streams than 0 and the network loses it, in which case it is there
// after one of the next. Of a client that echoes more than one, the first counts: an element restores a state before it
// has one of its own.
func (s *ServerConn) CookieEcho() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.echo
}

// BusinessCard returns the latest business card of the client, or nil. A client that has one is an element of a pool
// itself.
func (s *ServerConn) BusinessCard() *BusinessCard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.card
}

// ErrNoBusinessCard is returned by ServerConn.Failover if the client has not said which pool it belongs to.
var ErrNoBusinessCard = errors.New("pool: the client has sent no business card")

// Failover starts a session with the pool of the client, which has failed: its business card says which elements to turn
// to, and what it gave with Session.SendCookie is echoed to the one that is found. The ServerConn remains as it is.
//
// Errors: ErrNoBusinessCard; those of Client.Dial.
func (s *ServerConn) Failover(ctx context.Context, o DialOptions) (*Session, error) {
	s.mu.Lock()
	card, cookie := s.card, s.cookie
	s.mu.Unlock()
	if card == nil {
		return nil, ErrNoBusinessCard
	}
	o.Prefer = card
	return s.c.dial(ctx, card.Handle, o, cookie)
}

// SendCard gives the client a business card, or another one; see Server.SetBusinessCard.
func (s *ServerConn) SendCard(ctx context.Context, card BusinessCard) error {
	m, err := card.message()
	if err != nil {
		return err
	}
	return sendControl(ctx, s.conn, m)
}

// Conn returns the association. Messages are to be sent and received through the ServerConn.
func (s *ServerConn) Conn() *sctp.Conn { return s.conn }

// RemoteAddr returns where the client is.
func (s *ServerConn) RemoteAddr() *sctp.Addr { return s.conn.RemoteAddr() }

// log logs something about the session.
func (s *ServerConn) log(level slog.Level, msg string, args ...any) {
	if s.srv != nil {
		args = append([]any{"pool", s.srv.Handle}, args...)
	}
	s.c.do(func(time.Time) { s.c.note(level, msg, append([]any{"client", s.RemoteAddr().String()}, args...)...) })
}

// end shuts the association down.
func (s *ServerConn) end() {
	if s.link != nil {
		err := s.conn.Err()
		if errors.Is(err, io.EOF) {
			err = nil
		}
		l := s.link
		l.cancel()
		s.c.do(func(now time.Time) {
			if s.c.links[l.id] == l {
				delete(s.c.links, l.id)
				s.c.agent.HandleLost(now, l.id, err)
			}
		})
	}
	s.conn.Close()
}

// registrarLink passes a message to the agent: of a registrar that has set up the association.
func (s *ServerConn) registrarLink(m sctp.Message) {
	s.c.do(func(now time.Time) {
		if s.link == nil {
			from := s.conn.RemoteAddr()
			id := s.c.agent.HandleInbound(agent.Addr{IPs: from.IPs, Port: from.Port, EncapPort: from.EncapPort})
			s.link = s.c.newLink(id, association{s.conn})
			s.c.work.Go(s.link.write)
		}
		s.c.agent.HandleMessage(now, s.link.id, m.Data)
	})
}
