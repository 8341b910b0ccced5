// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// heap is the memory a reassembler holds for what is not complete.
func (r *reassembler) heap() (n int) {
	for _, m := range r.runs {
		for _, p := range m.parts.items() {
			n += cap(p)
		}
	}
	for _, p := range r.pages {
		n += 8
		if p != nil {
			n += inPageSize
		}
	}
	return n
}

// A peer cannot make the receiver hold much more memory than a_rwnd counts.
func TestReceiverMemoryIsAccountedFor(t *testing.T) {
	const mib = 1 << 20
	t.Run("first fragments, after a large message", func(t *testing.T) {
		var r reassembler
		r.init(1)
		tsn := wire.TSN(1)
		for i := range 9 { // one of 9 MiB
			d := wire.Data{TSN: tsn, Payload: make([]byte, mib)}
			if i == 0 {
				d.Flags = wire.DataBegin
			} else if i == 8 {
				d.Flags = wire.DataEnd
			}
			require.True(t, r.add(&d, addrs("10.0.0.1")[0]))
			tsn++
		}
		for range maxGapRanges { // and those which never end
			tsn += 2
			d := wire.Data{TSN: tsn, SSN: 1, Flags: wire.DataBegin, Payload: []byte("x")}
			require.True(t, r.add(&d, addrs("10.0.0.1")[0]))
		}
		require.Less(t, r.heap(), maxHint+maxGapRanges*perRunCost+1024+8)
	})
	t.Run("the last stream", func(t *testing.T) {
		var r reassembler
		r.init(65535)
		d := wire.Data{TSN: 1, Stream: 65534, Flags: whole, Payload: []byte("x")}
		require.True(t, r.add(&d, addrs("10.0.0.1")[0]))
		require.Less(t, r.heap(), 12<<10)
	})
}

// ERROR chunks come as many as the peer likes; the events they make do not.
func TestErrorFlood(t *testing.T) {
	p, z := acked(t, Config{})
	flood := bytes.Repeat(wire.AppendError(nil, wire.AppendCause(nil, wire.CauseOutOfResource, nil)), 4000)
	z.HandlePacket(p.now, p.packetTo(p.z, z, z.myTag, flood))
	require.Len(t, z.events, maxPeerErrors)
	// RFC 9260, Section 3.3.10: "It contains one or more error causes."
	z.events = nil
	z.HandlePacket(p.now, p.packetTo(p.z, z, z.myTag, wire.AppendError(nil, nil)))
	require.Empty(t, z.events)
}

// One lost chunk and as many small messages behind it as can be outstanding:
// their SSNs must not be taken for old ones.
func TestManyMessagesOnOneStream(t *testing.T) {
	var r reassembler
	var tr tsnTracker
	r.init(1)
	tr.init(0)
	add := func(tsn wire.TSN) bool {
		if tr.check(tsn) != tsnNew {
			return false
		}
		tr.add(tsn)
		d := wire.Data{TSN: tsn, SSN: wire.SSN(tsn), Flags: whole, Payload: []byte("x")}
		return r.add(&d, addrs("10.0.0.1")[0])
	}
	n := 0
	for tsn := wire.TSN(1); add(tsn); tsn++ {
		n++
	}
	require.Equal(t, maxTSNSpan-1, n)
	require.True(t, add(0))
	require.EqualValues(t, n+1, r.delivered)
}

// heapInUse is the memory that is reachable.
func heapInUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Messages and fragments of one byte cost what they are charged: a peer cannot
// have more memory held than twice the receive buffer.
func TestTinyMessagesAreCharged(t *testing.T) {
	const buffer = 1 << 20
	for name, chunk := range map[string]func(i uint32) wire.Data{
		"messages": func(i uint32) wire.Data { return wire.Data{Flags: whole, SSN: wire.SSN(i)} },
		"fragments without end": func(i uint32) wire.Data {
			if i == 0 {
				return wire.Data{Flags: wire.DataBegin}
			}
			return wire.Data{}
		},
		"beginnings": func(i uint32) wire.Data {
			return wire.Data{Flags: wire.DataBegin, TSN: wire.TSN(2 * i), SSN: wire.SSN(i + 1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newTester(t, Config{RecvBuffer: buffer})
			z := x.connect()
			x.p.z.slow = true
			before := heapInUse()
			for i := uint32(0); i < 30_000; {
				var b [][]byte
				for range 60 {
					d := chunk(i)
					if d.TSN == 0 {
						d.TSN = wire.TSN(i)
					}
					d.TSN = x.init.InitialTSN.Add(uint32(d.TSN))
					d.Payload = []byte{1}
					b = append(b, d.Append(nil))
					i++
				}
				x.say(b...)
			}
			x.heard, x.p.a.inbox = nil, nil
			grown := heapInUse() - before
			t.Logf("%d bytes for a buffer of %d", grown, buffer)
			require.Less(t, grown, 2*buffer)
			require.LessOrEqual(t, z.reassembly.unreadMessages, buffer/perUnreadCost+100)
			runtime.KeepAlive(x)
		})
	}
}
