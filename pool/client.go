// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
)

// A Client is a pool user, any number of pool elements, or both. Its methods may be called from any number of
// goroutines.
type Client struct {
	cfg      settings
	log      *slog.Logger
	stack    *sctp.Stack
	ownStack bool
	listener *sctp.Listener
	port     uint16 // SCTP

	ctx    context.Context // ends with the Client
	cancel context.CancelFunc
	work   sync.WaitGroup

	// mu guards the agent and what follows. Nothing blocks while it is held.
	mu       sync.Mutex
	agent    *agent.Agent
	closed   bool
	links    map[agent.LinkID]*link
	ending   map[*link]struct{} // that are being ended
	timer    *time.Timer
	timerAt  time.Time
	elements map[agent.Key]*Registered
	waiting  map[agent.ResolveID]chan agent.EventResolved
	hunt     error // why the last search for a registrar failed, until there is one
	// subscriptions are in the order in which they were made.
	subscriptions map[param.PoolHandle][]*Subscription

	server  *Server // which has the Client's listener
	records []slog.Record
}

// closeTimeout bounds how long Close waits for peers that do not answer.
const closeTimeout = 2 * time.Second

// NewClient starts to look for a registrar and returns at once. A nil Config is the default one.
func NewClient(cfg *Config) (*Client, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	a, err := agent.New(s.ASAP)
	if err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	c := &Client{
		cfg: s, log: s.Logger, stack: s.Stack, agent: a,
		links:    make(map[agent.LinkID]*link),
		ending:   make(map[*link]struct{}),
		elements: make(map[agent.Key]*Registered),
		waiting:  make(map[agent.ResolveID]chan agent.EventResolved),

		subscriptions: make(map[param.PoolHandle][]*Subscription),
	}
	if c.stack == nil && !s.NoSCTP {
		if c.stack, err = sctp.NewStack(s.stackConfig()); err != nil {
			return nil, fmt.Errorf("pool: %w", err)
		}
		c.ownStack = true
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if c.stack != nil {
		if c.listener, err = c.stack.Listen(s.Port); err != nil {
			c.Close()
			return nil, fmt.Errorf("pool: %w", err)
		}
		c.port = c.listener.Addr().Port
	}
	if err := c.listenAnnounces(); err != nil {
		c.Close()
		return nil, fmt.Errorf("pool: config: Announce: %w", err)
	}
	if c.listener != nil {
		c.work.Go(c.accept)
		c.work.Go(c.followAddrs)
	}
	c.do(func(now time.Time) {
		for _, r := range s.registrars {
			a.AddRegistrar(now, r)
		}
		if len(s.registrars) == 0 && s.Announce == "" {
			f := fallbackRegistrar
			f.TCP = s.NoSCTP
			a.AddFallback(now, f)
		}
		a.Start(now)
	})
	return c, nil
}

// Stack returns the SCTP stack of the Client; nil with Config.NoSCTP.
func (c *Client) Stack() *sctp.Stack { return c.stack }

// Addr returns the addresses and the SCTP port that elements are registered from; nil with Config.NoSCTP.
func (c *Client) Addr() *sctp.Addr {
	if c.listener == nil {
		return nil
	}
	return c.listener.Addr()
}

// Registrars returns the registrars that are known at the moment, configured or announced, as Config.Registrars has them.
func (c *Client) Registrars() []string {
	var addrs []string
	c.do(func(now time.Time) {
		for _, r := range c.agent.Registrars(now) {
			addrs = append(addrs, r.String())
		}
	})
	return addrs
}

// Close ends the associations with registrars, and the stack if it is the Client's own, with all sessions on it. What
// is registered is not deregistered, but registrars notice. To close it again does nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	for id, w := range c.waiting {
		close(w)
		delete(c.waiting, id)
	}
	for _, r := range c.elements {
		r.end(net.ErrClosed)
	}
	for _, list := range c.subscriptions {
		for _, s := range list {
			s.end()
		}
	}
	var conns []carrier // that do not end with the stack
	for _, l := range c.links {
		if _, ours := l.conn.(association); l.conn != nil && !(ours && c.ownStack) {
			conns = append(conns, l.conn)
		}
	}
	c.mu.Unlock()
	c.cancel()
	if c.listener != nil {
		c.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, conn := range conns {
		wg.Go(func() {
			if conn.Shutdown(ctx) != nil {
				conn.Abort("client closed")
			}
		})
	}
	if c.ownStack {
		c.stack.Shutdown(ctx)
	}
	wg.Wait()
	c.work.Wait()
	return nil
}

// do lets f work with the agent, and carries out what the agent then wants. It reports whether the Client is open.
func (c *Client) do(f func(now time.Time)) bool {
	c.mu.Lock()
	open := !c.closed
	if open {
		f(time.Now())
		c.flush()
	}
	records := c.records
	c.records = nil
	c.mu.Unlock()
	for _, r := range records { // a slog.Handler is foreign code: not under the lock
		if h := c.log.Handler(); h.Enabled(c.ctx, r.Level) {
			h.Handle(c.ctx, r)
		}
	}
	return open
}

// note logs once the lock is released.
func (c *Client) note(level slog.Level, msg string, args ...any) {
	r := slog.NewRecord(time.Now(), level, msg, 0)
	r.Add(args...)
	c.records = append(c.records, r)
}

func (c *Client) flush() {
	for {
		x, ok := c.agent.PollAction()
		if !ok {
			break
		}
		switch x := x.(type) {
		case agent.Connect:
			c.connect(x)
		case agent.Send:
			if l := c.links[x.Link]; l != nil {
				l.send(x.Data)
			}
		case agent.Disconnect:
			if l := c.links[x.Link]; l != nil {
				delete(c.links, x.Link)
				l.end(c, x.Reason)
			}
		}
	}
	for {
		e, ok := c.agent.PollEvent()
		if !ok {
			break
		}
		c.event(e)
	}
	at, ok := c.agent.Deadline()
	switch {
	case !ok:
		if c.timer != nil {
			c.timer.Stop()
		}
		c.timerAt = time.Time{}
	case c.timer == nil:
		c.timerAt = at
		c.timer = time.AfterFunc(time.Until(at), c.timeout)
	case !at.Equal(c.timerAt):
		c.timerAt = at
		c.timer.Reset(time.Until(at))
	}
}

func (c *Client) timeout() {
	c.do(func(now time.Time) {
		c.timerAt = time.Time{}
		c.agent.HandleTimeout(now)
	})
}

func (c *Client) event(e agent.Event) {
	switch e := e.(type) {
	case agent.EventHome:
		c.hunt = nil
		c.note(slog.LevelInfo, "home registrar found", "registrar", e.Addr.String(), "adopted", e.Adopted)
	case agent.EventHomeLost:
		c.note(slog.LevelWarn, "home registrar lost", "registrar", e.Addr.String(), "error", e.Err)
	case agent.EventHuntFailed:
		c.hunt = e.Err
		c.note(slog.LevelWarn, "no registrar found yet", "error", e.Err)
	case agent.EventDiscarded:
		c.note(slog.LevelDebug, "message not used", "error", e.Err)
	case agent.EventPool:
		for _, s := range c.subscriptions[e.Handle] {
			s.told(&e)
		}
	case agent.EventResolved:
		if w := c.waiting[e.ID]; w != nil {
			w <- e // it has room for one
			delete(c.waiting, e.ID)
		}
	case agent.EventRegistered:
		if r := c.elements[e.Key]; r != nil {
			level := slog.LevelDebug
			if e.First {
				level = slog.LevelInfo
			}
			c.note(level, "registered", "pool", string(e.Handle), "element", idString(e.ID), "warnings", len(e.Warnings))
			r.registered(e)
		}
	case agent.EventUnregistered:
		if r := c.elements[e.Key]; r != nil {
			level := slog.LevelWarn
			if e.Final {
				level = slog.LevelDebug // it is what Register or Serve returns
			}
			c.note(level, "not registered", "pool", string(e.Handle), "element", idString(e.ID), "error", e.Err, "final", e.Final)
			r.unregistered(e)
		}
	case agent.EventDeregistered:
		if r := c.elements[e.Key]; r != nil {
			c.note(slog.LevelInfo, "deregistered", "pool", string(e.Handle), "element", idString(e.ID), "error", e.Err)
			delete(c.elements, e.Key)
			r.end(e.Err)
		}
	}
}

// errClosed is what calls return once the Client is closed. It matches net.ErrClosed.
var errClosed = fmt.Errorf("client is closed: %w", net.ErrClosed)

func idString(id uint32) string { return fmt.Sprintf("0x%08x", id) }

func sctpAddr(a agent.Addr) *sctp.Addr {
	return &sctp.Addr{IPs: a.IPs, Port: a.Port, EncapPort: a.EncapPort}
}
