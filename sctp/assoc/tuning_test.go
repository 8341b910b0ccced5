// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The receive buffer becomes twice of what the user reads in a round trip.
func TestTuneRecv(t *testing.T) {
	p, a, _ := lossy(t, Config{})
	a.primary.rto.srtt, a.primary.rto.least = 10*time.Millisecond, 10*time.Millisecond
	read := func(bytes int, d time.Duration) int {
		p.now = p.now.Add(d)
		a.tuneRecv(p.now, bytes)
		return a.recvBuffer()
	}
	require.Equal(t, 4<<20, read(1, time.Second))
	require.Equal(t, 4<<20, read(2<<20, 10*time.Millisecond), "half of the buffer is what a round trip needs")
	require.Equal(t, 4<<20, read(3<<20, 5*time.Millisecond), "the round trip is not over")
	require.Equal(t, 6<<20, read(0, 5*time.Millisecond))
	require.Equal(t, 6<<20, read(20<<20, 100*time.Millisecond), "2 MiB in a round trip")
	require.Equal(t, 32<<20, read(40<<20, 10*time.Millisecond), "MaxRecvBuffer")

	p, a, _ = lossy(t, Config{RecvBuffer: 1 << 20})
	a.primary.rto.srtt, a.primary.rto.least = 10*time.Millisecond, 10*time.Millisecond
	require.Equal(t, 1<<20, read(1, time.Second))
	require.Equal(t, 1<<20, read(4<<20, 10*time.Millisecond), "whoever sets it has it")
}

// The send buffer follows the congestion window.
func TestTuneSend(t *testing.T) {
	_, a, _ := lossy(t, Config{})
	require.Equal(t, 4<<20, a.sendBuffer())
	a.primary.cc.cwnd = 2 << 20
	require.Equal(t, 6<<20, a.sendBuffer())
	a.primary.cc.cwnd = 1 << 30
	require.Equal(t, 32<<20, a.sendBuffer())
	_, a, _ = lossy(t, Config{SendBuffer: 1 << 20, MaxSendBuffer: 2 << 20})
	require.Equal(t, 1<<20, a.sendBuffer())
	a.primary.cc.cwnd = 1 << 30
	require.Equal(t, 2<<20, a.sendBuffer())
}

// Who was dialled knows the round trip from the cookie.
func TestTuneRTT(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	p.dial()
	for p.flush(p.a) || p.flush(p.z) {
		p.now = p.now.Add(15 * time.Millisecond)
		p.deliver(p.z)
		p.flush(p.z)
		p.now = p.now.Add(15 * time.Millisecond)
		p.deliver(p.a)
	}
	require.Equal(t, 30*time.Millisecond, p.z.assocs[0].recvRTT())
}

// A small receive buffer holds few of the smallest messages, but the window which that
// leaves does not stay closed.
func TestSmallestMessagesInASmallBuffer(t *testing.T) {
	for _, size := range []int{1, 2, 8} {
		for _, buffer := range []int{1500, 16 << 10, 64 << 10} {
			p, a, z := lossy(t, Config{RecvBuffer: buffer, HeartbeatInterval: -1})
			p.a.filter = nil
			begin := p.now
			for range 1500 {
				require.NoError(t, a.Send(p.now, Message{Data: make([]byte, size)}))
				p.pump()
				p.run(time.Millisecond)
			}
			p.run(30 * time.Second)
			require.EqualValues(t, 1500, z.reassembly.delivered, "%d bytes, buffer of %d", size, buffer)
			require.Zero(t, a.stats.Retransmissions)
			require.Less(t, p.now.Sub(begin), 40*time.Second)
		}
	}
}

// That messages were small once does not keep the window of larger ones small.
func TestWindowForgetsSmallMessages(t *testing.T) {
	_, _, z := lossy(t, Config{})
	push := func(n, size int) {
		for range n {
			z.reassembly.push(Message{Data: make([]byte, size)})
			z.reassembly.ready.pop()
		}
		z.Consumed(start, n, n*size)
	}
	push(1_000_000, 8)
	require.Less(t, z.arwnd(), 512<<10)
	push(20_000, 1000)
	require.Equal(t, 4<<20, z.arwnd())
}

// There are no new associations when what is left of the memory opens no window.
func TestNoMemoryForAnAssociation(t *testing.T) {
	p := newPair(t, Config{})
	to := AssociateParams{Remote: addrs("10.0.0.2"), Port: 5000}
	p.a.stack.SetRoom(p.a.stack.cfg.MTU - 1)
	_, err := p.a.stack.Associate(p.now, to)
	require.ErrorIs(t, err, ErrMemory)
	p.a.stack.SetRoom(p.a.stack.cfg.MTU)
	_, err = p.a.stack.Associate(p.now, to)
	require.NoError(t, err)
}
