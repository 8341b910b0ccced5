// SPDX-License-Identifier: Apache-2.0

package registrars

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/worker"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// serve runs a registrar of ours on loopback.
func serve(tb testing.TB) *registrar.Server {
	srv, err := registrar.New(registrar.Config{ServerID: 1, LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, ENRPPort: -1, AnnounceTTL: -1,
		KeepAliveInterval: -1, MaxTimeLastHeard: time.Hour, PeerHeartbeatCycle: time.Hour, MentorDiscovery: time.Millisecond, StopTimeout: -1})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(ctx) })
	tb.Cleanup(func() { cancel(); wg.Wait() })
	return srv
}

var loopback = []netip.Addr{netip.MustParseAddr("127.0.0.1")}

func loadStack(tb testing.TB, at netip.Addr, encap int) *sctp.Stack {
	stack, err := sctp.NewStack(&sctp.Config{LocalAddrs: []netip.Addr{at}, EncapPort: encap, NoNagle: true})
	require.NoError(tb, err)
	tb.Cleanup(func() { stack.Close() })
	_, err = stack.Listen(peerPort)
	require.NoError(tb, err)
	return stack
}

// peerPort is where the load's peer sends from.
const peerPort = 9901

// Every load is answered, and leaves behind what was there.
func TestLoad(t *testing.T) {
	srv := serve(t)
	stack := loadStack(t, loopback[0], -1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	u, err := DialUsers(ctx, stack, srv.Addr(), 3)
	require.NoError(t, err)
	for _, n := range []uint32{10, 500} {
		_, err := u.Fill(ctx, n)
		require.NoError(t, err)
		require.EqualValues(t, n, srv.Stats().Elements)
	}
	p, err := DialPeer(ctx, stack, peerPort, srv.PeerAddr())
	require.NoError(t, err)
	before := srv.Stats()
	for _, load := range []func(context.Context, time.Duration) (Load, error){u.Registrations, u.Reregistrations, u.Resolutions, p.Updates} {
		l, err := load(ctx, 20*time.Millisecond)
		require.NoError(t, err)
		require.Positive(t, l.Count)
		require.Equal(t, 500, srv.Stats().Elements)
	}
	require.Greater(t, srv.Stats().UpdatesReceived, before.UpdatesReceived)
	require.Zero(t, srv.Stats().Resyncs)
	p.Close()
	u.Close()
}

// BenchmarkOurs puts the loads on a registrar of ours over loopback, with more and more pool elements in one pool: rates,
// and the processor time that an answer takes on both sides together.
func BenchmarkOurs(b *testing.B) {
	for _, n := range []uint32{10, 1000, 100_000} {
		srv := serve(b)
		stack := loadStack(b, loopback[0], -1)
		ctx := b.Context()
		u, err := DialUsers(ctx, stack, srv.Addr(), 4)
		require.NoError(b, err)
		p, err := DialPeer(ctx, stack, peerPort, srv.PeerAddr())
		require.NoError(b, err)
		_, err = u.Fill(ctx, n)
		require.NoError(b, err)
		for _, op := range []struct {
			name string
			run  func(context.Context, time.Duration) (Load, error)
		}{{"register", u.Registrations}, {"reregister", u.Reregistrations}, {"resolve", u.Resolutions}, {"update", p.Updates}} {
			b.Run(fmt.Sprintf("%s/elements=%d", op.name, n), func(b *testing.B) {
				var sum Load
				var cpu time.Duration
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for b.Loop() {
					used := worker.CPUTime()
					l, err := op.run(ctx, time.Second/2)
					require.NoError(b, err)
					sum.Count, sum.Took, cpu = sum.Count+l.Count, sum.Took+l.Took, cpu+worker.CPUTime()-used
				}
				runtime.ReadMemStats(&after)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(sum.PerSecond(), "per_s")
				b.ReportMetric(cpu.Seconds()*1e6/float64(sum.Count), "CPU-µs")
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(sum.Count), "allocs")
			})
		}
		p.Close()
		u.Close()
	}
}
