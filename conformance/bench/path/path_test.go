// SPDX-License-Identifier: Apache-2.0

package path

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/udpencap"
)

var any4 = netip.MustParseAddrPort("127.0.0.1:0")

// A path passes datagrams there and back, not before their time.
func TestPath(t *testing.T) {
	server, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(any4))
	require.NoError(t, err)
	defer server.Close()
	p, err := Open(any4, any4, server.LocalAddr().(*net.UDPAddr).AddrPort(), Config{Delay: 5 * time.Millisecond, Rate: 1e8, Queue: 1 << 20})
	require.NoError(t, err)
	defer p.Close()
	client, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(p.a.sock.LocalAddr()))
	require.NoError(t, err)
	defer client.Close()
	start := time.Now()
	_, err = client.Write([]byte("there"))
	require.NoError(t, err)
	buf := make([]byte, 100)
	n, from, err := server.ReadFromUDPAddrPort(buf)
	require.NoError(t, err)
	require.Equal(t, "there", string(buf[:n]))
	require.GreaterOrEqual(t, time.Since(start), 5*time.Millisecond)
	_, err = server.WriteToUDPAddrPort([]byte("back"), from)
	require.NoError(t, err)
	n, err = client.Read(buf)
	require.NoError(t, err)
	require.Equal(t, "back", string(buf[:n]))
	require.GreaterOrEqual(t, time.Since(start), 10*time.Millisecond)
	up, down := p.Stats()
	require.Equal(t, Stats{Passed: 1}, up)
	require.Equal(t, Stats{Passed: 1}, down)
}

// What a run of segments loses, and when it leaves.
func TestRun(t *testing.T) {
	now := time.Unix(0, 0)
	run := udpencap.Datagram{Data: make([]byte, 10_500), SegmentSize: 1000}
	d := newDirection(Config{Delay: time.Millisecond, Rate: 1e6, Queue: 10_000}, 1)
	d.take(now, []udpencap.Datagram{run})
	require.Equal(t, Stats{Passed: 10, Overflowed: 1}, d.stats())
	out, next := d.due(now, nil)
	require.Empty(t, out)
	require.Equal(t, now.Add(11*time.Millisecond), next, "10 000 bytes at 1 MB/s, and 1 ms")
	out, next = d.due(next, out)
	require.Len(t, out, 1)
	require.Len(t, out[0].data, 10_000)
	require.Equal(t, 1000, out[0].segment)
	require.True(t, next.IsZero())

	d = newDirection(Config{Loss: 0.5, Seed: 1}, 1)
	for range 1000 {
		d.take(now, []udpencap.Datagram{run})
		out, _ = d.due(now, out)
		for _, o := range out {
			require.NotEmpty(t, o.data)
		}
	}
	require.InDelta(t, 5500, float64(d.stats().Lost), 200)
	require.EqualValues(t, 11_000, d.stats().Lost+d.stats().Passed)
}
