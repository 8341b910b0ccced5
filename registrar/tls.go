// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// refusedTime and refusedBytes are how long, and how much, is read from a connection whose handshake has failed: what
	// is not read would reset it, and the peer would not hear why.
	refusedTime  = time.Second
	refusedBytes = 64 << 10
)

// hasCertificate reports whether a server can be made of a configuration.
func hasCertificate(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil)
}

// openTLS listens for ASAP over TLS, if the Config says so.
func (s *Server) openTLS() error {
	s.tcp.plain = len(s.tcp.listeners)
	if s.cfg.TLSPort == 0 {
		return nil
	}
	all, port, err := s.listenTCP(s.cfg.TLSPort)
	for _, l := range all {
		s.tcp.listeners = append(s.tcp.listeners, tls.NewListener(l, s.cfg.TLS))
	}
	if err != nil {
		return fmt.Errorf("registrar: no ASAP over TLS: %w", err)
	}
	s.tcp.secured = s.at(port)
	return nil
}

// TLSAddrs returns where pool users reach the registrar by TLS; nothing without Config.TLSPort.
func (s *Server) TLSAddrs() []netip.AddrPort { return slices.Clone(s.tcp.secured) }

// secured reports whether it is TLS.
func (t *tcpConn) secured() bool { _, ok := t.Conn.(*tls.Conn); return ok }

// raw is the connection below TLS, or the connection itself.
func (t *tcpConn) raw() net.Conn {
	if c, ok := t.Conn.(*tls.Conn); ok {
		return c.NetConn()
	}
	return t.Conn
}

// closeRefused closes a connection after its handshake has failed, which has told the peer why.
func (t *tcpConn) closeRefused() {
	raw := t.raw()
	if w, ok := raw.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
		raw.SetReadDeadline(time.Now().Add(refusedTime))
		io.CopyN(io.Discard, raw, refusedBytes)
	}
	raw.Close()
}
