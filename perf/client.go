// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// A Path is one path of an association at a moment.
type Path struct {
	Association      int           `json:"association"`
	Local            string        `json:"local"`
	Remote           string        `json:"remote"`
	State            string        `json:"state"`
	Primary          bool          `json:"primary"`
	CongestionWindow int           `json:"cwnd"` // bytes
	Threshold        int           `json:"ssthresh"`
	FlightSize       int           `json:"flight"`
	SRTT             time.Duration `json:"srtt"` // this and the next in nanoseconds
	RTO              time.Duration `json:"rto"`
	MTU              int           `json:"mtu"`
	Errors           int           `json:"errors"`          // consecutive ones
	Retransmissions  uint64        `json:"retransmissions"` // DATA chunks, since the start
}

// An Interval is what happened in a part of a test, on all associations together.
type Interval struct {
	// Start and End are nanoseconds since the start of the test.
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end"`
	// Messages and Bytes are what this side has received or, if it sends, what the send buffers
	// have taken.
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	// Retransmissions and Timeouts are this side's.
	Retransmissions uint64   `json:"retransmissions"`
	Timeouts        uint64   `json:"timeouts"`
	Latency         *Latency `json:"latency,omitempty"`
	Paths           []Path   `json:"paths"`
}

// BytesPerSecond is the rate of payload.
func (i *Interval) BytesPerSecond() float64 { return perSecond(i.Bytes, i.End-i.Start) }

// A Result is a whole test.
type Result struct {
	Local     string     `json:"local"`
	Remote    string     `json:"remote"`
	Test      string     `json:"test"`
	Intervals []Interval `json:"intervals"`
	// Client and Server are the sums of all associations; their Nanoseconds are the longest.
	Client Side `json:"client"`
	Server Side `json:"server"`
	// Paths are those at the end.
	Paths   []Path   `json:"paths"`
	Latency *Latency `json:"latency,omitempty"`
}

// A client is a run of Run.
type client struct {
	opt       Options
	flows     []*flow
	latencies *latencies // nil: bulk
	began     time.Time
	last      Interval // sums until the end of the last interval
	report    func(Interval)
	res       Result
}

// Run measures associations from a Stack to a Server. report, unless it is nil, is called after each
// interval. Errors name the field of Options they are about, or are those of package sctp; the
// Result then has the intervals there were.
func Run(ctx context.Context, s *sctp.Stack, server *sctp.Addr, o Options, report func(Interval)) (*Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &client{opt: o, report: report, res: Result{Remote: server.String(), Test: o.describe(), Intervals: []Interval{}}}
	if o.Latency {
		c.latencies = newLatencies()
	}
	defer func() {
		for _, f := range c.flows {
			_ = f.conn.Abort("the client gives up") // no more than nothing after a shutdown
		}
	}()
	if err := c.dial(ctx, s, server); err != nil {
		return &c.res, err
	}
	if err := c.measure(ctx); err != nil {
		return &c.res, err
	}
	for _, f := range c.flows {
		if err := f.conn.Shutdown(ctx); err != nil {
			return &c.res, fmt.Errorf("perf: shutdown: %w", err)
		}
	}
	return &c.res, nil
}

// dial sets the associations up and asks for the test on each.
func (c *client) dial(ctx context.Context, s *sctp.Stack, server *sctp.Addr) error {
	for range c.opt.Parallel {
		conn, err := s.Dial(ctx, server)
		if err != nil {
			return err
		}
		c.flows = append(c.flows, &flow{conn: conn, opt: c.opt})
		if c.res.Local == "" {
			c.res.Local = conn.LocalAddr().String()
		}
		if n := conn.Stats().OutboundStreams; c.opt.Streams > n {
			return fmt.Errorf("perf: Streams: %d, but the server takes only %d", c.opt.Streams, n)
		}
	}
	for _, f := range c.flows {
		if err := sendControl(ctx, f.conn, exchange{Request: newRequest(&c.opt)}); err != nil {
			return ended(err)
		}
	}
	for _, f := range c.flows {
		if f.asked = c.opt.Reverse; f.asked {
			continue // data may overtake the answer
		}
		x, err := recvControl(ctx, f.conn)
		switch {
		case err != nil:
			return err
		case x.Error != "":
			return x.reason()
		case !x.Ready:
			return errWrongTime
		}
	}
	return nil
}

// measure runs all flows and reports until they are done.
func (c *client) measure(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.began = time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, f := range c.flows {
		f.began = c.began
		wg.Go(func() {
			own, other, err := c.play(ctx, f)
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			c.res.Client.add(own)
			c.res.Server.add(other)
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	c.watch(done)
	c.res.Paths = c.paths()
	if c.latencies != nil {
		c.res.Latency = c.latencies.total()
	}
	return context.Cause(ctx)
}

func (c *client) play(ctx context.Context, f *flow) (own, other *Side, err error) {
	if c.latencies != nil {
		return f.pingPong(ctx, c.latencies)
	}
	return f.bulk(ctx, !c.opt.Reverse)
}

func (s *Side) add(o *Side) {
	s.Messages += o.Messages
	s.Bytes += o.Bytes
	s.Nanoseconds = max(s.Nanoseconds, o.Nanoseconds)
	s.Packets += o.Packets
	s.Retransmissions += o.Retransmissions
	s.Timeouts += o.Timeouts
}

// watch reports intervals until done.
func (c *client) watch(done <-chan struct{}) {
	if c.opt.Interval < 0 {
		<-done
		return
	}
	t := time.NewTicker(c.opt.Interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.interval()
		case <-done:
			if least := c.opt.Interval / 10; time.Since(c.began)-c.last.End > least {
				c.interval() // a last one that is shorter
			}
			return
		}
	}
}

// interval notes what happened since the last one.
func (c *client) interval() {
	now := Interval{Start: c.last.End, End: time.Since(c.began)}
	for _, f := range c.flows {
		s := f.conn.Stats()
		now.Messages += f.messages.Load()
		now.Bytes += f.bytes.Load()
		now.Retransmissions += s.Retransmissions
		now.Timeouts += s.T3Expirations
	}
	i := now
	i.Messages -= c.last.Messages
	i.Bytes -= c.last.Bytes
	i.Retransmissions -= c.last.Retransmissions
	i.Timeouts -= c.last.Timeouts
	i.Paths = c.paths()
	if c.latencies != nil {
		i.Latency = c.latencies.interval()
	}
	c.last = now
	c.res.Intervals = append(c.res.Intervals, i)
	if c.report != nil {
		c.report(i)
	}
}

// paths are those of all associations.
func (c *client) paths() []Path {
	all := []Path{}
	for n, f := range c.flows {
		for _, p := range f.conn.Paths() {
			local := ""
			if p.Local.IsValid() {
				local = p.Local.String()
			}
			all = append(all, Path{
				Association: n, Local: local, Remote: p.Remote.String(), State: p.State.String(), Primary: p.Primary,
				CongestionWindow: p.CongestionWindow, Threshold: p.SlowStartThreshold, FlightSize: p.FlightSize,
				SRTT: p.SRTT, RTO: p.RTO, MTU: p.MTU, Errors: p.ErrorCount, Retransmissions: p.Retransmissions,
			})
		}
	}
	return all
}

// Interrupted tells whether an error of Run means that its context ended.
func Interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
