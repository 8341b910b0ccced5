// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkLoopback sends datagrams of 1400 bytes and counts those that
// arrived, with a window of 512 in flight so that none is dropped. Runs of 40
// are what a bulk sender writes; a run of 1 is a message at a time.
func BenchmarkLoopback(b *testing.B) {
	for _, run := range []int{1, 8, 40} {
		for _, offload := range []bool{false, true} {
			name := "plain"
			if offload {
				name = "GSO+GRO"
			}
			b.Run(fmt.Sprintf("run=%d/%s", run, name), func(b *testing.B) {
				benchLoopback(b, run, HostConfig{DisableGSO: !offload, DisableGRO: !offload})
			})
		}
	}
}

const benchSize = 1400

func benchLoopback(b *testing.B, run int, cfg HostConfig) {
	a := loopbacks(b)[0]
	x, y := listen(b, cfg.Network(), a), listen(b, cfg.Network(), a)
	const window = 512
	arrived := make(chan int, window)
	var reader sync.WaitGroup
	reader.Go(func() {
		for in := newBatch(8); ; {
			n, err := y.ReadBatch(in)
			if err != nil {
				return
			}
			bytes := 0
			for _, d := range in[:n] {
				bytes += len(d.Data)
			}
			arrived <- bytes / benchSize
		}
	})
	out := []Datagram{{Data: pattern(run * benchSize), SegmentSize: benchSize, Dst: y.LocalAddr()}}
	b.SetBytes(benchSize)
	b.ReportAllocs()
	b.ResetTimer()
	inFlight := 0
	for sent := 0; sent < b.N; sent += run {
		for inFlight > window-run {
			inFlight -= <-arrived
		}
		if _, err := x.WriteBatch(out); err != nil {
			b.Fatal(err)
		}
		inFlight += run
	}
	for inFlight > 0 {
		inFlight -= <-arrived
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "packets/s")
	y.Close()
	reader.Wait()
}

// BenchmarkPingPong is the time from a datagram to its answer.
func BenchmarkPingPong(b *testing.B) {
	a := loopbacks(b)[0]
	x, y := listen(b, Host(), a), listen(b, Host(), a)
	var echo sync.WaitGroup
	echo.Go(func() {
		for in := newBatch(8); ; {
			n, err := y.ReadBatch(in)
			if err != nil {
				return
			}
			for i := range in[:n] {
				in[i].Dst = in[i].Src
			}
			if _, err := y.WriteBatch(in[:n]); err != nil {
				return
			}
		}
	})
	in, out := newBatch(8), []Datagram{{Data: pattern(100), Dst: y.LocalAddr()}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.WriteBatch(out); err != nil {
			b.Fatal(err)
		}
		if _, err := x.ReadBatch(in); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	y.Close()
	echo.Wait()
}
