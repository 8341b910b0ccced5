// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Whatever the order of fragments, every message comes out once, intact, and in
// order per stream unless unordered: TSNs mean nothing.
func TestInterleavedReassemblerTwin(t *testing.T) {
	type msg struct {
		stream    uint16
		unordered bool
		data      []byte
	}
	rapid.Check(t, func(t *rapid.T) {
		var r reassembler
		r.interleaved = true
		r.init(3)
		first := wire.MID(rapid.SampledFrom([]uint32{0, 0xfffffffd, 0x7ffffffd}).Draw(t, "MID"))
		var mids [3][2]wire.MID
		for i := range mids {
			mids[i] = [2]wire.MID{first, first}
			r.interleavedStream(uint16(i)).next = first
		}
		var msgs []msg
		var chunks []inData
		for i := range rapid.IntRange(1, 20).Draw(t, "messages") {
			m := msg{
				stream: uint16(rapid.IntRange(0, 2).Draw(t, "stream")), unordered: rapid.Bool().Draw(t, "unordered"),
				data: binary.BigEndian.AppendUint32(bytes.Repeat([]byte{byte(i)}, rapid.IntRange(0, 30).Draw(t, "size")), uint32(i)),
			}
			msgs = append(msgs, m)
			mid := &mids[m.stream][unorderedIndex(m.unordered)]
			n := rapid.IntRange(1, 6).Draw(t, "fragments")
			if n > len(m.data) {
				n = len(m.data)
			}
			for j := range n {
				d := inData{mid: *mid, fsn: wire.FSN(j)}
				d.Stream, d.Payload = m.stream, m.data[len(m.data)*j/n:len(m.data)*(j+1)/n]
				if j == 0 {
					d.Flags |= wire.DataBegin
					d.PPID = wire.PPID(i)
				}
				if j == n-1 {
					d.Flags |= wire.DataEnd
				}
				if m.unordered {
					d.Flags |= wire.DataUnordered
				}
				chunks = append(chunks, d)
			}
			*mid++
		}
		for _, i := range rapid.Permutation(seq(len(chunks))).Draw(t, "order") {
			require.True(t, r.addInterleaved(&chunks[i], netip.AddrPort{}))
			held, incomplete, runs := 0, 0, 0
			for _, page := range r.interleavedPages {
				for s := range page {
					for i, m := range page[s].runs {
						total := 0
						for _, o := range page[s].runs[i:] {
							if o.isOf(m.unordered, m.mid) {
								total += o.size
							}
						}
						if i == 0 || !page[s].runs[i-1].isOf(m.unordered, m.mid) {
							require.Equal(t, total, m.total)
						}
						runs++
						held += m.size
						if !m.begin || !m.end {
							incomplete += m.size
						}
					}
				}
			}
			require.Equal(t, []int{held, incomplete, runs}, []int{r.held, r.incomplete, r.heldRuns})
		}
		last := map[uint16]wire.PPID{}
		got := map[wire.PPID]bool{}
		for m, ok := r.ready.pop(); ok; m, ok = r.ready.pop() {
			require.False(t, got[m.PPID])
			got[m.PPID] = true
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
		require.Len(t, got, len(msgs))
		require.Zero(t, r.held)
		require.Zero(t, r.heldRuns)
	})
}

// A peer that sends fragments of one byte, in whatever way, cannot have more
// memory held than twice the receive buffer (besides the table of streams): the
// association is aborted, or its chunks are dropped.
func TestTinyFragmentsAreCharged(t *testing.T) {
	const buffer = 1 << 20
	for name, chunk := range map[string]func(i uint32) wire.IData{
		"messages that wait": func(i uint32) wire.IData { return wire.IData{Flags: whole, MID: wire.MID(i + 1)} },
		"beginnings on one stream": func(i uint32) wire.IData {
			return wire.IData{Flags: wire.DataBegin, MID: wire.MID(i)}
		},
		"beginnings on one stream, unordered, down": func(i uint32) wire.IData {
			return wire.IData{Flags: wire.DataBegin | wire.DataUnordered, MID: math.MaxUint32 - wire.MID(i)}
		},
		"beginnings on all streams": func(i uint32) wire.IData {
			return wire.IData{Flags: wire.DataBegin, Stream: uint16(i), MID: wire.MID(i >> 16)}
		},
		"every other fragment": func(i uint32) wire.IData { return wire.IData{FSN: wire.FSN(2*i + 1)} },
		"every other fragment, down": func(i uint32) wire.IData {
			return wire.IData{FSN: math.MaxUint32 - wire.FSN(2*i)}
		},
		"fragments without end": func(i uint32) wire.IData {
			if i == 0 {
				return wire.IData{Flags: wire.DataBegin}
			}
			return wire.IData{FSN: wire.FSN(i)}
		},
		"ends on all streams": func(i uint32) wire.IData {
			return wire.IData{Flags: wire.DataEnd, Stream: uint16(i), FSN: 1, MID: wire.MID(i >> 16)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTester(t, Config{RecvBuffer: buffer, Interleaving: true, MaxMessageSize: buffer})
			x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData)
			x.init.OutboundStreams = 65535
			z := x.connect()
			x.p.z.slow = true
			before := heapInUse()
			for i := uint32(0); i < 80_000; {
				var b [][]byte
				for range 60 {
					d := chunk(i)
					d.Payload = []byte{1}
					b = append(b, x.idata(d))
					i++
				}
				x.say(b...)
			}
			x.heard, x.p.a.inbox = nil, nil
			grown := heapInUse() - before
			t.Logf("%d bytes for a buffer of %d, %v", grown, buffer, z.State())
			const table = 65536 * 32
			require.Less(t, grown, 2*buffer+table)
			require.LessOrEqual(t, z.reassembly.heldRuns, 2*buffer/perRunCost)
			runtime.KeepAlive(x)
		})
	}
}

// The pieces on one stream are bounded, however large the buffer is: each new
// one moves those behind it.
func TestPiecesOfAStreamAreBounded(t *testing.T) {
	var r reassembler
	r.interleaved = true
	r.init(1)
	ok := true
	n := 0
	for ; ok; n++ {
		d := inData{mid: wire.MID(1_000_000 - n)}
		d.Flags, d.Payload = wire.DataBegin, []byte{1}
		ok = r.addInterleaved(&d, netip.AddrPort{})
	}
	require.Equal(t, maxStreamRuns+1, n)
}

// In the steady state no scheduler allocates, with either kind of chunk.
func TestSchedulersDoNotAllocate(t *testing.T) {
	for s := range Scheduler(schedulers) {
		for _, on := range []bool{false, true} {
			t.Run(fmt.Sprint(s, " ", on), func(t *testing.T) {
				p := newPair(t, Config{Interleaving: on, Scheduler: s})
				a, z := p.connect()
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
				large, small := make([]byte, 10_000), make([]byte, 100)
				round := func() {
					for i := range 8 {
						m := Message{Stream: uint16(i), Data: small, Unordered: i == 3}
						if i%4 == 0 {
							m.Data = large
						}
						if a.Send(p.now, m) != nil {
							t.Fatal("send buffer full")
						}
					}
					for range 30 {
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
				for range 200 {
					round()
				}
				require.Zero(t, testing.AllocsPerRun(100, round))
			})
		}
	}
}

// What an I-FORWARD-TSN chunk skips is what serial number arithmetic says, and the
// rest is not looked at: a chunk names hundreds of messages, of the same stream maybe.
func TestSkipOfManyMessages(t *testing.T) {
	begin := func(r *reassembler, mid wire.MID, unordered bool) {
		d := inData{mid: mid}
		d.Payload, d.Flags = []byte{1}, wire.DataBegin
		if unordered {
			d.Flags |= wire.DataUnordered
		}
		require.True(t, r.addInterleaved(&d, netip.AddrPort{}))
	}
	mids := []wire.MID{0, 1, 9, 10, 11, math.MaxInt32, math.MaxInt32 + 1, math.MaxInt32 + 10, math.MaxInt32 + 11, math.MaxInt32 + 12, math.MaxUint32}
	for _, mid := range mids {
		for _, unordered := range []bool{false, true} {
			r := reassembler{interleaved: true}
			r.init(1)
			st := r.interleavedStream(0)
			st.next = 0xffff_fff0
			for _, m := range mids {
				begin(&r, m, true)
			}
			begin(&r, 0xffff_fff5, false)
			begin(&r, 5, false)
			var want []fragmentPlace
			for _, m := range st.runs {
				if m.unordered != unordered || m.mid-mid-1 <= math.MaxInt32 || !unordered && int32(mid-st.next) < 0 {
					want = append(want, fragmentPlace{uint64(m.mid), wire.FSN(unorderedIndex(m.unordered))})
				}
			}
			r.skipInterleaved(0, unordered, mid)
			var got []fragmentPlace
			for _, m := range st.runs {
				got = append(got, fragmentPlace{uint64(m.mid), wire.FSN(unorderedIndex(m.unordered))})
			}
			require.Equal(t, want, got, "%d, unordered: %v", mid, unordered)
			require.Equal(t, []int{len(got), len(got), len(got)}, []int{r.held, r.incomplete, r.heldRuns})
		}
	}

	// The work for what is not skipped does not grow with what there is.
	const runs, skips = 20_000, 100_000
	r := reassembler{interleaved: true}
	r.init(1)
	for i := range runs {
		begin(&r, wire.MID(10+i), true)
	}
	took := timed(func() {
		for range skips {
			r.skipInterleaved(0, true, 5)
		}
	})
	require.Less(t, took, time.Second)
	require.Equal(t, runs, r.held)
}

// Whether a message is too large is known from its first piece.
func TestSizeOfAMessageAmongMany(t *testing.T) {
	const runs, fragments = 10_000, 100_000
	r := reassembler{interleaved: true}
	r.init(1)
	add := func(mid wire.MID, fsn wire.FSN) *inData {
		d := &inData{mid: mid, fsn: fsn}
		d.Payload, d.Flags = []byte{1}, wire.DataUnordered
		if fsn == 0 {
			d.Flags |= wire.DataBegin
		}
		require.True(t, r.addInterleaved(d, netip.AddrPort{}))
		return d
	}
	for i := range runs {
		add(7, wire.FSN(2*i))
		add(wire.MID(10+i), 0)
	}
	took := timed(func() {
		for i := range fragments {
			d := add(8, wire.FSN(i))
			if got := r.sizeOf(d); got != i+1 {
				t.Fatal(got)
			}
		}
	})
	require.Less(t, took, time.Second)
	require.Equal(t, runs, r.sizeOf(&inData{mid: 7, Data: wire.Data{Flags: wire.DataUnordered}}))
}
