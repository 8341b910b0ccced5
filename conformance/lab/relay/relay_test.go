// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"encoding/binary"
	"flag"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of the impairments")

// fates plays n datagrams, one a millisecond, and returns when each copy left.
func fates(cfg Config, n int) [][]time.Duration {
	start := time.Unix(0, 0)
	m := NewImpairment(cfg)
	all := make([][]time.Duration, n)
	for i := range n {
		now := start.Add(time.Duration(i) * time.Millisecond)
		for _, at := range m.Next(nil, now) {
			all[i] = append(all[i], at.Sub(now))
		}
	}
	return all
}

func TestImpairmentFollowsItsProbabilities(t *testing.T) {
	t.Logf("seed %d", *seed)
	const n = 20000
	cfg := Config{Seed: *seed, Loss: 0.1, Duplicate: 0.05, Reorder: 0.2, Hold: 50 * time.Millisecond, Delay: 10 * time.Millisecond}
	all := fates(cfg, n)
	require.Equal(t, all, fates(cfg, n), "the same seed decides the same")
	var lost, twice, held float64
	for _, f := range all {
		switch len(f) {
		case 0:
			lost++
			continue
		case 2:
			twice++
			require.GreaterOrEqual(t, f[1], f[0])
		}
		require.GreaterOrEqual(t, f[0], cfg.Delay)
		if f[0] >= cfg.Delay+cfg.Hold {
			held++
		}
	}
	// Ten standard deviations of the binomial distribution.
	require.InDelta(t, 0.1*n, lost, 430)
	require.InDelta(t, 0.05*0.9*n, twice, 300)
	require.InDelta(t, 0.2*0.9*n, held, 550)
}

func TestJitterAloneKeepsTheOrder(t *testing.T) {
	t.Logf("seed %d", *seed)
	m := NewImpairment(Config{Seed: *seed, Jitter: 100 * time.Millisecond})
	now := time.Unix(0, 0)
	var last time.Time
	for range 1000 {
		at := m.Next(nil, now)
		require.Len(t, at, 1)
		require.False(t, at[0].Before(last))
		last = at[0]
		now = now.Add(time.Millisecond)
	}
}

func TestTheZeroConfigChangesNothing(t *testing.T) {
	for _, f := range fates(Config{}, 100) {
		require.Equal(t, []time.Duration{0}, f)
	}
}

func TestConfigValidate(t *testing.T) {
	require.NoError(t, Config{Loss: 1}.Validate())
	require.ErrorContains(t, Config{Loss: 1.1}.Validate(), "Loss")
	require.ErrorContains(t, Config{Reorder: -1}.Validate(), "Reorder")
	require.ErrorContains(t, Config{Delay: -1}.Validate(), "negative")
}

func TestRelayCarriesBothWays(t *testing.T) {
	t.Logf("seed %d", *seed)
	loopback := netip.MustParseAddrPort("127.0.0.1:0")
	echo, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(loopback))
	require.NoError(t, err)
	defer echo.Close()
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := echo.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			_, _ = echo.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	r, err := New(loopback, echo.LocalAddr().(*net.UDPAddr).AddrPort(),
		Config{Seed: *seed, Loss: 0.3}, Config{Seed: *seed + 1, Duplicate: 1, Delay: 5 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })

	// The same two plans say how many copies of the i-th datagram come back.
	start := time.Now()
	plan := fates(Config{Seed: *seed, Loss: 0.3}, 50)
	for range 2 {
		client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(r.Addr()))
		require.NoError(t, err)
		defer client.Close()
		require.NoError(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
		buf := make([]byte, 100)
		for i := range 25 {
			_, err := client.Write(binary.BigEndian.AppendUint32(nil, uint32(i)))
			require.NoError(t, err)
			for range 2 * len(plan[0]) {
				n, err := client.Read(buf)
				require.NoError(t, err)
				require.Equal(t, uint32(i), binary.BigEndian.Uint32(buf[:n]))
			}
			plan = plan[1:]
		}
	}
	up, down := r.Stats()
	require.EqualValues(t, 50, up.Received)
	require.Equal(t, up.Received, up.Sent+up.Lost)
	require.NotZero(t, up.Lost)
	require.Equal(t, 2*down.Received, down.Sent)
	require.Greater(t, time.Since(start), 5*time.Millisecond*time.Duration(down.Received))

	require.NoError(t, r.SetUp(Config{Loss: 1}))
	require.Error(t, r.SetDown(Config{Loss: 2}))
}
