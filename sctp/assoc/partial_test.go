// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// dropData loses the DATA chunks of an endpoint for which lose says so.
func dropData(e *endpoint, lose func(d *wire.Data) bool) {
	e.filter = func(p Datagram) bool {
		for c := range wire.Chunks(p.Data[wire.HeaderLen:]) {
			if d, err := wire.ParseData(c); err == nil && lose(&d) {
				return false
			}
		}
		return true
	}
}

func countChunks(e *endpoint, typ wire.ChunkType) *int {
	n := new(int)
	old := e.filter
	e.filter = func(p Datagram) bool {
		for c := range wire.Chunks(p.Data[wire.HeaderLen:]) {
			if c.Type == typ {
				*n++
			}
		}
		return old == nil || old(p)
	}
	return n
}

// quiet checks that nothing is left on either side.
func quiet(t *testing.T, as ...*Association) {
	t.Helper()
	for _, a := range as {
		require.Zero(t, a.queue.bytes)
		require.Zero(t, a.queue.partial)
		require.Zero(t, a.out.count())
		require.Zero(t, a.out.bytes)
		require.Zero(t, a.out.inFlight)
		require.Zero(t, a.out.abandoned)
		require.Zero(t, a.out.marked)
		require.Zero(t, a.reassembly.held)
		require.Zero(t, a.reassembly.heldRuns)
		require.Empty(t, a.reassembly.runs)
		require.Zero(t, a.reassembly.incomplete)
		for _, page := range a.reassembly.interleavedPages {
			for i := range page {
				require.Empty(t, page[i].runs)
			}
		}
		require.Zero(t, a.queue.n)
		require.Zero(t, a.queue.unsent)
		if q := a.queue.streams; q != nil {
			require.Empty(t, q.active)
			require.True(t, q.open == nil && q.filling == nil)
		}
		for _, p := range a.paths {
			require.Zero(t, p.flightSize)
		}
	}
}

// Whatever the policy, what is lost for good is skipped, in order or not, whole
// or in fragments; the rest arrives, and who sent it is told.
func TestPartialReliability(t *testing.T) {
	for _, pol := range []struct {
		rel   Reliability
		sends int // of a chunk that is lost each time
	}{
		{Lifetime(50 * time.Millisecond), 1},
		{Lifetime(1500 * time.Millisecond), 2},
		{MaxRetransmissions(0), 1},
		{MaxRetransmissions(2), 3},
	} {
		for _, size := range []int{100, 5000} {
			for _, unordered := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v %d, %d bytes, unordered %v", pol.rel.policy, pol.rel.value, size, unordered), func(t *testing.T) {
					p := newPair(t, Config{NoNagle: true, HeartbeatInterval: -1})
					a, z := p.connect()
					lost := 0
					dropData(p.a, func(d *wire.Data) bool {
						if d.PPID == 9 && d.Flags&wire.DataBegin != 0 {
							lost++
							return true
						}
						return false
					})
					send := func(ppid wire.PPID, rel Reliability, size int) {
						require.NoError(t, a.Send(p.now, Message{PPID: ppid, Data: bytes.Repeat([]byte{byte(ppid)}, size), Unordered: unordered, Reliability: rel}))
						p.pump()
					}
					send(1, Reliability{}, 10)
					send(9, pol.rel, size)
					send(2, Reliability{}, 10)
					p.run(20 * time.Second)
					send(3, Reliability{}, 10)
					p.run(time.Second)
					var got []wire.PPID
					for _, m := range p.z.msgs {
						got = append(got, m.PPID)
					}
					require.Equal(t, []wire.PPID{1, 2, 3}, got)
					sends := pol.sends
					if size > 1460 && pol.rel.policy == PRLifetime {
						sends++ // the other fragments make it a fast retransmission
					}
					require.Equal(t, sends, lost)
					failed := eventsOf[EventSendFailed](p.a.events)
					require.Len(t, failed, 1)
					require.True(t, failed[0].Sent)
					require.Equal(t, pol.rel.policy, failed[0].Abandoned)
					require.Len(t, failed[0].Message.Data, size)
					require.Equal(t, Abandoned{Sent: 1}, a.Abandoned(pol.rel.policy))
					require.Equal(t, Abandoned{Sent: 1}, a.AbandonedOn(0, PRNone))
					require.Zero(t, a.AbandonedOn(1, PRNone))
					require.Equal(t, StateEstablished, z.State())
					quiet(t, a, z)
				})
			}
		}
	}
}

// RFC 3758, Section 4.1, TR3: what expires before it has a TSN gets none, and
// nobody but the user is told.
func TestExpiredBeforeSending(t *testing.T) {
	for _, announced := range []bool{true, false} {
		p := newPair(t, Config{NoPartialReliability: !announced, RecvBuffer: 4000, HeartbeatInterval: -1})
		a, z := p.connect()
		p.z.slow = true
		forwards := countChunks(p.a, wire.ChunkForwardTSN)
		n := 0
		for ; n == 0 || a.peerArwnd >= 1200; n++ {
			require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 1000)}))
			p.pump()
			p.run(3 * time.Second)
		}
		require.True(t, a.queue.empty())
		next := a.out.next
		require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 1300), Reliability: Lifetime(100 * time.Millisecond)}))
		require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 1300), Reliability: Lifetime(math.MaxInt64)}))
		early, _ := a.Deadline()
		require.LessOrEqual(t, early.Sub(p.now), 100*time.Millisecond)
		p.run(200 * time.Millisecond)
		require.Equal(t, Abandoned{Unsent: 1}, a.Abandoned(PRLifetime))
		require.Equal(t, next, a.out.next)
		p.z.slow = false
		p.z.drain(p.now)
		p.run(10 * time.Second)
		require.Len(t, p.z.msgs, n+1)
		require.Zero(t, *forwards)
		quiet(t, a, z)
	}
}

// With a peer that does not know RFC 3758, what has been sent is reliable.
func TestPolicyWithoutExtension(t *testing.T) {
	p := newPair(t, Config{NoPartialReliability: true, HeartbeatInterval: -1})
	a, z := p.connect()
	n := 0
	dropData(p.a, func(*wire.Data) bool { n++; return n < 3 })
	for _, rel := range []Reliability{MaxRetransmissions(0), Lifetime(time.Millisecond), Priority(4)} {
		require.NoError(t, a.Send(p.now, Message{Data: []byte("x"), Reliability: rel}))
	}
	p.pump()
	p.run(20 * time.Second)
	require.Len(t, p.z.msgs, 3)
	require.Zero(t, a.Abandoned(PRNone))
	quiet(t, a, z)
}

// RFC 7496, Section 3.2: lower priorities make room, the lowest first; the
// unsent ones of the same before those sent.
func TestPriorityMakesRoom(t *testing.T) {
	const size = 1000
	p := newPair(t, Config{SendBuffer: 8 * (size + perMessageCost), HeartbeatInterval: -1})
	a, z := p.connect()
	dead := true
	p.a.filter = func(Datagram) bool { return !dead }
	send := func(id wire.PPID, rel Reliability) error {
		err := a.Send(p.now, Message{PPID: id, Data: make([]byte, size), Reliability: rel})
		p.pump()
		return err
	}
	for i := range 8 {
		require.NoError(t, send(wire.PPID(i), Priority(uint32(5+i%2))))
	}
	require.ErrorIs(t, send(10, Priority(6)), ErrWouldBlock, "not of the same priority")
	require.ErrorIs(t, send(10, MaxRetransmissions(0)), ErrWouldBlock)
	require.NoError(t, send(10, Priority(5)))
	require.NoError(t, send(11, Reliability{}))
	failed := eventsOf[EventSendFailed](p.a.events)
	require.Len(t, failed, 2)
	for i, e := range failed {
		require.EqualValues(t, 6, e.Message.Reliability.value)
		require.Equal(t, i > 0 && failed[0].Sent, e.Sent, "unsent ones first")
	}
	for range 7 {
		require.NoError(t, send(12, Reliability{}))
	}
	require.ErrorIs(t, send(12, Reliability{}), ErrWouldBlock, "all of them are reliable")
	dead = false
	p.run(30 * time.Second)
	require.Len(t, p.z.msgs, 8)
	require.Len(t, eventsOf[EventSendFailed](p.a.events), 9)
	n := a.Abandoned(PRPriority)
	require.EqualValues(t, len(eventsOf[EventSendFailed](p.a.events)), n.Sent+n.Unsent)
	quiet(t, a, z)
}

// A message is abandoned with the rest that has not been sent: that has one TSN
// and never goes.
func TestRestOfAMessageIsAbandoned(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: -1})
	a, z := p.connect()
	dead := true
	p.a.filter = func(Datagram) bool { return !dead }
	require.NoError(t, a.Send(p.now, Message{PPID: 1, Data: make([]byte, 100_000), Reliability: MaxRetransmissions(0)}))
	require.NoError(t, a.Send(p.now, Message{PPID: 2, Data: []byte("next")}))
	p.pump()
	require.NotZero(t, a.queue.peek().cut)
	dead = false
	p.run(20 * time.Second)
	require.Len(t, p.z.msgs, 1)
	require.EqualValues(t, 2, p.z.msgs[0].PPID)
	require.EqualValues(t, 1, a.Stats().AbandonedSent)
	quiet(t, a, z)
}

// A5 and C5: a FORWARD TSN that is lost is sent again, with the error counts of
// data, and ends an association whose peer has gone.
func TestForwardTSNIsRepeated(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: -1, AssociationMaxRetrans: 6})
	a, z := p.connect()
	dropData(p.a, func(*wire.Data) bool { return true })
	lost := 0
	drop := p.a.filter
	gone := false
	p.a.filter = func(d Datagram) bool {
		if c, _, err := wire.NextChunk(d.Data[wire.HeaderLen:]); err == nil && c.Type == wire.ChunkForwardTSN {
			if lost++; lost <= 3 {
				return false
			}
		}
		return drop(d) && !gone
	}
	require.NoError(t, a.Send(p.now, Message{Data: []byte("x"), Reliability: MaxRetransmissions(0)}))
	p.pump()
	p.run(60 * time.Second)
	require.Equal(t, 4, lost)
	require.Zero(t, a.errorCount)
	require.Zero(t, a.paths[0].errorCount)
	quiet(t, a, z)
	gone = true
	require.NoError(t, a.Send(p.now, Message{Data: []byte("x"), Reliability: MaxRetransmissions(0)}))
	p.pump()
	p.run(10 * time.Minute)
	require.Equal(t, StateClosed, a.State())
	require.Len(t, eventsOf[EventSendFailed](p.a.events), 2, "each once")
}

// A shutdown waits until the peer knows what will not come.
func TestShutdownAfterAbandonment(t *testing.T) {
	for _, rel := range []Reliability{MaxRetransmissions(0), Lifetime(100 * time.Millisecond)} {
		p := newPair(t, Config{})
		a, z := p.connect()
		dropData(p.a, func(*wire.Data) bool { return true })
		require.NoError(t, a.Send(p.now, Message{Data: []byte("x"), Reliability: rel}))
		a.Shutdown(p.now)
		p.pump()
		p.run(30 * time.Second)
		require.Equal(t, StateClosed, a.State())
		require.NoError(t, a.Err())
		require.Equal(t, StateClosed, z.State())
	}
}

func forwardTSN(tsn wire.TSN, streams ...wire.SkippedStream) []byte {
	return (&wire.ForwardTSN{NewCumTSN: tsn, Streams: streams}).Append(nil)
}

func partialTester(t *testing.T) (*tester, *Association) {
	x := newTester(t, Config{})
	x.init.Params = wire.AppendForwardTSNSupported(nil)
	return x, x.connect()
}

// RFC 3758, Section 3.6, the example: "the receiver's cumulative TSN point is
// first updated to 103 and then further advanced to 105."
func TestForwardTSNMovesCumulativeTSN(t *testing.T) {
	x, z := partialTester(t)
	first := x.init.InitialTSN
	for i, ssn := range map[uint32]wire.SSN{0: 0, 2: 2, 3: 3, 5: 5} {
		x.say((&wire.Data{Flags: whole, TSN: first.Add(i), SSN: ssn, Payload: []byte{byte(i)}}).Append(nil))
	}
	require.Equal(t, first, z.tracker.cum)
	require.Len(t, x.p.z.msgs, 1)
	x.say(forwardTSN(first.Add(1), wire.SkippedStream{Stream: 0, SSN: 1}))
	require.Equal(t, first.Add(3), z.tracker.cum)
	require.Len(t, x.p.z.msgs, 3, "what waited behind is delivered")
	// "MUST treat this FORWARD TSN as out-of-date and MUST NOT update its
	// Cumulative TSN. The receiver SHOULD send a SACK".
	for _, tsn := range []wire.TSN{first.Add(1), first.Add(3), first, first.Add(1 << 17), first.Add(1 << 31)} {
		x.say(forwardTSN(tsn, wire.SkippedStream{Stream: 0, SSN: 100}))
		x.chunkHeard(wire.ChunkSack)
		require.Equal(t, first.Add(3), z.tracker.cum)
	}
	// "if a TSN that was skipped does arrive ... the receiver will drop the chunk
	// and report it as a duplicate".
	x.say((&wire.Data{Flags: whole, TSN: first.Add(1), SSN: 1, Payload: []byte("late")}).Append(nil))
	var s wire.Sack
	require.NoError(t, wire.ParseSack(x.chunkHeard(wire.ChunkSack), &s))
	require.Equal(t, []wire.TSN{first.Add(1)}, s.Dups)
	require.Len(t, x.p.z.msgs, 3)
	// Streams that do not exist are passed over.
	x.say(forwardTSN(first.Add(4), wire.SkippedStream{Stream: 999, SSN: 4}, wire.SkippedStream{Stream: 0, SSN: 4}))
	require.Len(t, x.p.z.msgs, 4)
	require.Equal(t, StateEstablished, z.State())
	quiet(t, z)
}

// "The receiver MUST remove any partially reassembled message, which is still
// missing one or more TSNs earlier than or equal to the new cumulative TSN
// point", and no other.
func TestForwardTSNPurgesFragments(t *testing.T) {
	for _, tt := range []struct {
		name  string
		have  map[uint32]uint8 // offset: flags
		to    uint32
		then  map[uint32]uint8
		msgs  int
		runs  int
		state State
	}{
		{"begin lost", map[uint32]uint8{1: 0, 2: wire.DataEnd}, 2, nil, 0, 0, StateEstablished},
		{"end lost", map[uint32]uint8{0: wire.DataBegin, 1: 0}, 2, nil, 0, 0, StateEstablished},
		{"middle lost", map[uint32]uint8{0: wire.DataBegin, 2: wire.DataEnd}, 2, nil, 0, 0, StateEstablished},
		{"goes on after it", map[uint32]uint8{1: wire.DataBegin}, 0, map[uint32]uint8{2: wire.DataEnd}, 1, 0, StateEstablished},
		{"rest was never sent", map[uint32]uint8{0: wire.DataBegin, 1: 0, 2: whole}, 1, nil, 0, 0, StateEstablished},
		{"rest never sent, next message later", map[uint32]uint8{1: 0}, 1, map[uint32]uint8{2: whole}, 1, 0, StateEstablished},
		{"rest never sent, next one in fragments", map[uint32]uint8{1: 0}, 1, map[uint32]uint8{2: wire.DataBegin, 3: wire.DataEnd}, 1, 0, StateEstablished},
	} {
		for _, unordered := range []uint8{0, wire.DataUnordered} {
			t.Run(fmt.Sprintf("%s, %d", tt.name, unordered), func(t *testing.T) {
				x, z := partialTester(t)
				first := x.init.InitialTSN
				put := func(have map[uint32]uint8) {
					for off := range uint32(8) {
						if f, ok := have[off]; ok {
							ssn := wire.SSN(0)
							if f == whole || tt.then != nil && tt.then[2]&wire.DataBegin != 0 && off >= 2 {
								ssn = 1
							}
							x.say((&wire.Data{Flags: f | unordered, TSN: first.Add(off), SSN: ssn, Payload: []byte{1}}).Append(nil))
						}
					}
				}
				put(tt.have)
				if tt.name == "goes on after it" {
					x.say(forwardTSN(first.Add(tt.to)))
				} else {
					x.say(forwardTSN(first.Add(tt.to), wire.SkippedStream{Stream: 0, SSN: 0}))
				}
				put(tt.then)
				require.Equal(t, tt.state, z.State())
				require.Len(t, z.reassembly.runs, tt.runs)
				want := tt.msgs
				if tt.name == "rest was never sent" {
					want = 1
				}
				require.Len(t, x.p.z.msgs, want)
				quiet(t, z)
			})
		}
	}
}

// Section 3.3.1: without the parameter a FORWARD TSN is unknown, and reported.
func TestForwardTSNNotNegotiated(t *testing.T) {
	x := newTester(t, Config{})
	z := x.connect()
	x.say(forwardTSN(x.init.InitialTSN))
	x.chunkHeard(wire.ChunkError)
	require.Equal(t, x.init.InitialTSN.Add(^uint32(0)), z.tracker.cum)
}

func TestForwardTSNOfBadLength(t *testing.T) {
	x, z := partialTester(t)
	x.say(wire.AppendChunk(nil, wire.ChunkForwardTSN, 0, []byte{0, 0, 3}))
	x.say(wire.AppendChunk(nil, wire.ChunkForwardTSN, 0, []byte{0, 0, 3, 232, 0, 0}))
	require.Equal(t, x.init.InitialTSN.Add(^uint32(0)), z.tracker.cum)
	require.Equal(t, StateEstablished, z.State())
}

// C4: each stream once, as many as fit; the rest in another chunk.
func TestForwardTSNOfManyStreams(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: -1, MTU: 576, MaxBurst: -1})
	a, z := p.connect()
	a.paths[0].cc.cwnd = 1 << 20
	dropData(p.a, func(*wire.Data) bool { return true })
	for i := range uint16(1200) {
		require.NoError(t, a.Send(p.now, Message{Stream: i % 600, Data: []byte("x"), Reliability: MaxRetransmissions(0)}))
	}
	p.pump()
	forwards := countChunks(p.a, wire.ChunkForwardTSN)
	p.run(60 * time.Second)
	require.GreaterOrEqual(t, *forwards, 5)
	require.EqualValues(t, 1200, a.Abandoned(PRRetransmission).Sent)
	p.a.filter = nil
	for i := range uint16(600) {
		require.NoError(t, a.Send(p.now, Message{Stream: i, Data: []byte("y")}))
	}
	p.pump()
	p.run(10 * time.Second)
	require.Len(t, p.z.msgs, 600)
	quiet(t, a, z)
}

// A message of which a peer has abandoned the rest before it got a TSN needs no FORWARD TSN. What waits for it, or lies
// there in part, does not remain when the peer shuts down: nothing more will come.
func TestShutdownDeliversWhatWaits(t *testing.T) {
	x, z := partialTester(t)
	x.say(x.data(wire.Data{Flags: whole, SSN: 1, Payload: []byte("waits")}))
	x.say(x.data(wire.Data{Flags: wire.DataBegin, Stream: 1, Payload: []byte("never whole")}))
	require.Empty(t, x.p.z.msgs)
	require.Positive(t, z.buffered())
	x.say(wire.AppendShutdown(nil, z.initTSN.Add(^uint32(0))))
	require.Equal(t, []string{"0:waits"}, texts(x.p.z))
	require.Zero(t, z.Stats().RecvQueueBytes)
}
