// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// Commands of FuzzAssociation for extensions, and for networks that change.

// fuzzedConfig chooses among the ways to do things, a bit for each.
func fuzzedConfig(cfg *assoc.Config, bits byte) {
	cfg.NoNagle = bits&1 != 0
	if bits&2 != 0 {
		cfg.LossDetection = assoc.LossDetectionRACK
	}
	if bits&4 != 0 {
		cfg.CongestionControl = assoc.CongestionCUBIC
	}
	cfg.ECN = bits&8 != 0
	if bits&16 != 0 {
		cfg.AuthChunks = []wire.ChunkType{
			wire.ChunkData, wire.ChunkSack, wire.ChunkHeartbeat, wire.ChunkReconfig, wire.ChunkForwardTSN, wire.ChunkCookieEcho,
		}
	}
	cfg.NoPartialReliability = bits&32 != 0
	if bits&64 != 0 {
		cfg.PrimarySwitchover, cfg.PotentiallyFailedMaxRetrans = true, 2
	}
	if bits&128 != 0 {
		cfg.MaxMTU = 9000
	}
}

// A fuzzedPath is what a network does to packets.
type fuzzedPath struct {
	cut     bool
	mtu     int // 0: any
	refuses bool
}

// pathTo is the network that leads to an address: that of the segment with an
// odd number, or the other.
func (p *pair) pathTo(dst netip.AddrPort) *fuzzedPath { return &p.network[dst.Addr().As4()[1]&1] }

// takes tells whether a packet gets through.
func (f *fuzzedPath) takes(t assoc.Transmit) (bool, error) {
	const overhead = 20 + 8
	switch {
	case f.cut:
		return false, nil
	case f.mtu == 0 || t.Len+overhead <= f.mtu || t.Oversize:
		return true, nil
	case f.refuses:
		return false, &udpencap.MTUError{Dst: t.Remote, MTU: f.mtu}
	}
	return false, nil
}

func (k packet) datagram() assoc.Datagram {
	return assoc.Datagram{Local: k.dst, Remote: k.src, Data: k.data, CE: k.ce}
}

// check compares what all associations count with what they hold.
func (p *pair) check() {
	for _, h := range p.hosts {
		for _, c := range h.Conns() {
			if err := c.Assoc.Check(); err != nil {
				p.fail("%s, %v: %w", h.Name, c.Assoc.State(), err)
			}
		}
	}
}

func (p *pair) extension(cmd, arg byte, c *assoctest.Conn) {
	now := p.sim.Now()
	switch cmd {
	case cmdSendPartial:
		if c == nil {
			return
		}
		v := arg >> 5
		m := sentMessage{
			from: int(arg & 1), conn: c, stream: uint16(arg >> 1 & 3), unordered: v == 5,
			size: 1 + int(v)*int(v)*150, partial: arg>>3&3 != 0,
		}
		rel := assoc.Reliability{}
		switch arg >> 3 & 3 {
		case 1:
			rel = assoc.Lifetime(time.Duration(v) * 300 * time.Millisecond)
		case 2:
			rel = assoc.MaxRetransmissions(uint16(v / 2))
		case 3:
			rel = assoc.Priority(uint32(v))
		}
		n := len(p.sent)
		err := c.Assoc.Send(now, assoc.Message{
			Stream: m.stream, Unordered: m.unordered, PPID: wire.PPID(n), Data: content(n, m.size), Reliability: rel, Immediate: v == 3,
		})
		if err == nil {
			p.sent = append(p.sent, m)
		}
		c.Pump()
	case cmdReconfig:
		if c == nil {
			return
		}
		id := uint16(arg >> 4 & 3)
		switch arg >> 1 & 7 { // an error means that it is not the time
		case 0:
			_ = c.Assoc.ResetStreams(now, true, false, id)
		case 1:
			_ = c.Assoc.ResetStreams(now, false, true, id)
		case 2:
			_ = c.Assoc.ResetStreams(now, true, true, id, id+1)
		case 3:
			_ = c.Assoc.ResetStreams(now, true, false)
		case 4:
			_ = c.Assoc.ResetStreams(now, false, true)
		case 5:
			p.held = true
			if c.Assoc.ResetAssociation(now) == nil {
				p.unanswered[c]++
			}
		case 6:
			_ = c.Assoc.AddStreams(now, 1, 0)
		case 7:
			_ = c.Assoc.AddStreams(now, 1, 2)
		}
		c.Pump()
	case cmdCut:
		n := &p.network[arg&1]
		n.cut = !n.cut
	case cmdMTU:
		n := &p.network[arg&1]
		n.mtu, n.refuses = []int{0, 1400, 1200, 600}[arg>>1&3], arg&8 != 0
	case cmdMark:
		if len(p.air) > 0 {
			p.air[0].ce = p.air[0].ect
		}
	case cmdBatch:
		p.deliverBatch(1 + int(arg)%32)
	case cmdPrimary:
		if c == nil {
			return
		}
		if arg&2 != 0 {
			locals := c.Assoc.Locals()
			if len(locals) > 0 {
				_ = c.Assoc.SetPeerPrimary(locals[int(arg>>2)%len(locals)])
			}
		} else {
			paths := c.Assoc.Paths(nil)
			to := paths[int(arg>>2)%len(paths)].Remote.Addr()
			_ = c.Assoc.SetPrimary(to)
			_ = c.Assoc.RequestHeartbeat(now, to)
		}
		c.Pump()
	case cmdICMP:
		if len(p.air) > 0 {
			p.icmp(p.air[0], arg)
		}
	}
}

// deliverBatch delivers n packets to one host, as if they were read together.
func (p *pair) deliverBatch(n int) {
	if len(p.air) == 0 {
		return
	}
	for _, h := range p.hosts {
		if !slices.Contains(h.Addrs(), p.air[0].dst) {
			continue
		}
		var batch []assoc.Datagram
		p.air = slices.DeleteFunc(p.air, func(k packet) bool {
			if len(batch) == n || !slices.Contains(h.Addrs(), k.dst) {
				return false
			}
			batch = append(batch, k.datagram())
			return true
		})
		h.Input(batch...)
		return
	}
}

// icmp has the sender of a packet hear of it.
func (p *pair) icmp(k packet, arg byte) {
	m := assoc.ICMP{Remote: k.dst, Data: k.data[:min(len(k.data), 8+int(arg>>3))]}
	switch arg & 3 {
	case 1:
		m.PortUnreachable = true
	case 2:
		m.MTU = 1200
	case 3:
		m.MTU = int(arg) * 40
	}
	for _, h := range p.hosts {
		if !slices.Contains(h.Addrs(), k.src) {
			continue
		}
		a := h.Stack.RouteICMP(m)
		for _, c := range h.Conns() {
			if c.Assoc == a {
				a.HandleICMP(p.sim.Now(), m)
				c.Pump()
			}
		}
	}
}
