// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"runtime"
	"time"

	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// What bulk and pingPong measure.
type (
	throughput struct {
		messages int64         // received
		mallocs  uint64        // objects allocated, by both ends
		bytes    int64         // of payload, received
		elapsed  time.Duration // from the first send to the last receive
		cpu      time.Duration // user and system time of both ends
	}
	roundTrips struct {
		count   int
		elapsed time.Duration
		cpu     time.Duration
	}
)

// mbPerSecond is in 10^6 bytes per second.
func (t throughput) mbPerSecond() float64 { return float64(t.bytes) / 1e6 / t.elapsed.Seconds() }

// cpuPerGB is in seconds per 10^9 bytes.
func (t throughput) cpuPerGB() float64 { return t.cpu.Seconds() / (float64(t.bytes) / 1e9) }

func (t throughput) mallocsEach() float64 { return float64(t.mallocs) / float64(t.messages) }

func (r roundTrips) perSecond() float64 { return float64(r.count) / r.elapsed.Seconds() }

// cpuEach is in microseconds.
func (r roundTrips) cpuEach() float64 { return float64(r.cpu.Microseconds()) / float64(r.count) }

// bulk sends messages of one size from a to b for a while, then one of a single byte to say that
// these were all, and waits until b has that.
func bulk(l link, size int, d time.Duration) (throughput, error) {
	type received struct {
		messages int64
		at       time.Time
		err      error
	}
	done := make(chan received, 1)
	go func() {
		var r received
		buf := make([]byte, size)
		for {
			n, err := l.b.recv(buf)
			if err == nil && n != size && n != 1 {
				err = fmt.Errorf("bench: a message of %d bytes, want %d", n, size)
			}
			if err != nil || n == 1 {
				r.at, r.err = time.Now(), err
				done <- r
				return
			}
			r.messages++
		}
	}()
	msg := make([]byte, size)
	var sent int64
	runtime.GC() // so that a contender does not pay for the one before
	objects := mallocs()
	cpu, start := worker.CPUTime(), time.Now()
	for time.Since(start) < d {
		for range max(1, 16<<10/size) { // what a clock reading costs must not count
			if err := l.a.send(msg); err != nil {
				return throughput{}, fmt.Errorf("bench: send: %w", err)
			}
			sent++
		}
	}
	if err := l.a.send(msg[:1]); err != nil {
		return throughput{}, fmt.Errorf("bench: send: %w", err)
	}
	r := <-done
	cpu = worker.CPUTime() - cpu
	if r.err == nil && r.messages != sent {
		r.err = fmt.Errorf("bench: %d messages arrived of %d", r.messages, sent)
	}
	return throughput{r.messages, mallocs() - objects, r.messages * int64(size), r.at.Sub(start), cpu}, r.err
}

// mallocs is how many objects this process has allocated.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// pingPong sends a message from a to b and back again, one at a time, for a while.
func pingPong(l link, size int, d time.Duration) (roundTrips, error) {
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, size)
		for {
			n, err := l.b.recv(buf)
			if err == nil {
				err = l.b.send(buf[:n])
			}
			if err != nil || n == 1 {
				done <- err
				return
			}
		}
	}()
	msg, buf := make([]byte, size), make([]byte, size)
	trip := func(msg []byte) error {
		if err := l.a.send(msg); err != nil {
			return fmt.Errorf("bench: send: %w", err)
		}
		n, err := l.a.recv(buf)
		if err == nil && n != len(msg) {
			err = fmt.Errorf("bench: %d bytes came back of %d", n, len(msg))
		}
		return err
	}
	var r roundTrips
	runtime.GC()
	cpu, start := worker.CPUTime(), time.Now()
	for r.elapsed < d {
		for range 16 {
			if err := trip(msg); err != nil {
				return r, err
			}
			r.count++
		}
		r.elapsed = time.Since(start)
	}
	r.cpu = worker.CPUTime() - cpu
	if err := trip(msg[:1]); err != nil {
		return r, err
	}
	return r, <-done
}
