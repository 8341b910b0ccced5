// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rserpool/rserpool/sctp"
)

// The range and the precision of latencies: what is longer counts as the longest.
const (
	leastLatency = 1               // ns
	mostLatency  = int64(2 * 60e9) // ns
	digits       = 3
)

// A Latency is the distribution of round-trip times.
type Latency struct {
	Count  int64         `json:"count"`
	Least  time.Duration `json:"min"` // this and the others in nanoseconds
	Mean   time.Duration `json:"mean"`
	P50    time.Duration `json:"p50"`
	P90    time.Duration `json:"p90"`
	P99    time.Duration `json:"p99"`
	P999   time.Duration `json:"p99.9"`
	P9999  time.Duration `json:"p99.99"`
	Most   time.Duration `json:"max"`
	StdDev time.Duration `json:"stddev"`
}

// latencies collects round-trip times, of all associations of a test.
type latencies struct {
	mu         sync.Mutex
	all, since *hdrhistogram.Histogram // since the last interval
}

func newLatencies() *latencies {
	return &latencies{
		all:   hdrhistogram.New(leastLatency, mostLatency, digits),
		since: hdrhistogram.New(leastLatency, mostLatency, digits),
	}
}

func (l *latencies) record(d time.Duration) {
	v := min(max(int64(d), leastLatency), mostLatency)
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.since.RecordValue(v) // it is within the range
}

// interval returns what came since the last call.
func (l *latencies) interval() *Latency {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := summary(l.since)
	l.all.Merge(l.since)
	l.since.Reset()
	return s
}

// total returns what came at all.
func (l *latencies) total() *Latency {
	l.interval()
	return summary(l.all)
}

func summary(h *hdrhistogram.Histogram) *Latency {
	at := func(p float64) time.Duration { return time.Duration(h.ValueAtQuantile(p)) }
	if h.TotalCount() == 0 {
		return &Latency{}
	}
	return &Latency{
		Count: h.TotalCount(), Least: time.Duration(h.Min()), Mean: time.Duration(h.Mean()),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99),
		Most: time.Duration(h.Max()), StdDev: time.Duration(h.StdDev()),
	}
}

// pingPong is the client's end of a latency test.
func (f *flow) pingPong(ctx context.Context, l *latencies) (own, other *Side, err error) {
	m := sctp.Message{PPID: PPIDData, Data: make([]byte, f.opt.Length), Unordered: f.opt.Unordered}
	buf := make([]byte, max(f.opt.Length, maxControl))
	end := f.began.Add(f.opt.Time)
	for at := time.Now(); at.Before(end) && (f.opt.Bytes == 0 || f.bytes.Load() < f.opt.Bytes); {
		if err := f.conn.Send(ctx, m); err != nil {
			return nil, nil, ended(err)
		}
		r, err := f.conn.RecvBuf(ctx, buf)
		if err != nil {
			return nil, nil, ended(err)
		}
		if r.PPID != PPIDData || len(r.Data) != f.opt.Length || r.Stream != m.Stream {
			return nil, nil, fmt.Errorf("perf: %d bytes came back on stream %d, not %d on %d", len(r.Data), r.Stream, f.opt.Length, m.Stream)
		}
		now := time.Now()
		l.record(now.Sub(at))
		at = now
		f.messages.Add(1)
		f.bytes.Add(int64(f.opt.Length))
		if m.Stream++; int(m.Stream) == f.opt.Streams {
			m.Stream = 0
		}
	}
	own = f.side()
	if err := sendControl(ctx, f.conn, exchange{End: own}); err != nil {
		return nil, nil, ended(err)
	}
	other, err = recvEnd(ctx, f.conn)
	return own, other, err
}

// echo is the server's end of a latency test.
func (f *flow) echo(ctx context.Context) error {
	buf := make([]byte, max(f.opt.Length, maxControl))
	for {
		m, err := f.conn.RecvBuf(ctx, buf)
		switch {
		case err != nil:
			return ended(err)
		case m.PPID == PPIDData:
			m.Unordered = f.opt.Unordered
			if err := f.conn.Send(ctx, m); err != nil {
				return ended(err)
			}
			f.messages.Add(1)
			f.bytes.Add(int64(len(m.Data)))
		default:
			x, err := parseControl(m.Data)
			if err == nil && x.End == nil {
				err = errWrongTime
			}
			if err != nil {
				return err
			}
			return sendControl(ctx, f.conn, exchange{End: f.side()})
		}
	}
}
