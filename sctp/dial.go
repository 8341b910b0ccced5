// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"net/netip"
)

// Dial sets up one association to an address in text form (see Addr), in which
// host names may stand for IP addresses, on a Stack of its own that ends with
// it. Unless the Config says otherwise any free UDP port is used, so that 9899
// remains for servers.
func Dial(ctx context.Context, address string, cfg *Config) (*Conn, error) {
	addr, err := ResolveAddr(ctx, address)
	if err != nil {
		return nil, err
	}
	var own Config
	if cfg != nil {
		own = *cfg
	}
	if own.EncapPort == 0 {
		own.EncapPort = -1
	}
	s, err := newStack(ctx, &own)
	if err != nil {
		return nil, fmt.Errorf("sctp: dial %s: %w", address, err)
	}
	c, err := s.Dial(ctx, addr)
	if err != nil {
		s.Close()
		return nil, err
	}
	s.own()
	return c, nil
}

// Listen accepts associations on an address in text form, on a Stack of its
// own that ends with the Listener and the last association it accepted. The IP
// addresses and the UDP port of the text, if there are any, stand for those of
// Config; ":5000" is SCTP port 5000 on all addresses.
func Listen(address string, cfg *Config) (*Listener, error) {
	addr, err := ParseAddr(address)
	if err != nil {
		return nil, err
	}
	var own Config
	if cfg != nil {
		own = *cfg
	}
	if len(addr.IPs) > 0 {
		own.LocalAddrs = make([]netip.Addr, 0, len(addr.IPs))
		for _, ip := range addr.IPs {
			if ip.IsUnspecified() {
				own.LocalAddrs = nil // all of them
				break
			}
			own.LocalAddrs = append(own.LocalAddrs, ip)
		}
	}
	if addr.EncapPort != 0 {
		own.EncapPort = int(addr.EncapPort)
	}
	s, err := NewStack(&own)
	if err != nil {
		return nil, fmt.Errorf("sctp: listen %s: %w", address, err)
	}
	l, err := s.Listen(addr.Port)
	if err != nil {
		s.Close()
		return nil, err
	}
	s.own()
	return l, nil
}

// own lets the Stack end with its last listener and association.
func (s *Stack) own() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ownedByConns = true
	s.releaseIfUnused()
}
