// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// AddAddr adds a local address at run time: to the Stack, and to all its
// associations whose peers support it (ADD-IP, RFC 5061). It waits until these
// peers have answered, or the context ends; the address stays then, and the
// rest goes on. Conn.NextEvent reports each answer in EventLocalAddr; a peer
// that refuses is no error here. Errors: the address cannot be used,
// net.ErrClosed, the context's.
func (s *Stack) AddAddr(ctx context.Context, ip netip.Addr) error {
	conns, err := s.addAddr(ctx, ip)
	if err != nil {
		return err
	}
	return waitSettled(ctx, conns)
}

// addAddr is AddAddr without the wait for the peers. It returns the
// associations that there are.
func (s *Stack) addAddr(ctx context.Context, ip netip.Addr) ([]*Conn, error) {
	ip = ip.Unmap()
	if why := unusable(ip); why != "" {
		return nil, fmt.Errorf("sctp: add address: %v %s", ip, why)
	}
	conns, err := s.openAddr(ctx, ip)
	if err != nil {
		return nil, fmt.Errorf("sctp: add address %v: %w", ip, err)
	}
	local := netip.AddrPortFrom(ip, s.port)
	for _, c := range conns {
		now := c.enter()
		if err := c.a.AddLocal(now, local); err != nil {
			c.logf(slog.LevelDebug, "local address not added", slog.Any("address", local), slog.Any("reason", err))
		}
		c.leave(now, false)
	}
	return conns, nil
}

// RemoveAddr removes a local address at run time: from all associations, whose
// peers are told, and from the Stack. It waits until they have answered, or the
// context ends, and closes the socket. The last address can be removed as well:
// the associations then wait for AddAddr, which is their peers' new address for
// this host, as long as their timers allow. ErrNoSuchAddress: it is none of the
// Stack's.
func (s *Stack) RemoveAddr(ctx context.Context, ip netip.Addr) error {
	ip = ip.Unmap()
	local := netip.AddrPortFrom(ip, s.port)
	s.mu.Lock()
	if s.source(local) == nil || s.leaving[ip] {
		s.mu.Unlock()
		return fmt.Errorf("%w: %v", ErrNoSuchAddress, ip)
	}
	s.leaving[ip] = true
	last := s.tellEngine() == 0
	conns := s.allConns()
	s.mu.Unlock()
	for _, c := range conns {
		now := c.enter()
		c.a.RemoveLocal(now, local)
		c.leave(now, false)
	}
	var err error
	if !last {
		err = waitSettled(ctx, conns)
	}
	s.closeAddr(ip)
	return err
}

// openAddr opens the socket, or keeps one that was about to be closed, and
// returns the associations there are.
func (s *Stack) openAddr(ctx context.Context, ip netip.Addr) ([]*Conn, error) {
	local := netip.AddrPortFrom(ip, s.port)
	s.mu.Lock()
	have := s.source(local) != nil
	if have {
		delete(s.leaving, ip)
		s.tellEngine()
		defer s.mu.Unlock()
		return s.allConns(), nil
	}
	s.mu.Unlock()
	sock, err := s.cfg.Network.Listen(ctx, local)
	if err != nil {
		return nil, err
	}
	if e, ok := sock.(udpencap.ECNSocket); ok && s.params.ECN {
		_ = e.EnableECN() // else it neither marks nor hears of marks
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isClosing || s.releasing:
		sock.Close()
		return nil, net.ErrClosed
	case s.source(local) != nil:
		sock.Close() // someone else was faster; only virtual networks get here
		return s.allConns(), nil
	}
	s.addSocket(sock)
	s.tellEngine()
	s.loops.Go(func() { s.read(sock) })
	return s.allConns(), nil
}

func (s *Stack) closeAddr(ip netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving[ip] {
		return // added again meanwhile
	}
	delete(s.leaving, ip)
	list := slices.DeleteFunc(slices.Clone(*s.sockets.Load()), func(sock udpencap.Socket) bool {
		if sock.LocalAddr().Addr() != ip {
			return false
		}
		sock.Close()
		return true
	})
	s.sockets.Store(&list)
}

// tellEngine says which addresses new associations have, and how many. The lock
// is held.
func (s *Stack) tellEngine() int {
	local := slices.DeleteFunc(s.locals(), func(l netip.AddrPort) bool { return s.leaving[l.Addr()] })
	s.eng.SetLocalAddrs(local)
	addrs := make([]netip.Addr, len(local))
	for i, l := range local {
		addrs[i] = l.Addr()
	}
	s.eng.SetLocalMTUs(s.localMTUs(addrs))
	s.usable.Store(&addrs)
	close(s.addrsNew)
	s.addrsNew = make(chan struct{})
	return len(local)
}

// AddrsChanged returns a channel that is closed when Addrs changes next. Peers
// may not know of it then: see Conn.WaitAddrs.
func (s *Stack) AddrsChanged() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addrsNew
}

// allConns are all associations. The lock is held.
func (s *Stack) allConns() (conns []*Conn) {
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func waitSettled(ctx context.Context, conns []*Conn) error {
	for _, c := range conns {
		if err := c.WaitAddrs(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WaitAddrs waits until the peer has answered all changes of local addresses, or
// the association is gone. The error is the context's.
func (c *Conn) WaitAddrs(ctx context.Context) error {
	for {
		c.mu.Lock()
		if c.gone || c.a.AddrsSettled() {
			c.mu.Unlock()
			return nil
		}
		if c.settled == nil {
			c.settled = make(chan struct{})
		}
		settled := c.settled
		c.mu.Unlock()
		select {
		case <-settled:
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Conn) wakeSettled() {
	if c.settled != nil && (c.gone || c.a.AddrsSettled()) {
		close(c.settled)
		c.settled = nil
	}
}

// SetPeerPrimary asks the peer to send data to a local address (RFC 5061,
// Section 5.4). It does not wait for the answer, which EventLocalAddr reports.
// Errors: ErrNoSuchAddress; ErrNoAddIP if the peer does not support it.
func (c *Conn) SetPeerPrimary(local netip.Addr) error {
	return c.command(func() error {
		return c.a.SetPeerPrimary(netip.AddrPortFrom(local.Unmap(), c.stack.port))
	})
}

const (
	// followPause lets a change of several addresses end before it is followed.
	followPause = 50 * time.Millisecond
	// followRetry is when an address that could not be opened is tried again: an
	// IPv6 address is not usable while its host makes sure that it is unique.
	followRetry = time.Second
	// followTries bounds that.
	followTries = 5
	// followWait bounds how long the socket of an address that has gone is kept
	// for peers that have not confirmed.
	followWait = 30 * time.Second
)

// follow keeps the addresses those of the network until the Stack closes.
func (s *Stack) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	changed := make(chan struct{}, 1)
	s.loops.Go(func() {
		<-s.closing
		cancel()
	})
	s.loops.Go(func() {
		err := s.cfg.Network.(udpencap.Watcher).Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
		if err != nil && ctx.Err() == nil {
			s.log.Warn("addresses are not followed", "reason", err)
		}
	})
	s.loops.Go(func() {
		var retry <-chan time.Time
		tries := 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				tries = followTries
			case <-retry:
			}
			if !s.pause(followPause) {
				return
			}
			retry = nil
			if !s.followOnce(ctx) && tries > 0 {
				tries--
				retry = time.After(followRetry)
			}
		}
	})
}

// followOnce adds what is new and removes what is not there any more. It tells
// whether everything could be added.
func (s *Stack) followOnce(ctx context.Context) (ok bool) {
	want, err := s.cfg.Network.Addrs()
	if err != nil {
		s.log.Warn("local addresses", "reason", err)
		return false
	}
	have := s.Addrs()
	ok = true
	for _, ip := range want {
		if slices.Contains(have, ip) {
			continue
		}
		if _, err := s.addAddr(ctx, ip); err != nil {
			ok = false
			s.log.Debug("local address not added", "address", ip, "reason", err)
			continue
		}
		s.log.Info("local address added", "address", ip)
	}
	for _, ip := range have {
		if slices.Contains(want, ip) {
			continue
		}
		s.log.Info("local address has gone", "address", ip)
		s.loops.Go(func() {
			short, cancel := context.WithTimeout(ctx, followWait)
			defer cancel()
			s.RemoveAddr(short, ip)
		})
	}
	return ok
}
