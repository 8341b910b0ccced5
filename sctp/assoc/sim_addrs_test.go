// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/udpencap"
)

// drawMoves lets client and server change their addresses while they talk. The
// server always has one on each segment, and can be reached at an old one until the
// client has confirmed; the client may lose all of its addresses at once, and has
// another one some seconds later.
func drawMoves(s *setup) {
	s.paths, s.routed = 1+s.rng.IntN(2), true
	s.link.Loss = 0.1 * s.rng.Float64()
	s.link.Jitter = time.Duration(s.rng.Int64N(int64(50 * time.Millisecond)))
	s.toServer.pace, s.toClient.pace = 150*time.Millisecond, 200*time.Millisecond
	s.limit = 2 * time.Hour
	at := func(path, n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(path + 1), 0, byte(n)}), udpencap.DefaultPort)
	}
	move := func(t time.Duration, do func(w *world)) {
		s.moves = append(s.moves, simMove{t, func(w *world) {
			if !w.client.Lost { // else its host answers a SHUTDOWN ACK that comes again
				do(w)
			}
		}})
	}
	// RFC 5061, Section 5.1.1, C4, has no ASCONF in SHUTDOWN-ACK-SENT: who loses the
	// last address then can tell nobody.
	leave := func(t time.Duration, do func(w *world)) {
		move(t, func(w *world) {
			for _, c := range []*assoctest.Conn{w.client, w.accepted} {
				if c != nil && (c.Assoc.State() == assoc.StateShutdownSent || c.Assoc.State() == assoc.StateShutdownAckSent) {
					return
				}
			}
			do(w)
		})
	}
	clients, servers := []netip.AddrPort{}, []netip.AddrPort{}
	for p := range s.paths {
		clients, servers = append(clients, at(p, 1)), append(servers, at(p, 2))
	}
	t := 3 * time.Second
	for i := range 6 {
		t += time.Duration(s.rng.Int64N(int64(6 * time.Second)))
		p := s.rng.IntN(s.paths)
		c, z := at(p, 10+2*i), at(p, 11+2*i)
		switch s.rng.IntN(4) {
		case 0: // the client breaks, and makes
			old := clients
			leave(t, func(w *world) {
				for _, a := range old {
					w.a.RemoveAddr(a, true)
				}
			})
			t += time.Duration(s.rng.Int64N(int64(10 * time.Second)))
			move(t, func(w *world) { w.a.AddAddr(c) })
			clients = []netip.AddrPort{c}
		case 1: // the client makes, and breaks
			old := clients[0]
			move(t, func(w *world) { w.a.AddAddr(c) })
			t += time.Duration(s.rng.Int64N(int64(3 * time.Second)))
			leave(t, func(w *world) { w.a.RemoveAddr(old, false) })
			clients = append(clients[1:len(clients):len(clients)], c)
		case 2: // so does the server
			old := servers[p]
			move(t, func(w *world) {
				w.z.AddAddr(z)
				if w.accepted != nil && !w.accepted.Lost {
					_ = w.accepted.Assoc.SetPeerPrimary(z)
					w.accepted.Pump()
				}
			})
			t += time.Duration(s.rng.Int64N(int64(3 * time.Second)))
			leave(t, func(w *world) { w.z.RemoveAddr(old, false) })
			servers[p] = z
		case 3: // an address flaps
			move(t, func(w *world) { w.a.AddAddr(c) })
			move(t+time.Duration(s.rng.Int64N(int64(time.Second))), func(w *world) { w.a.RemoveAddr(c, true) })
			t += time.Second
		}
	}
}

// A simMove is something that happens to a host's addresses.
type simMove struct {
	at time.Duration
	do func(*world)
}
