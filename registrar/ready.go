// SPDX-License-Identifier: Apache-2.0

package registrar

import "errors"

// The reasons why a Server is not ready.
var (
	ErrNotServing     = errors.New("registrar: it does not serve")
	ErrNotOperational = errors.New("registrar: it has not got the handlespace of the others yet")
	ErrStopping       = errors.New("registrar: it stops")
)

// Ready returns nil if the registrar serves and knows what the others know, so that it can be sent clients; else one of
// ErrNotServing, ErrNotOperational and ErrStopping.
func (s *Server) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.served.Load():
		return ErrNotServing
	case s.stopping:
		return ErrStopping
	case !s.eng.Operational():
		return ErrNotOperational
	}
	return nil
}

// Operational reports whether the initialization of RFC 5353, Section 3.2 is complete.
func (s *Server) Operational() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eng.Operational()
}
