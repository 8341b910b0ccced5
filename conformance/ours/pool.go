// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// Pool is a pool element (acts "register" and "deregister") and a pool user ("resolve" and "send").
type Pool struct {
	stack   *sctp.Stack
	network udpencap.Network
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	mu       sync.Mutex
	client   *pool.Client
	leave    context.CancelFunc
	sessions map[string]*pool.Session
}

// NewPool makes one that has done nothing yet.
func NewPool(cfg sctp.Config) (*Pool, error) {
	stack, err := sctp.NewStack(poolTimers(cfg))
	if err != nil {
		return nil, err
	}
	p := &Pool{stack: stack, network: cfg.Network, sessions: map[string]*pool.Session{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// poolTimers are the timers that package pool gives a stack of its own.
func poolTimers(cfg sctp.Config) *sctp.Config {
	cfg.RTOMax, cfg.RTOMin = 2*time.Second, 500*time.Millisecond
	cfg.AssociationMaxRetrans, cfg.PathMaxRetrans, cfg.HeartbeatInterval = 5, 3, 5*time.Second
	return &cfg
}

// EncapPort is its UDP port.
func (p *Pool) EncapPort() uint16 { return p.stack.EncapPort() }

// Close ends it without a word.
func (p *Pool) Close() {
	p.stop()
	p.mu.Lock()
	c := p.client
	for _, s := range p.sessions {
		s.Close()
	}
	p.mu.Unlock()
	if c != nil {
		c.Close()
	}
	p.stack.Close()
	p.wg.Wait()
}

// Has implements conformance.Control.
func (p *Pool) Has(act string) bool {
	switch act {
	case "register", "deregister", "resolve", "send":
		return true
	}
	return false
}

// Do implements conformance.Control.
func (p *Pool) Do(_ context.Context, act string, args conformance.Args) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if act == "deregister" {
		if p.leave == nil {
			return fmt.Errorf("nothing is registered")
		}
		p.leave()
		return nil
	}
	if p.client == nil {
		c, err := pool.NewClient(&pool.Config{Registrars: strings.Fields(args["registrar"]), Announce: "off", Stack: p.stack, Network: p.network, ASAP: pool.RFCTimers()})
		if err != nil {
			return err
		}
		p.client = c
	}
	c, handle := p.client, args["pool"]
	switch act {
	case "register":
		return p.register(c, args)
	case "resolve":
		p.wg.Go(func() { _, _ = c.Resolve(p.ctx, handle) })
		return nil
	case "send":
		size, err := number(args, "size", 100)
		if err != nil {
			return err
		}
		p.wg.Go(func() { p.request(c, handle, make([]byte, size), args["new"] != "") })
		return nil
	}
	return fmt.Errorf("unknown act %q", act)
}

// register starts a pool element with an echo service.
func (p *Pool) register(c *pool.Client, args conformance.Args) error {
	id, err1 := number[uint32](args, "id", 0)
	life, err2 := number(args, "lifetime", 0) // seconds
	for _, err := range []error{err1, err2} {
		if err != nil {
			return err
		}
	}
	srv := &pool.Server{Handle: args["pool"], ID: id, Handler: pool.Echo, DrainTimeout: time.Second}
	srv.Life = time.Duration(life) * time.Second
	if life > 0 {
		srv.Interval = srv.Life / 3
	}
	if text := args["policy"]; text != "" {
		var err error
		if srv.Policy, err = policy.Parse(text); err != nil {
			return err
		}
	}
	ctx, leave := context.WithCancel(p.ctx)
	p.leave = leave
	p.wg.Go(func() { _ = srv.Serve(ctx, c) })
	return nil
}

// request sends a request to a pool, in the session that it has with it or a new one, and reads the answer.
func (p *Pool) request(c *pool.Client, handle string, data []byte, fresh bool) {
	p.mu.Lock()
	s := p.sessions[handle]
	p.mu.Unlock()
	if s == nil || fresh {
		var err error
		if s, err = c.Dial(p.ctx, handle); err != nil {
			return
		}
		p.mu.Lock()
		old := p.sessions[handle]
		p.sessions[handle] = s
		p.mu.Unlock()
		if old != nil {
			old.Close()
		}
	}
	_, _ = s.Do(p.ctx, sctp.Message{Data: data})
}
