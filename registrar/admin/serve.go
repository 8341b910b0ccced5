// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/registrar"
)

// Bounds of the server: requests are one line and a few headers, and an answer is read by somebody near.
const (
	readTimeout    = 5 * time.Second
	writeTimeout   = time.Minute
	idleTimeout    = 2 * time.Minute
	stopTimeout    = time.Second
	maxHeaderBytes = 16 << 10
)

// Listen listens to TCP at an address with a port; without a host, at the IPv4 loopback address.
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.Listen("tcp", net.JoinHostPort(host, port))
}

// Serve answers at a listener until the context ends, then closes it and returns nil. An error says what else ended it.
// At a loopback address it answers only who has asked for an IP address or localhost: no web page that a browser of this
// host shows can make its own name mean the registrar.
func Serve(ctx context.Context, l net.Listener, srv *registrar.Server) error {
	h := Handler(srv)
	if a, err := netip.ParseAddrPort(l.Addr().String()); err == nil && a.Addr().IsLoopback() {
		h = onlyLocal(h)
	}
	s := &http.Server{Handler: h, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if s.Shutdown(stop) != nil {
			s.Close()
		}
	}()
	err := s.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-done
		return nil
	}
	return err
}

// onlyLocal refuses requests for names that are not this host's.
func onlyLocal(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
			host = host[1 : n-1]
		}
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			http.Error(w, "ask for an IP address or localhost", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
