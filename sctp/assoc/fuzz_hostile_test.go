// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/wire"
)

// What the mode of a packet of FuzzHostile says, a bit for each.
const (
	toClient   = 1 << iota // else to the server
	foreign                // it comes from an address nobody knows
	wrongTag               // else the right one
	rebased                // serial numbers count from the right ones
	signed                 // what must be authenticated is
	userActs               // the user sends before, and resets streams
	timePasses             // and the network delivers all there is
	wrongSum               // the checksum is as it comes
)

// rebase adds to the serial numbers in the chunks of a packet what makes 0 the right
// one: nobody guesses 32 bits.
func rebase(packet []byte, s assoc.Serials) {
	add := func(b []byte, base uint32) {
		if len(b) >= 4 {
			binary.BigEndian.PutUint32(b, uint32(int32(int16(binary.BigEndian.Uint32(b))))+base)
		}
	}
	for c, err := range wire.Chunks(packet[wire.HeaderLen:]) {
		if err != nil {
			return
		}
		v := c.Value
		switch c.Type {
		case wire.ChunkData, wire.ChunkIData:
			add(v, s.TSN)
		case wire.ChunkForwardTSN, wire.ChunkIForwardTSN, wire.ChunkCWR:
			add(v, s.TSN-1)
		case wire.ChunkSack, wire.ChunkShutdown, wire.ChunkECNE:
			add(v, s.CumAck)
		case wire.ChunkAsconf:
			add(v, s.Asconf)
		case wire.ChunkAsconfAck:
			add(v, s.AsconfAck)
		case wire.ChunkReconfig:
			for prm, err := range wire.Params(v) {
				switch {
				case err != nil:
				case prm.Type == wire.ParamReconfigResponse:
					add(prm.Value, s.Response)
				default:
					add(prm.Value, s.Request)
					if prm.Type == wire.ParamOutgoingReset && len(prm.Value) >= 12 {
						add(prm.Value[4:], s.Response)
						add(prm.Value[8:], s.TSN-1)
					}
				}
			}
		}
	}
}

// runHostile sends packets of somebody who knows more than an attacker should to
// two associations: the input is two bytes of configuration, then for each packet
// its mode, its length in words, and its chunks.
func runHostile(t *testing.T, data []byte) {
	if len(data) < 4 || len(data) > 4000 {
		return
	}
	cfg := assoc.Config{
		RecvBuffer: 1500 + int(data[0])*100, SendBuffer: 20000, MaxMessageSize: 10000, OutboundStreams: 8, MaxInboundStreams: 16,
		MaxPaths: 4,
	}
	if data[0]&1 != 0 {
		cfg.PartialDeliveryPoint = 1 + int(data[0])*5
	}
	fuzzedConfig(&cfg, data[1])
	p, _, err := establish(cfg)
	require.NoError(t, err)
	p.forged = true
	for b := data[2:]; len(b) >= 2; {
		mode, n := b[0], min(int(b[1])*4, len(b)-2)
		chunks := slices.Clone(b[2 : 2+n])
		b = b[2+n:]
		p.hostile(mode, chunks)
		p.check()
		p.bounded(cfg)
		if len(p.errs) > 0 {
			break
		}
	}
	require.NoError(t, p.finish())
}

func (p *pair) hostile(mode byte, chunks []byte) {
	victim, peer := 1, 0
	src, dst := clientPort, serverPort
	if mode&toClient != 0 {
		victim, peer = 0, 1
		src, dst = dst, src
	}
	to, from := p.hosts[victim].Addrs(), p.hosts[peer].Addrs()
	if len(to) == 0 || len(from) == 0 {
		return
	}
	c, other := p.conn(byte(victim)), p.conn(byte(peer))
	if mode&userActs != 0 && c != nil {
		p.do(cmdSend, byte(victim)|mode>>6<<1|0x80)
		switch len(chunks) % 8 {
		case 1:
			_ = c.Assoc.ResetStreams(p.sim.Now(), true, true)
		case 2:
			_ = c.Assoc.ResetAssociation(p.sim.Now())
		case 3:
			_ = c.Assoc.AddStreams(p.sim.Now(), 2, 2)
		}
		c.Pump()
	}
	h := wire.Header{SrcPort: uint16(src), DstPort: uint16(dst), Tag: 77}
	var s assoc.Serials
	if c != nil {
		s = c.Assoc.Serials()
	}
	if mode&wrongTag == 0 {
		h.Tag = s.Tag
		if len(chunks) > 0 && wire.ChunkType(chunks[0]) == wire.ChunkInit {
			h.Tag = 0
		}
	}
	b := append(h.Append(nil), chunks...)
	if mode&rebased != 0 {
		rebase(b, s)
	}
	if mode&signed != 0 && other != nil {
		b = other.Assoc.Authenticate(b)
	}
	if mode&wrongSum == 0 {
		wire.SetChecksum(b)
	}
	k := packet{src: from[0], dst: to[0], data: b}
	if mode&foreign != 0 {
		k.src = netip.MustParseAddrPort("192.0.2.1:9899")
	}
	p.deliver(k)
	if mode&timePasses != 0 {
		p.deliverAll(200)
		p.sim.RunUntil(p.sim.Now().Add(700 * time.Millisecond))
	}
}

// bounded checks that nobody has an association keep more than its limits.
func (p *pair) bounded(cfg assoc.Config) {
	for _, h := range p.hosts {
		for _, c := range h.Conns() {
			st := c.Assoc.Stats()
			if most := 2*cfg.RecvBuffer + cfg.MaxMessageSize + 2*9000; st.RecvQueueBytes > most {
				p.fail("%s: %d bytes received are kept, more than %d", h.Name, st.RecvQueueBytes, most)
			}
			if _, in := c.Assoc.Streams(); in > cfg.MaxInboundStreams {
				p.fail("%s: %d inbound streams", h.Name, in)
			}
			if st.Paths > cfg.MaxPaths {
				p.fail("%s: %d paths", h.Name, st.Paths)
			}
		}
	}
}

// FuzzHostile sends sequences of packets with good checksums, and often with good
// tags, serial numbers and signatures, to both sides of an association, and checks
// that what is counted is there, that limits hold, and that everything ends.
func FuzzHostile(f *testing.F) {
	_, packets, err := established()
	require.NoError(f, err)
	for i, k := range packets {
		if c := k.data[wire.HeaderLen:]; len(c) <= 600 {
			for _, mode := range []byte{rebased, rebased | toClient, rebased | timePasses | userActs, foreign | wrongTag} {
				f.Add(append([]byte{byte(i), 0, mode, byte((len(c) + 3) / 4)}, c...))
			}
		}
	}
	one := func(config, mode byte, chunks ...[]byte) {
		c := slices.Concat(chunks...)
		f.Add(append([]byte{100, config, mode, byte(len(c) / 4)}, c...))
	}
	fwd := wire.ForwardTSN{NewCumTSN: 3, Streams: []wire.SkippedStream{{Stream: 1, SSN: 5}}}
	one(0, rebased, fwd.Append(nil))
	reset := wire.StreamReset{Streams: []uint16{1, 2}}
	one(0, rebased|userActs, (&wire.Reconfig{Params: reset.Append(nil)}).Append(nil))
	reset.Incoming = true
	one(0, rebased|timePasses, (&wire.Reconfig{Params: reset.Append(nil)}).Append(nil))
	add := wire.AsconfRequest{Type: wire.ParamAddIP, ID: 1, Address: netip.MustParseAddr("10.1.0.77")}
	del := wire.AsconfRequest{Type: wire.ParamDeleteIP, ID: 2, Address: netip.MustParseAddr("0.0.0.0")}
	asconf := wire.Asconf{Address: netip.MustParseAddr("10.1.0.1"), Params: del.Append(add.Append(nil))}
	one(0, rebased|signed|timePasses, asconf.Append(nil))
	asconf.Address = netip.MustParseAddr("0.0.0.0")
	one(0, rebased|signed|foreign|timePasses, asconf.Append(nil))
	sack := wire.Sack{CumTSNAck: 0, ARwnd: 100, Gaps: []wire.GapAckBlock{{Start: 2, End: 3}}, Dups: []wire.TSN{1}}
	one(6, rebased|userActs, sack.Append(nil))
	data := wire.Data{Flags: wire.DataBegin, TSN: 1, Stream: 1, Payload: make([]byte, 40)}
	one(0, rebased, data.Append(nil), data.Append(nil))
	f.Fuzz(runHostile)
}

// Every test run sends mutations of these, few enough to be quick.
func TestHostilePackets(t *testing.T) {
	_, packets, err := established()
	require.NoError(t, err)
	for seed := range uint64(40 * *seedsFlag) {
		rng := rand.New(rand.NewPCG(seed, 0x686f7374))
		in := []byte{byte(rng.Uint32()), byte(rng.Uint32())}
		for range 1 + rng.IntN(8) {
			c := slices.Clone(packets[rng.IntN(len(packets))].data[wire.HeaderLen:])
			c = c[:min(len(c), 1000)]
			for range rng.IntN(4) {
				c[rng.IntN(len(c))] = byte(rng.Uint32())
			}
			in = append(in, byte(rng.Uint32())&^wrongSum&^wrongTag|rebased, byte(len(c)/4))
			in = append(in, c[:len(c)/4*4]...)
		}
		runHostile(t, in)
		if t.Failed() {
			t.Fatalf("seed %d: %x", seed, in)
		}
	}
}
