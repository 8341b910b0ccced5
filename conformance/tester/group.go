// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A Datagram is one that came to a UDP port, without SCTP: an announcement.
type Datagram struct {
	Time time.Time
	Src  netip.AddrPort
	Data []byte
}

// A Group receives what is sent to a multicast group, or to a UDP port of the tester.
type Group struct {
	r     *Tester
	s     udpencap.Socket
	inbox chan Datagram
}

// Join listens to a multicast group. That it cannot makes the case inconclusive.
func (r *Tester) Join(group netip.AddrPort) *Group {
	s, err := r.cfg.Network.ListenMulticast(r.ctx, group, r.cfg.Addrs[:1])
	return r.listen(s, err, group)
}

// ListenUDP listens to a UDP port of the tester's first address.
func (r *Tester) ListenUDP(port uint16) *Group {
	at := netip.AddrPortFrom(r.cfg.Addrs[0], port)
	s, err := r.cfg.Network.Listen(r.ctx, at)
	return r.listen(s, err, at)
}

func (r *Tester) listen(s udpencap.Socket, err error, at netip.AddrPort) *Group {
	if err != nil {
		r.cfg.Judge.Inconclusive("no socket at %v: %v", at, err)
	}
	g := &Group{r: r, s: s, inbox: make(chan Datagram, 1024)}
	r.groups = append(r.groups, g)
	r.wg.Go(func() {
		dgs := make([]udpencap.Datagram, 1)
		buf := make([]byte, udpencap.MaxBatchBytes)
		for {
			dgs[0].Data = buf
			n, err := s.ReadBatch(dgs)
			if err != nil {
				return
			}
			if n == 0 {
				continue
			}
			select {
			case g.inbox <- Datagram{time.Now(), dgs[0].Src, slices.Clone(dgs[0].Data)}:
				r.Wake()
			default: // the case does not look: nothing is lost that it would have seen
			}
		}
	})
	return g
}

// Next waits at most d for a datagram.
func (g *Group) Next(d time.Duration) (dg Datagram, ok bool) {
	g.r.Pump(time.Now().Add(d), func() bool {
		select {
		case dg = <-g.inbox:
			ok = true
		default:
		}
		return ok
	})
	if ok {
		g.r.Note("S > T datagram from %v, %d bytes", dg.Src, len(dg.Data))
	}
	return dg, ok
}
