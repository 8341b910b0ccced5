// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// delayed is a pair on one path whose packets of A take a while, and some of
// which are lost: drop decides, by the TSN of the first DATA chunk and how often
// it has been sent before.
type delayed struct {
	*pair
	a       *Association
	delay   func(tsn uint32) time.Duration
	drop    func(tsn uint32, before int) bool
	seen    map[uint32]int
	pending []delayedPacket
	first   wire.TSN
}

type delayedPacket struct {
	at time.Time
	to *endpoint
	d  Datagram
}

func newDelayed(t *testing.T, cfg Config) *delayed {
	cfg.NoNagle, cfg.MaxBurst = true, -1
	p, a, _ := lossy(t, cfg)
	d := &delayed{pair: p, a: a, seen: map[uint32]int{}, first: a.out.next}
	d.delay = func(uint32) time.Duration { return 10 * time.Millisecond }
	d.drop = func(uint32, int) bool { return false }
	p.a.filter = func(g Datagram) bool {
		wait := 10 * time.Millisecond
		for c := range wire.Chunks(g.Data[wire.HeaderLen:]) {
			if x, err := wire.ParseData(c); err == nil {
				tsn := uint32(x.TSN.Diff(d.first))
				d.seen[tsn]++
				if d.drop(tsn, d.seen[tsn]-1) {
					return false
				}
				wait = d.delay(tsn)
			}
		}
		d.pending = append(d.pending, delayedPacket{d.now.Add(wait), p.z, g})
		return false
	}
	p.z.filter = func(g Datagram) bool {
		d.pending = append(d.pending, delayedPacket{d.now.Add(10 * time.Millisecond), p.a, g})
		return false
	}
	// A first measurement of the round trip.
	require.NoError(t, a.Send(d.now, Message{Data: []byte("first")}))
	d.pump()
	d.until(func() bool { return a.out.count() == 0 })
	p.z.msgs, d.seen, d.first = nil, map[uint32]int{}, a.out.next
	return d
}

// until lets time pass, millisecond by millisecond.
func (d *delayed) until(done func() bool) time.Duration {
	begin := d.now
	for i := 0; !done(); i++ {
		require.Less(d.t, i, 60_000, "a minute")
		rest := d.pending[:0]
		for _, p := range d.pending {
			if p.at.After(d.now) {
				rest = append(rest, p)
				continue
			}
			p.to.inbox = append(p.to.inbox, p.d)
		}
		d.pending = rest
		d.pump()
		d.advance(time.Millisecond)
	}
	return d.now.Sub(begin)
}

func (d *delayed) transfer(n int) time.Duration {
	sendN(d.t.(*testing.T), d.pair, d.a, n, 1400)
	d.pump()
	took := d.until(func() bool { return len(d.z.msgs) == n })
	checkN(d.t.(*testing.T), d.z, n, 1400)
	return took
}

// RFC 8985, Section 9.1, 1: "Packet drops at the end of an application data
// flight".
func TestTailLossProbe(t *testing.T) {
	for _, tt := range []struct {
		name string
		drop func(tsn uint32, before int) bool
		most time.Duration
	}{
		{"the last", func(tsn uint32, before int) bool { return tsn == 2 && before == 0 }, 100 * time.Millisecond},
		{"the last two", func(tsn uint32, before int) bool { return tsn >= 1 && before == 0 }, 100 * time.Millisecond},
		{"all", func(_ uint32, before int) bool { return before == 0 }, 100 * time.Millisecond},
		{"all, and the probe", func(tsn uint32, before int) bool { return before == 0 || tsn == 2 && before == 1 }, 1400 * time.Millisecond},
	} {
		standard, rack := newDelayed(t, Config{}), newDelayed(t, Config{LossDetection: LossDetectionRACK})
		standard.drop, rack.drop = tt.drop, tt.drop
		require.Greater(t, standard.transfer(3), time.Second, "%s: T3-rtx", tt.name)
		require.Less(t, rack.transfer(3), tt.most, tt.name)
		require.EqualValues(t, 1, rack.a.Stats().LossProbes, tt.name)
	}
}

// Section 7.4.2: the peer reports what was sent twice in vain, and nothing else
// happens; a loss that the probe has repaired is one to the congestion control.
func TestLossProbeAndTheWindow(t *testing.T) {
	d := newDelayed(t, Config{LossDetection: LossDetectionRACK})
	d.delay = func(tsn uint32) time.Duration { return 200 * time.Millisecond }
	before := d.a.primary.cc
	d.transfer(3)
	d.until(func() bool { return d.a.out.count() == 0 && len(d.pending) == 0 })
	require.EqualValues(t, 1, d.a.Stats().LossProbes, "the round trip has become longer")
	require.Equal(t, before.ssthresh, d.a.primary.cc.ssthresh)

	d = newDelayed(t, Config{LossDetection: LossDetectionRACK})
	d.drop = func(tsn uint32, before int) bool { return tsn == 2 && before == 0 }
	d.transfer(3)
	d.until(func() bool { return d.a.out.count() == 0 })
	require.True(t, d.a.tlp.active, "whether it was the probe that arrived is not known yet")
	d.drop = func(uint32, int) bool { return false }
	d.z.msgs = nil
	d.transfer(3)
	d.until(func() bool { return d.a.out.count() == 0 })
	require.False(t, d.a.tlp.active)
	require.Less(t, d.a.primary.cc.ssthresh, maxSsthresh)
}

// Section 9.1, 2: "Lost retransmission".
func TestLostRetransmissionIsFound(t *testing.T) {
	drop := func(tsn uint32, before int) bool { return tsn == 1 && before < 2 }
	standard, rack := newDelayed(t, Config{}), newDelayed(t, Config{LossDetection: LossDetectionRACK})
	standard.drop, rack.drop = drop, drop
	require.Greater(t, standard.transfer(60), time.Second, "T3-rtx")
	require.Less(t, rack.transfer(60), 300*time.Millisecond)
	s := rack.a.Stats()
	require.Zero(t, s.T3Expirations)
	require.EqualValues(t, 2, s.Retransmissions)
}

// Section 9.1, 3: "Packet reordering" within a quarter of a round trip is no
// loss, once it has been seen.
func TestReorderingIsNoLoss(t *testing.T) {
	late := func(tsn uint32) time.Duration {
		wait := 10*time.Millisecond + time.Duration(tsn/4)*time.Millisecond // a queue
		if tsn%16 == 5 {
			wait += 4 * time.Millisecond
		}
		return wait
	}
	standard, rack := newDelayed(t, Config{}), newDelayed(t, Config{LossDetection: LossDetectionRACK})
	for _, d := range []*delayed{standard, rack} {
		d.a.primary.cc.cwnd = 100_000
		d.delay = late
		d.transfer(200)
		d.until(func() bool { return d.a.out.count() == 0 && len(d.pending) == 0 })
	}
	require.Greater(t, standard.a.Stats().Retransmissions, uint64(3))
	require.LessOrEqual(t, rack.a.Stats().Retransmissions, uint64(1))
	require.True(t, rack.a.primary.rack.reordered)
}

// Section 9.3: "when RACK-TLP detects a lost retransmission, the congestion
// control MUST trigger an additional congestion response".
func TestLostRetransmissionReducesAgain(t *testing.T) {
	ssthresh := func(losses int) int {
		d := newDelayed(t, Config{LossDetection: LossDetectionRACK})
		d.a.primary.cc.cwnd = 200_000
		d.drop = func(tsn uint32, before int) bool { return tsn == 1 && before < losses }
		d.transfer(300)
		return d.a.primary.cc.ssthresh
	}
	require.Less(t, ssthresh(2), ssthresh(1))
}

// Section 6.3: what was sent a moment ago is not lost because something else
// timed out.
func TestTimeoutMarksWhatIsOld(t *testing.T) {
	d := newDelayed(t, Config{LossDetection: LossDetectionRACK})
	d.drop = func(uint32, int) bool { return true }
	sendN(t, d.pair, d.a, 1, 1400)
	d.pump()
	d.until(func() bool { return d.a.Stats().LossProbes == 1 })
	at := d.a.primary.t3RTX
	d.until(func() bool { return !d.now.Before(at.Add(-5 * time.Millisecond)) })
	d.drop = func(uint32, int) bool { return false }
	sendN(t, d.pair, d.a, 1, 1400)
	d.pump()
	d.until(func() bool { return d.a.Stats().T3Expirations == 1 })
	d.until(func() bool { return len(d.z.msgs) == 2 })
	d.until(func() bool { return d.a.out.count() == 0 })
	require.Equal(t, 1, d.seen[1], "it was on its way")
}

// The reordering window grows with duplicates, a round trip each, and not
// beyond SRTT; after 16 recoveries it is back (Section 6.2, step 4).
func TestReorderingWindow(t *testing.T) {
	r := &rack{minRTT: 40 * time.Millisecond}
	o := &outstanding{next: 100}
	srtt := 50 * time.Millisecond
	require.Equal(t, 10*time.Millisecond, r.window(false, 0, srtt))
	require.Zero(t, r.window(true, 0, srtt), "no reordering has been seen")
	require.Zero(t, r.window(false, 3, srtt))
	r.reordered = true
	require.Equal(t, 10*time.Millisecond, r.window(true, 3, srtt))
	r.onDuplicates(o)
	r.onDuplicates(o)
	require.Equal(t, 20*time.Millisecond, r.window(true, 3, srtt), "once in a round trip")
	r.onAdvance(98)
	require.True(t, r.inDupRound)
	for o.next = 100; o.next < 200; o.next += 10 {
		r.onAdvance(o.next - 1)
		r.onDuplicates(o)
	}
	require.Equal(t, srtt, r.window(true, 3, srtt))
	for range reoWndPersist {
		require.Equal(t, srtt, r.window(true, 3, srtt))
		r.onRecovered()
	}
	require.Equal(t, 10*time.Millisecond, r.window(true, 3, srtt))
}

// What a timeout has left in flight on a path that is dead has a timer of its own.
func TestTimeoutLeavesNothingBehind(t *testing.T) {
	p := newPair(t, Config{LossDetection: LossDetectionRACK, NoNagle: true})
	a, _ := p.connect()
	sendN(t, p, a, 1, 100)
	p.pump()
	p.run(time.Second)
	a.primary.rack.rtt = 50 * time.Millisecond
	p.cutPath(0)
	sendN(t, p, a, 1, 100)
	p.pump()
	p.run(a.primary.t3RTX.Sub(p.now) - 100*time.Millisecond) // and the probe has been sent
	p.run(a.primary.t3RTX.Sub(p.now) - time.Millisecond)
	require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 100)}))
	p.pump()
	p.run(10 * time.Second)
	require.Len(t, p.z.msgs, 3)
}
