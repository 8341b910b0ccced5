// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// BenchmarkThroughput sends messages of one size one way over loopback UDP.
func BenchmarkThroughput(b *testing.B) { throughput(b, Config{}) }

// BenchmarkInterleaved does so in I-DATA chunks, by round robin.
func BenchmarkInterleaved(b *testing.B) {
	throughput(b, Config{Interleaving: true, Scheduler: SchedulerRoundRobin})
}

func throughput(b *testing.B, cfg Config) {
	for _, size := range []int{64, 1024, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, y := loopback(b, cfg)
			ctx := context.Background()
			done := make(chan struct{})
			go func() {
				defer close(done)
				buf := make([]byte, size)
				for {
					if _, err := y.RecvBuf(ctx, buf); err != nil {
						if err != io.EOF {
							b.Error(err)
						}
						return
					}
				}
			}()
			m := Message{Data: make([]byte, size)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := x.Send(ctx, m); err != nil {
					b.Fatal(err)
				}
			}
			if err := x.Shutdown(ctx); err != nil {
				b.Fatal(err)
			}
			<-done
			sx, sy := x.stack.Stats(), y.stack.Stats()
			b.ReportMetric(float64(sy.PacketsReceived)/float64(max(sy.Reads, 1)), "packets/read")
			b.ReportMetric(float64(x.Stats().PacketsSent)/float64(max(sx.Writes, 1)), "packets/write")
		})
	}
}

// BenchmarkPingPong64 sends a message there and back again.
func BenchmarkPingPong64(b *testing.B) {
	x, y := loopback(b, Config{})
	ctx := context.Background()
	go func() {
		buf := make([]byte, 64)
		for {
			m, err := y.RecvBuf(ctx, buf)
			if err != nil || y.Send(ctx, m) != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64)
	m := Message{Data: make([]byte, 64)}
	b.ReportAllocs()
	for b.Loop() {
		if err := x.Send(ctx, m); err != nil {
			b.Fatal(err)
		}
		if _, err := x.RecvBuf(ctx, buf); err != nil {
			b.Fatal(err)
		}
	}
}
