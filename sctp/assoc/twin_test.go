// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/sctp/wire"
)

// The tracker agrees with a set of TSNs, also across 2^32-1.
func TestTrackerTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		initial := wire.TSN(rapid.SampledFrom([]uint32{1, 0xffffffe0, 0x7ffffff0}).Draw(t, "initial"))
		var tr tsnTracker
		tr.init(initial)
		seen := map[wire.TSN]bool{}
		cum := initial.Add(^uint32(0))
		for _, off := range rapid.SliceOfN(rapid.Uint32Range(0, 80), 1, 200).Draw(t, "offsets") {
			tsn := initial.Add(off)
			want := tsnNew
			if seen[tsn] {
				want = tsnDuplicate
			}
			require.Equal(t, want, tr.check(tsn))
			if want == tsnNew {
				tr.add(tsn)
				seen[tsn] = true
			}
			for seen[cum.Add(1)] {
				cum = cum.Add(1)
			}
			require.Equal(t, cum, tr.cum)
			var s wire.Sack
			tr.fill(&s, 1<<16)
			n := 0
			for i, g := range s.Gaps {
				if i > 0 {
					require.Greater(t, g.Start, s.Gaps[i-1].End+1)
				}
				require.Greater(t, g.Start, uint16(1))
				for o := g.Start; o <= g.End; o++ {
					require.True(t, seen[cum.Add(uint32(o))])
					n++
				}
			}
			beyond := 0
			for tsn := range seen {
				if cum.Less(tsn) {
					beyond++
				}
			}
			require.Equal(t, beyond, n)
		}
	})
}

func TestTrackerLimits(t *testing.T) {
	var tr tsnTracker
	tr.init(1)
	require.Equal(t, tsnBeyond, tr.check(1+maxTSNSpan), "a gap ack block could not report it")
	require.Equal(t, tsnDuplicate, tr.check(1<<31), "as far behind as ahead")
	require.Equal(t, tsnDuplicate, tr.check(1<<31+1))
	require.Equal(t, tsnBeyond, tr.check(1<<31-1))
	require.Equal(t, tsnNew, tr.check(maxTSNSpan))
	for i := range maxGapRanges {
		tr.add(wire.TSN(3 + 2*i))
	}
	require.Equal(t, tsnBeyond, tr.check(wire.TSN(5+2*maxGapRanges)), "no more holes are remembered")
	require.Equal(t, tsnNew, tr.check(4), "but closed")
	var s wire.Sack
	tr.fill(&s, 100)
	require.Len(t, s.Gaps, (100-wire.SackHeaderLen)/4)
}

// Whatever the order of fragments, every message comes out once, intact, and
// in order per stream unless unordered.
func TestReassemblerTwin(t *testing.T) {
	type msg struct {
		stream    uint16
		unordered bool
		data      []byte
	}
	rapid.Check(t, func(t *rapid.T) {
		var r reassembler
		r.init(3)
		var msgs []msg
		var chunks []wire.Data
		ssn := map[uint16]wire.SSN{0: 65530, 1: 65530, 2: 65530}
		for i := range uint16(3) {
			r.stream(i).next = 65530
		}
		tsn := wire.TSN(rapid.SampledFrom([]uint32{1, 0xfffffff0}).Draw(t, "tsn"))
		for i := range rapid.IntRange(1, 20).Draw(t, "messages") {
			m := msg{
				stream: uint16(rapid.IntRange(0, 2).Draw(t, "stream")), unordered: rapid.Bool().Draw(t, "unordered"),
				data: binary.BigEndian.AppendUint32(bytes.Repeat([]byte{byte(i)}, rapid.IntRange(0, 30).Draw(t, "size")), uint32(i)),
			}
			msgs = append(msgs, m)
			n := rapid.IntRange(1, 6).Draw(t, "fragments")
			for j := range n {
				d := wire.Data{TSN: tsn, Stream: m.stream, PPID: wire.PPID(i), SSN: ssn[m.stream]}
				d.Payload = m.data[len(m.data)*j/n : len(m.data)*(j+1)/n]
				if len(d.Payload) == 0 {
					d.Payload = nil
				}
				if j == 0 {
					d.Flags |= wire.DataBegin
				}
				if j == n-1 {
					d.Flags |= wire.DataEnd
				}
				if m.unordered {
					d.Flags |= wire.DataUnordered
				}
				chunks = append(chunks, d)
				tsn = tsn.Add(1)
			}
			if !m.unordered {
				ssn[m.stream]++
			}
		}
		for _, i := range rapid.Permutation(seq(len(chunks))).Draw(t, "order") {
			require.True(t, r.add(&chunks[i], netip.AddrPort{}))
		}
		last := map[uint16]wire.PPID{}
		got := 0
		for {
			m, ok := r.ready.pop()
			if !ok {
				break
			}
			got++
			want := msgs[m.PPID]
			require.Equal(t, want.data, m.Data)
			require.Equal(t, want.stream, m.Stream)
			require.Equal(t, want.unordered, m.Unordered)
			if !m.Unordered {
				if prev, ok := last[m.Stream]; ok {
					require.Less(t, prev, m.PPID)
				}
				last[m.Stream] = m.PPID
			}
		}
		require.Equal(t, len(msgs), got)
		require.Zero(t, r.held)
		require.Zero(t, r.heldRuns)
		require.Empty(t, r.runs)
	})
}

func seq(n int) (s []int) {
	for i := range n {
		s = append(s, i)
	}
	return s
}

// The sender's view after a series of SACKs agrees with recounting the ring.
func TestSackTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, _ := Config{MaxBurst: -1, NoNagle: true}.WithDefaults()
		a := &Association{cfg: &cfg, state: StateEstablished, local: addrs("10.0.0.1"), peerArwnd: 1 << 20, outbound: 1}
		a.addPath(addrs("10.0.0.2")[0], PathActive)
		a.queue.init(1)
		initial := wire.TSN(0xfffffff8)
		a.out.init(initial)
		a.primary.cc.cwnd = 1 << 20
		const n = 40
		for range n {
			require.NoError(t, a.Send(start, Message{Data: make([]byte, 1000)}))
		}
		var buf [1500]byte
		for {
			if _, ok := a.PollTransmit(start, buf[:]); !ok {
				break
			}
		}
		require.Equal(t, n, a.out.inFlight)
		have := map[int]bool{}
		cum := 0 // chunks 1..cum are acknowledged
		for range rapid.IntRange(1, 20).Draw(t, "sacks") {
			for _, x := range rapid.SliceOfN(rapid.IntRange(1, n), 0, 6).Draw(t, "arrived") {
				have[x] = true
			}
			if x := rapid.IntRange(0, n).Draw(t, "reneged"); x > cum {
				delete(have, x)
			}
			for have[cum+1] {
				cum++
			}
			s := wire.Sack{CumTSNAck: initial.Add(uint32(cum) - 1), ARwnd: 1 << 20}
			for i := cum + 1; i <= n; i++ {
				if !have[i] {
					continue
				}
				if k := len(s.Gaps); k > 0 && int(s.Gaps[k-1].End) == i-cum-1 {
					s.Gaps[k-1].End++
				} else {
					s.Gaps = append(s.Gaps, wire.GapAckBlock{Start: uint16(i - cum), End: uint16(i - cum)})
				}
			}
			a.handleSack(start, &s)
			inFlight, marked, bytes := 0, 0, 0
			for i := cum + 1; i <= n; i++ {
				c := a.out.at(initial.Add(uint32(i) - 1))
				require.Equal(t, have[i], c.state == chunkGapAcked, "chunk %d", i)
				switch c.state {
				case chunkInFlight:
					inFlight++
					bytes += c.size()
				case chunkRetransmit:
					marked++
				}
			}
			require.Equal(t, n-cum, a.out.count())
			require.Equal(t, inFlight, a.out.inFlight)
			require.Equal(t, marked, a.out.marked)
			require.Equal(t, bytes, a.primary.flightSize)
			require.Equal(t, inFlight*1000, a.out.bytes)
			require.Equal(t, inFlight == 0, a.primary.t3RTX.IsZero())
		}
	})
}

// In the steady state the engine does not allocate.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	payload := make([]byte, 1000)
	var buf [1500]byte
	relay := func(from, to *Association) {
		for {
			tx, ok := from.PollTransmit(p.now, buf[:])
			if !ok {
				return
			}
			to.HandlePacket(p.now, Datagram{Local: tx.Remote, Remote: tx.Local, Data: buf[:tx.Len]})
		}
	}
	round := func() {
		for range 8 {
			if a.Send(p.now, Message{Data: payload}) != nil {
				t.Fatal("send buffer full")
			}
		}
		for range 10 {
			relay(a, z)
			z.EndBatch(p.now)
			for m, ok := z.PollMessage(); ok; m, ok = z.PollMessage() {
				z.Consumed(p.now, 1, len(m.Data))
				z.Recycle(m.Data)
			}
			relay(z, a)
			a.EndBatch(p.now)
		}
		p.now = p.now.Add(1)
	}
	for range 100 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(100, round))
}

// BenchmarkEngine sends 1 KiB messages through both engines, without sockets.
func BenchmarkEngine(b *testing.B) {
	p := newPair(b, Config{})
	a, z := p.connect()
	payload := make([]byte, 1024)
	var buf [1500]byte
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for a.Send(p.now, Message{Data: payload}) == ErrWouldBlock {
			for {
				tx, ok := a.PollTransmit(p.now, buf[:])
				if !ok {
					break
				}
				z.HandlePacket(p.now, Datagram{Local: tx.Remote, Remote: tx.Local, Data: buf[:tx.Len]})
				if n++; n%32 == 0 {
					z.EndBatch(p.now)
				}
			}
			z.EndBatch(p.now)
			for m, ok := z.PollMessage(); ok; m, ok = z.PollMessage() {
				z.Consumed(p.now, 1, len(m.Data))
				z.Recycle(m.Data)
			}
			for {
				tx, ok := z.PollTransmit(p.now, buf[:])
				if !ok {
					break
				}
				a.HandlePacket(p.now, Datagram{Local: tx.Remote, Remote: tx.Local, Data: buf[:tx.Len]})
			}
			p.now = p.now.Add(1000)
		}
	}
}
