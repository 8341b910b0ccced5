// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/asap/agent"
)

// secureOnly refuses what would have a registrar be taken that is not who it shall be, where others have to prove it.
//
// RFC 5352, Section 9.2: "There is no security mechanism defined for the multicast announcements. Therefore, a receiver of such
// an announcement cannot consider the source address of such a message to be a trustworthy address of an ENRP server."
func (s *settings) secureOnly() error {
	first := slices.IndexFunc(s.registrars, func(a agent.Addr) bool { return a.TLS })
	if first < 0 {
		return nil
	}
	for i, r := range s.registrars {
		if !r.TLS {
			return fmt.Errorf("pool: config: Registrars[%d]: %q is reached without TLS, and %q with it", i, s.Registrars[i], s.Registrars[first])
		}
	}
	if s.Announce != "" && s.Announce != "off" {
		return fmt.Errorf("pool: config: Announce: %q is where anybody can announce himself, and %q is reached by TLS", s.Announce, s.Registrars[first])
	}
	return nil
}

// secure does the handshake over a connection to a registrar.
//
// RFC 5352, Section 9.2: "the client MUST verify the server's identity (as presented in the server's Certificate message). The
// client's understanding of the server's identity (typically, the identity used to establish the transport connection) is called
// the 'reference identity'." That is the IP address, or the name that was configured. "Automated clients SHOULD close the
// transport connection and then return or log an error".
func (c *Client) secure(ctx context.Context, conn net.Conn, ip netip.Addr) (net.Conn, error) {
	cfg := &tls.Config{}
	if c.cfg.TLS != nil {
		cfg = c.cfg.TLS.Clone()
	}
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	if cfg.ServerName == "" {
		cfg.ServerName = ip.WithZone("").String()
	}
	t := tls.Client(conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS with %v: %w", ip, err)
	}
	return t, nil
}
