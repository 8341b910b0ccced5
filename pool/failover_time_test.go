// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// silence is how long a session sends to an element whose host has vanished before it goes to another one: an
// unanswered message is sent again after RTO, which doubles up to RTOMax, and the association is given up with the one
// beyond AssociationMaxRetrans (RFC 9260, Sections 6.3.3 and 8.1). docs/PERFORMANCE.md has the formula.
func silence(rto, rtoMax time.Duration, maxRetrans int) (sum time.Duration) {
	for range maxRetrans + 1 {
		sum += rto
		rto = min(2*rto, rtoMax)
	}
	return sum
}

func TestFailoverTime(t *testing.T) {
	require.Equal(t, 9500*time.Millisecond, silence(500*time.Millisecond, 2*time.Second, 5), "with the defaults of a Client")
	for _, c := range []struct {
		name  string
		end   func(f *fleet, s *Session)
		bound time.Duration
	}{
		{"aborted", func(_ *fleet, s *Session) { s.Send(t.Context(), text("die")) }, 50 * time.Millisecond},
		{"vanished", func(f *fleet, s *Session) { f.kill(s.Element().ID) }, silence(500*time.Millisecond, 2*time.Second, 5) + 50*time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.registrar(w.host(1), 1)
				f := w.fleet(2, func() *Server {
					return &Server{Handle: "EchoPool", Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
						for {
							m, err := conn.Recv(ctx)
							if err != nil || conn.Send(ctx, m) != nil {
								return
							}
							if string(m.Data) == "die" {
								conn.Conn().Abort("as was wanted")
							}
						}
					})}
				})
				s, err := w.client(w.host(2), nil).Dial(w.ctx, "EchoPool")
				require.NoError(t, err)
				for range 20 { // the round-trip time is known then
					_, err := s.Do(w.ctx, text("hello"))
					require.NoError(t, err)
				}
				c.end(f, s) // takes the time that the element needs to give up, too
				start := time.Now()
				s.Send(w.ctx, text("is anybody there?"))
				var failover *FailoverError
				for err = nil; err == nil; {
					_, err = s.Recv(w.ctx)
				}
				require.True(t, errors.As(err, &failover), "%v", err)
				t.Logf("failover after %v", time.Since(start))
				require.LessOrEqual(t, time.Since(start), c.bound)
				m, err := s.Do(w.ctx, text("hello again"))
				require.NoError(t, err)
				require.Equal(t, "hello again", string(m.Data))
			})
		})
	}
}
