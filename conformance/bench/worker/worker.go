// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
)

// A Conn is one association or connection. It is used by one goroutine.
type Conn interface {
	// Send sends a message, and waits while the transport has enough to do.
	Send(msg []byte) error
	// Recv returns the size of the next message, which is now in buf, or io.EOF if the peer has ended.
	// A transport without messages returns what there is, but a whole one in a PingPong test.
	Recv(buf []byte) (int, error)
	// End says that nothing follows.
	End() error
	// Close forgets the association at once.
	Close() error
}

// A Peer is a transport.
type Peer struct {
	// Listen returns what waits for the next association.
	Listen func(c *Config) (accept func() (Conn, error), err error)
	// Dial returns what sets up the n-th association.
	Dial func(c *Config) (dial func(n int) (Conn, error), err error)
}

// Ended is what the functions for messages return for the shortest of all.
func Ended(n int, err error) (int, error) {
	if err == nil && n == 1 {
		return 0, io.EOF
	}
	return n, err
}

// Mark is the message that says that nothing follows.
var Mark = []byte{0}

// Run plays one end and prints what it has to say.
func Run(p Peer, c *Config, out io.Writer) error {
	var r Result
	var err error
	if c.Server {
		accept, lerr := p.Listen(c)
		if lerr != nil {
			return lerr
		}
		if _, err := fmt.Fprintln(out, "ready"); err != nil {
			return err
		}
		r, err = serve(c, accept)
	} else {
		dial, derr := p.Dial(c)
		if derr != nil {
			return derr
		}
		r, err = call(c, dial)
	}
	if err != nil {
		return err
	}
	err = json.NewEncoder(out).Encode(r)
	if c.Server {
		time.Sleep(time.Second) // the last acknowledgements
	}
	return err
}

func serve(c *Config, accept func() (Conn, error)) (Result, error) {
	if c.Test == Setup {
		for { // until it is killed
			conn, err := accept()
			if err != nil {
				return Result{}, err
			}
			go func() {
				_, _ = conn.Recv(make([]byte, c.Size))
				_ = conn.Close()
			}()
		}
	}
	conn, err := accept()
	if err != nil {
		return Result{}, err
	}
	if c.Test == PingPong {
		return echo(c, conn)
	}
	return receive(c, conn)
}

func call(c *Config, dial func(int) (Conn, error)) (Result, error) {
	if c.Test == Setup {
		return setUp(c, dial)
	}
	conn, err := dial(0)
	if err != nil {
		return Result{}, err
	}
	defer conn.Close()
	if c.Test == PingPong {
		return trips(c, conn)
	}
	return send(c, conn)
}

// receive counts what comes.
func receive(c *Config, conn Conn) (r Result, err error) {
	buf := make([]byte, max(c.Size, 64<<10))
	var first, last time.Time
	var bytes, firstBytes int64
	var over atomic.Bool
	cpu := CPUTime()
	for {
		n, err := conn.Recv(buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r, fmt.Errorf("receive: %w", err)
		}
		bytes += int64(n)
		r.Count++
		if r.Count == 1 {
			first, firstBytes = time.Now(), bytes
			if c.Window {
				go func() { time.Sleep(c.Time); over.Store(true) }()
			}
		}
		if c.Window && over.Load() {
			break
		}
	}
	last = time.Now()
	r.Bytes, r.Seconds = bytes-firstBytes, last.Sub(first).Seconds()
	if c.Window {
		return r, nil
	}
	if err := conn.End(); err != nil {
		return r, err
	}
	r.CPU = (CPUTime() - cpu).Seconds()
	return r, nil
}

// send sends for a while, and waits until all has arrived.
func send(c *Config, conn Conn) (r Result, err error) {
	msg := make([]byte, c.Size)
	cpu, start := CPUTime(), time.Now()
	for time.Since(start) < c.Time || c.Window {
		for range max(1, 16<<10/c.Size) { // what a clock reading costs must not count
			if err := conn.Send(msg); err != nil {
				return r, fmt.Errorf("send: %w", err)
			}
			r.Count++
		}
	}
	if err := conn.End(); err != nil {
		return r, err
	}
	if _, err := conn.Recv(make([]byte, 64<<10)); !errors.Is(err, io.EOF) {
		return r, fmt.Errorf("waiting for the end: %w", err)
	}
	r.Bytes, r.Seconds, r.CPU = r.Count*int64(c.Size), time.Since(start).Seconds(), (CPUTime() - cpu).Seconds()
	return r, nil
}

func echo(c *Config, conn Conn) (r Result, err error) {
	buf := make([]byte, c.Size)
	cpu := CPUTime()
	for {
		n, err := conn.Recv(buf)
		if errors.Is(err, io.EOF) {
			r.CPU = (CPUTime() - cpu).Seconds()
			return r, conn.End()
		}
		if err != nil {
			return r, err
		}
		if err := conn.Send(buf[:n]); err != nil {
			return r, err
		}
		r.Count++
	}
}

func trips(c *Config, conn Conn) (r Result, err error) {
	msg, buf := make([]byte, c.Size), make([]byte, c.Size)
	times := make([]time.Duration, 0, 1<<20)
	cpu, start := CPUTime(), time.Now()
	for at := start; at.Sub(start) < c.Time; {
		if err := conn.Send(msg); err != nil {
			return r, err
		}
		if n, err := conn.Recv(buf); err != nil || n != c.Size {
			return r, fmt.Errorf("%d bytes have come back: %w", n, err)
		}
		now := time.Now()
		times = append(times, now.Sub(at))
		at = now
	}
	r.CPU = (CPUTime() - cpu).Seconds()
	r.sum(times, time.Since(start))
	if err := conn.End(); err != nil {
		return r, err
	}
	_, _ = conn.Recv(buf)
	return r, nil
}

func setUp(c *Config, dial func(int) (Conn, error)) (r Result, err error) {
	var times []time.Duration
	cpu, start := CPUTime(), time.Now()
	for at := start; at.Sub(start) < c.Time && len(times) < c.Setups; {
		conn, err := dial(len(times))
		if err != nil {
			return r, fmt.Errorf("association %d: %w", len(times), err)
		}
		if err := conn.Close(); err != nil {
			return r, err
		}
		now := time.Now()
		times = append(times, now.Sub(at))
		at = now
	}
	r.CPU = (CPUTime() - cpu).Seconds()
	r.sum(times, time.Since(start))
	return r, nil
}

func (r *Result) sum(times []time.Duration, took time.Duration) {
	r.Count, r.Seconds = int64(len(times)), took.Seconds()
	slices.Sort(times)
	if n := len(times); n > 0 {
		r.P50, r.P99 = float64(times[n/2].Nanoseconds())/1e3, float64(times[n*99/100].Nanoseconds())/1e3
	}
}
