// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
	"github.com/stretchr/testify/require"
)

// BenchmarkHundredThousandElements registers 100 000 elements with a registrar over loopback, has them register again, and
// then starts a second registrar, which downloads them. It reports what that costs, and fails above 2 KiB of memory per
// element or 10 s for the download.
func BenchmarkHundredThousandElements(b *testing.B) {
	const elements, assocs, perPool = 100_000, 10, 1000
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	config := func(id uint32) Config {
		return Config{ServerID: id, LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, ENRPPort: -1, AnnounceTTL: -1,
			KeepAliveInterval: -1, StopTimeout: -1}
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	serve := func(c Config) *Server {
		srv, err := New(c)
		require.NoError(b, err)
		wg.Go(func() { srv.Serve(ctx) })
		return srv
	}
	stack, err := sctp.NewStack(&sctp.Config{LocalAddrs: loopback, EncapPort: -1})
	require.NoError(b, err)
	defer stack.Close()

	for range b.N {
		before := memory()
		first := serve(config(1))
		var conns []*sctp.Conn
		for range assocs {
			c, err := stack.Dial(ctx, first.Addr())
			require.NoError(b, err)
			conns = append(conns, c)
		}
		register := func() (took, cpu time.Duration) {
			begin, used := time.Now(), processTime()
			var users sync.WaitGroup
			for i, c := range conns {
				users.Go(func() { registerAll(b, ctx, c, i*elements/assocs, elements/assocs, perPool) })
			}
			users.Wait()
			return time.Since(begin), processTime() - used
		}
		took, _ := register()
		require.Equal(b, elements, first.Stats().Elements)
		b.ReportMetric(elements/took.Seconds(), "registrations/s")
		per := float64(memory()-before) / elements
		b.ReportMetric(per, "B/element")
		took, cpu := register()
		b.ReportMetric(elements/took.Seconds(), "reregistrations/s")
		b.ReportMetric(cpu.Seconds()*1e6/elements, "µs-cpu/reregistration")

		c := config(2)
		c.Peers = []*sctp.Addr{first.PeerAddr()}
		begin := time.Now()
		second := serve(c)
		for second.Stats().Elements < elements {
			require.Less(b, time.Since(begin), 10*time.Second, "the download takes too long")
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s/download")
		require.LessOrEqual(b, per, 2048.0, "memory per element")
	}
}

// registerAll registers elements from first on over one association, and waits for all answers.
func registerAll(b *testing.B, ctx context.Context, conn *sctp.Conn, first, n, perPool int) {
	go func() {
		for i := first; i < first+n; i++ {
			m := &asap.Registration{PoolHandle: param.PoolHandle("pool-" + string(rune('A'+i/perPool))), PoolElement: param.PoolElement{
				ID: uint32(i + 1), Life: 3600, Policy: param.Policy{Type: param.RoundRobin},
				UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}},
			}}
			msg, err := m.AppendBinary(nil)
			if err != nil || conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: msg}) != nil {
				return
			}
		}
	}()
	for answers := 0; answers < n; {
		m, err := conn.Recv(ctx)
		if err != nil {
			b.Errorf("after %d answers: %v", answers, err)
			return
		}
		if len(m.Data) > 1 && m.Data[0] == byte(asap.TypeRegistrationResponse) && m.Data[1] == 0 {
			answers++
		}
	}
}

// memory is what is in use after a garbage collection.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
