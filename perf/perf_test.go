// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
)

// A world is a client and a server on a virtual network of two paths of 10 ms each way.
type world struct {
	t      *testing.T
	client *sctp.Stack
	server *sctp.Stack
	l      *sctp.Listener
	served chan error // how the server's tests ended
	tests  chan string
	stop   func() // the server
}

func newWorld(t *testing.T, set simnet.Settings) *world {
	w := &world{t: t, served: make(chan error, 16), tests: make(chan string, 16)}
	net := simnet.New(1)
	a, b, segs := net.Pair(2)
	for _, s := range segs {
		s.Set(set)
	}
	stack := func(h *simnet.Host, n uint64) *sctp.Stack {
		s, err := sctp.NewStack(&sctp.Config{Network: h.Network(), Rand: rand.New(rand.NewPCG(1, n)), OutboundStreams: 100})
		require.NoError(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	w.client, w.server = stack(a, 1), stack(b, 2)
	var err error
	w.l, err = w.server.Listen(DefaultPort)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	done := make(chan error, 1)
	srv := &Server{Report: func(_ *sctp.Addr, test string, _ *Side, err error) { w.tests <- test; w.served <- err }}
	go func() { done <- srv.Serve(ctx, w.l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return w
}

// slow is a path whose rate is known: 1 MB/s, 20 ms there and back.
var slow = simnet.Settings{Delay: 10 * time.Millisecond, Rate: 1e6, Queue: 256 << 10}

func (w *world) run(o Options) (*Result, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
	defer cancel()
	return Run(ctx, w.client, w.l.Addr(), o, nil)
}

func TestBulk(t *testing.T) {
	for name, o := range map[string]Options{
		"there":                     {Time: 3 * time.Second},
		"back":                      {Time: 3 * time.Second, Reverse: true, Length: 1000},
		"unordered":                 {Time: 3 * time.Second, Length: 200, Streams: 7, Unordered: true},
		"unordered from the server": {Time: 3 * time.Second, Reverse: true, Streams: 7, Unordered: true},
		"parallel":                  {Time: 3 * time.Second, Parallel: 3, Length: 10000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, slow)
				r, err := w.run(o)
				require.NoError(t, err)
				for range max(o.Parallel, 1) {
					require.NoError(t, <-w.served)
				}
				require.Equal(t, r.Client.Messages, r.Server.Messages)
				require.Equal(t, r.Client.Bytes, r.Server.Bytes)
				receiver := r.Server
				if o.Reverse {
					receiver = r.Client
				}
				require.InDelta(t, 0.95e6, receiver.BytesPerSecond(), 0.15e6, "the path carries 1 MB/s")
				require.GreaterOrEqual(t, len(r.Intervals), 3)
				var sum int64
				for i, x := range r.Intervals {
					require.Len(t, x.Paths, 2*max(o.Parallel, 1))
					require.GreaterOrEqual(t, x.End, x.Start+time.Second/10)
					if i > 0 {
						require.Equal(t, r.Intervals[i-1].End, x.Start)
					}
					sum += x.Bytes
				}
				require.Equal(t, r.Client.Bytes, sum, "the intervals are the whole")
				p := r.Paths[0]
				require.True(t, p.Primary)
				require.GreaterOrEqual(t, p.SRTT, 20*time.Millisecond)
			})
		})
	}
}

func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, slow)
		r, err := w.run(Options{Bytes: 100_001, Length: 1000, Interval: -1})
		require.NoError(t, err)
		require.EqualValues(t, 101, r.Server.Messages, "whole messages, and enough of them")
		require.Empty(t, r.Intervals)
		require.Equal(t, "messages of 1000 bytes from the client", <-w.tests)
	})
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, slow)
		r, err := w.run(Options{Latency: true, Time: 10 * time.Second, Streams: 3})
		require.NoError(t, err)
		require.Equal(t, r.Client.Messages, r.Latency.Count)
		require.Equal(t, r.Client.Messages, r.Server.Messages)
		require.InDelta(t, 500, r.Latency.Count, 10)
		for _, d := range []time.Duration{r.Latency.Least, r.Latency.P50, r.Latency.P9999, r.Latency.Most} {
			require.InEpsilon(t, 20*time.Millisecond, d, 0.02)
		}
		require.Len(t, r.Intervals, 10)
		require.InDelta(t, 50, r.Intervals[3].Latency.Count, 2)
	})
}

// Losses are counted where they are repaired, also by path.
func TestLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lossy := slow
		lossy.Loss = 0.01
		w := newWorld(t, lossy)
		r, err := w.run(Options{Time: 10 * time.Second})
		require.NoError(t, err)
		require.NotZero(t, r.Client.Retransmissions)
		var resent uint64
		for _, p := range r.Paths {
			resent += p.Retransmissions
		}
		require.Equal(t, r.Client.Retransmissions, resent)
	})
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"Time":     {Time: -1},
		"Bytes":    {Bytes: -1},
		"Length":   {Length: MaxLength + 1},
		"Streams":  {Streams: 1 << 16},
		"Parallel": {Parallel: MaxParallel + 1},
		"Reverse":  {Reverse: true, Latency: true},
		"Streams: 101, but the server takes only 100": {Streams: 101},
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newWorld(t, slow).run(o)
				require.ErrorContains(t, err, want)
			})
		})
	}
}

// What is no request is answered by an ABORT, or an error if there is one to tell.
func TestServerRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		ppid sctp.PPID
		text string
		want string
	}{
		"no perf":    {0, "GET / HTTP/1.0", "payload protocol identifier 0"},
		"no JSON":    {PPIDControl, "{", "a control message that is none"},
		"version":    {PPIDControl, `{"version":2}`, "version 2, not 1"},
		"no request": {PPIDControl, `{"version":1,"ready":true}`, "wrong time"},
		"test":       {PPIDControl, `{"version":1,"request":{"test":"fly","length":1,"streams":1,"nanoseconds":1}}`, `no test "fly"`},
		"length":     {PPIDControl, `{"version":1,"request":{"test":"bulk","length":1e9,"streams":1,"nanoseconds":1}}`, "a control message that is none"},
		"long":       {PPIDControl, `{"version":1,"request":{"test":"bulk","length":100000000,"streams":1,"nanoseconds":1}}`, "Length"},
		"time":       {PPIDControl, `{"version":1,"request":{"test":"bulk","length":1,"streams":1,"nanoseconds":100000000000000000}}`, "Time"},
		"streams":    {PPIDControl, `{"version":1,"request":{"test":"latency","length":1,"streams":101,"nanoseconds":1}}`, "the server has only 100"},
		"large":      {PPIDControl, string(bytes.Repeat([]byte{' '}, maxControl+1)), "a control message of 4097 bytes"},
		"silence":    {0, "", "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, slow)
				conn, err := w.client.Dial(t.Context(), w.l.Addr())
				require.NoError(t, err)
				if c.text != "" {
					require.NoError(t, conn.Send(t.Context(), sctp.Message{PPID: c.ppid, Data: []byte(c.text)}))
				}
				require.ErrorContains(t, <-w.served, c.want)
				<-conn.Done()
			})
		})
	}
}

// A server that is none, or goes, is an error that says so.
func TestClientErrors(t *testing.T) {
	t.Run("gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, slow)
			time.AfterFunc(2500*time.Millisecond, w.stop)
			r, err := w.run(Options{})
			require.Error(t, err)
			require.Len(t, r.Intervals, 3, "what there was is told")
		})
	})
	t.Run("refuses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, slow)
			l, err := w.server.Listen(7)
			require.NoError(t, err)
			go func() {
				c, err := l.Accept(t.Context())
				if err == nil {
					_, _ = c.Recv(t.Context())
					_ = sendControl(t.Context(), c, exchange{Error: "not today"})
				}
			}()
			_, err = Run(t.Context(), w.client, l.Addr(), Options{Reverse: true}, nil)
			require.EqualError(t, err, `perf: the server refuses: "not today"`)
		})
	})
	t.Run("echo", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, slow)
			l, err := w.server.Listen(7)
			require.NoError(t, err)
			go func() {
				c, err := l.Accept(t.Context())
				for err == nil {
					var m sctp.Message
					if m, err = c.Recv(t.Context()); err == nil {
						err = c.Send(t.Context(), m)
					}
				}
			}()
			_, err = Run(t.Context(), w.client, l.Addr(), Options{}, nil)
			require.ErrorIs(t, err, errWrongTime)
		})
	})
	t.Run("interrupted", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, slow)
			ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
			defer cancel()
			r, err := Run(ctx, w.client, w.l.Addr(), Options{}, nil)
			require.True(t, Interrupted(err), "%v", err)
			require.Len(t, r.Intervals, 3)
			require.Error(t, <-w.served)
		})
	})
}

func TestText(t *testing.T) {
	r := &Result{
		Client: Side{Messages: 1000, Bytes: 1e6, Nanoseconds: 1e9, Retransmissions: 3, Timeouts: 1},
		Server: Side{Messages: 1000, Bytes: 1e6, Nanoseconds: 2e9},
		Paths:  []Path{{Remote: "10.0.0.1:9899", State: "active", Primary: true, CongestionWindow: 4404, Threshold: 1 << 30, MTU: 1500}},
	}
	var b bytes.Buffer
	require.NoError(t, r.WriteText(&b, true))
	require.Equal(t, `   0.00-  1.00 s     1.00 MB 8.00 Mbit/s  1.00 kmsg/s  3 resent, 1 timeouts  client
   0.00-  2.00 s     1.00 MB 4.00 Mbit/s    500 msg/s  server
    0 * 10.0.0.1:9899          active   cwnd 4.40 kB  ssthresh -        flight 0 B      rtt 0s       rto 0s     mtu 1500  0 resent  0 errors
`, b.String())
	require.Error(t, r.WriteText(full{}, false))
	_, err := json.Marshal(r)
	require.NoError(t, err)
	require.Equal(t, "12.3µs", round(12345*time.Nanosecond).String())
	for x, want := range map[float64]string{0: "0 x", 999: "999 x", 999.6: "1.00 kx", 12345: "12.3 kx", 123456: "123 kx", 9.999e6: "10.0 Mx", 5e12: "5.00 Tx"} {
		require.Equal(t, want, count(x, "x"))
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
