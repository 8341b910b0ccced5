// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
)

// A CookiePolicy says when a cookie that was given to ServerConn.KeepCookie is sent: by the first of the three. The
// zero value of a field means its default, a negative one turns it off.
type CookiePolicy struct {
	// Interval is the longest time between a change and the cookie that tells it. Default: 1 s.
	Interval time.Duration
	// Messages is how many messages of data may have been sent and received since the last cookie, Bytes how many
	// bytes in them. Default: off.
	Messages, Bytes int
}

const defaultCookieInterval = time.Second

func (p *CookiePolicy) check() error {
	if p.Interval < 0 && p.Messages <= 0 && p.Bytes <= 0 {
		return errors.New("no cookie would ever be sent: Cookies has neither an interval nor a number of messages or bytes")
	}
	return nil
}

// A keeper has the latest cookie of a session, and sends it when it is time to.
type keeper struct {
	policy  CookiePolicy
	sending chan struct{} // held by who sends a cookie

	mu       sync.Mutex
	cookie   []byte
	changed  bool // since it was sent
	ever     bool // one was sent
	sent     time.Time
	messages int
	bytes    int
	timer    *time.Timer
	over     bool
}

func (k *keeper) init(p CookiePolicy) {
	if p.Interval == 0 {
		p.Interval = defaultCookieInterval
	}
	k.policy, k.sending = p, make(chan struct{}, 1)
}

func (k *keeper) count(n int) {
	k.mu.Lock()
	k.messages++
	k.bytes += n
	k.mu.Unlock()
}

// due says how long to wait with the cookie; negative: until something happens.
func (k *keeper) due(now time.Time) time.Duration {
	p := k.policy
	switch {
	case !k.ever, p.Messages > 0 && k.messages >= p.Messages, p.Bytes > 0 && k.bytes >= p.Bytes:
		return 0
	case p.Interval < 0:
		return -1
	}
	return max(0, p.Interval-now.Sub(k.sent))
}

// KeepCookie sets what the client is to bring to the next element if this one fails: the state of the session as it is
// now. Call it whenever that changes, before the answer is sent or after it. The first is sent at once, the others when
// Server.Cookies says so, and the last when the handler returns: only the latest counts. It waits for the send buffer
// only, and only if the cookie is due.
//
// Errors: those of SendCookie.
func (s *ServerConn) KeepCookie(ctx context.Context, cookie []byte) error {
	if _, err := s.encodeCookie(cookie); err != nil {
		return err
	}
	k := &s.keep
	k.mu.Lock()
	if k.over {
		k.mu.Unlock()
		return s.SendCookie(ctx, cookie) // it says what is wrong
	}
	k.cookie, k.changed = append(k.cookie[:0], cookie...), true
	wait := k.due(time.Now())
	switch {
	case wait <= 0:
	case k.timer == nil:
		k.timer = time.AfterFunc(wait, s.cookieTimeout)
	default:
		k.timer.Reset(wait)
	}
	k.mu.Unlock()
	if wait != 0 {
		return nil
	}
	return s.flushCookie(ctx)
}

// flushCookie sends the latest cookie, if it was not sent yet.
func (s *ServerConn) flushCookie(ctx context.Context) error {
	k := &s.keep
	select {
	case k.sending <- struct{}{}: // one after the other: the last one that is sent is the latest
		defer func() { <-k.sending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	k.mu.Lock()
	if !k.changed {
		k.mu.Unlock()
		return nil
	}
	cookie := slices.Clone(k.cookie)
	k.changed = false
	k.mu.Unlock()
	err := s.SendCookie(ctx, cookie)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.changed = true
		return err
	}
	k.ever, k.sent, k.messages, k.bytes = true, time.Now(), 0, 0
	return nil
}

func (s *ServerConn) cookieTimeout() {
	ctx, cancel := context.WithTimeout(s.c.ctx, controlTimeout)
	defer cancel()
	s.flushCookie(ctx) // if the client does not take it, the next one will do
}

// endCookies sends the last cookie: a client that this element leaves has it before it turns to another one.
func (s *ServerConn) endCookies() {
	k := &s.keep
	k.mu.Lock()
	k.over = true
	if k.timer != nil {
		k.timer.Stop()
	}
	changed := k.changed
	k.mu.Unlock()
	if changed && s.conn.Err() == nil {
		s.cookieTimeout()
	}
}

// SendCookie gives the client something to bring to the next element if this one fails (RFC 5352, Section 3.8), at once;
// KeepCookie does so now and then. Unless Server.CookieKeys sign it, whoever takes it back has no other proof of where it
// comes from than what is in it. Make it a multiple of 4 bytes long if clients may be RSPLIB's. It has up to MaxCookie
// bytes, 32 less if it is signed.
func (s *ServerConn) SendCookie(ctx context.Context, cookie []byte) error {
	m, err := s.encodeCookie(cookie)
	if err != nil {
		return err
	}
	return sendControl(ctx, s.conn, m)
}

func (s *ServerConn) encodeCookie(cookie []byte) (*asap.Cookie, error) {
	signed := s.sign(cookie)
	if len(signed) > MaxCookie {
		return nil, fmt.Errorf("pool: cookie of %d bytes is longer than %d", len(cookie), MaxCookie-len(signed)+len(cookie))
	}
	return &asap.Cookie{Cookie: signed}, nil
}

// sign appends the HMAC, if there are keys.
func (s *ServerConn) sign(cookie []byte) []byte {
	if s.srv == nil || len(s.srv.CookieKeys) == 0 {
		return cookie
	}
	return append(slices.Clone(cookie), s.srv.mac(s.srv.CookieKeys[0], cookie)...)
}

// verify returns the cookie without its HMAC, if there are keys and one of them has made it.
func (s *ServerConn) verify(signed []byte) ([]byte, bool) {
	if s.srv == nil || len(s.srv.CookieKeys) == 0 {
		return slices.Clone(signed), true
	}
	n := len(signed) - sha256.Size
	if n < 0 {
		return nil, false
	}
	for _, key := range s.srv.CookieKeys {
		if hmac.Equal(s.srv.mac(key, signed[:n]), signed[n:]) {
			return slices.Clone(signed[:n]), true
		}
	}
	return nil, false
}

// mac binds a cookie to the pool.
func (s *Server) mac(key, cookie []byte) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%d:%s", len(s.Handle), s.Handle)
	h.Write(cookie)
	return h.Sum(nil)
}
