// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// A Server is a registrar. Its methods may be called from any number of goroutines.
type Server struct {
	cfg      Config                 // that it was made with
	live     atomic.Pointer[Config] // that Reconfigure has made of it
	log      *slog.Logger
	stack    *sctp.Stack
	ownStack bool
	listener *sctp.Listener // ASAP
	announce []announcer

	// ENRP, unless the Server is a standalone one.
	peers     *sctp.Listener
	presences []announcer
	group     udpencap.Socket // nil if nothing can be heard

	reconfiguring sync.Mutex
	logging       sync.Mutex // keeps the order of what is logged; taken before mu

	served atomic.Bool
	// dialling ends when no more associations are to be set up.
	dialling     context.Context
	stopDialling context.CancelFunc
	closing      sync.Once
	wake         chan struct{} // for the timer: a closer deadline
	work         sync.WaitGroup

	tcp tcpServer

	otherPPIDs, notASAP, badHandshakes, slow, announceErrors atomic.Uint64

	// mu guards the engine and what follows.
	mu      sync.Mutex
	eng     *engine.Engine
	clients map[uint64]*client
	last    uint64    // association
	armed   time.Time // when the timer will look
	// unlogged are events to be logged when the lock is free: a Handler is not ours, and may be slow.
	unlogged   []engine.Event
	unloggable int // those that found no room there
	// stopping: this side ends the associations. Pool elements that lose theirs by that have not gone, and the peers must
	// not be told so: one of them takes them over.
	stopping bool
}

// New opens the sockets of a registrar. It answers from Serve on. The error names the field of Config that is wrong, or
// the address and port that could not be opened.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Rand == nil {
		var seed [32]byte
		crand.Read(seed[:])
		cfg.Rand = rand.New(rand.NewChaCha8(seed))
	}
	for cfg.ServerID == 0 {
		cfg.ServerID = uint32(cfg.Rand.Uint64N(1 << 32))
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, stack: cfg.Stack,
		wake:    make(chan struct{}, 1),
		clients: make(map[uint64]*client),
	}
	s.live.Store(&cfg)
	if err := s.open(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open() (err error) {
	if s.stack == nil {
		s.stack, err = sctp.NewStack(&sctp.Config{
			Network: s.cfg.Network, LocalAddrs: s.cfg.LocalAddrs, EncapPort: s.cfg.EncapPort, Logger: s.log,
			SendBuffer: bufferSize, RecvBuffer: bufferSize, MaxMessageSize: maxMessage, NoNagle: true,
			RTOInitial: rtoInitial, RTOMin: rtoMin, RTOMax: rtoMax, HeartbeatInterval: heartbeatInterval,
			AssociationMaxRetrans: associationMaxRetrans, PathMaxRetrans: pathMaxRetrans,
		})
		if err != nil {
			return fmt.Errorf("registrar: %w", err)
		}
		s.ownStack = true
	}
	if s.listener, err = s.stack.Listen(uint16(max(s.cfg.ASAPPort, 0))); err != nil {
		return fmt.Errorf("registrar: %w", err)
	}
	if err := s.openTCP(); err != nil {
		return err
	}
	if err := s.openTLS(); err != nil {
		return err
	}
	ec := s.cfg.engine()
	if s.cfg.AnnounceInterval >= 0 {
		group := s.cfg.AnnounceGroup
		if s.announce, err = s.openAnnouncers(s.listener.Addr().Port, group, s.cfg.AnnounceTo); err != nil {
			return err
		}
		ec.Announce = s.announcement()
	}
	if !s.cfg.Standalone {
		if err := s.openPeering(); err != nil {
			return err
		}
		ec.ENRP = s.peering(&s.cfg)
	}
	if len(s.announce) == 0 {
		ec.ServerAnnounce = -1
	}
	if s.eng, err = engine.New(time.Now(), ec); err != nil {
		return fmt.Errorf("registrar: %w", err)
	}
	return nil
}

// Serve answers until the context ends, then shuts down all associations, closes all that New opened, and returns nil.
// It can be called once. An error says what else ended it.
func (s *Server) Serve(ctx context.Context) error {
	if s.served.Swap(true) {
		return errors.New("registrar: Serve was called already, or the server closed")
	}
	up := []any{"id", hex(s.cfg.ServerID), "asap", s.listener.Addr().String()}
	if s.peers != nil {
		up = append(up, "enrp", s.peers.Addr().String())
	}
	for i, l := range s.tcp.listeners {
		name := "tcp"
		if i >= s.tcp.plain {
			name = "tls"
		}
		up = append(up, name, l.Addr().String())
	}
	s.log.Info("registrar is up", up...)
	inner, stop := context.WithCancel(context.Background())
	defer stop()
	s.dialling, s.stopDialling = context.WithCancel(ctx)
	defer s.stopDialling()
	s.work.Go(func() { s.runTimer(inner) })
	if s.group != nil {
		s.work.Go(s.readGroup)
	}
	for _, l := range s.tcp.listeners {
		s.work.Go(func() { s.acceptTCP(l) })
	}
	var peersErr error
	if s.peers != nil {
		s.work.Go(func() {
			if peersErr = s.accept(s.dialling, s.peers, engine.ProtocolENRP); peersErr != nil {
				s.stopDialling()
			}
		})
	}
	err := s.accept(s.dialling, s.listener, engine.ProtocolASAP)
	s.stopDialling()
	s.closeListeners()
	s.shutdownClients()
	stop()
	s.work.Wait()
	s.closeAll()
	err = errors.Join(err, peersErr)
	s.log.Info("registrar is down", "id", hex(s.cfg.ServerID))
	return err
}

// accept returns nil when the context ends.
func (s *Server) accept(ctx context.Context, l *sctp.Listener, proto engine.Protocol) error {
	for {
		conn, err := l.Accept(ctx)
		switch {
		case err == nil && ctx.Err() == nil:
			s.work.Go(func() { s.serve(conn, proto, 0) })
		case err == nil:
			conn.Abort("registrar stops")
			return nil
		case ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("registrar: accept %v: %w", proto, err)
		}
	}
}

// shutdownClients ends all associations, gracefully if they hurry.
func (s *Server) shutdownClients() {
	ctx, cancel := context.WithTimeout(context.Background(), max(s.live.Load().StopTimeout, 0))
	defer cancel()
	s.mu.Lock()
	s.stopping = true
	clients := make([]*client, 0, len(s.clients))
	for _, c := range s.clients {
		clients = append(clients, c)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			if c.via.Shutdown(ctx) != nil {
				c.via.Abort("registrar stops")
			}
		})
	}
	wg.Wait()
}

// Close closes a Server that is not to be served. One that is served ends with the context of Serve.
func (s *Server) Close() error {
	if s.served.Swap(true) {
		return net.ErrClosed
	}
	s.closeAll()
	return nil
}

// closeListeners has nobody new come in.
func (s *Server) closeListeners() {
	for _, l := range []*sctp.Listener{s.listener, s.peers} {
		if l != nil {
			l.Close()
		}
	}
	for _, l := range s.tcp.listeners {
		l.Close()
	}
	if s.group != nil {
		s.group.Close()
	}
}

func (s *Server) closeAll() {
	s.closing.Do(func() {
		s.closeListeners()
		for _, a := range slices.Concat(s.announce, s.presences) {
			a.socket.Close()
		}
		if s.ownStack {
			s.stack.Close()
		}
	})
}

// Addr returns where the registrar is reached: its addresses, the SCTP port for ASAP, and the UDP port.
func (s *Server) Addr() *sctp.Addr { return s.listener.Addr() }

// PeerAddr returns where other registrars reach this one; nil if it is a standalone one.
func (s *Server) PeerAddr() *sctp.Addr {
	if s.peers == nil {
		return nil
	}
	return s.peers.Addr()
}

// ServerID returns the identifier of the registrar.
func (s *Server) ServerID() uint32 { return s.cfg.ServerID }

// Stats counts what a Server did.
type Stats struct {
	engine.Stats
	OtherPPIDs     uint64 // messages that were neither ASAP nor ENRP, or at the port of the other
	Slow           uint64 // associations and TCP connections aborted because the client did not read
	AnnounceErrors uint64 // announcements that could not be sent
	NotASAP        uint64 // TCP connections closed because they did not carry ASAP
	BadHandshakes  uint64 // TCP connections closed because the handshake of TLS failed, or took too long
	TCPRefused     uint64 // TCP connections above the bound
	TCP            int    // TCP connections now
}

// Stats returns a snapshot of the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Stats: s.eng.Stats(), OtherPPIDs: s.otherPPIDs.Load(), Slow: s.slow.Load(), AnnounceErrors: s.announceErrors.Load(),
		NotASAP: s.notASAP.Load(), BadHandshakes: s.badHandshakes.Load()}
	s.tcp.mu.Lock()
	st.TCP, st.TCPRefused = s.tcp.n, s.tcp.refused
	s.tcp.mu.Unlock()
	return st
}

// A Snapshot is a copy of the handlespace.
type Snapshot = engine.Snapshot

// Reason says why a pool element was removed: the index of Stats.Removed.
type Reason = engine.Reason

// PeerInfo is what is known of another registrar.
type PeerInfo = engine.PeerInfo

// Peers returns what is known of the other registrars, in the order of their identifiers.
func (s *Server) Peers() []PeerInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eng.Peers()
}

// Snapshot returns a copy of the handlespace.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eng.Snapshot()
}
