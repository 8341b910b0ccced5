// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/udpencap"
)

// portTries bounds the search for a UDP port which is free on every address.
const portTries = 16

// openSockets opens a socket on every local address, all with one port.
func (s *Stack) openSockets(ctx context.Context) error {
	addrs, all := s.cfg.LocalAddrs, false
	if len(addrs) == 0 {
		all = true
		var err error
		if addrs, err = s.cfg.Network.Addrs(); err != nil {
			return fmt.Errorf("sctp: local addresses: %w", err)
		}
		if len(addrs) == 0 {
			return errors.New("sctp: the host has no address")
		}
	}
	switch {
	case s.cfg.EncapPort > 0:
		return s.openOn(ctx, addrs, uint16(s.cfg.EncapPort), all)
	case s.cfg.EncapPort == 0:
		err := s.openOn(ctx, addrs, udpencap.DefaultPort, false)
		if err == nil || ctx.Err() != nil {
			return err
		}
		// In use, or an address is not usable at all: the port of the free
		// choice tells.
		if err := s.openFree(ctx, addrs, all); err != nil {
			return err
		}
		if p := s.locals()[0].Port(); p != udpencap.DefaultPort {
			s.log.Info("UDP port 9899 is not free, using another one", "port", p, "reason", err)
		}
		return nil
	}
	return s.openFree(ctx, addrs, all)
}

// openOn opens the sockets on one port. With skip set, addresses which cannot
// be used are left out as long as one remains.
func (s *Stack) openOn(ctx context.Context, addrs []netip.Addr, port uint16, skip bool) error {
	var firstErr error
	for _, a := range addrs {
		sock, err := s.cfg.Network.Listen(ctx, netip.AddrPortFrom(a, port))
		if err != nil {
			if port == 0 {
				err = fmt.Errorf("sctp: open a UDP port on %v: %w", a, err)
			} else {
				err = fmt.Errorf("sctp: open UDP port %d on %v: %w", port, a, err)
			}
			if firstErr == nil {
				firstErr = err
			}
			if skip && s.addressFails(ctx, a) {
				s.log.Warn("local address left out", "address", a, "reason", err)
				continue
			}
			s.closeSockets()
			return err
		}
		port = sock.LocalAddr().Port()
		s.addSocket(sock)
	}
	if len(*s.sockets.Load()) == 0 {
		return firstErr
	}
	return nil
}

// addressFails tells an unusable address from a port in use.
func (s *Stack) addressFails(ctx context.Context, a netip.Addr) bool {
	sock, err := s.cfg.Network.Listen(ctx, netip.AddrPortFrom(a, 0))
	if err == nil {
		sock.Close()
	}
	return err != nil
}

// openFree opens the sockets on any port which is free on all addresses.
func (s *Stack) openFree(ctx context.Context, addrs []netip.Addr, skip bool) error {
	// 9899 may have failed only for an address that is left out now.
	if s.cfg.EncapPort == 0 && skip {
		if s.openOn(ctx, addrs, udpencap.DefaultPort, true) == nil {
			return nil
		}
	}
	var err error
	for range portTries {
		if err = s.openOn(ctx, addrs, 0, skip); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// localMTUs asks the network what the interfaces carry.
func (s *Stack) localMTUs(addrs []netip.Addr) map[netip.Addr]int {
	teller, ok := s.cfg.Network.(udpencap.MTUTeller)
	if !ok {
		return nil
	}
	mtus := make(map[netip.Addr]int, len(addrs))
	for _, a := range addrs {
		mtus[a] = teller.InterfaceMTU(a)
	}
	return mtus
}

func (s *Stack) closeSockets() {
	for _, sock := range *s.sockets.Load() {
		sock.Close()
	}
	s.sockets.Store(new([]udpencap.Socket))
}

func (s *Stack) addSocket(sock udpencap.Socket) {
	list := append(slices.Clone(*s.sockets.Load()), sock)
	s.sockets.Store(&list)
}

// locals are the local addresses with the UDP port.
func (s *Stack) locals() (local []netip.AddrPort) {
	for _, sock := range *s.sockets.Load() {
		local = append(local, sock.LocalAddr())
	}
	return local
}

// source returns the socket at a local address. The engine chooses it.
func (s *Stack) source(local netip.AddrPort) udpencap.Socket {
	for _, sock := range *s.sockets.Load() {
		if sock.LocalAddr() == local {
			return sock
		}
	}
	return nil
}
