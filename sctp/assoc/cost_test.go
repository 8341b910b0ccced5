// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a transfer costs in packets, SACKs and memory: what was won must not be lost unnoticed.

// Small messages share packets, large ones fill them.
func TestPacketsPerMessage(t *testing.T) {
	for _, tt := range []struct{ messages, size, packets int }{
		{1000, 64, 56},       // 18 chunks of 80 bytes in 1460
		{100, 1444, 100},     // each fills one
		{16, 65536, 16 * 46}, // 45.4 packets
	} {
		p, a, z := established(t, Config{})
		a.cfg.NoNagle = false
		before, sacks := a.stats.PacketsSent, z.stats.SacksSent
		for i := range tt.messages {
			require.NoError(t, a.Send(p.now, Message{Data: make([]byte, tt.size), Stream: uint16(i % 7)}))
		}
		p.pump()
		require.Len(t, p.z.msgs, tt.messages)
		require.LessOrEqual(t, int(a.stats.PacketsSent-before), tt.packets+1, "%d messages of %d bytes", tt.messages, tt.size)
		require.EqualValues(t, 1, z.stats.SacksSent-sacks, "one SACK for what came together")
	}
}

// Packets that come alone get a SACK for every second one (RFC 9260, Section 6.2).
func TestSacksPerPacket(t *testing.T) {
	p, a, z := established(t, Config{})
	before := z.stats.SacksSent
	sendN(t, p, a, 100, 1444)
	p.flush(p.a)
	in := p.z.inbox
	require.Len(t, in, 100)
	for i := range in {
		p.z.inbox = in[i : i+1 : i+1]
		p.deliver(p.z)
		p.flush(p.z)
	}
	require.EqualValues(t, 50, z.stats.SacksSent-before)
}

// A window of messages, and its SACK, allocates nothing at either end.
func TestBulkDoesNotAllocate(t *testing.T) {
	for name, cfg := range map[string]Config{
		"standard": {}, "Westwood, RACK": {CongestionControl: CongestionWestwood, LossDetection: LossDetectionRACK},
	} {
		p, a, z := established(t, cfg)
		buf, data := make([]byte, 1<<16), make([]byte, 1000)
		carry := func(from, to *Association) {
			for {
				tr, ok := from.PollTransmit(p.now, buf)
				if !ok {
					return
				}
				to.HandlePacket(p.now, Datagram{Local: tr.Remote, Remote: tr.Local, Data: buf[:tr.Len]})
				to.EndBatch(p.now)
			}
		}
		turn := func() {
			p.now = p.now.Add(time.Millisecond)
			for range 50 {
				if err := a.Send(p.now, Message{Data: data}); err != nil {
					t.Error(err)
				}
			}
			carry(a, z)
			for {
				m, ok := z.PollMessage()
				if !ok {
					break
				}
				z.Consumed(p.now, 1, len(m.Data))
				z.Recycle(m.Data)
			}
			carry(z, a)
		}
		for range 200 {
			turn()
		}
		require.Zero(t, testing.AllocsPerRun(200, turn), name)
		require.Zero(t, a.out.count())
	}
}

// Small messages cost more memory than the peer counts. Whatever the user reads, nothing that was sent into the window
// must be dropped.
func TestSmallMessagesFitTheWindow(t *testing.T) {
	p, a, z := established(t, Config{})
	a.cfg.NoNagle = false
	z.cfg.RecvBuffer = 1 << 20
	z.tuning.recv = 0
	send := func(n int) {
		for range n {
			require.NoError(t, a.Send(p.now, Message{Data: make([]byte, 64)}))
		}
		p.pump()
	}
	for range 20 {
		send(200) // so that their size is known
	}
	p.z.slow = true // the user does not read any more
	send(20_000)
	require.Zero(t, a.stats.Retransmissions)
	require.EqualValues(t, z.stats.DataChunksReceived, z.reassembly.delivered, "nothing was dropped")
	require.Less(t, z.reassembly.delivered, uint64(12_000), "the window is full")
	for range 100 {
		p.z.drain(p.now)
		p.run(time.Second)
	}
	require.EqualValues(t, 24_000, z.reassembly.delivered)
}

// However many streams and associations there are and however long a message is: what was allocated for the first of a kind
// serves for all that follow, and an association is made of as many pieces as the one before.
func TestAllocationsDoNotGrow(t *testing.T) {
	t.Run("streams", func(t *testing.T) {
		for _, streams := range []int{1, 1000, 65535} {
			p, a, z := established(t, Config{OutboundStreams: 65535})
			buf, data, next := make([]byte, 1<<16), make([]byte, 64), 0
			carry := func(from, to *Association) {
				for tr, ok := from.PollTransmit(p.now, buf); ok; tr, ok = from.PollTransmit(p.now, buf) {
					to.HandlePacket(p.now, Datagram{Local: tr.Remote, Remote: tr.Local, Data: buf[:tr.Len]})
					to.EndBatch(p.now)
				}
			}
			turn := func() {
				for range 1000 {
					if err := a.Send(p.now, Message{Stream: uint16(next % streams), Data: data}); err != nil {
						t.Error(err)
					}
					next++
				}
				carry(a, z)
				for m, ok := z.PollMessage(); ok; m, ok = z.PollMessage() {
					z.Consumed(p.now, 1, len(m.Data))
					z.Recycle(m.Data)
				}
				carry(z, a)
			}
			for range 3 + 3*streams/1000 { // each stream is met three times
				turn()
			}
			require.Zero(t, testing.AllocsPerRun(50, turn), "1000 messages on %d streams", streams)
		}
	})
	t.Run("associations", func(t *testing.T) {
		allocs := func(n int) float64 {
			c := newCrowd(t, n)
			return testing.AllocsPerRun(100, func() { c.end(c.connect()) })
		}
		require.InDelta(t, allocs(1), allocs(1000), 2) // maps may grow
	})
	t.Run("size", func(t *testing.T) {
		for _, size := range []int{64 << 10, 1 << 20, 16 << 20} {
			p, a, z := established(t, Config{})
			var m Message
			buf, data := make([]byte, 1<<16), make([]byte, size)
			carry := func(from, to *Association) {
				for tr, ok := from.PollTransmit(p.now, buf); ok; tr, ok = from.PollTransmit(p.now, buf) {
					to.HandlePacket(p.now, Datagram{Local: tr.Remote, Remote: tr.Local, Data: buf[:tr.Len]})
				}
				to.EndBatch(p.now)
			}
			turn := func() {
				if err := a.Send(p.now, Message{Data: data}); err != nil {
					t.Error(err)
				}
				for {
					carry(a, z)
					carry(z, a)
					got, ok := z.PollMessage()
					if ok {
						m = got
						break
					}
				}
				z.Consumed(p.now, 1, len(m.Data))
				z.Recycle(m.Data)
			}
			turn()
			got := testing.AllocsPerRun(2, turn)
			t.Logf("%d bytes: %.0f allocations", size, got)
			require.Less(t, got, 40.0, "a message of %d bytes", size)
			require.Len(t, m.Data, size)
		}
	})
}
