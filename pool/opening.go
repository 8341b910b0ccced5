// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// An Opening is what a client begins a session with.
type Opening int

const (
	OpeningMessage Opening = iota + 1 // a message, which Recv returns next
	OpeningCookie                     // the cookie of another element, which CookieEcho returns
	OpeningSilence                    // nothing, for as long as was asked
)

// Opening waits for what the client begins the session with. It is for handlers of a Server that SpeaksFirst: a client
// that comes from another element may bring its cookie and wait, and one that only listens says nothing at all. Silence
// is how long it may take before that is assumed, at least 100 ms or so: registrars set up associations to the port
// of an element, too, and show what they are with their first message. For one of these, Opening does not return before
// its end. Zero or less waits for as long as it takes.
//
// Errors are those of Recv.
func (s *ServerConn) Opening(ctx context.Context, silence time.Duration) (Opening, error) {
	start := time.Now()
	for s.first == nil && s.CookieEcho() == nil {
		m, err := s.recvWithin(ctx, start, silence)
		switch {
		case err == nil && isControl(m):
			s.control(ctx, m)
		case err == nil:
			s.first = &m
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			return OpeningSilence, nil
		default:
			return 0, err
		}
	}
	if s.first == nil {
		return OpeningCookie, nil
	}
	return OpeningMessage, nil
}

// recvWithin is Recv of the association that ends with a silence, but not if it is a registrar's.
func (s *ServerConn) recvWithin(ctx context.Context, start time.Time, silence time.Duration) (sctp.Message, error) {
	if silence > 0 && s.link == nil {
		limited, cancel := context.WithDeadline(ctx, start.Add(silence))
		defer cancel()
		ctx = limited
	}
	return s.conn.Recv(ctx)
}
