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

// lossy connects over one path and drops the packets of A whose number is in
// lost, counted from the first DATA.
func lossy(t *testing.T, cfg Config, lost ...int) (*pair, *Association, *Association) {
	p := newPair(t, cfg)
	p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	p.z.stack.SetLocalAddrs(addrs("10.0.0.2"))
	a, z := p.connect()
	n := 0
	p.a.filter = func(d Datagram) bool {
		if !bytes.Contains([]byte(dump(d.Data)), []byte("DATA")) {
			return true
		}
		n++
		for _, l := range lost {
			if n == l {
				return false
			}
		}
		return true
	}
	return p, a, z
}

func sendN(t *testing.T, p *pair, a *Association, n, size int) {
	for i := range n {
		require.NoError(t, a.Send(p.now, Message{Data: bytes.Repeat([]byte{byte(i)}, size)}))
	}
}

func checkN(t *testing.T, e *endpoint, n, size int) {
	t.Helper()
	require.Len(t, e.msgs, n)
	for i, m := range e.msgs {
		require.True(t, bytes.Equal(bytes.Repeat([]byte{byte(i)}, size), m.Data), "message %d is intact and in order", i)
	}
}

// "it SHOULD wait for two further miss indications (via subsequent SACK chunks
// for a total of three missing reports) on the same TSNs before taking action
// with regard to Fast Retransmit." RFC 9260, Section 7.2.4.
func TestFastRetransmit(t *testing.T) {
	p, a, _ := lossy(t, Config{MaxBurst: -1}, 20)
	tr := newTranscript(p)
	before := a.primary.cc
	sendN(t, p, a, 60, 1000)
	p.pump()
	checkN(t, p.z, 60, 1000)
	require.Equal(t, start, p.now, "no timer was needed")
	s := a.Stats()
	require.Equal(t, uint64(1), s.FastRetransmissions)
	require.Equal(t, uint64(1), s.Retransmissions)
	require.Zero(t, s.T3Expirations)
	require.Less(t, a.primary.cc.ssthresh, before.ssthresh)
	require.False(t, a.fastRecovery, "left at the exit point")
	tr.check(t)
}

func TestTwoMissIndicationsAreNotEnough(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true})
	a.primary.cc.cwnd = 100_000
	a.cfg.MaxBurst = -1
	sendN(t, p, a, 10, 1000)
	p.a.filter = func(Datagram) bool { return false }
	p.flush(p.a)
	first := a.out.cumAck.Add(1)
	gap := func(end uint16) {
		p.inject(p.a, a, (&wire.Sack{CumTSNAck: a.out.cumAck, ARwnd: 1 << 20, Gaps: []wire.GapAckBlock{{Start: 2, End: end}}}).Append(nil))
	}
	gap(2)
	gap(2) // acknowledges nothing new: no miss indication (HTNA)
	gap(3)
	require.EqualValues(t, 2, a.out.at(first).misses)
	require.Zero(t, a.Stats().FastRetransmissions)
	gap(4)
	require.EqualValues(t, 1, a.Stats().FastRetransmissions)
	require.True(t, a.fastRecovery)
	cwnd := a.primary.cc.cwnd
	require.Equal(t, a.primary.cc.ssthresh, cwnd)
	gap(5)
	require.Equal(t, cwnd, a.primary.cc.cwnd, "once per window")
}

// RFC 9260, Section 6.3.3: T3-rtx.
func TestT3RTXExpiry(t *testing.T) {
	p, a, _ := lossy(t, Config{}, 1, 2, 3)
	tr := newTranscript(p)
	sendN(t, p, a, 3, 1000)
	p.pump()
	require.Empty(t, p.z.msgs)
	require.Equal(t, p.now.Add(time.Second), a.primary.t3RTX)
	p.run(900 * time.Millisecond)
	require.Empty(t, p.z.msgs)
	p.run(200 * time.Millisecond)
	checkN(t, p.z, 3, 1000)
	p.run(300 * time.Millisecond) // the last SACK is delayed
	require.EqualValues(t, 1, a.Stats().T3Expirations)
	// E2: "set RTO = RTO * 2"
	require.Equal(t, 2*time.Second, a.primary.rto.rto)
	require.Equal(t, 4*a.primary.cc.pmdcs, a.primary.cc.ssthresh)
	require.True(t, a.primary.t3RTX.IsZero(), "R2: turned off when all is acknowledged")
	tr.check(t)
}

// "The initial cwnd after a retransmission timeout MUST be no more than PMDCS,
// and only one packet is allowed to be in flight until successful
// acknowledgement." RFC 9260, Section 7.2.1: also one that is not full.
func TestOnePacketAfterTimeout(t *testing.T) {
	p, a, _ := lossy(t, Config{})
	p.z.filter = func(Datagram) bool { return false }
	sendN(t, p, a, 20, 500)
	p.pump()
	for range 4 {
		sent := a.Stats().PacketsSent
		p.run(a.primary.t3RTX.Sub(p.now))
		require.Equal(t, sent+1, a.Stats().PacketsSent)
		require.LessOrEqual(t, a.primary.flightSize, a.primary.cc.pmdcs)
	}
	p.z.filter = nil
	p.run(time.Minute)
	checkN(t, p.z, 20, 500)
}

// C5, Karn's algorithm: "RTT measurements MUST NOT be made using chunks that
// were retransmitted".
func TestKarn(t *testing.T) {
	p, a, _ := lossy(t, Config{}, 1)
	p.run(40 * time.Millisecond)
	srtt := a.primary.rto.srtt
	sendN(t, p, a, 1, 100)
	p.pump()
	p.run(10 * time.Second)
	checkN(t, p.z, 1, 100)
	require.Equal(t, srtt, a.primary.rto.srtt)
	require.Equal(t, 2*time.Second, a.primary.rto.rto, "stays backed off until a measurement")
}

// "If the value of this counter exceeds the limit indicated in the protocol
// parameter 'Association.Max.Retrans', the endpoint SHOULD consider the peer
// endpoint unreachable" RFC 9260, Section 8.1.
func TestPeerUnreachable(t *testing.T) {
	p, a, _ := lossy(t, Config{AssociationMaxRetrans: 4, PathMaxRetrans: 4})
	p.a.filter = func(Datagram) bool { return false }
	sendN(t, p, a, 3, 100)
	p.pump()
	for range 100 {
		p.run(time.Second)
	}
	require.Equal(t, StateClosed, a.State())
	require.EqualValues(t, 5, a.Stats().T3Expirations)
	failed := 0
	for _, ev := range p.a.events {
		if _, ok := ev.(EventSendFailed); ok {
			failed++
		}
	}
	require.Equal(t, 3, failed, "what was not acknowledged is reported")
	require.ErrorContains(t, a.Err(), "unreachable")
	_, armed := a.Deadline()
	require.False(t, armed)
}

// "the sender MUST NOT transmit new data to a given transport address if it has
// cwnd + (PMDCS - 1) or more bytes of data outstanding to that transport
// address." RFC 9260, Section 6.1, B; and slow start.
func TestSlowStart(t *testing.T) {
	p, a, _ := lossy(t, Config{MaxBurst: -1})
	var flights []int
	sendN(t, p, a, 200, 1444)
	for a.out.count() > 0 || !a.queue.empty() {
		n := 0
		p.a.filter = func(d Datagram) bool { n++; return true }
		p.flush(p.a)
		flights = append(flights, n)
		require.LessOrEqual(t, a.primary.flightSize, a.primary.cc.cwnd+a.primary.cc.pmdcs-1)
		p.deliver(p.z)
		p.flush(p.z)
		p.deliver(p.a)
	}
	require.Equal(t, 4, flights[0], "4404 bytes of PMDCS 1460, and the breach by one packet")
	for i := 1; i < len(flights)-1; i++ {
		require.GreaterOrEqual(t, flights[i], flights[i-1])
		require.LessOrEqual(t, flights[i], 2*flights[i-1])
	}
}

// RFC 9260, Section 6.1, D: Max.Burst.
func TestMaxBurst(t *testing.T) {
	p, a, _ := lossy(t, Config{MaxBurst: 4})
	a.primary.cc.cwnd = 1 << 20
	sendN(t, p, a, 100, 1444)
	sent := 0
	p.a.filter = func(Datagram) bool { sent++; return true }
	p.flush(p.a)
	require.Equal(t, 4, sent)
}

// Section 7.2.1: "While the endpoint does not transmit data on a given
// transport address, the cwnd of the transport address SHOULD be adjusted to
// max(cwnd / 2, 4 * PMDCS) once per RTO. Before the first cwnd adjustment, the
// ssthresh of the transport address SHOULD be set to the cwnd."
func TestIdleWindow(t *testing.T) {
	c := congestion{pmdcs: 1000, cwnd: 64000, ssthresh: maxSsthresh}
	c.onSent(start)
	c.onIdle(start.Add(999*time.Millisecond), time.Second)
	require.Equal(t, 64000, c.cwnd)
	c.onIdle(start.Add(2500*time.Millisecond), time.Second)
	require.Equal(t, 16000, c.cwnd)
	require.Equal(t, 64000, c.ssthresh)
	c.onIdle(start.Add(time.Hour), time.Second)
	require.Equal(t, 4000, c.cwnd)
	require.Equal(t, 64000, c.ssthresh)
}

// RFC 9260, Section 7.2.2.
func TestCongestionAvoidance(t *testing.T) {
	c := congestion{pmdcs: 1000, cwnd: 10000, ssthresh: 8000}
	for range 9 {
		c.onAck(start, 0, 1000, 10000, false)
	}
	require.Equal(t, 10000, c.cwnd)
	c.onAck(start, 0, 1000, 10000, false)
	require.Equal(t, 11000, c.cwnd, "one PMDCS per window acknowledged")
	for range 20 {
		c.onAck(start, 0, 1000, 5000, false)
	}
	require.Equal(t, 11000, c.cwnd, "not while the window is not used")
	require.Equal(t, 11000, c.partialBytesAcked)
	c.onAllAcked()
	require.Zero(t, c.partialBytesAcked)
	c.onTimeout()
	require.Equal(t, 1000, c.cwnd)
	require.Equal(t, 5500, c.ssthresh)
	c.onAck(start, 0, 1000, 1000, false)
	require.Equal(t, 2000, c.cwnd, "slow start")
	c.onAck(start, 0, 1000, 2000, true)
	require.Equal(t, 2000, c.cwnd, "not in fast recovery")
}

// RFC 9260, Section 6.3.1, C1 to C7.
func TestRTO(t *testing.T) {
	cfg, err := Config{RTOMin: 100 * time.Millisecond}.WithDefaults()
	require.NoError(t, err)
	var e rtoEstimator
	e.init(&cfg)
	require.Equal(t, time.Second, e.rto, "C1")
	e.measure(200 * time.Millisecond)
	require.Equal(t, 200*time.Millisecond, e.srtt)
	require.Equal(t, 100*time.Millisecond, e.rttvar)
	require.Equal(t, 600*time.Millisecond, e.rto, "C2")
	e.measure(280 * time.Millisecond)
	require.Equal(t, 210*time.Millisecond, e.srtt)
	require.Equal(t, 95*time.Millisecond, e.rttvar)
	require.Equal(t, 590*time.Millisecond, e.rto, "C3")
	for range 200 {
		e.measure(time.Millisecond)
	}
	require.Equal(t, 100*time.Millisecond, e.rto, "C6")
	for range 20 {
		e.backOff()
	}
	require.Equal(t, time.Minute, e.rto, "C7")
	e.measure(time.Millisecond)
	require.Equal(t, 100*time.Millisecond, e.rto, "collapses")
	e.init(&cfg)
	e.measure(0)
	require.NotZero(t, e.rttvar, "G1")
}

// A SACK that acknowledges what was never sent is a lie.
func TestSackBeyondSentAborts(t *testing.T) {
	p, a, _ := lossy(t, Config{})
	answers := p.inject(p.a, a, (&wire.Sack{CumTSNAck: a.out.next, ARwnd: 1 << 20}).Append(nil))
	require.Len(t, answers, 1)
	require.Contains(t, answers[0], "Protocol Violation")
	require.Equal(t, StateClosed, a.State())
}

func TestGapBlocksThatLie(t *testing.T) {
	for _, g := range [][]wire.GapAckBlock{{{Start: 0, End: 1}}, {{Start: 3, End: 2}}, {{Start: 2, End: 99}}} {
		p, a, _ := lossy(t, Config{NoNagle: true})
		a.primary.cc.cwnd = 100_000
		a.cfg.MaxBurst = -1
		sendN(t, p, a, 5, 1000)
		p.a.filter = func(Datagram) bool { return false }
		p.flush(p.a)
		p.inject(p.a, a, (&wire.Sack{CumTSNAck: a.out.cumAck.Add(1), ARwnd: 1 << 20, Gaps: g}).Append(nil))
		require.Equal(t, StateEstablished, a.State())
		require.Equal(t, 5, a.out.count(), "the SACK %v is ignored as a whole", g)
	}
}

// RFC 9260, Section 6.2.1, D, iii: a receiver may renege.
func TestRenege(t *testing.T) {
	p, a, _ := lossy(t, Config{NoNagle: true})
	a.primary.cc.cwnd = 100_000
	a.cfg.MaxBurst = -1
	sendN(t, p, a, 5, 1000)
	p.a.filter = func(Datagram) bool { return false }
	p.flush(p.a)
	cum := a.out.cumAck
	flight := a.primary.flightSize
	p.inject(p.a, a, (&wire.Sack{CumTSNAck: cum, ARwnd: 1 << 20, Gaps: []wire.GapAckBlock{{Start: 3, End: 5}}}).Append(nil))
	require.Equal(t, flight-3*1016, a.primary.flightSize)
	p.inject(p.a, a, (&wire.Sack{CumTSNAck: cum, ARwnd: 1 << 20, Gaps: []wire.GapAckBlock{{Start: 4, End: 4}}}).Append(nil))
	require.Equal(t, flight-1016, a.primary.flightSize)
	require.EqualValues(t, 1, a.out.at(cum.Add(3)).misses)
	require.False(t, a.primary.t3RTX.IsZero())
	p.inject(p.a, a, (&wire.Sack{CumTSNAck: cum.Add(5), ARwnd: 1 << 20}).Append(nil))
	require.Zero(t, a.primary.flightSize)
	require.Zero(t, a.out.inFlight)
	require.Zero(t, a.queue.bytes)
	require.True(t, a.primary.t3RTX.IsZero())
}

// The path MTU shrinks while data is in flight: RFC 9260, Section 6.9: "if the
// PMTU has been reduced, then IP fragmentation MUST be used."
func TestMTUError(t *testing.T) {
	p, a, _ := lossy(t, Config{MaxBurst: -1})
	sendN(t, p, a, 1, 10_000)
	var sizes []int
	p.a.filter = func(d Datagram) bool { sizes = append(sizes, len(d.Data)); return false }
	p.flush(p.a)
	require.Equal(t, 1472-1472%4, sizes[0])
	a.HandleMTUError(p.now, a.primary.remote, 1472, 1400)
	sizes = nil
	var buf [1500]byte
	tx, ok := a.PollTransmit(p.now, buf[:])
	require.True(t, ok)
	require.True(t, tx.Oversize, "sent again as it was cut")
	p.a.filter = func(d Datagram) bool { sizes = append(sizes, len(d.Data)); return true }
	p.pump()
	p.run(10 * time.Second)
	checkN(t, p.z, 1, 10_000)
	large, fits := 0, 0
	for _, n := range sizes {
		if n > 1372 {
			large++
		} else if n > 1300 {
			fits++
		}
	}
	require.LessOrEqual(t, large, 4, "only those that had been cut before")
	require.NotZero(t, fits)
}

// A path that carries HEARTBEATs but loses large packets without a word must
// not stop an association for ever.
func TestMTUBlackHole(t *testing.T) {
	p, a, _ := lossy(t, Config{})
	oversize := 0
	p.a.filter = func(d Datagram) bool {
		isProbe := strings.HasPrefix(dump(d.Data), "HEARTBEAT") // it carries DF, and is never fragmented
		return len(d.Data) <= 1300 || oversize > 0 && !isProbe
	}
	sendN(t, p, a, 5, 5000)
	for i := 0; len(p.z.msgs) < 5; i++ {
		require.Less(t, i, 60, "data does not get through")
		p.run(time.Second)
		if a.primary.mtu == baseMTU && oversize == 0 {
			oversize++ // IP fragments what was cut before
		}
	}
	checkN(t, p.z, 5, 5000)
	require.Equal(t, baseMTU, a.primary.mtu)
	require.Equal(t, MTUSearching, a.primary.pm.state)
	p.run(4 * time.Minute)
	require.Equal(t, MTUSearchComplete, a.primary.pm.state)
	require.Equal(t, 1320, a.primary.mtu, "the largest common size that passes")
	p.a.filter = nil
	sendN(t, p, a, 1, 5000)
	p.run(10 * time.Minute)
	sendN(t, p, a, 1, 5000)
	p.run(time.Minute)
	require.Equal(t, 1500, a.primary.mtu, "PMTU_RAISE_TIMER")
}

// HEARTBEAT ACKs do not keep an association alive whose data is never
// acknowledged.
func TestHeartbeatsDoNotHideLostData(t *testing.T) {
	p, a, _ := lossy(t, Config{HeartbeatInterval: time.Second})
	p.a.filter = func(d Datagram) bool { return !bytes.Contains([]byte(dump(d.Data)), []byte("DATA")) }
	sendN(t, p, a, 1, 10)
	p.run(20 * time.Minute)
	require.Equal(t, StateClosed, a.State())
	require.ErrorContains(t, a.Err(), "unreachable")
}

// A receiver that reads batches acknowledges a whole flight at once. Max.Burst
// must not keep the flights from growing then, also where packets are not full.
func TestMaxBurstOfBatches(t *testing.T) {
	p, a, _ := lossy(t, Config{SendBuffer: 16 << 20})
	var flights []int
	sendN(t, p, a, 4000, 1000)
	for !a.queue.empty() {
		n := 0
		p.a.filter = func(d Datagram) bool { n++; return true }
		p.flush(p.a)
		flights = append(flights, n)
		p.deliver(p.z)
		p.flush(p.z)
		p.deliver(p.a)
	}
	require.Less(t, len(flights), 20, "slow start: %v", flights)
	for i := 1; i < len(flights)-2; i++ {
		require.GreaterOrEqual(t, 4*flights[i], 5*flights[i-1], "%v", flights)
	}
}
