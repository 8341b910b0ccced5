// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/udpencap"
)

// A Stack is SCTP over one UDP port on a host's addresses (RFC 6951), with any
// number of listeners and associations. Its methods may be called from any
// number of goroutines.
type Stack struct {
	cfg    Config
	params assoc.Config
	log    *slog.Logger
	debug  bool   // whether Debug records are wanted; asked once
	port   uint16 // UDP
	// sockets are those there are, one for each local address. The list is
	// replaced under the lock and read without it.
	sockets atomic.Pointer[[]udpencap.Socket]
	// usable are the addresses of sockets, without those that are about to go.
	usable atomic.Pointer[[]netip.Addr]
	count  counters
	// wakeSpace is the room in the send buffer from which on waiting senders
	// are woken: not for each message that was acknowledged.
	wakeSpace int

	memory   memory
	kicks    chan *Conn // for the flusher
	icmps    chan assoc.ICMP
	closing  chan struct{} // closed when closing begins
	released chan struct{} // closed when sockets and goroutines are gone
	loops    sync.WaitGroup

	// mu guards the engine and what follows. It may be taken while the lock
	// of a Conn is held, never the other way round.
	mu        sync.Mutex
	eng       *assoc.Stack
	conns     map[*assoc.Association]*Conn
	listeners map[uint16]*Listener
	leaving   map[netip.Addr]bool // addresses whose sockets will be closed
	addrsNew  chan struct{}       // closed when the addresses change
	isClosing bool                // no new associations
	releasing bool
	// ownedByConns: the Stack ends with its last listener and association,
	// because Dial or Listen made it for them.
	ownedByConns bool

	direct atomic.Pointer[turn] // of the socket which a Recv may read
}

// maxKicks bounds the associations the flusher has been told of; who finds the
// queue full writes himself.
const maxKicks = 1024

// NewStack opens the sockets and starts. A nil Config is the default one. The
// error names the field of Config that is wrong, or the address and port that
// could not be opened.
func NewStack(cfg *Config) (*Stack, error) { return newStack(context.Background(), cfg) }

func newStack(ctx context.Context, cfg *Config) (*Stack, error) {
	c, params, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	rng := c.Rand
	if rng == nil {
		var seed [32]byte
		crand.Read(seed[:])
		rng = rand.New(rand.NewChaCha8(seed))
	}
	eng, err := assoc.NewStack(params, rng)
	if err != nil {
		return nil, err
	}
	s := &Stack{
		cfg: c, params: params, eng: eng,
		log:       c.Logger,
		debug:     c.Logger.Enabled(ctx, slog.LevelDebug),
		wakeSpace: wakeSpace(params),
		kicks:     make(chan *Conn, maxKicks),
		icmps:     make(chan assoc.ICMP, maxICMP),
		closing:   make(chan struct{}),
		released:  make(chan struct{}),
		conns:     make(map[*assoc.Association]*Conn),
		listeners: make(map[uint16]*Listener),
		leaving:   make(map[netip.Addr]bool),
		addrsNew:  make(chan struct{}),
	}
	s.memory.init(params.MaxMemory)
	s.sockets.Store(new([]udpencap.Socket))
	if err := s.openSockets(ctx); err != nil {
		return nil, err
	}
	s.port = s.locals()[0].Port()
	s.tellEngine()
	if s.params.ECN && !s.enableECN() {
		eng.DisableECN()
	}
	for _, sock := range *s.sockets.Load() {
		s.loops.Go(func() { s.read(sock) })
	}
	s.loops.Go(s.flusher)
	if c.FollowAddrs {
		s.follow()
	}
	return s, nil
}

// Addrs returns the local addresses.
func (s *Stack) Addrs() []netip.Addr { return slices.Clone(*s.usable.Load()) }

// EncapPort returns the local UDP port.
func (s *Stack) EncapPort() uint16 { return s.port }

// Reachable returns those of a peer's addresses that mean the peer here. A
// loopback address does if the peer is on this host: it has no other address,
// or the others are this Stack's, too.
func (s *Stack) Reachable(ips []netip.Addr) []netip.Addr {
	outside := slices.DeleteFunc(slices.Clone(ips), netip.Addr.IsLoopback)
	own := *s.usable.Load()
	for _, ip := range outside {
		if !slices.Contains(own, ip) {
			return outside
		}
	}
	return ips
}

// Dial sets up an association from a free SCTP port (RFC 9260, Section 11.1.2).
// All addresses of addr are tried. It waits until the association is
// established, the peer refuses it or does not answer, or the context ends; then
// nothing is left of it. With the default RTOs and MaxInitRetransmits a peer that
// does not answer is given up after four minutes. The error wraps *AbortError,
// *LostError or the context's and says what was tried.
func (s *Stack) Dial(ctx context.Context, addr *Addr) (*Conn, error) {
	return s.DialFrom(ctx, 0, addr)
}

// DialFrom is Dial from a given local SCTP port, which may be that of a
// Listener. There is one association between two ports of two hosts; for a
// second one the error wraps ErrAssociationExists.
func (s *Stack) DialFrom(ctx context.Context, port uint16, addr *Addr) (*Conn, error) {
	start := time.Now()
	if err := addr.check(); err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", addr, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", addr, err)
	}
	c, err := s.associate(port, addr)
	if err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", addr, err)
	}
	c.leave(c.enter(), false) // sends the INIT
	select {
	case <-c.up:
	case <-ctx.Done():
		c.markClosed()
		c.abort("")
		return nil, c.dialError(addr, start, ctx.Err())
	}
	c.mu.Lock()
	isUp, err := c.isUp, c.lost
	if c.isClosed {
		err = net.ErrClosed
	}
	c.mu.Unlock()
	if !isUp {
		if err == nil {
			err = net.ErrClosed
		}
		return nil, c.dialError(addr, start, err)
	}
	return c, nil
}

func (s *Stack) associate(port uint16, addr *Addr) (*Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing {
		return nil, net.ErrClosed
	}
	s.eng.SetRoom(s.memory.room())
	a, err := s.eng.Associate(time.Now(), assoc.AssociateParams{
		LocalPort: port, Remote: addr.transports(), Port: addr.Port,
	})
	if err != nil {
		return nil, err
	}
	c := newConn(s, a)
	s.conns[a] = c
	return c, nil
}

func (c *Conn) dialError(addr *Addr, start time.Time, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.a.Stats()
	what := fmt.Sprintf("%d packets sent from UDP port %d to %v, %d received, in %v",
		st.PacketsSent, c.stack.port, addr.transports(), st.PacketsReceived, time.Since(start).Round(time.Millisecond))
	if e, ok := errors.AsType[*AbortError](err); ok && e.Peer && len(e.Causes) == 0 {
		what = fmt.Sprintf("refused: nobody listens on SCTP port %d there; ", addr.Port) + what
	}
	if c.writeErr != nil {
		what += fmt.Sprintf("; sending failed: %v", c.writeErr)
	}
	return fmt.Errorf("sctp: dial %v: %w (%s)", addr, err, what)
}

// forget drops an association which is over. The lock of the Conn is held.
func (s *Stack) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.eng.Sync(c.a)
	delete(s.conns, c.a)
	s.releaseIfUnused()
}

func (s *Stack) sync(a *assoc.Association) {
	s.mu.Lock()
	s.eng.Sync(a)
	s.mu.Unlock()
}

// kick asks the flusher to write what the association has to send.
func (s *Stack) kick(c *Conn) bool {
	if c.kicked {
		return true
	}
	select {
	case s.kicks <- c:
		c.kicked = true
		return true
	default:
		return false
	}
}

// flusher writes for those who have better things to do: the more of them
// wait, the larger are its batches.
func (s *Stack) flusher() {
	for {
		select {
		case c := <-s.kicks:
			now := c.enter()
			c.kicked = false
			c.leave(now, false)
		case m := <-s.icmps:
			s.handleICMP(m)
		case <-s.memory.changed:
			s.shareMemory()
		case <-s.closing:
			return
		}
	}
}

// Shutdown ends all associations gracefully and closes the Stack. If the
// context ends before, the rest is aborted and the context's error returned.
func (s *Stack) Shutdown(ctx context.Context) error {
	conns := s.stop()
	for _, c := range conns {
		c.startShutdown()
	}
	var err error
	for _, c := range conns {
		select {
		case <-c.done:
			continue
		default:
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.Close()
	return err
}

// Close aborts all associations, closes all listeners and the sockets, and
// returns when nothing of the Stack runs any more.
func (s *Stack) Close() error {
	for _, c := range s.stop() {
		c.markClosed()
		c.abort("")
	}
	s.mu.Lock()
	s.release()
	s.mu.Unlock()
	<-s.released
	return nil
}

// stop refuses new associations and returns those there are.
func (s *Stack) stop() []*Conn {
	s.mu.Lock()
	s.isClosing = true
	var listeners []*Listener
	for _, l := range s.listeners {
		listeners = append(listeners, l)
	}
	s.mu.Unlock()
	for _, l := range listeners {
		l.stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var conns []*Conn
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func (s *Stack) releaseIfUnused() {
	if s.ownedByConns && len(s.conns) == 0 && len(s.listeners) == 0 {
		s.release()
	}
}

// release closes the sockets. It does not wait: a reader may call it. The lock
// is held.
func (s *Stack) release() {
	s.isClosing = true
	if s.releasing {
		return
	}
	s.releasing = true
	close(s.closing)
	for _, sock := range *s.sockets.Load() {
		sock.Close()
	}
	go func() {
		s.loops.Wait()
		close(s.released)
	}()
}

// waitRelease waits for the end of a Stack that is about to end.
func (s *Stack) waitRelease() {
	s.mu.Lock()
	releasing := s.releasing
	s.mu.Unlock()
	if releasing {
		<-s.released
	}
}
