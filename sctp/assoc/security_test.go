// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// The rows of docs/security.md which have no test elsewhere.

// Every test that the table of docs/security.md names exists.
func TestSecurityTableNamesTests(t *testing.T) {
	doc, err := os.ReadFile("../../docs/security.md")
	require.NoError(t, err)
	have := map[string]bool{}
	for _, dir := range []string{".", "..", "../wire", "../../udpencap", "../../pool", "../../registrar", "../../cmd/rserpool", "../../service", "../../service/scripting", "../../service/sandbox"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllSubmatch(b, -1) {
				have[string(m[1])] = true
			}
		}
	}
	rows := 0
	for line := range strings.Lines(string(doc)) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Attack") {
			continue
		}
		rows++
		names := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, names, "no test: %s", line)
		for _, n := range names {
			require.True(t, have[n[1]], "%s: no such test", n[1])
		}
	}
	require.NotZero(t, rows)
}

// Who sees no packets cannot guess the tags, and changes nothing. RFC 9260,
// Section 8.5: "the receiver MUST silently discard the packet".
func TestBlindPackets(t *testing.T) {
	shutdown := wire.AppendChunk(nil, wire.ChunkShutdown, 0, make([]byte, 4))
	for _, tt := range []struct {
		name  string
		chunk func(x *tester) []byte
	}{
		{"ABORT", func(*tester) []byte { return wire.AppendAbort(nil, false, nil) }},
		{"ABORT T", func(*tester) []byte { return wire.AppendAbort(nil, true, nil) }},
		{"SHUTDOWN", func(*tester) []byte { return shutdown }},
		{"SHUTDOWN ACK", func(*tester) []byte { return wire.AppendShutdownAck(nil) }},
		{"SHUTDOWN COMPLETE", func(*tester) []byte { return wire.AppendShutdownComplete(nil, false) }},
		{"SHUTDOWN COMPLETE T", func(*tester) []byte { return wire.AppendShutdownComplete(nil, true) }},
		{"INIT with a tag", func(x *tester) []byte { return x.init.Append(nil, wire.ChunkInit) }},
		{"INIT ACK", func(x *tester) []byte { return x.init.Append(nil, wire.ChunkInitAck) }},
		{"COOKIE ECHO", func(*tester) []byte { return wire.AppendCookieEcho(nil, make([]byte, 100)) }},
		{"COOKIE ACK", func(*tester) []byte { return wire.AppendCookieAck(nil) }},
		{"ERROR", func(*tester) []byte {
			return wire.AppendError(nil, wire.AppendCause(nil, wire.CauseOutOfResource, nil))
		}},
		{"HEARTBEAT", func(*tester) []byte { return wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("info")) }},
		{"DATA", func(x *tester) []byte { return x.at(0) }},
		{"SACK", func(x *tester) []byte { return x.sack(1, 0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTester(t, Config{})
			z := x.connect()
			cum := z.tracker.cum
			// Zero, a neighbour, the other direction's: no tag but the right one.
			for _, tag := range []uint32{x.ack.InitiateTag + 1, x.ack.InitiateTag ^ 1<<31, 0xffffffff} {
				require.Empty(t, x.send(tag, tt.chunk(x)))
			}
			require.Equal(t, StateEstablished, z.State())
			require.Equal(t, x.ack.InitiateTag, z.myTag)
			require.Equal(t, x.init.InitiateTag, z.peerTag)
			require.Equal(t, cum, z.tracker.cum)
			x.alive()
		})
	}
}

// Lengths that are too small to make progress, or reach beyond the packet, end
// the packet and not the association; the chunks before them count.
func TestLengthsThatLie(t *testing.T) {
	length := func(n int, b []byte) []byte {
		b = bytes.Clone(b)
		binary.BigEndian.PutUint16(b[2:], uint16(n))
		return b
	}
	eight := make([]byte, 8)
	for _, tt := range []struct {
		name string
		bad  []byte
	}{
		{"chunk of 0", length(0, eight)},
		{"chunk of 3", length(3, eight)},
		{"chunk beyond the packet", length(9, eight)},
		{"unknown chunk of 0", length(0, wire.AppendChunk(nil, 0xc7, 0, eight))},
		{"cause of 0", wire.AppendError(nil, length(0, eight))},
		{"cause beyond the chunk", wire.AppendError(nil, length(200, eight))},
		{"heartbeat parameter of 0", wire.AppendChunk(nil, wire.ChunkHeartbeatAck, 0, length(0, eight))},
		{"SACK counts beyond the chunk", wire.AppendChunk(nil, wire.ChunkSack, 0, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})},
		{"SHUTDOWN cut", wire.AppendChunk(nil, wire.ChunkShutdown, 0, nil)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTester(t, Config{})
			z := x.connect()
			cum := z.tracker.cum
			x.say(x.data(wire.Data{}), tt.bad)
			require.Equal(t, StateEstablished, z.State())
			require.Equal(t, cum.Add(1), z.tracker.cum, "the DATA before it counts")
			x.alive()
		})
	}
	for _, tt := range []struct {
		name   string
		params []byte
	}{
		{"parameter of 0", length(0, eight)},
		{"parameter of 3", length(3, eight)},
		{"parameter beyond the chunk", length(200, eight)},
		{"address cut", wire.AppendParam(nil, wire.ParamIPv4, []byte{10, 0})},
		{"two bytes left", []byte{0, 5}},
	} {
		t.Run("INIT, "+tt.name, func(t *testing.T) {
			x := newTester(t, Config{})
			x.init.Params = tt.params
			require.LessOrEqual(t, len(x.sendInit()), 1)
			require.Empty(t, x.p.z.stack.byTag)
			x.init.Params = nil
			x.connect()
			x.alive()
		})
	}
}

// An unknown chunk beside DATA does what its two high bits say, and no more.
func TestUnknownChunkBesideData(t *testing.T) {
	for _, tt := range []struct {
		typ   wire.ChunkType
		after bool // what follows is processed
		error bool
	}{{0x3e, false, false}, {0x7e, false, true}, {0xbe, true, false}, {0xfe, true, true}} {
		x := newTester(t, Config{})
		z := x.connect()
		cum := z.tracker.cum
		answers := strings.Join(x.say(x.data(wire.Data{}), wire.AppendChunk(nil, tt.typ, 0, make([]byte, 4)), x.data(wire.Data{})), " ")
		want := cum.Add(1)
		if tt.after {
			want = cum.Add(2)
		}
		require.Equal(t, want, z.tracker.cum, "%#x", tt.typ)
		require.Equal(t, tt.error, strings.Contains(answers, "ERROR"), "%#x: %s", tt.typ, answers)
		x.alive()
	}
}

// A packet full of what is to be reported or answered gets one packet, no
// larger than the path takes.
func TestAnswersAreBounded(t *testing.T) {
	for name, chunk := range map[string][]byte{
		"unknown chunks": wire.AppendChunk(nil, 0xfe, 0, nil),
		"HEARTBEATs":     wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("info")),
	} {
		x := newTester(t, Config{})
		x.connect()
		x.say(bytes.Repeat(chunk, 5000))
		require.Len(t, x.heard, 1, name)
		require.LessOrEqual(t, len(x.heard[0].Data), 1500-ipv4UDPOverIP, name)
		x.alive()
	}
}

// Packets out of the blue are answered by less than they are, and never by
// what is answered again.
func TestReflectionDoesNotAmplify(t *testing.T) {
	x := newTester(t, Config{})
	for typ := range 256 {
		for _, size := range []int{0, 4, 16, 100} {
			chunk := wire.AppendChunk(nil, wire.ChunkType(typ), 0, make([]byte, size))
			x.send(0x7777, chunk)
			require.LessOrEqual(t, len(x.heard), 1)
			for _, d := range x.heard {
				require.LessOrEqual(t, len(d.Data), wire.HeaderLen+len(chunk), "%#x", typ)
				answer := d.Data[wire.HeaderLen:]
				require.Empty(t, x.send(0x7777, answer), "an answer to an answer")
			}
		}
	}
	// A flood that is read in one batch gets maxReplies answers.
	for range 10 * maxReplies {
		h := wire.Header{SrcPort: 1, DstPort: 5000, Tag: 1}
		b := x.at(0)
		b = append(h.Append(nil), b...)
		wire.SetChecksum(b)
		x.p.z.stack.Route(x.p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: x.from, Data: b})
	}
	require.Len(t, x.p.z.stack.replies, maxReplies)
	require.EqualValues(t, 9*maxReplies, x.p.z.stack.Stats().RepliesDropped)
}

// 100 000 INITs, and as many COOKIE ECHOs with forged cookies, from as many
// addresses leave nothing behind.
func TestFloodLeavesNoState(t *testing.T) {
	p := newPair(t, Config{})
	s := p.z.stack
	require.NoError(t, s.Listen(5000))
	var buf [65536]byte
	flood := func(n int, tag uint32, chunk func(i int) []byte) {
		for i := range n {
			h := wire.Header{SrcPort: uint16(1 + i%60000), DstPort: 5000, Tag: tag}
			b := append(h.Append(nil), chunk(i)...)
			wire.SetChecksum(b)
			from := netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)})
			a, _ := s.Route(p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: netip.AddrPortFrom(from, uint16(1+i%65000)), Data: b})
			require.Nil(t, a)
			for {
				if _, ok := s.PollReply(buf[:]); !ok {
					break
				}
			}
		}
	}
	init := func(i int) []byte {
		c := wire.Init{InitiateTag: uint32(i + 1), ARwnd: 65536, OutboundStreams: 65535, InboundStreams: 65535}
		return c.Append(nil, wire.ChunkInit)
	}
	echo := func(i int) []byte {
		c := make([]byte, 120)
		binary.BigEndian.PutUint32(c[60:], uint32(i))
		return wire.AppendCookieEcho(nil, c)
	}
	flood(1000, 0, init) // what is allocated once
	flood(1000, 1, echo)
	before := heapInUse()
	flood(100_000, 0, init)
	flood(100_000, 1, echo)
	grown := heapInUse() - before
	t.Logf("%d bytes more after the flood", grown)
	require.Less(t, grown, 64<<10)
	require.EqualValues(t, 101_000, s.Stats().InitsAnswered)
	require.EqualValues(t, 101_000, s.Stats().BadCookies)
	require.Empty(t, s.byTag)
	require.Empty(t, s.byPeer)
	runtime.KeepAlive(s)
}

// A peer that lists other hosts has them sent one HEARTBEAT per RTO, all
// together at first, and nothing else. RFC 9260, Section 5.4; RFC 5062, Sections
// 5 and 6.
func TestListedVictims(t *testing.T) {
	x := newTester(t, Config{})
	for i := range 30 {
		x.init.Params = wire.AppendParam(x.init.Params, wire.ParamIPv4, []byte{192, 0, 2, byte(1 + i)})
	}
	z := x.connect()
	require.Len(t, z.paths, z.cfg.MaxPaths)
	require.NoError(t, z.Send(x.p.now, Message{Data: make([]byte, 1000)}))
	perVictim := map[netip.Addr]int{}
	count := func() (n int) {
		for _, d := range x.heard {
			if to := d.Local.Addr(); to != x.from.Addr() {
				n++
				perVictim[to]++
				require.Regexp(t, `^HEARTBEAT\b[^|]*$`, dump(d.Data))
				require.Less(t, len(d.Data), 64)
			}
		}
		return n
	}
	require.LessOrEqual(t, count(), 1, "HB.Max.Burst")
	for second := range 10 {
		x.heard = nil
		x.p.run(time.Second)
		require.LessOrEqual(t, count(), len(z.paths), "second %d", second)
	}
	for v, n := range perVictim {
		require.LessOrEqual(t, n, 5, "%v: the RTO is doubled", v)
	}
}

// Whoever reports each cookie as stale does not keep us busy for ever.
func TestStaleCookiesAgainAndAgain(t *testing.T) {
	x, z := dialled(t, Config{MaxInitRetransmits: 3})
	stale := wire.AppendError(nil, wire.AppendStaleCookie(nil, 1))
	inits := 1
	for range 100 {
		x.initAck(nil)
		for _, a := range x.say(stale) {
			if strings.HasPrefix(a, "INIT") {
				inits++
			}
		}
		if z.State() == StateClosed {
			break
		}
		if i := slices.IndexFunc(x.heard, func(d Datagram) bool { return strings.HasPrefix(dump(d.Data), "INIT") }); i >= 0 {
			x.ack, _ = wire.ParseInit(x.chunkHeard(wire.ChunkInit))
		}
	}
	require.Equal(t, StateClosed, z.State())
	require.LessOrEqual(t, inits, 4)
}

// Copies of TSNs are reported, but not all of them.
func TestDuplicateFlood(t *testing.T) {
	x := newTester(t, Config{})
	z := x.connect()
	chunk := x.data(wire.Data{})
	x.say(bytes.Repeat(chunk, 3000))
	require.Len(t, x.heard, 1)
	var sack wire.Sack
	require.NoError(t, wire.ParseSack(x.chunkHeard(wire.ChunkSack), &sack))
	require.Len(t, sack.Dups, maxDuplicates)
	require.LessOrEqual(t, cap(z.tracker.dups), 2*maxDuplicates)
	require.Len(t, x.p.z.msgs, 1)
}

// Holes are remembered, but not all of them; what reports them fits a packet.
func TestGapFlood(t *testing.T) {
	x := newTester(t, Config{})
	z := x.connect()
	for n := uint32(1); n < 5000; n += 2 {
		x.say(x.at(n))
		for _, d := range x.heard {
			require.LessOrEqual(t, len(d.Data), 1500-ipv4UDPOverIP)
		}
	}
	require.Len(t, z.tracker.ranges, maxGapRanges)
	x.alive()
}
