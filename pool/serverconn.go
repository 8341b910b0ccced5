// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/sctp"
)

// A ServerConn is the association of a session on the side of the element. Recv must not be called by two goroutines
// at once.
type ServerConn struct {
	c      *Client
	conn   *sctp.Conn
	first  *sctp.Message // received before the handler was started
	cookie []byte        // echoed by the client
	link   *link         // if it is a registrar's
}

// Send hands a message to the association, as sctp.Conn.Send does.
func (s *ServerConn) Send(ctx context.Context, m sctp.Message) error {
	if m.PPID == asap.PPID {
		return ErrReservedPPID
	}
	return s.conn.Send(ctx, m)
}

// Recv waits for the next message, as sctp.Conn.Recv does. Messages of ASAP are taken care of meanwhile, keep-alives
// of registrars for example.
func (s *ServerConn) Recv(ctx context.Context) (sctp.Message, error) {
	if m := s.first; m != nil {
		s.first = nil
		return *m, nil
	}
	for {
		m, err := s.conn.Recv(ctx)
		if err != nil || m.PPID != asap.PPID {
			return m, err
		}
		s.control(m)
	}
}

// control takes an ASAP message: a cookie of a pool user, or anything of a registrar.
func (s *ServerConn) control(m sctp.Message) {
	if len(m.Data) > 0 {
		switch asap.MessageType(m.Data[0]) {
		case asap.TypeCookieEcho:
			if msg, _, err := asap.Parse(m.Data); err == nil {
				s.cookie = slices.Clone(msg.(*asap.CookieEcho).Cookie)
			}
			return
		case asap.TypeBusinessCard, asap.TypeCookie:
			return
		}
	}
	s.c.do(func(now time.Time) {
		if s.link == nil {
			from := s.conn.RemoteAddr()
			id := s.c.agent.HandleInbound(agent.Addr{IPs: from.IPs, Port: from.Port, EncapPort: from.EncapPort})
			s.link = s.c.newLink(id, s.conn)
			s.c.work.Go(s.link.write)
		}
		s.c.agent.HandleMessage(now, s.link.id, m.Data)
	})
}

// SendCookie gives the client something to bring to the next element if this one fails (RFC 5352, Section 3.8).
// Whoever takes it back has no other proof of where it comes from than a signature in it. Make it a multiple of 4 bytes
// long if clients may be RSPLIB's.
func (s *ServerConn) SendCookie(ctx context.Context, cookie []byte) error {
	b, err := (&asap.Cookie{Cookie: cookie}).AppendBinary(nil)
	if err != nil {
		return err
	}
	return s.conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: b})
}

// CookieEcho returns the cookie that the client has brought from another element, or nil. It comes before the first
// message.
func (s *ServerConn) CookieEcho() []byte { return s.cookie }

// Conn returns the association. Messages are to be sent and received through the ServerConn.
func (s *ServerConn) Conn() *sctp.Conn { return s.conn }

// RemoteAddr returns where the client is.
func (s *ServerConn) RemoteAddr() *sctp.Addr { return s.conn.RemoteAddr() }

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
