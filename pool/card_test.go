// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// RFC 5352, Section 3.9, BC2: "If the peer's PE should fail, this preferred list will be used to guide the ASAP Endpoint in
// the selection of an alternate PE." The latest list counts.
func TestBusinessCardGuidesTheFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		f := w.fleet(5, echoes)
		element := func(id uint32) Element { return f.servers[id-1].Registered().Element() }
		for i, srv := range f.servers {
			// Each recommends the one before it, and then the one after it.
			before, after := uint32((i+4)%5+1), uint32((i+1)%5+1)
			require.NoError(t, srv.SetBusinessCard(element(before), element(after)))
		}
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{CardNotices: true})
		require.Nil(t, sess.BusinessCard())
		for range 3 {
			first := sess.Element().ID
			require.NoError(t, sess.Send(w.ctx, text("x"))) // the session begins
			notice := recvAs[*CardNotice](w, sess)
			require.Equal(t, "EchoPool", notice.Card.Handle)
			require.Contains(t, notice.Error(), "business card with 2 elements")
			require.Equal(t, &notice.Card, sess.BusinessCard())
			require.NoError(t, sess.ForceFailover(w.ctx, Force{}))
			require.Equal(t, (first+3)%5+1, recvAs[*FailoverError](w, sess).To.ID)
		}
		// RFC 5352, Section 3.9: "a new ASAP_BUSINESS_CARD message may be sent at any time by either entity to update its
		// failover order."
		first := sess.Element().ID
		require.NoError(t, sess.Send(w.ctx, text("x")))
		recvAs[*CardNotice](w, sess)
		heir := (first+1)%5 + 1
		require.NoError(t, f.servers[first-1].SetBusinessCard(element(heir)))
		recvAs[*CardNotice](w, sess)
		f.kill(first)
		require.NoError(t, sess.Send(w.ctx, text("x")))
		require.Equal(t, heir, recvAs[*FailoverError](w, sess).To.ID)
	})
}

// A last will is carried out even if there is no registrar left to ask.
func TestBusinessCardServesWithoutRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h1 := w.host(1)
		reg := w.registrar(h1, 1)
		w.fleet(3, func() *Server { return &Server{Handle: "EchoPool", Handler: Echo, Cards: true} })
		sess := w.dial(w.client(w.host(9), nil), "EchoPool", DialOptions{})
		_, err := sess.Do(w.ctx, text("x"))
		require.NoError(t, err)
		<-time.After(time.Second)
		_, err = sess.Do(w.ctx, text("x"))
		require.NoError(t, err)
		require.NotNil(t, sess.BusinessCard(), "the other elements, by default")
		require.Len(t, sess.BusinessCard().Elements, 2)
		w.kill(h1, reg)
		<-time.After(time.Minute)
		require.NoError(t, sess.ForceFailover(w.ctx, Force{}))
		require.Less(t, recvAs[*FailoverError](w, sess).Took, time.Second)
	})
}

func TestOrderOfABusinessCard(t *testing.T) {
	elems := func(ids ...uint32) (list []Element) {
		for _, id := range ids {
			list = append(list, Element{ID: id, Transport: param.Transport{Protocol: param.SCTP}})
		}
		return list
	}
	card := &BusinessCard{Elements: elems(5, 2, 2, 9)}
	require.Equal(t, elems(5, 2, 1, 3), card.order(elems(1, 2, 3, 5), true), "9 has left the pool")
	require.Equal(t, elems(5, 2, 9, 1, 3), card.order(elems(1, 2, 3, 5), false), "9 may not have been named")
	require.Equal(t, elems(1), (&BusinessCard{Elements: []Element{{ID: 8}}}).order(elems(1), false), "nobody knows where 8 is")
	require.Equal(t, elems(1, 2), (*BusinessCard)(nil).order(elems(1, 2), true))
}

// RFC 5351, Section 2.5.2, and RFC 5352, Section 3.9: "For a PU that is part of a PU/PE combination that is contacting a PE,
// this is essential so that the PE learns the pool handle of the PU/PE combination requesting service." When the PU fails,
// the PE turns to another element of its pool, and brings it the cookie of the failed one.
func TestElementFollowsAClientThatIsAnElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		agents := w.fleet(3, func() *Server {
			return &Server{Handle: "Agents", Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
				for m, err := conn.Recv(ctx); err == nil; m, err = conn.Recv(ctx) {
					conn.Send(ctx, text(string(conn.CookieEcho())+string(m.Data)))
				}
			})}
		})
		type result struct {
			card   *BusinessCard
			id     uint32
			answer string
			err    error
		}
		done := make(chan result, 1)
		worker := HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			for _, err := conn.Recv(ctx); err == nil; _, err = conn.Recv(ctx) {
			}
			var r result
			defer func() { done <- r }()
			r.card = conn.BusinessCard()
			sess, err := conn.Failover(w.ctx, DialOptions{})
			if err != nil {
				r.err = err
				return
			}
			defer sess.Close()
			m, err := sess.Do(w.ctx, text("done"))
			r.id, r.answer, r.err = sess.Element().ID, string(m.Data), err
		})
		w.serve(w.client(w.host(2), nil), &Server{Handle: "Work", ID: 77, Handler: worker})

		// The first of the agents uses the other pool.
		self := agents.servers[0]
		c := self.Registered().c
		card := &BusinessCard{Handle: "Agents", Elements: []Element{agents.servers[2].Registered().Element(), agents.servers[1].Registered().Element()}}
		sess := w.dial(c, "Work", DialOptions{Card: card})
		require.NoError(t, sess.SendCookie(w.ctx, []byte("job 8: ")))
		require.NoError(t, sess.Send(w.ctx, text("please")))
		synctest.Wait()
		require.NoError(t, sess.SendCookie(w.ctx, []byte("job 7: ")))
		<-time.After(10 * time.Millisecond)
		sess.Conn().Abort("it fails")

		r := <-done
		require.NoError(t, r.err)
		require.Equal(t, "Agents", r.card.Handle)
		require.Equal(t, uint32(3), r.id, "the first of the card")
		require.Equal(t, "job 7: done", r.answer)
	})
}

func TestClientWithoutACardIsNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		result := make(chan error, 1)
		w.serve(w.client(w.host(2), nil), &Server{Handle: "Work", Handler: HandlerFunc(func(ctx context.Context, conn *ServerConn) {
			_, err := conn.Failover(ctx, DialOptions{})
			result <- err
		})})
		sess := w.dial(w.client(w.host(9), nil), "Work", DialOptions{})
		require.NoError(t, sess.Send(w.ctx, text("x")))
		require.ErrorIs(t, <-result, ErrNoBusinessCard)
	})
}

// RFC 5352, Section 3.9: "An ASAP_BUSINESS_CARD message MUST ONLY be sent if a control channel exists between a PU and PE."
// Nor is a cookie echoed where there is none.
func TestNothingOfASAPIsSentWithoutAControlChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.registrar(w.host(1), 1)
		c := w.client(w.host(2), nil)
		l, err := c.Stack().Listen(5000)
		require.NoError(t, err)
		defer l.Close()
		reg, err := c.Register(w.ctx, Registration{Handle: "Plain", ID: 1, Port: 5000, DataOnly: true})
		require.NoError(t, err)
		u := w.client(w.host(9), nil)
		card := &BusinessCard{Handle: "Mine", Elements: []Element{reg.Element()}}
		sess, err := u.dial(w.ctx, "Plain", DialOptions{Card: card}, []byte("cookie"))
		require.NoError(t, err)
		defer sess.Close()
		require.Equal(t, param.DataOnly, sess.Element().Transport.Use)
		require.ErrorIs(t, sess.SendCard(w.ctx, *card), errNoControl)
		require.ErrorIs(t, sess.SendCookie(w.ctx, []byte("x")), errNoControl)
		require.NoError(t, sess.Send(w.ctx, text("x")))
		conn, err := l.Accept(w.ctx)
		require.NoError(t, err)
		m, err := conn.Recv(w.ctx)
		require.NoError(t, err)
		require.Equal(t, "x", string(m.Data), "the first message is one of data")
		require.Equal(t, policy.RoundRobin{}, reg.Element().Policy)
	})
}
