// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// tsnsHeard lists the TSNs of the DATA chunks in the last answers, packet by
// packet, and how many bytes of user data they have.
func (x *tester) tsnsHeard() (packets [][]wire.TSN, size int) {
	for _, d := range x.heard {
		var in []wire.TSN
		for c, err := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			require.NoError(x.t, err)
			if c.Type == wire.ChunkData {
				dc, err := wire.ParseData(c)
				require.NoError(x.t, err)
				in = append(in, dc.TSN)
				size += len(dc.Payload)
			}
		}
		if in != nil {
			packets = append(packets, in)
		}
	}
	return packets, size
}

// user has Z's user send n messages.
func (x *tester) user(z *Association, n, size int) []string {
	x.t.Helper()
	x.heard = nil
	for range n {
		require.NoError(x.t, z.Send(x.p.now, Message{Data: make([]byte, size)}))
	}
	x.p.flush(x.p.z)
	return x.answers()
}

// RFC 9260, Section 6.1, A: a closed window.
func TestProbesOfAClosedWindow(t *testing.T) {
	x := newTester(t, Config{})
	z := x.connect()
	began := x.ack.InitialTSN
	x.user(z, 1, 1000)
	require.Len(t, x.heard, 1)
	x.user(z, 20, 1000) // what is outstanding keeps some back
	sent := z.out.next
	x.say(x.sack(sent.Add(^uint32(0)-1), 0))
	require.Empty(t, one(x.tsnsHeard()), "something is in flight")
	x.say(x.sack(sent.Add(^uint32(0)), 0))
	require.Empty(t, one(x.tsnsHeard()))
	require.Zero(t, z.out.count())
	require.Empty(t, x.wait(900*time.Millisecond))
	var gaps []time.Duration
	last := x.p.now
	for len(gaps) < 8 {
		x.wait(100 * time.Millisecond)
		packets, _ := x.tsnsHeard()
		if len(packets) == 0 {
			continue
		}
		require.Equal(t, [][]wire.TSN{{sent}}, packets, "one probe")
		gaps = append(gaps, x.p.now.Sub(last))
		last = x.p.now
		x.say(x.sack(sent.Add(^uint32(0)), 0))
	}
	for i := 2; i < 5; i++ {
		require.InDelta(t, 2, gaps[i].Seconds()/gaps[i-1].Seconds(), 0.6, "%v", gaps)
	}
	for range 12 {
		x.wait(time.Minute)
		x.say(x.sack(sent.Add(^uint32(0)), 0))
	}
	require.Equal(t, StateEstablished, z.State(), "answered probes do not count")
	for z.queue.len() > 0 || z.out.count() > 0 {
		x.say(x.sack(z.out.next.Add(^uint32(0)), 65535))
	}
	require.Equal(t, began.Add(21), z.out.next)
}

// RFC 9260, Section 6.2.1: the outstanding data stays within a_rwnd, and an old
// SACK changes nothing.
func TestReceiverWindowIsRespected(t *testing.T) {
	x := newTester(t, Config{})
	x.init.ARwnd = 3000
	z := x.connect()
	x.user(z, 40, 500)
	_, size := x.tsnsHeard()
	require.LessOrEqual(t, size, 3000)
	n := x.ack.InitialTSN
	x.say(x.sack(n.Add(1), 65535))
	before := z.peerArwnd
	require.Empty(t, x.say(x.sack(n, 0)))
	require.Equal(t, before, z.peerArwnd)
	require.Equal(t, []string{"ABORT {Protocol Violation \"SACK acknowledges a TSN that was never sent\"}"},
		x.say(x.sack(n.Add(1000), 0)))
	require.Regexp(t, "^ABORT T", x.say(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, nil))[0])
}

// RFC 9260, Section 6.2: "When the receiver's advertised window is 0, the
// receiver MUST drop any new incoming DATA chunk".
func TestClosedWindowDrops(t *testing.T) {
	x := newTester(t, Config{RecvBuffer: 8000})
	x.p.z.slow = true
	z := x.connect()
	for range 20 {
		if x.say(x.data(wire.Data{Flags: whole | wire.DataUnordered, Payload: make([]byte, 1000)})); z.ack.advertised == 0 {
			break
		}
	}
	x.wait(200 * time.Millisecond)
	require.Zero(t, z.ack.advertised)
	cum := z.tracker.cum
	for range 2 {
		x.say(x.data(wire.Data{Flags: whole | wire.DataUnordered, Payload: make([]byte, 1000)}))
		var s wire.Sack
		require.NoError(t, wire.ParseSack(x.chunkHeard(wire.ChunkSack), &s))
		require.Equal(t, wire.Sack{CumTSNAck: cum, Gaps: s.Gaps[:0], Dups: s.Dups[:0]}, s)
	}
	x.p.z.drain(x.p.now)
	x.heard = nil
	x.p.flush(x.p.z)
	var s wire.Sack
	require.NoError(t, wire.ParseSack(x.chunkHeard(wire.ChunkSack), &s), "a window update")
	require.EqualValues(t, 8000, s.ARwnd)
}

// RFC 9260, Section 6.2: "the receiver SHOULD NOT" open the window while it
// holds fragments of a message.
func TestWindowWhileFragmentsAreHeld(t *testing.T) {
	x := newTester(t, Config{RecvBuffer: 100_000})
	z := x.connect()
	x.say(x.data(wire.Data{Flags: wire.DataBegin, Payload: make([]byte, 1000)}))
	last := z.ack.advertised
	for range 50 {
		x.say((&wire.Data{TSN: x.tsn, Payload: make([]byte, 1000)}).Append(nil))
		x.tsn++
		x.wait(time.Second)
		require.LessOrEqual(t, z.ack.advertised, last)
		last = z.ack.advertised
	}
}

// RFC 9260, Section 7.2.1: the initial window.
func TestInitialWindowOnTheWire(t *testing.T) {
	x := newTester(t, Config{})
	x.init.ARwnd = 1 << 20
	z := x.connect()
	x.user(z, 100, 1000)
	_, size := x.tsnsHeard()
	pmdcs := 1460
	require.Less(t, size, min(4*pmdcs, max(2*pmdcs, 4404))+pmdcs)
	total := size
	acked := 0
	for range 30 {
		c := z.out.at(z.out.cumAck.Add(1))
		acked += c.size()
		x.say(x.sack(z.out.cumAck.Add(1), 1<<20))
		_, size := x.tsnsHeard()
		total += size
		require.LessOrEqual(t, total-acked, 4404+acked+pmdcs-1)
	}
}

// RFC 9260, Section 7.2.4: three reports, of new acknowledgements each.
func TestFastRetransmitNeedsThreeNewReports(t *testing.T) {
	x := newTester(t, Config{NoNagle: true, MaxBurst: -1})
	x.init.ARwnd = 1 << 20
	z := x.connect()
	for range 8 {
		x.user(z, 1, 100)
	}
	n := x.ack.InitialTSN
	gap := func(end uint16) []byte { return x.sack(n.Add(^uint32(0)), 1<<20, wire.GapAckBlock{Start: 2, End: end}) }
	for range 5 {
		require.Empty(t, x.say(gap(2)), "the same report again is none")
	}
	require.Empty(t, x.say(gap(3)))
	x.say(gap(4))
	packets, _ := x.tsnsHeard()
	require.Equal(t, [][]wire.TSN{{n}}, packets)
	require.EqualValues(t, 1, z.Stats().FastRetransmissions)
}

// RFC 9260, Section 6.3.3: "Bundle and retransmit those K DATA chunks in a
// single packet", with pauses that double; Section 8.1: at most
// Association.Max.Retrans times.
func TestRetransmissionsOfUnackedData(t *testing.T) {
	x := newTester(t, Config{NoNagle: true, AssociationMaxRetrans: 4, PathMaxRetrans: 3})
	z := x.connect()
	for range 6 {
		x.user(z, 1, 20)
	}
	var at []time.Duration
	began := x.p.now
	for z.State() != StateClosed {
		x.wait(100 * time.Millisecond)
		for _, in := range one(x.tsnsHeard()) {
			require.Len(t, in, 6)
			at = append(at, x.p.now.Sub(began).Round(100*time.Millisecond))
		}
	}
	require.Equal(t, []time.Duration{time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second}, at)
	require.Regexp(t, "^ABORT T", x.say(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, nil))[0])
}

func one[A, B any](a A, _ B) A { return a }

// RFC 9260, Section 6.5: SSNs begin with 0 on each stream, wrap, and unordered
// messages have none; Section 6.9: fragments.
func TestWhatIsOnTheWire(t *testing.T) {
	x := newTester(t, Config{NoNagle: true, MaxBurst: -1})
	x.init.ARwnd = 1 << 24
	z := x.connect()
	heard := func(m Message) (out []wire.Data) {
		x.heard = nil
		require.NoError(t, z.Send(x.p.now, m))
		for x.p.flush(x.p.z); ; {
			n := len(out)
			for _, d := range x.heard {
				require.LessOrEqual(t, len(d.Data), 1472)
				for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
					if c.Type == wire.ChunkData {
						dc, err := wire.ParseData(c)
						require.NoError(t, err)
						out = append(out, dc)
					}
				}
			}
			if len(out) == n {
				return out
			}
			x.say(x.sack(z.out.next.Add(^uint32(0)), 1<<24))
		}
	}
	for stream := range uint16(3) {
		require.Zero(t, heard(Message{Stream: stream, Data: []byte("x")})[0].SSN)
	}
	u := heard(Message{Stream: 1, Unordered: true, Data: make([]byte, 5000)})
	require.GreaterOrEqual(t, len(u), 4)
	for _, d := range u {
		require.NotZero(t, d.Flags&wire.DataUnordered)
	}
	o := heard(Message{Stream: 1, PPID: 0x01020304, Data: bytes.Repeat([]byte("m"), 5000)})
	for i, d := range o {
		require.EqualValues(t, 1, d.SSN)
		require.EqualValues(t, 0x01020304, d.PPID)
		require.Equal(t, o[0].TSN.Add(uint32(i)), d.TSN)
		require.Equal(t, i == 0, d.Flags&wire.DataBegin != 0)
		require.Equal(t, i == len(o)-1, d.Flags&wire.DataEnd != 0)
	}
	z.queue.nextSSN[2] = 65535
	require.EqualValues(t, 65535, heard(Message{Stream: 2, Data: []byte("x")})[0].SSN)
	require.EqualValues(t, 0, heard(Message{Stream: 2, Data: []byte("x")})[0].SSN)
}

// RFC 9260, Sections 9.1 and 9.2: what ends an association.
func TestEndings(t *testing.T) {
	t.Run("SHUTDOWN-RECEIVED", func(t *testing.T) {
		x := newTester(t, Config{})
		z := x.connect()
		x.user(z, 1, 10)
		cum := x.ack.InitialTSN
		require.Empty(t, x.say(wire.AppendShutdown(nil, cum.Add(^uint32(0)))))
		x.alive()
		x.wait(time.Second)
		require.Len(t, one(x.tsnsHeard()), 1, "retransmitted")
		require.Equal(t, []string{"SHUTDOWN ACK"}, x.say(wire.AppendShutdown(nil, cum)))
	})
	t.Run("SHUTDOWN ACKs", func(t *testing.T) {
		x := newTester(t, Config{AssociationMaxRetrans: 3, PathMaxRetrans: 3})
		z := x.connect()
		n := len(x.say(wire.AppendShutdown(nil, z.out.cumAck)))
		n += len(x.wait(10 * time.Minute))
		require.Equal(t, 1+3, n)
		require.Equal(t, StateClosed, z.State())
	})
	t.Run("SHUTDOWNs", func(t *testing.T) {
		x := newTester(t, Config{AssociationMaxRetrans: 3, PathMaxRetrans: 3})
		z := x.connect()
		z.Shutdown(x.p.now)
		x.heard = nil
		x.p.flush(x.p.z)
		n := len(x.heard)
		for _, a := range x.wait(10 * time.Minute) {
			if strings.HasPrefix(a, "SHUTDOWN") {
				n++
			}
		}
		require.Equal(t, 1+3, n)
	})
	t.Run("SHUTDOWN meets SHUTDOWN", func(t *testing.T) {
		x := newTester(t, Config{})
		z := x.connect()
		z.Shutdown(x.p.now)
		x.p.flush(x.p.z)
		require.Equal(t, []string{"SHUTDOWN ACK"}, x.say(wire.AppendShutdown(nil, z.out.cumAck)))
		require.Empty(t, x.say(wire.AppendShutdownComplete(nil, false)))
		require.Equal(t, StateClosed, z.State())
	})
	t.Run("duplicate in SHUTDOWN-SENT", func(t *testing.T) {
		x := newTester(t, Config{})
		z := x.connect()
		x.say(x.at(0))
		z.Shutdown(x.p.now)
		x.p.flush(x.p.z)
		for _, n := range []uint32{2, 2} {
			require.Regexp(t, "^SACK .*; SHUTDOWN cum=1000", x.say(x.at(n))[0])
		}
		require.Equal(t, []string{"SHUTDOWN COMPLETE"}, x.say(wire.AppendShutdownAck(nil)))
		require.Regexp(t, "^ABORT T", x.say(x.at(3))[0])
	})
	t.Run("second ABORT", func(t *testing.T) {
		x := newTester(t, Config{})
		x.connect()
		require.Empty(t, x.say(wire.AppendAbort(nil, false, nil)))
		require.Empty(t, x.say(wire.AppendAbort(nil, false, nil)))
		require.Regexp(t, "^ABORT T", x.say(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, nil))[0])
	})
}
