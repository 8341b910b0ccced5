// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// interleaving is a configuration in which every message may pass every other.
func interleaving(s Scheduler) Config {
	return Config{Interleaving: true, Scheduler: s, HeartbeatInterval: -1}
}

// RFC 8260, Section 2.2.1: "User message interleaving has been negotiated for an
// association if both endpoints have indicated I-DATA support."
func TestInterleavingIsNegotiated(t *testing.T) {
	for _, tt := range []struct{ a, z, partial, want bool }{
		{true, true, true, true},
		{true, true, false, true},
		{true, false, true, false},
		{false, true, true, false},
		{false, false, true, false},
	} {
		p := newPair(t, Config{Interleaving: tt.a, NoPartialReliability: !tt.partial})
		cfg, err := Config{Interleaving: tt.z}.WithDefaults()
		require.NoError(t, err)
		p.z.stack.cfg = cfg
		a, z := p.connect()
		for _, x := range []*Association{a, z} {
			require.Equal(t, tt.want, x.Interleaving())
			require.Equal(t, tt.partial, x.canForward())
		}
		idata, data := countChunks(p.a, wire.ChunkIData), 0
		count := p.a.filter
		p.a.filter = func(d Datagram) bool {
			for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
				if c.Type == wire.ChunkData {
					data++
				}
			}
			return count(d)
		}
		sendN(t, p, a, 5, 5000)
		p.pump()
		p.run(time.Second)
		require.Len(t, p.z.msgs, 5)
		require.Equal(t, tt.want, *idata > 0)
		require.Equal(t, tt.want, data == 0, "DATA chunks MUST NOT be used")
		require.EqualValues(t, *idata, a.Stats().IDataChunksSent)
		require.EqualValues(t, *idata, z.Stats().IDataChunksReceived)
	}
}

// interleavedTester is a tester that has negotiated RFC 8260.
func interleavedTester(t *testing.T, cfg Config) (*tester, *Association) {
	x := newTester(t, cfg)
	x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData, wire.ChunkIForwardTSN, wire.ChunkReconfig)
	z := x.connect()
	require.True(t, z.Interleaving())
	return x, z
}

// idata is our next I-DATA chunk.
func (x *tester) idata(d wire.IData) []byte {
	d.TSN = x.tsn
	x.tsn++
	if d.Payload == nil {
		d.Payload = []byte("data")
	}
	return d.Append(nil)
}

func requireViolation(t *testing.T, z *Association, answers []string) {
	t.Helper()
	require.Equal(t, StateClosed, z.State())
	require.True(t, strings.Contains(strings.Join(answers, " "), "ABORT") && strings.Contains(strings.Join(answers, " "), "Protocol Violation"), "%v", answers)
}

// Section 2.2.3: "the receiver of the DATA chunk MUST abort the association by
// sending an ABORT chunk. The ABORT chunk MAY include the 'Protocol Violation'
// error cause." Section 2.3.1 has the same of FORWARD TSN.
func TestTheWrongKindOfChunkAborts(t *testing.T) {
	forward := (&wire.ForwardTSN{NewCumTSN: 1000}).Append(nil)
	iforward := (&wire.IForwardTSN{NewCumTSN: 1000}).Append(nil)
	t.Run("DATA", func(t *testing.T) {
		x, z := interleavedTester(t, interleaving(0))
		requireViolation(t, z, x.say(x.data(wire.Data{})))
	})
	t.Run("FORWARD TSN", func(t *testing.T) {
		x, z := interleavedTester(t, interleaving(0))
		requireViolation(t, z, x.say(forward))
	})
	for _, cfg := range []Config{{}, {Interleaving: true}} {
		t.Run(fmt.Sprint("I-DATA, ours ", cfg.Interleaving), func(t *testing.T) {
			x := newTester(t, cfg)
			z := x.connect()
			requireViolation(t, z, x.say(x.idata(wire.IData{Flags: whole})))
		})
		t.Run(fmt.Sprint("I-FORWARD-TSN, ours ", cfg.Interleaving), func(t *testing.T) {
			x := newTester(t, cfg)
			z := x.connect()
			requireViolation(t, z, x.say(iforward))
		})
	}
	t.Run("I-FORWARD-TSN without it", func(t *testing.T) {
		x := newTester(t, interleaving(0))
		x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData)
		z := x.connect()
		require.True(t, z.Interleaving())
		require.False(t, z.canForward())
		requireViolation(t, z, x.say(iforward))
	})
}

// Linux announces interleaving and partial reliability, but not the chunk for
// both.
func TestIForwardTSNNeedNotBeAnnounced(t *testing.T) {
	x := newTester(t, interleaving(0))
	x.init.Params = wire.AppendForwardTSNSupported(wire.AppendSupportedExtensions(nil, wire.ChunkIData))
	z := x.connect()
	require.True(t, z.Interleaving() && z.canForward())
	x.say(iforwardTSN(x.init.InitialTSN))
	require.Equal(t, StateEstablished, z.State())
	require.Equal(t, x.init.InitialTSN, z.tracker.cum)
}

// A fragment that contradicts the others of its message is a violation; one
// that comes too late is not.
func TestHostileFragments(t *testing.T) {
	const b, e, u = wire.DataBegin, wire.DataEnd, wire.DataUnordered
	type frag struct {
		flags uint8
		mid   wire.MID
		fsn   wire.FSN
	}
	for _, tt := range []struct {
		name  string
		frags []frag
		ok    bool
		msgs  int
	}{
		{"FSN 0 without B", []frag{{0, 0, 0}}, false, 0},
		{"twice the beginning", []frag{{b, 0, 0}, {b, 0, 0}}, false, 0},
		{"twice the middle", []frag{{b, 0, 0}, {0, 0, 1}, {0, 0, 1}}, false, 0},
		{"twice the end", []frag{{e, 0, 5}, {e, 0, 5}}, false, 0},
		{"two ends, up", []frag{{e, 0, 5}, {e, 0, 6}}, false, 0},
		{"two ends, down", []frag{{e, 0, 5}, {e, 0, 4}}, false, 0},
		{"behind the end", []frag{{e, 0, 5}, {0, 0, 6}}, false, 0},
		{"end before what is there", []frag{{0, 0, 6}, {e, 0, 5}}, false, 0},
		{"whole, after its beginning", []frag{{b, 0, 0}, {b | e, 0, 0}}, false, 0},
		{"whole, after its middle", []frag{{0, 0, 1}, {b | e, 0, 0}}, false, 0},
		{"unordered, whole, after its middle", []frag{{0 | u, 0, 1}, {b | e | u, 0, 0}}, false, 0},
		{"of a message that waits", []frag{{b | e, 1, 0}, {0, 1, 1}}, false, 0},
		{"again, of one that waits", []frag{{b | e, 1, 0}, {b | e, 1, 0}}, false, 0},
		{"the largest FSN", []frag{{b, 0, 0}, {e, 0, math.MaxUint32}}, true, 0},
		{"ordered and unordered of one MID", []frag{{b, 0, 0}, {b | u, 0, 0}, {e, 0, 1}, {e | u, 0, 1}}, true, 2},
		{"delivered already", []frag{{b | e, 0, 0}, {b | e, 0, 0}, {0, 0, 7}}, true, 1},
		{"half the numbers ahead", []frag{{b | e, 1 << 31, 0}, {b | e, 1<<31 - 1, 0}, {b | e, 0, 0}}, true, 1},
		{"unordered, far apart", []frag{{b | u, 0, 0}, {b | u, 1 << 31, 0}, {b | u, 1<<32 - 1, 0}, {e | u, 1 << 31, 1}}, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, z := interleavedTester(t, interleaving(0))
			var answers []string
			for _, f := range tt.frags {
				answers = x.say(x.idata(wire.IData{Flags: f.flags, MID: f.mid, FSN: f.fsn}))
			}
			if !tt.ok {
				requireViolation(t, z, answers)
				return
			}
			require.Equal(t, StateEstablished, z.State())
			require.Len(t, x.p.z.msgs, tt.msgs)
		})
	}
}

// Figure 3: the PPID goes with the first fragment, wherever it arrives.
func TestPPIDOfTheFirstFragment(t *testing.T) {
	x, _ := interleavedTester(t, interleaving(0))
	x.say(x.idata(wire.IData{Flags: wire.DataEnd, FSN: 2}), x.idata(wire.IData{FSN: 1}))
	x.say(x.idata(wire.IData{Flags: wire.DataBegin, PPID: 77}))
	require.Len(t, x.p.z.msgs, 1)
	require.EqualValues(t, 77, x.p.z.msgs[0].PPID)
	require.Equal(t, "datadatadata", string(x.p.z.msgs[0].Data))
}

// A small message passes a large one that is under way on another stream, and
// none passes on the same one.
func TestSmallMessagesPassLargeOnes(t *testing.T) {
	for s := range Scheduler(schedulers) {
		for _, on := range []bool{true, false} {
			t.Run(fmt.Sprint(s, " ", on), func(t *testing.T) {
				cfg := interleaving(s)
				cfg.Interleaving = on
				p := newPair(t, cfg)
				a, z := p.connect()
				require.NoError(t, a.SetStreamValue(1, 5)) // lower priority, higher weight
				large := bytes.Repeat([]byte("large"), 40_000)
				require.NoError(t, a.Send(p.now, Message{Stream: 1, Data: large}))
				require.NoError(t, a.Send(p.now, Message{Stream: 1, Data: []byte("behind")}))
				require.NoError(t, a.Send(p.now, Message{Stream: 2, Data: []byte("small")}))
				require.NoError(t, a.Send(p.now, Message{Stream: 2, Data: []byte("unordered"), Unordered: true}))
				p.pump()
				p.run(10 * time.Second)
				var got []string
				for _, m := range p.z.msgs {
					got = append(got, string(m.Data[:5]))
				}
				want := []string{"large", "behin", "small", "unord"}
				switch {
				case s == SchedulerFCFS:
				case on, s == SchedulerPriority:
					want = []string{"small", "unord", "large", "behin"}
				case s == SchedulerRoundRobin, s == SchedulerRoundRobinPacket, s == SchedulerFairCapacity:
					want = nil // large first or second
				default:
					want = nil
				}
				if want != nil {
					require.Equal(t, want, got)
				}
				require.Len(t, got, 4)
				quiet(t, a, z)
			})
		}
	}
}

// What is lost, duplicated or late of interleaved messages comes out whole; MIDs
// and TSNs wrap meanwhile.
func TestInterleavedAcrossTheEndOfNumbers(t *testing.T) {
	p := newPair(t, interleaving(SchedulerRoundRobin))
	a, z := p.connect()
	for id := range uint16(3) {
		for u := range 2 {
			a.queue.nextMID[u][id] = math.MaxUint32 - 1
		}
		z.reassembly.interleavedStream(id).next = math.MaxUint32 - 1
	}
	n := 0
	p.a.filter = func(Datagram) bool { n++; return n%5 != 0 }
	for i := range 30 {
		m := Message{Stream: uint16(i % 3), PPID: wire.PPID(i), Unordered: i%4 == 0, Data: bytes.Repeat([]byte{byte(i)}, 1+i*317)}
		require.NoError(t, a.Send(p.now, m))
	}
	p.pump()
	p.run(5 * time.Minute)
	require.Len(t, p.z.msgs, 30)
	last := map[uint16]wire.PPID{}
	for _, m := range p.z.msgs {
		require.Equal(t, bytes.Repeat([]byte{byte(m.PPID)}, 1+int(m.PPID)*317), m.Data)
		if !m.Unordered {
			require.LessOrEqual(t, last[m.Stream], m.PPID)
			last[m.Stream] = m.PPID
		}
	}
	require.EqualValues(t, 1, a.queue.nextMID[1][0], "unordered messages are counted by themselves: 0, 12 and 24 on stream 0")
	quiet(t, a, z)
}

// Section 2.3.2: "the two counters (one for the ordered messages, one for the
// unordered messages) used for the MIDs MUST be reset to 0."
func TestStreamResetResetsMIDs(t *testing.T) {
	p := newPair(t, interleaving(SchedulerRoundRobin))
	a, z := p.connect()
	send := func(text string) {
		for id := range uint16(2) {
			require.NoError(t, a.Send(p.now, Message{Stream: id, Data: []byte(text)}))
			require.NoError(t, a.Send(p.now, Message{Stream: id, Data: []byte(text), Unordered: true}))
		}
	}
	send("before")
	require.NoError(t, a.Send(p.now, Message{Stream: 1, Data: make([]byte, 50_000)}))
	require.NoError(t, a.ResetStreams(p.now, true, false, 1))
	send("after")
	p.pump()
	p.run(10 * time.Second)
	require.Len(t, p.z.msgs, 9)
	require.Equal(t, [2]wire.MID{2, 2}, [2]wire.MID{a.queue.nextMID[0][0], a.queue.nextMID[1][0]})
	require.Equal(t, [2]wire.MID{1, 1}, [2]wire.MID{a.queue.nextMID[0][1], a.queue.nextMID[1][1]})
	require.EqualValues(t, 1, z.reassembly.interleavedStream(1).next)
	require.Len(t, eventsOf[EventStreamReset](p.z.events), 1)
	require.Equal(t, "after", string(p.z.msgs[len(p.z.msgs)-1].Data))
	// Nothing to do: only the unordered counter is not at 0.
	require.NoError(t, a.ResetStreams(p.now, true, false, 1))
	p.pump()
	p.run(time.Second)
	require.NoError(t, a.Send(p.now, Message{Stream: 1, Data: []byte("u"), Unordered: true}))
	p.pump()
	p.run(time.Second)
	require.False(t, a.nothingToReset([]uint16{1}))
	quiet(t, a, z)
}

// The SSN/TSN reset of the association gives up what is outstanding of several
// messages, and of each the rest.
func TestAssociationResetWithInterleavedMessages(t *testing.T) {
	p := newPair(t, interleaving(SchedulerRoundRobin))
	a, z := p.connect()
	lose := true
	p.a.filter = func(Datagram) bool { return !lose }
	for id := range uint16(3) {
		require.NoError(t, a.Send(p.now, Message{Stream: id, Data: make([]byte, 100_000)}))
	}
	p.pump()
	require.Len(t, a.queue.begun(), 3)
	require.NoError(t, a.Send(p.now, Message{Stream: 9, Data: []byte("later")}))
	lose = false
	require.NoError(t, z.ResetAssociation(p.now))
	p.pump()
	p.run(10 * time.Second)
	failed := eventsOf[EventSendFailed](p.a.events)
	require.Len(t, failed, 3)
	for _, e := range failed {
		require.True(t, e.Sent)
		require.Len(t, e.Message.Data, 100_000)
	}
	require.Equal(t, []string{"9:later"}, texts(p.z))
	quiet(t, a, z)
}

// A restarted peer may have changed its mind about interleaving.
func TestRestartNegotiatesInterleavingAnew(t *testing.T) {
	p := newPair(t, interleaving(SchedulerPriority))
	_, z := p.connect()
	require.NoError(t, z.SetScheduler(SchedulerWeightedFairQueueing))
	require.NoError(t, z.SetStreamValue(3, 9))
	port := p.a.assocs[0].LocalPort()
	require.NoError(t, z.Send(p.now, Message{Stream: 3, Data: make([]byte, 50_000)}))
	p.reborn(Config{HeartbeatInterval: -1}, "10.0.0.1", "10.1.0.1")
	a := p.dialFrom(p.a, port, "10.0.0.2", 5000)
	p.pump()
	p.run(time.Second)
	require.Equal(t, StateEstablished, a.State())
	require.EqualValues(t, 1, z.Stats().Restarts)
	require.False(t, z.Interleaving())
	require.Equal(t, SchedulerWeightedFairQueueing, z.Scheduler())
	require.EqualValues(t, 9, z.queue.streams.stream(3).value)
	require.NoError(t, z.Send(p.now, Message{Stream: 3, Data: []byte("new")}))
	p.pump()
	p.run(time.Second)
	require.Equal(t, []string{"3:new"}, texts(p.a))
	quiet(t, a, z)
}

// Large messages of many streams at a time: together they are larger than the
// receive buffer, and none can be read before it is complete.
func TestInterleavedMessagesLargerThanTheWindow(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.RecvBuffer, cfg.SendBuffer, cfg.MaxMessageSize = 20_000, 4<<20, 1<<20
	p := newPair(t, cfg)
	a, z := p.connect()
	for id := range uint16(10) {
		require.NoError(t, a.Send(p.now, Message{Stream: id, Data: make([]byte, 50_000)}))
	}
	p.pump()
	p.run(time.Minute)
	require.Len(t, p.z.msgs, 10)
	quiet(t, a, z)
}

// Beyond what there is room for, nothing would ever become complete: the
// association is aborted instead of standing still.
func TestTooMuchInterleaved(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.RecvBuffer, cfg.SendBuffer, cfg.MaxMessageSize = 20_000, 4<<20, 100_000
	p := newPair(t, cfg)
	a, z := p.connect()
	for id := range uint16(10) {
		require.NoError(t, a.Send(p.now, Message{Stream: id, Data: make([]byte, 50_000)}))
	}
	p.pump()
	p.run(time.Minute)
	require.Equal(t, StateClosed, z.State())
	require.ErrorContains(t, a.Err(), "Out of Resource")

	x, z := interleavedTester(t, Config{Interleaving: true, MaxMessageSize: 3000})
	x.say(x.idata(wire.IData{Flags: wire.DataBegin, Payload: make([]byte, 1400)}))
	x.say(x.idata(wire.IData{Flags: wire.DataBegin, Stream: 1, Payload: make([]byte, 1400)}), x.idata(wire.IData{FSN: 2, Payload: make([]byte, 1400)}))
	require.Equal(t, StateEstablished, z.State(), "no message is too large yet")
	x.say(x.idata(wire.IData{FSN: 1, Payload: make([]byte, 1400)}))
	require.Equal(t, StateClosed, z.State())
}

// A conversation to read: the extensions in INIT and INIT ACK, a large message
// which small ones pass on other streams, one that is lost and skipped.
func TestInterleavedConversation(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.NoAuth = true // whose random numbers fill the INIT
	p := newPair(t, cfg)
	tr := newTranscript(p)
	a, z := p.connect()
	tr.note("stream 0: 3000 bytes, then a small message; stream 1: two small ones, one of them unordered")
	send := func(m Message) { require.NoError(t, a.Send(p.now, m)) }
	send(Message{Stream: 0, PPID: 1, Data: make([]byte, 3000)})
	send(Message{Stream: 0, PPID: 2, Data: []byte("behind")})
	send(Message{Stream: 1, PPID: 3, Data: []byte("passes")})
	send(Message{Stream: 1, PPID: 4, Data: []byte("passes, too"), Unordered: true})
	p.pump()
	p.run(time.Second)
	tr.note("both parts of a message of 2000 bytes are lost, which is not sent again")
	loseMessage(p.a, 2, false)
	send(Message{Stream: 2, PPID: 5, Data: make([]byte, 2000), Unordered: true, Reliability: MaxRetransmissions(0)})
	p.pump()
	p.run(3 * time.Second)
	tr.note("stream 1 is reset")
	require.NoError(t, a.ResetStreams(p.now, true, false, 1))
	send(Message{Stream: 1, PPID: 6, Data: []byte("MID 0 again")})
	p.pump()
	p.run(time.Second)
	require.Len(t, p.z.msgs, 5)
	quiet(t, a, z)
	tr.check(t)
}

// Config.LinuxFSN numbers fragments from 0 behind the first, and reads them so.
func TestLinuxFSN(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.LinuxFSN = true
	p := newPair(t, cfg)
	a, z := p.connect()
	var fsns []wire.FSN
	p.a.filter = func(d Datagram) bool {
		for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			if i, err := wire.ParseIData(c); err == nil && i.Flags&wire.DataBegin == 0 {
				fsns = append(fsns, i.FSN)
			}
		}
		return true
	}
	require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 5000)}))
	p.pump()
	p.run(time.Second)
	require.Equal(t, []wire.FSN{0, 1, 2}, fsns)
	require.Len(t, p.z.msgs, 1)
	require.Len(t, p.z.msgs[0].Data, 5000)
	quiet(t, a, z)
}

// While the answer to an SSN/TSN Reset Request is awaited, what the peer sends is held
// and may fill the window: that passes, and the association does not end for it,
// though an interleaved message is not complete.
func TestWindowFullDuringAssociationReset(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.RecvBuffer, cfg.HeartbeatInterval = 16<<10, -1
	p := newPair(t, cfg)
	_, z := p.connect()
	// Z has the beginning of a message when it asks.
	begin := wire.IData{Flags: wire.DataBegin, TSN: z.tracker.cum.Add(1), Stream: 1, MID: 0, Payload: make([]byte, 100)}
	p.inject(p.z, z, begin.Append(nil))
	require.NoError(t, z.ResetAssociation(p.now))
	p.z.filter = func(Datagram) bool { return false }
	p.flush(p.z)
	require.True(t, z.resetUnderWay())
	for i := range 40 {
		d := wire.IData{Flags: wire.DataBegin | wire.DataEnd, TSN: z.tracker.cum.Add(1), Stream: 2, MID: wire.MID(i), Payload: make([]byte, 1000)}
		p.inject(p.z, z, d.Append(nil))
	}
	require.Equal(t, StateEstablished, z.State())
	require.Zero(t, z.arwnd())
}
