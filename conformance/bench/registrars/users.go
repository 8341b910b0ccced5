// SPDX-License-Identifier: Apache-2.0

package registrars

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
)

const (
	// handle is the pool of all elements.
	handle = param.PoolHandle("LoadPool")
	// window is how many requests are under way on each association. RSPLIB aborts one whose answers it cannot send at once.
	window = 16
	// life is that of a registration, ten minutes for who takes it for milliseconds.
	life = 600_000
)

// Users are associations with a registrar, each of pool elements that register and of a pool user.
type Users struct {
	conns    []*sctp.Conn
	elements uint32 // registered: those from 1
	self     netip.Addr
}

// DialUsers sets up n associations from the first address of the stack.
func DialUsers(ctx context.Context, stack *sctp.Stack, to *sctp.Addr, n int) (*Users, error) {
	u := &Users{self: stack.Addrs()[0]}
	for range n {
		c, err := stack.Dial(ctx, to)
		if err != nil {
			u.Close()
			return nil, err
		}
		u.conns = append(u.conns, c)
	}
	return u, nil
}

// Close ends the associations, and with them the pool elements.
func (u *Users) Close() {
	for _, c := range u.conns {
		c.Abort("done")
	}
}

// A Load is what was answered, and how long that took.
type Load struct {
	Count int
	Took  time.Duration
	// Resent is how many messages this side had to send again: what was lost on the way has slowed it down.
	Resent int
}

// PerSecond is a rate.
func (l Load) PerSecond() float64 { return float64(l.Count) / l.Took.Seconds() }

// each has every association send requests, with a window of them under way, until next has no more, and returns how many
// were answered.
func (u *Users) each(ctx context.Context, next func(conn, i int) (msg asap.Message), check func(asap.Message) error) (Load, error) {
	var wg sync.WaitGroup
	var answers atomic.Int64
	errs := make([]error, len(u.conns))
	resent := resent(u.conns...)
	begin := time.Now()
	for k, c := range u.conns {
		wg.Go(func() {
			n, err := exchange(ctx, c, func(i int) asap.Message { return next(k, i) }, check)
			answers.Add(int64(n))
			errs[k] = err
		})
	}
	wg.Wait()
	return Load{int(answers.Load()), time.Since(begin), resent()}, errors.Join(errs...)
}

// resent returns what counts retransmissions from now on.
func resent(conns ...*sctp.Conn) func() int {
	sum := func() (n int) {
		for _, c := range conns {
			n += int(c.Stats().Retransmissions)
		}
		return n
	}
	before := sum()
	return func() int { return sum() - before }
}

// exchange is each for one association. Registrars answer in order.
func exchange(ctx context.Context, c *sctp.Conn, next func(i int) asap.Message, check func(asap.Message) error) (answers int, err error) {
	batch := make([]sctp.Message, window)
	sent, more := 0, true
	buf := make([]byte, 1<<16)
	for {
		// What there is room for goes together, half a window at least.
		n := 0
		for more && (n > 0 || sent-answers <= window/2) && sent+n-answers < window {
			m := next(sent + n)
			if more = m != nil; !more {
				break
			}
			if batch[n].Data, err = m.AppendBinary(batch[n].Data[:0]); err != nil {
				return answers, err
			}
			batch[n].PPID = asap.PPID
			n++
		}
		if n > 0 {
			if _, err := c.SendBatch(ctx, batch[:n]); err != nil {
				return answers, err
			}
			sent += n
		}
		if answers == sent {
			return answers, nil
		}
		r, err := c.RecvBuf(ctx, buf)
		if err != nil {
			return answers, fmt.Errorf("after %d of %d answers: %w", answers, sent, err)
		}
		m, _, err := asap.Parse(r.Data)
		if err != nil {
			return answers, err
		}
		if _, asked := m.(*asap.EndpointKeepAlive); asked {
			continue // the association lives, which is enough for as long as this takes
		}
		if err := check(m); err != nil {
			return answers, err
		}
		answers++
	}
}

// Fill registers pool elements until there are n.
func (u *Users) Fill(ctx context.Context, n uint32) (Load, error) {
	first := u.elements + 1
	l, err := u.each(ctx, func(k, i int) asap.Message {
		id := first + uint32(k+i*len(u.conns))
		if id > n {
			return nil
		}
		return u.registration(id)
	}, registered)
	u.elements = max(n, u.elements)
	return l, err
}

// Registrations has pool elements beyond those there are come and go for a while. It counts both.
func (u *Users) Registrations(ctx context.Context, d time.Duration) (Load, error) {
	end := time.Now().Add(d)
	return u.each(ctx, func(k, i int) asap.Message {
		id := u.elements + 1 + uint32(k+i/2%window*len(u.conns))
		switch {
		case i%2 == 1:
			return &asap.Deregistration{PoolHandle: handle, PEID: id}
		case time.Now().After(end):
			return nil
		}
		return u.registration(id)
	}, registered)
}

// Reregistrations has all pool elements register again in turn for a while, with another load.
func (u *Users) Reregistrations(ctx context.Context, d time.Duration) (Load, error) {
	end := time.Now().Add(d)
	return u.each(ctx, func(k, i int) asap.Message {
		if i%window == 0 && time.Now().After(end) || k >= int(u.elements) {
			return nil
		}
		mine := (int(u.elements) - k + len(u.conns) - 1) / len(u.conns)
		m := u.registration(uint32(1 + k + i%mine*len(u.conns)))
		m.PoolElement.Policy.Load += uint32(1+i) << 12
		return m
	}, registered)
}

// Resolutions asks for one pool element, for a while.
func (u *Users) Resolutions(ctx context.Context, d time.Duration) (Load, error) {
	end := time.Now().Add(d)
	req := &asap.HandleResolution{PoolHandle: handle, Items: 1}
	return u.each(ctx, func(_, i int) asap.Message {
		if i%window == 0 && time.Now().After(end) {
			return nil
		}
		return req
	}, func(m asap.Message) error {
		if r, ok := m.(*asap.HandleResolutionResponse); !ok || len(r.PoolElements) != 1 {
			return fmt.Errorf("resolved to %v", m)
		}
		return nil
	})
}

func (u *Users) registration(id uint32) *asap.Registration {
	return &asap.Registration{PoolHandle: handle, PoolElement: element(id, u.self, 0)}
}

// element is one with a load of its own.
func element(id uint32, at netip.Addr, home uint32) param.PoolElement {
	return param.PoolElement{
		ID: id, HomeID: home, Life: life, Policy: param.Policy{Type: param.LeastUsed, Load: id * 7919 % (1 << 20)},
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Use: param.DataPlusControl, Addrs: []netip.Addr{at}},
	}
}

func registered(m asap.Message) error {
	switch m := m.(type) {
	case *asap.RegistrationResponse:
		if m.Rejected {
			return fmt.Errorf("registration rejected: %v", m)
		}
	case *asap.DeregistrationResponse:
		if len(m.Errors) > 0 {
			return fmt.Errorf("deregistration refused: %v", m)
		}
	default:
		return fmt.Errorf("%T answers a registration", m)
	}
	return nil
}
