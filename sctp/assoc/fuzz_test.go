// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// The commands of FuzzAssociation, two bytes each: what, and an argument.
const (
	cmdSend       = iota // argument: side, stream, ordered or not, size
	cmdDeliver           // the oldest packet under way
	cmdDeliverAll        // packets, and what they give rise to
	cmdDeliverAny        // argument: which packet
	cmdDrop              // argument: which packet
	cmdDropAll
	cmdDuplicate // argument: which packet
	cmdCorrupt   // a byte of the oldest packet
	cmdForge     // like cmdCorrupt, with a good checksum
	cmdAdvance   // argument: time, quadratic
	cmdShutdown  // argument: side
	cmdAbort     // argument: side
	cmdRestart   // argument: side
	cmdAssociate
	cmdRead // the server reads one message, or from now on all
	cmdAddr // argument: side, whether to add or to remove, which of four addresses

	// Those of fuzz_extensions_test.go.
	cmdSendPartial // argument: side, stream, policy, its value
	cmdReconfig    // argument: side, what to change, which stream
	cmdCut         // argument: path; it is cut, or mended
	cmdMTU         // argument: path, MTU, whether the host says that it refuses
	cmdMark        // the oldest packet: congestion experienced
	cmdBatch       // argument: how many packets come together
	cmdPrimary     // argument: side, whose primary path, which
	cmdICMP        // argument: what is said about the oldest packet
	cmdConfigure   // the first one: interleaving, scheduler, congestion control, addresses
	cmdCount
)

// maxUnderWay bounds the packets under way; more are lost.
const maxUnderWay = 2000

type packet struct {
	src, dst netip.AddrPort
	data     []byte
	ect, ce  bool
}

// A pair is two hosts, with the packets between them at the command of a
// fuzzer.
type pair struct {
	sim   *simnet.Sim
	hosts [2]*assoctest.Host
	air   []packet
	cfg   assoc.Config
	errs  []error
	conns []*assoctest.Conn // all there have been

	network [2]fuzzedPath

	sent    []sentMessage
	last    map[inbound]int // number of the last ordered message
	parts   map[*assoctest.Conn]*assoc.Assembler
	readAll bool
	forged  bool // packets have been forged: messages may differ
	lossy   bool // an association was aborted, lost or restarted: messages may be missing
	reset   bool // an association was reset: what was outstanding is given up (RFC 6525, Section 5.2.4)
	// held: an association was to be reset, and the other side keeps what is
	// acknowledged meanwhile. It is lost if its host crashes.
	held     bool
	restarts uint64
	// unanswered counts resets of an association that it has not heard of again. If it
	// ends before, nobody knows which messages were before it.
	unanswered map[*assoctest.Conn]int
}

// An inbound is a stream of a receiver.
type inbound struct {
	conn   *assoctest.Conn
	stream uint16
}

type sentMessage struct {
	from      int
	conn      *assoctest.Conn
	stream    uint16
	unordered bool
	size      int
	partial   bool // not reliable
	got       bool
	by        *assoctest.Conn // who got it
	failed    bool
}

// traceCommands prints every packet sent.
var traceCommands bool

func newPair(paths int, cfg assoc.Config) (*pair, error) {
	p := &pair{sim: simnet.NewSim(1, epoch), cfg: cfg, last: make(map[inbound]int), parts: make(map[*assoctest.Conn]*assoc.Assembler), readAll: true, unanswered: make(map[*assoctest.Conn]int)}
	segs := p.sim.Disjoint(paths)
	for i := range p.hosts {
		var addrs []netip.AddrPort
		for _, s := range segs {
			addrs = append(addrs, netip.AddrPortFrom(s.Addr(i+1), udpencap.DefaultPort))
		}
		h, err := assoctest.NewHost(p.sim, []string{"client", "server"}[i], cfg, uint64(i), addrs...)
		if err != nil {
			return nil, err
		}
		h.Output = func(t assoc.Transmit, data []byte) error {
			if traceCommands {
				fmt.Println(p.sim.Now().Sub(epoch), h.Name, wire.Dump(data))
			}
			pass, err := p.pathTo(t.Remote).takes(t)
			if pass && len(p.air) < maxUnderWay {
				p.air = append(p.air, packet{t.Local, t.Remote, slices.Clone(data), t.ECT, false})
			}
			return err
		}
		h.OnAccept = p.watch
		p.hosts[i] = h
	}
	return p, p.hosts[1].Stack.Listen(serverPort)
}

func (p *pair) fail(format string, args ...any) {
	if len(p.errs) < 5 {
		p.errs = append(p.errs, fmt.Errorf(format, args...))
	}
}

func (p *pair) side(h *assoctest.Host) int { return slices.Index(p.hosts[:], h) }

func (p *pair) watch(c *assoctest.Conn) {
	p.conns = append(p.conns, c)
	p.parts[c] = new(assoc.Assembler)
	if p.side(c.Host) == 0 || p.readAll {
		c.OnMessage = func(m assoc.Message) { p.receive(c, m) }
	}
	c.OnEvent = func(e assoc.Event) {
		switch e := e.(type) {
		case assoc.EventCommLost:
			p.lossy = p.lossy || e.Err != nil
		case assoc.EventRestart:
			p.lossy = true
		case assoc.EventAssociationReset:
			p.reset = true
			p.unanswered[c]--
		case assoc.EventSendFailed:
			p.sendFailed(e)
		}
	}
}

// content is what message n of some size is made of.
func content(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n*31 + i*7 + i>>8)
	}
	return b
}

// receive checks a message. Numbers grow with time, so those of the ordered
// messages on a stream do, also when the association is restarted.
func (p *pair) receive(c *assoctest.Conn, m assoc.Message) {
	m, complete, err := p.parts[c].Add(m)
	if err != nil {
		p.fail("%s: %v", c.Host.Name, err)
	}
	if p.forged || !complete {
		return
	}
	side := p.side(c.Host)
	n := int(m.PPID)
	if n >= len(p.sent) || p.sent[n].from == side {
		p.fail("message %d was never sent to side %d", n, side)
		return
	}
	s := &p.sent[n]
	key := inbound{c, m.Stream}
	switch {
	case s.by == c:
		// Two associations may get it: while its cookie is good, a COOKIE ECHO
		// (and the data with it) which comes again after the end of the first sets
		// up a second.
		p.fail("message %d came twice", n)
	case m.Stream != s.stream || m.Unordered != s.unordered:
		p.fail("message %d: stream %d, unordered %v, want %+v", n, m.Stream, m.Unordered, *s)
	case !bytes.Equal(m.Data, content(n, s.size)):
		p.fail("message %d (%d bytes, want %d) has another content", n, len(m.Data), s.size)
	case !m.Unordered && p.last[key] > n:
		p.fail("message %d came after %d on stream %d", n, p.last[key], m.Stream)
	}
	s.got, s.by = true, c
	if !m.Unordered {
		p.last[key] = n
	}
}

// sendFailed checks a message that is reported as given up.
func (p *pair) sendFailed(e assoc.EventSendFailed) {
	n := int(e.Message.PPID)
	switch {
	case n >= len(p.sent):
		p.fail("message %d failed, but was never sent", n)
		return
	case p.sent[n].failed:
		p.fail("message %d failed twice", n)
	case !e.Sent && !bytes.Equal(e.Message.Data, content(n, p.sent[n].size)):
		p.fail("message %d failed unsent, with another content", n)
	case !e.Sent && p.sent[n].got:
		p.fail("message %d failed unsent, but arrived", n)
	}
	p.sent[n].failed = true
}

func (p *pair) associate() {
	if len(p.hosts[0].Conns()) > 0 || len(p.hosts[0].Addrs()) == 0 || len(p.hosts[1].Addrs()) == 0 {
		return
	}
	c, err := p.hosts[0].Associate(assoc.AssociateParams{
		LocalPort: clientPort, Remote: p.hosts[1].Addrs()[:1], Port: serverPort, OutboundStreams: 8,
	})
	if err != nil {
		p.fail("associate: %v", err)
		return
	}
	p.watch(c)
}

func (p *pair) conn(side byte) *assoctest.Conn {
	if cs := p.hosts[side&1].Conns(); len(cs) > 0 {
		return cs[0]
	}
	return nil
}

// take removes a packet from the air.
func (p *pair) take(i int) packet {
	k := p.air[i]
	p.air = slices.Delete(p.air, i, i+1)
	return k
}

func (p *pair) deliver(k packet) {
	for _, h := range p.hosts {
		if slices.Contains(h.Addrs(), k.dst) {
			h.Input(k.datagram())
		}
	}
}

func (p *pair) deliverAll(limit int) {
	for ; limit > 0 && len(p.air) > 0; limit-- {
		p.deliver(p.take(0))
	}
}

func (p *pair) do(cmd, arg byte) {
	index := 0
	if len(p.air) > 0 {
		index = int(arg) % len(p.air)
	}
	c := p.conn(arg)
	switch cmd % cmdCount {
	case cmdSend:
		if c == nil {
			return
		}
		m := sentMessage{from: int(arg & 1), conn: c, stream: uint16(arg >> 1 & 3), unordered: arg&8 != 0, size: 1 + int(arg>>4)*int(arg>>4)*40}
		n := len(p.sent)
		err := c.Assoc.Send(p.sim.Now(), assoc.Message{
			Stream: m.stream, Unordered: m.unordered, PPID: wire.PPID(n), Data: content(n, m.size),
		})
		if err == nil {
			p.sent = append(p.sent, m)
		}
		c.Pump()
	case cmdDeliverAll:
		p.deliverAll(200)
	case cmdDropAll:
		p.air = nil
	case cmdAdvance:
		d := time.Duration(arg) * time.Duration(arg) * 2 * time.Millisecond
		p.sim.RunUntil(p.sim.Now().Add(d))
	case cmdShutdown:
		if c != nil {
			c.Shutdown()
		}
	case cmdAbort:
		if c != nil {
			p.lossy = true
			c.Abort("told to")
		}
	case cmdRestart:
		p.lossy = true
		p.restarts++
		if err := p.hosts[arg&1].Restart(p.cfg, 1000+p.restarts); err != nil {
			p.fail("restart: %v", err)
		}
		if arg&1 == 1 {
			_ = p.hosts[1].Stack.Listen(serverPort)
		}
	case cmdAssociate:
		p.associate()
	case cmdAddr:
		h := p.hosts[arg&1]
		a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, 1 + arg&1 + arg>>1&6}), udpencap.DefaultPort)
		p.lossy = true // it may have been the only one
		switch {
		case arg&8 != 0:
			h.AddAddr(a)
		case slices.Contains(h.Addrs(), a):
			h.RemoveAddr(a, arg&16 != 0)
		}
	case cmdRead:
		if arg&1 == 0 {
			p.read(1)
		} else {
			p.readAll = !p.readAll
		}
	}
	p.extension(cmd%cmdCount, arg, c)
	if len(p.air) == 0 {
		return
	}
	switch cmd % cmdCount {
	case cmdDeliver:
		p.deliver(p.take(0))
	case cmdDeliverAny:
		p.deliver(p.take(index))
	case cmdDrop:
		p.take(index)
	case cmdDuplicate:
		k := p.air[index]
		p.air = append(p.air, packet{k.src, k.dst, slices.Clone(k.data), k.ect, k.ce})
	case cmdCorrupt, cmdForge:
		k := p.air[0]
		k.data[int(arg)*len(k.data)/256] ^= 1 << (arg % 8)
		if cmd%cmdCount == cmdForge {
			p.forged, p.lossy = true, true
			wire.SetChecksum(k.data)
		}
	}
}

// read has the server's user read n messages.
func (p *pair) read(n int) {
	for _, c := range p.conns {
		for range n {
			m, ok := c.Recv()
			if !ok {
				break
			}
			p.receive(c, m)
		}
	}
}

// finish mends the network, ends the associations, and checks that they do
// end and that nothing is missing.
func (p *pair) finish() error {
	for _, h := range p.hosts {
		h.Output = nil
	}
	p.network = [2]fuzzedPath{}
	if traceCommands {
		p.sim.Observe(func(e simnet.Event) { fmt.Println(e.At.Sub(epoch), e.Kind, e.Src.Addr(), wire.Dump(e.Data)) })
	}
	p.deliverAll(maxUnderWay)
	for _, c := range slices.Concat(p.hosts[0].Conns(), p.hosts[1].Conns()) {
		if p.forged {
			c.Abort("over") // who knows what the two think of each other
		} else {
			c.Shutdown()
		}
	}
	for limit := p.sim.Now().Add(24 * time.Hour); ; {
		p.read(1000)
		over := func() bool {
			return len(p.hosts[0].Conns()) == 0 && len(p.hosts[1].Conns()) == 0 && p.sim.Pending() == 0
		}
		next := p.sim.Now().Add(time.Second)
		if p.sim.RunWhile(next, func() bool { return !over() }) {
			break
		}
		p.sim.RunUntil(next)
		if p.sim.Now().After(limit) {
			for _, c := range slices.Concat(p.hosts[0].Conns(), p.hosts[1].Conns()) {
				p.fail("%s: not over: %v, %+v", c.Host.Name, c.Assoc.State(), c.Assoc.Stats())
			}
			break
		}
	}
	p.read(1000)
	for c, x := range p.parts {
		if n := x.Open(); n > 0 && c.Lost { // else its host has crashed
			p.fail("%s: %d messages have neither an end nor a cut", c.Host.Name, n)
		}
	}
	for _, n := range p.unanswered {
		p.forged = p.forged || n > 0
		p.lossy = p.lossy || n > 0
	}
	for i, h := range p.hosts {
		if n := h.Stack.Indexed(); n != 0 {
			p.fail("%s: the stack still holds %d entries", h.Name, n)
		}
		for n, m := range p.sent {
			if !p.lossy && m.from == i && !m.got && !(m.failed && (m.partial || p.reset)) {
				p.fail("message %d of %s did not arrive", n, h.Name)
			}
			if !p.forged && m.from == i && m.conn.Lost && !m.got && !m.failed && !(p.held && p.restarts > 0) {
				p.fail("message %d of %s neither arrived nor failed", n, h.Name)
			}
		}
		p.errs = append(p.errs, h.Err())
	}
	return errors.Join(p.errs...)
}

func runCommands(data []byte) error {
	if len(data) < 2 || len(data) > 2000 {
		return nil
	}
	cfg := assoc.Config{
		RecvBuffer: 1500 + int(data[0]>>2)*1000, SendBuffer: 20000, MaxMessageSize: 10000, OutboundStreams: 8,
		HeartbeatInterval: 5 * time.Second,
	}
	cfg.PartialDeliveryPoint = min([]int{0, 0, 1, 3000}[data[0]>>2&3], cfg.RecvBuffer)
	fuzzedConfig(&cfg, data[1])
	if len(data) > 3 && data[2]%cmdCount == cmdConfigure {
		cfg.Interleaving, cfg.Scheduler = data[3]&1 != 0, assoc.Scheduler(data[3]>>1%6)
		if data[3]&0x40 != 0 {
			cfg.CongestionControl = assoc.CongestionWestwood
		}
		cfg.BehindNAT = data[3]&0x80 != 0
	}
	p, err := newPair(1+int(data[0]&1), cfg)
	if err != nil {
		return err
	}
	p.associate()
	if data[0]&2 != 0 {
		p.deliverAll(20)
	}
	for b := data[2:]; len(b) >= 2; b = b[2:] {
		p.do(b[0], b[1])
		p.check()
	}
	return p.finish()
}

// FuzzAssociation has two associations follow commands, the network among
// them, and checks that messages arrive once, intact and in order, that the
// associations end, and that nothing is left of them.
func FuzzAssociation(f *testing.F) {
	f.Add([]byte{0xff, 0, cmdSend, 0x50, cmdDeliverAll, 0, cmdSend, 0x51, cmdDeliverAll, 0, cmdShutdown, 0, cmdDeliverAll, 0})
	f.Add([]byte{3, 1, cmdSend, 0xf0, cmdDropAll, 0, cmdAdvance, 30, cmdDeliverAll, 0, cmdAbort, 1})
	f.Add([]byte{3, 1, cmdSend, 0xf0, cmdDeliver, 0, cmdRestart, 0, cmdAssociate, 0, cmdSend, 0x40, cmdDeliverAll, 0})
	f.Add([]byte{2, 1, cmdRestart, 1, cmdSend, 0x40, cmdDeliverAll, 0, cmdAssociate, 0, cmdDeliverAll, 0})
	f.Add([]byte{2, 1, cmdShutdown, 0, cmdShutdown, 1, cmdDeliverAll, 0})
	f.Add([]byte{2, 1, cmdRead, 1, cmdSend, 0xf0, cmdSend, 0xf0, cmdDeliverAll, 0, cmdAdvance, 100, cmdRead, 0})
	// Aborted with a part of a message sent and acknowledged.
	f.Add([]byte{3, 0, cmdSend, 253, cmdDeliverAll, 0, cmdAdvance, 220, cmdDeliverAll, 0, cmdAbort, 1})
	// A COOKIE ECHO comes again after an ABORT.
	f.Add([]byte{0x7d, 1, cmdDeliver, 0, cmdSend, 4, cmdDeliver, 0, cmdDuplicate, 0, cmdAbort, 0, cmdDuplicate, 1})
	// A stale cookie is reported several times.
	f.Add([]byte{0x31, 0, cmdDeliver, 0, cmdSend, 0, cmdAdvance, 192, cmdDeliverAny, 5, cmdDeliverAny, 4, cmdAdvance, 255, cmdDeliverAny, 0})
	f.Add([]byte{3, 0, cmdConfigure, 1, cmdSend, 0xf0, cmdSend, 0x53, cmdSend, 0xa2, cmdDeliverAll, 0, cmdReconfig, 4, cmdDeliverAll, 0, cmdSend, 0xf0, cmdCut, 1})
	f.Fuzz(func(t *testing.T, data []byte) { require.NoError(t, runCommands(data)) })
}

// TestCommands runs random commands, the same ones each time unless -seed
// says otherwise.
func TestCommands(t *testing.T) {
	first, n := uint64(1), 25**seedsFlag
	if *seedFlag != 0 {
		first, n = *seedFlag, 1
	}
	for i := range uint64(n) {
		rng := rand.New(rand.NewPCG(first+i, 0x636d6473))
		data := make([]byte, 20+rng.IntN(400))
		for k := range data {
			data[k] = byte(rng.Uint32())
		}
		if rng.IntN(2) == 0 { // without what ends or replaces associations
			for k := 2; k < len(data); k += 2 {
				if k == 2 && rng.IntN(2) == 0 {
					data[k] = cmdConfigure
					continue
				}
				if c := data[k] % cmdCount; c == cmdForge || c == cmdAbort || c == cmdRestart || c == cmdShutdown && rng.IntN(10) > 0 {
					data[k] = []byte{cmdSend, cmdDeliver, cmdDeliverAll}[rng.IntN(3)]
				}
			}
		}
		require.NoError(t, runCommands(data), "replay with -run TestCommands -seed=%d; %x", first+i, data)
	}
}

// established returns a pair with an association on which data has gone both
// ways, and the packets that took.
func established() (*pair, []packet, error) { return establish(assoc.Config{OutboundStreams: 8}) }

func establish(cfg assoc.Config) (*pair, []packet, error) {
	p, err := newPair(2, cfg)
	if err != nil {
		return nil, nil, err
	}
	var all []packet
	p.associate()
	step := func() {
		for range 200 {
			if len(p.air) == 0 {
				return
			}
			all = append(all, p.air[0])
			p.deliver(p.take(0))
		}
	}
	step()
	for arg := range byte(16) {
		p.do(cmdSend, arg|0x50)
	}
	step()
	p.do(cmdAdvance, 50)
	step()
	if p.conn(0) == nil || !p.conn(0).Up || p.conn(1) == nil || !p.conn(1).Up {
		return nil, nil, errors.New("no association came up")
	}
	return p, all, nil
}

// TestAbortOvertakesShutdownComplete: a packet that the network kept back meets
// a peer which has forgotten the association already; its ABORT comes before
// its SHUTDOWN COMPLETE. Nothing is lost, so the end is a graceful one.
func TestAbortOvertakesShutdownComplete(t *testing.T) {
	p, _, err := established()
	require.NoError(t, err)
	server := p.conn(1)
	p.do(cmdSend, 0) // client to server
	p.deliver(p.take(0))
	p.sim.RunUntil(p.sim.Now().Add(time.Second))
	require.Equal(t, byte(wire.ChunkSack), p.air[0].data[wire.HeaderLen], "a SACK")
	p.air = p.air[:1] // and HEARTBEATs, since some before were lost
	late := p.air[0]
	p.deliverAll(1)
	p.do(cmdShutdown, 0)
	p.deliverAll(2) // SHUTDOWN, SHUTDOWN ACK
	require.Len(t, p.air, 1, "SHUTDOWN COMPLETE")
	p.deliver(late)
	require.Len(t, p.air, 2, "ABORT")
	require.Equal(t, assoc.StateShutdownAckSent, server.Assoc.State())
	p.deliver(p.take(1))
	require.True(t, server.Lost)
	require.NoError(t, server.Err)
	require.NoError(t, p.finish())
}

// FuzzRoute sends packets to a stack with an association. The first byte of
// the input says whether ports, tag and checksum are made good.
func FuzzRoute(f *testing.F) {
	_, packets, err := established()
	require.NoError(f, err)
	for _, k := range packets {
		f.Add(append([]byte{0}, k.data...))
		f.Add(append([]byte{3}, k.data...))
	}
	for t := range 16 {
		f.Add(append([]byte{7}, wire.AppendChunk(make([]byte, wire.HeaderLen), wire.ChunkType(t), 0, make([]byte, 16))...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 1+wire.HeaderLen {
			return
		}
		p, packets, err := established()
		require.NoError(t, err)
		p.forged = true
		mode, data := data[0], slices.Clone(data[1:])
		toServer, toClient := packets[2], packets[1]
		k := packet{src: toServer.src, dst: toServer.dst, data: data}
		if mode&4 != 0 {
			binary.BigEndian.PutUint16(data[0:], clientPort)
			binary.BigEndian.PutUint16(data[2:], serverPort)
			copy(data[4:8], toServer.data[4:8]) // the tag
		}
		if mode&8 != 0 {
			k.src, k.dst = toClient.src, toClient.dst
		}
		if mode&16 != 0 {
			k.src = netip.MustParseAddrPort("192.0.2.1:1")
		}
		if mode&2 != 0 {
			wire.SetChecksum(data)
		}
		p.deliver(k)
		p.deliverAll(200)
		p.sim.RunUntil(p.sim.Now().Add(5 * time.Second))
		p.deliver(k)
		require.NoError(t, p.finish())
	})
}
