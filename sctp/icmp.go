// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/udpencap"
)

// maxICMP bounds the ICMP messages that wait for the flusher; more are dropped,
// as the network may do.
const maxICMP = 64

// hearICMP asks a socket to tell of ICMP messages. RFC 6951, Section 5.5: "the SCTP
// stack MUST NOT rely on receiving ICMP or ICMPv6 messages", so that it is no error
// if it cannot.
func (s *Stack) hearICMP(sock udpencap.Socket) {
	if t, ok := sock.(udpencap.ICMPTeller); ok {
		_ = t.OnICMP(s.onICMP)
	}
}

// onICMP is called while a socket is read or written: somebody else looks into it.
func (s *Stack) onICMP(e udpencap.ICMPError) {
	m := assoc.ICMP{Remote: e.Dst, PortUnreachable: e.Kind == udpencap.ICMPPortUnreachable, Data: e.Data}
	if e.Kind == udpencap.ICMPTooBig {
		if e.MTU <= 0 {
			return
		}
		m.MTU = e.MTU
	}
	select {
	case s.icmps <- m:
	default:
	}
}

// handleICMP finds the association that is concerned.
func (s *Stack) handleICMP(m assoc.ICMP) {
	s.mu.Lock()
	var c *Conn
	if a := s.eng.RouteICMP(m); a != nil {
		c = s.conns[a]
	}
	s.mu.Unlock()
	if c == nil {
		return
	}
	now := c.enter()
	c.a.HandleICMP(now, m)
	c.leave(now, false)
}
