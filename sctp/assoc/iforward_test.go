// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// loseMessage drops the I-DATA chunks of a message on a stream, or those that
// are not its first.
func loseMessage(e *endpoint, stream uint16, rest bool) (lost *int) {
	lost = new(int)
	e.filter = func(d Datagram) bool {
		for c, err := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			if err != nil || c.Type != wire.ChunkIData {
				continue
			}
			if i, err := wire.ParseIData(c); err == nil && i.Stream == stream && (!rest || i.FSN > 0) {
				*lost++
				return false
			}
		}
		return true
	}
	return lost
}

// RFC 8260, Section 2.3.1: "the new I-FORWARD-TSN chunk MUST be used instead of
// the FORWARD-TSN chunk", for ordered and unordered messages, whole or not. Those
// of other streams, which are under way at the same time, are not touched.
func TestInterleavedPartialReliability(t *testing.T) {
	for s := range Scheduler(schedulers) {
		for _, rel := range []Reliability{Lifetime(50 * time.Millisecond), MaxRetransmissions(0), MaxRetransmissions(2)} {
			for _, tt := range []struct {
				size            int
				unordered, rest bool
			}{{100, false, false}, {100, true, false}, {9000, false, false}, {9000, true, false}, {9000, false, true}, {9000, true, true}, {90_000, true, true}, {90_000, false, true}} {
				t.Run(fmt.Sprintf("%v, %v %d, %+v", s, rel.policy, rel.value, tt), func(t *testing.T) {
					cfg := interleaving(s)
					cfg.NoNagle = true
					p := newPair(t, cfg)
					a, z := p.connect()
					lost := loseMessage(p.a, 1, tt.rest)
					forwards, wrong := 0, 0
					lose := p.a.filter
					p.a.filter = func(d Datagram) bool {
						for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
							switch c.Type {
							case wire.ChunkIForwardTSN:
								forwards++
							case wire.ChunkForwardTSN:
								wrong++
							}
						}
						return lose(d)
					}
					send := func(m Message) { require.NoError(t, a.Send(p.now, m)) }
					for i := range 3 {
						send(Message{Stream: 2, Data: make([]byte, 7000), Unordered: i == 1})
					}
					send(Message{Stream: 1, PPID: 9, Data: make([]byte, tt.size), Unordered: tt.unordered, Reliability: rel})
					p.pump()
					p.run(30 * time.Second)
					require.Positive(t, *lost)
					require.Len(t, p.z.msgs, 3, "what others have sent arrives")
					require.EqualValues(t, 1, a.Stats().AbandonedSent)
					require.Positive(t, forwards)
					require.Zero(t, wrong)
					p.a.filter = nil
					for range 2 {
						send(Message{Stream: 1, PPID: 10, Data: []byte("goes on"), Unordered: tt.unordered})
					}
					p.pump()
					p.run(time.Second)
					require.Len(t, p.z.msgs, 5)
					quiet(t, a, z)
				})
			}
		}
	}
}

func iforwardTSN(tsn wire.TSN, skipped ...wire.SkippedMessage) []byte {
	return (&wire.IForwardTSN{NewCumTSN: tsn, Streams: skipped}).Append(nil)
}

// "the principle applied to ordered messages when using FORWARD-TSN chunks is
// applied to ordered and unordered messages": what is incomplete up to the MID
// goes, what is complete is delivered, and ordered and unordered messages do not
// touch each other.
func TestIForwardTSNSkips(t *testing.T) {
	const b, e, u = wire.DataBegin, wire.DataEnd, wire.DataUnordered
	x, z := interleavedTester(t, interleaving(0))
	say := func(flags uint8, mid wire.MID, fsn wire.FSN, text string) {
		x.say(x.idata(wire.IData{Flags: flags, Stream: 3, MID: mid, FSN: fsn, Payload: []byte(text)}))
	}
	say(b, 0, 0, "ordered 0 without end")
	say(b|u, 0, 0, "unordered 0 without end")
	say(b|u, 5, 0, "unordered 5")
	say(b|e, 1, 0, "ordered 1")
	say(e, 2, 1, "ordered 2 without beginning")
	say(b, 4, 0, "ordered 4")
	require.Empty(t, x.p.z.msgs)
	last := x.tsn.Add(^uint32(0))

	x.tsn++ // what was never sent
	x.say(iforwardTSN(last.Add(1), wire.SkippedMessage{Stream: 3, MID: 0}, wire.SkippedMessage{Stream: 999, MID: 1}))
	require.Equal(t, []string{"3:ordered 1"}, texts(x.p.z))
	require.Equal(t, last.Add(1), z.tracker.cum)

	x.say(iforwardTSN(last.Add(2), wire.SkippedMessage{Stream: 3, Unordered: true, MID: 4}))
	x.tsn++
	require.Len(t, z.reassembly.interleavedStream(3).runs, 3, "unordered 0 is gone")
	say(e|u, 5, 1, " arrives")
	require.Equal(t, []string{"3:ordered 1", "3:unordered 5 arrives"}, texts(x.p.z))

	x.say(iforwardTSN(last.Add(4), wire.SkippedMessage{Stream: 3, MID: 3}))
	x.tsn++
	say(b, 2, 0, "late") // it is in no order any more
	say(e, 4, 1, " arrives")
	require.Equal(t, []string{"3:ordered 1", "3:unordered 5 arrives", "3:ordered 4 arrives"}, texts(x.p.z))
	require.Zero(t, z.buffered()-z.reassembly.unread-z.reassembly.unreadMessages*perUnreadCost)
	require.EqualValues(t, 5, z.reassembly.interleavedStream(3).next)

	// Out of date: nothing of it counts.
	x.say(iforwardTSN(last, wire.SkippedMessage{Stream: 3, MID: 100}))
	x.chunkHeard(wire.ChunkSack)
	require.EqualValues(t, 5, z.reassembly.interleavedStream(3).next)
	// A MID from long ago does not lead back.
	x.say(iforwardTSN(x.tsn, wire.SkippedMessage{Stream: 3, MID: 2}))
	require.EqualValues(t, 5, z.reassembly.interleavedStream(3).next)
	require.Equal(t, StateEstablished, z.State())
	quiet(t, z)
}

// RFC 3758, Section 3.5, C4: each stream once for ordered and once for unordered
// messages, as many as fit; the rest in another chunk.
func TestIForwardTSNOfManyStreams(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.MTU, cfg.MaxBurst = 576, -1
	p := newPair(t, cfg)
	a, z := p.connect()
	a.paths[0].cc.cwnd = 1 << 20
	p.a.filter = dropChunk(wire.ChunkIData, 1<<30)
	for i := range 1200 {
		require.NoError(t, a.Send(p.now, Message{Stream: uint16(i % 300), Unordered: i%2 == i/600, Data: []byte("x"), Reliability: MaxRetransmissions(0)}))
	}
	p.pump()
	forwards := countChunks(p.a, wire.ChunkIForwardTSN)
	p.run(60 * time.Second)
	require.GreaterOrEqual(t, *forwards, 5)
	require.EqualValues(t, 1200, a.Abandoned(PRRetransmission).Sent)
	p.a.filter = nil
	for i := range uint16(300) {
		require.NoError(t, a.Send(p.now, Message{Stream: i, Data: []byte("y")}))
	}
	p.pump()
	p.run(10 * time.Second)
	require.Len(t, p.z.msgs, 300)
	quiet(t, a, z)
}

// Send needs the memory of messages with a lower priority, several of which are
// under way, also when all that was sent of one has been acknowledged.
func TestPriorityMakesRoomAmongInterleavedMessages(t *testing.T) {
	cfg := interleaving(SchedulerRoundRobin)
	cfg.SendBuffer = 200_000
	p := newPair(t, cfg)
	a, z := p.connect()
	sent := 0
	for id := range uint16(3) {
		require.NoError(t, a.Send(p.now, Message{Stream: id, Data: make([]byte, 60_000), Reliability: Priority(5)}))
	}
	p.flush(p.a)
	for range 2 { // the second time what was delayed
		p.deliver(p.z)
		p.now = p.now.Add(time.Second)
		z.HandleTimeout(p.now)
		p.flush(p.z)
		p.deliver(p.a)
	}
	require.Len(t, a.queue.begun(), 3)
	require.Zero(t, a.out.count())
	for range 3 {
		require.NoError(t, a.Send(p.now, Message{Stream: 7, Data: make([]byte, 60_000)}))
		sent++
	}
	require.ErrorIs(t, a.Send(p.now, Message{Stream: 7, Data: make([]byte, 60_000)}), ErrWouldBlock)
	require.EqualValues(t, 3, a.Abandoned(PRPriority).Sent)
	p.pump()
	p.run(time.Minute)
	require.Len(t, p.z.msgs, sent)
	quiet(t, a, z)
}
