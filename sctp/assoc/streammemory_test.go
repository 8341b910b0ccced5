// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// What streams are charged is what they take.
func TestCostOfStreams(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != pointerSize {
		t.Log("this system has smaller pointers")
	}
	require.LessOrEqual(t, int(unsafe.Sizeof(inPage{})), inPageSize)
	require.LessOrEqual(t, int(unsafe.Sizeof(interleavedPage{})), interleavedPageSize)
	require.LessOrEqual(t, int(unsafe.Sizeof(outPage{})), outPageSize)
}

// manyStreams is the INIT of a peer that wants all streams there are.
func manyStreams(t *testing.T, cfg Config) (*tester, *Association) {
	x := newTester(t, cfg)
	x.init.OutboundStreams = 65535
	if cfg.Interleaving {
		x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData, wire.ChunkForwardTSN, wire.ChunkIForwardTSN)
		x.init.Params = wire.AppendForwardTSNSupported(x.init.Params)
	} else {
		x.init.Params = wire.AppendForwardTSNSupported(nil)
	}
	z := x.connect()
	return x, z
}

// onStream is a whole message of one byte.
func (x *tester) onStream(id uint16, interleaved bool) []byte {
	if !interleaved {
		return x.data(wire.Data{Stream: id, Flags: whole, Payload: []byte{1}})
	}
	d := wire.IData{Flags: whole, TSN: x.tsn, Stream: id, Payload: []byte{1}}
	x.tsn++
	return d.Append(nil)
}

// A peer that sends a message on each page of streams has their state charged to it.
func TestStateOfStreamsIsCharged(t *testing.T) {
	for name, cfg := range map[string]Config{"DATA": {}, "I-DATA": {Interleaving: true}} {
		t.Run(name, func(t *testing.T) {
			x, z := manyStreams(t, cfg)
			x.say(x.onStream(0, cfg.Interleaving))
			heap, charged := heapInUse(), z.Memory()
			for id := 64; id < 65535; id += 64 {
				x.say(x.onStream(uint16(id), cfg.Interleaving))
			}
			x.p.z.msgs = nil
			x.heard = nil
			grown, more := heapInUse()-heap, z.Memory()-charged
			t.Logf("%d bytes, %d charged", grown, more)
			require.Greater(t, grown, 1<<20-1<<14)
			require.InDelta(t, grown, more, float64(grown)/10)
			require.NoError(t, z.Check())
			runtime.KeepAlive(x)
		})
	}
}

// When there is no memory left, a peer still has the streams that it has begun with; it
// may have more until an eighth is exceeded, and then it is aborted. What is not the
// next in turn waits.
func TestNewStreamsWithoutMemory(t *testing.T) {
	for name, cfg := range map[string]Config{"DATA": {}, "I-DATA": {Interleaving: true}} {
		t.Run(name, func(t *testing.T) {
			cfg.MaxMemory = 1 << 20
			x, z := manyStreams(t, cfg)
			send := func(id uint16) int {
				x.say(x.onStream(id, cfg.Interleaving))
				return len(x.p.z.msgs)
			}
			z.SetRoom(0)
			require.Equal(t, 1, send(5000))
			require.Equal(t, 2, send(5001))
			require.Equal(t, 3, send(7), "within the overdraft")

			x.tsn++
			require.Equal(t, 3, send(20_000), "a TSN is missing before")
			require.Zero(t, len(z.tracker.ranges))
			x.tsn -= 2

			z.SetRoom(-cfg.MaxMemory/overdraft - 1)
			require.Equal(t, 4, send(8), "a page that is there")
			require.Equal(t, 5, send(5002))
			require.Equal(t, StateEstablished, z.State())
			got := x.say(x.onStream(20_000, cfg.Interleaving))
			require.Equal(t, StateClosed, z.State())
			require.Len(t, got, 1)
			cause, _, err := wire.NextCause(x.chunkHeard(wire.ChunkAbort).Value)
			require.NoError(t, err)
			require.Equal(t, wire.CauseOutOfResource, cause.Code)
		})
	}
}

// FORWARD TSN and I-FORWARD-TSN chunks may name any stream.
func TestSkippedStreamsWithoutMemory(t *testing.T) {
	for name, cfg := range map[string]Config{"FORWARD TSN": {}, "I-FORWARD-TSN": {Interleaving: true}} {
		t.Run(name, func(t *testing.T) {
			cfg.MaxMemory = 1 << 20
			x, z := manyStreams(t, cfg)
			forward := func(ids ...uint16) {
				x.tsn++
				f, i := wire.ForwardTSN{NewCumTSN: x.tsn - 1}, wire.IForwardTSN{NewCumTSN: x.tsn - 1}
				for _, id := range ids {
					f.Streams = append(f.Streams, wire.SkippedStream{Stream: id})
					i.Streams = append(i.Streams, wire.SkippedMessage{Stream: id})
				}
				if cfg.Interleaving {
					x.say(i.Append(nil))
				} else {
					x.say(f.Append(nil))
				}
			}
			z.SetRoom(-cfg.MaxMemory)
			forward(3)
			require.Equal(t, StateEstablished, z.State())
			var all []uint16
			for id := 0; id < 65535; id += 64 {
				all = append(all, uint16(id))
			}
			state := z.streamMemory()
			forward(all[:len(all)/2]...)
			require.Equal(t, StateClosed, z.State())
			require.LessOrEqual(t, z.streamMemory(), state)
		})
	}
}

// A reset that names streams on which nothing has come keeps nothing of them, nor does an
// I-FORWARD-TSN for their unordered messages.
func TestNamesOfStreamsTakeNothing(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		r := reassembler{interleaved: interleaved}
		r.init(65535)
		var ids []uint16
		for id := range 1000 {
			ids = append(ids, uint16(id*64))
		}
		r.resetStreams(ids)
		d := inData{Data: wire.Data{Stream: 700, Flags: wire.DataBegin}}
		require.False(t, r.used(&d))
		require.Zero(t, r.sizeOf(&d))
		require.Zero(t, r.streamBytes)
	}
	x, z := manyStreams(t, Config{Interleaving: true})
	x.tsn++
	f := wire.IForwardTSN{NewCumTSN: x.tsn - 1, Streams: []wire.SkippedMessage{{Stream: 60_000, Unordered: true, MID: 7}}}
	x.say(f.Append(nil))
	require.Equal(t, x.tsn-1, z.tracker.cum)
	require.Zero(t, z.reassembly.streamBytes)
}

// Streams on which many messages or fragments have waited once do not keep the memory
// of their lists, neither if nothing nor if one of them waits still.
func TestListsOfStreamsShrink(t *testing.T) {
	const streams, messages = 200, 2000
	from := netip.AddrPort{}
	for name, interleaved := range map[string]bool{"DATA": false, "I-DATA": true} {
		t.Run(name, func(t *testing.T) {
			r := reassembler{interleaved: interleaved}
			r.init(streams)
			put := func(tsn wire.TSN, id, n int, flags uint8) {
				d := inData{Data: wire.Data{TSN: tsn, Stream: uint16(id), SSN: wire.SSN(n), Flags: flags, Payload: []byte{1}}, mid: wire.MID(n)}
				if interleaved {
					require.True(t, r.addInterleaved(&d, from))
				} else {
					require.True(t, r.add(&d.Data, from))
				}
				for m, ok := r.ready.pop(); ok; m, ok = r.ready.pop() {
					r.pool.put(m.Data)
				}
			}
			before := heapInUse()
			tsn := wire.TSN(0)
			for id := range streams {
				for n := messages - 1; n >= 0; n-- {
					if n != messages-2 || id%2 == 0 {
						put(tsn, id, n, whole)
					}
					tsn += 2
				}
			}
			r.dropSpare()
			r.ready = msgQueue{}
			grown := heapInUse() - before
			t.Logf("%d bytes, %d pieces", grown, r.heldRuns)
			require.Equal(t, streams/2, r.heldRuns)
			require.Less(t, grown, r.streamBytes+r.heldRuns*2*perRunCost+64<<10)
			runtime.KeepAlive(&r)
		})
	}
}

// Fragments of one byte that come in an order which joins them again and again cost
// what a message costs.
func TestTinyFragmentsOutOfOrder(t *testing.T) {
	const n, block = 60_000, 2000
	for name, order := range map[string]func(i int) int{
		"every second first": func(i int) int {
			b, k := i/block, i%block
			if k < block/2 {
				return b*block + 2*k + 1
			}
			return b*block + 2*(k-block/2)
		},
		"blocks backwards": func(i int) int { return i/block*block + block - 1 - i%block },
	} {
		for kind, interleaved := range map[string]bool{"DATA": false, "I-DATA": true} {
			t.Run(name+", "+kind, func(t *testing.T) {
				r := reassembler{interleaved: interleaved}
				r.init(1)
				before := heapInUse()
				for i := range n {
					k := order(i)
					d := inData{Data: wire.Data{TSN: wire.TSN(k), Payload: []byte{byte(k)}}, fsn: wire.FSN(k)}
					if k == 0 {
						d.Flags = wire.DataBegin
					}
					if interleaved {
						require.True(t, r.addInterleaved(&d, netip.AddrPort{}))
					} else {
						require.True(t, r.add(&d.Data, netip.AddrPort{}))
					}
				}
				r.dropSpare()
				grown := heapInUse() - before
				t.Logf("%d bytes for %d", grown, r.held)
				require.Equal(t, n, r.held)
				require.Equal(t, 1, r.heldRuns)
				require.Less(t, grown, 3*n+16<<10)
				d := inData{Data: wire.Data{TSN: n, Payload: []byte{n & 0xff}, Flags: wire.DataEnd}, fsn: n}
				if interleaved {
					require.True(t, r.addInterleaved(&d, netip.AddrPort{}))
				} else {
					require.True(t, r.add(&d.Data, netip.AddrPort{}))
				}
				m, ok := r.ready.pop()
				require.True(t, ok)
				require.Len(t, m.Data, n+1)
				for i, b := range m.Data {
					require.Equal(t, byte(i), b)
				}
			})
		}
	}
}

// Packets as large as a path carries them get through when there is no memory left, one
// after the other.
func TestLargePacketsWithoutMemory(t *testing.T) {
	for name, mtus := range map[string]map[netip.Addr]int{
		"the interface is known": {netip.MustParseAddr("10.0.0.1"): 9000, netip.MustParseAddr("10.0.0.2"): 9000},
		"it is not":              nil,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{MTU: 1500, MaxMTU: 9000, MaxMemory: 1 << 20}
			p := newPair(t, cfg)
			for _, e := range []*endpoint{p.a, p.z} {
				e.stack.SetLocalMTUs(mtus)
			}
			a, z := p.connect()
			for range 20 {
				require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 10_000)}))
				p.pump()
				p.run(time.Second)
			}
			require.Equal(t, 9000, a.primary.mtu)
			require.Equal(t, 1500, z.primary.mtu, "it has sent nothing")
			size := a.maxFragment()
			require.Greater(t, size, 8900)
			starve := func() {
				a.SetRoom(-cfg.MaxMemory)
				z.SetRoom(-cfg.MaxMemory)
			}
			n, sent := len(p.z.msgs), a.stats.DataChunksSent
			for range 10 {
				starve()
				require.NoError(t, a.Send(p.now, Message{Data: make([]byte, size)}))
				p.pump()
				p.run(time.Second)
				n++
				require.Len(t, p.z.msgs, n)
				sent++
				require.Equal(t, sent, a.stats.DataChunksSent, "once")
			}
			// One that the user does not read closes the window, and he gets the next when he
			// has read it.
			p.z.slow = true
			for range 2 {
				starve()
				require.NoError(t, a.Send(p.now, Message{Data: make([]byte, size-200)}))
				p.pump()
				p.run(time.Second)
			}
			require.Len(t, p.z.msgs, n+1)
			require.LessOrEqual(t, z.buffered(), z.memoryFloor())
			p.z.drain(p.now)
			starve()
			p.run(time.Minute)
			require.Len(t, p.z.msgs, n+2)
			require.Equal(t, StateEstablished, z.State())
		})
	}
}
