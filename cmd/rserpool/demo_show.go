// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// The demo plays a server pool in one process: a registrar, three pool elements that echo, and a pool user that sends
// numbered messages to them at a steady rate. Then an element crashes, the next one falls silent, and at last one of two
// networks goes away. It tells what happens, as it happens, and in the end whether a message was lost.
//
// The parts are those of the real programs: package registrar, and package pool with a stack and a UDP port for each.
// They talk over two loopback addresses, which count as two networks: 127.0.0.1 and 127.0.0.2, or ::1 where the system
// has no second one. Protocol timers are shortened, so that a silent element is found within two seconds or so instead
// of ten: see demoTiming. What is lost on a network is what the demo itself drops.

// demoConfig configures the show.
type demoConfig struct {
	// Out gets the story.
	Out io.Writer
	// Logger gets what the parts log. Default: nothing is logged.
	Logger *slog.Logger
	// Interval is the time between two messages. Default: 20 ms.
	Interval time.Duration
	// Calm is how long nothing happens between the acts. Default: 1.5 s.
	Calm time.Duration
}

// demoLimit is the longest that the show takes.
const demoLimit = 20 * time.Second

// A demoSummary is how it ended.
type demoSummary struct {
	Sent, Answered, Lost, SentAgain, Duplicates uint64
	// Failovers are the times without an answer at each.
	Failovers []time.Duration
	// PathFailover is how long it took to find out that a network is gone; 0 if there was no second one.
	PathFailover   time.Duration
	LongestSilence time.Duration
}

// A show is one performance.
type demoShow struct {
	cfg       demoConfig
	start     time.Time
	addrs     []netip.Addr
	registrar *sctp.Addr
	elements  map[uint32]*demoElement
	work      sync.WaitGroup

	mu sync.Mutex // of Out
}

// Run plays the show. The error says that it could not be played to the end, or that messages were lost.
func playDemo(ctx context.Context, cfg demoConfig) (s demoSummary, err error) {
	if cfg.Interval == 0 {
		cfg.Interval = 20 * time.Millisecond
	}
	if cfg.Calm == 0 {
		cfg.Calm = 1500 * time.Millisecond
	}
	d := &demoShow{cfg: cfg, start: time.Now(), addrs: loopbacks(), elements: make(map[uint32]*demoElement)}
	ctx, cancel := context.WithTimeout(ctx, demoLimit-demoGrace-time.Second) // the rest is for the end
	defer d.work.Wait()
	defer cancel()
	if d.registrar, err = d.startRegistrar(ctx); err != nil {
		return s, err
	}
	d.say("registrar is up: %v", d.registrar)
	for i, name := range []string{"A", "B", "C"} {
		e, err := d.startElement(ctx, name, uint32(0xa+i))
		if err != nil {
			return s, err
		}
		d.elements[e.id] = e
	}
	user, cable, err := d.newClient()
	if err != nil {
		return s, err
	}
	defer user.Stack().Close()
	defer user.Close()
	sess, err := user.Dial(ctx, demoPool)
	if err != nil {
		return s, err
	}
	defer sess.Close()
	d.say("the user has resolved %s and is connected to %s; it sends a message every %v", demoPool, d.name(sess.Element().ID), cfg.Interval)

	t := &traffic{d: d, sess: sess}
	sending, stop := context.WithCancel(ctx)
	failovers := make(chan *pool.FailoverError, 8)
	done := make(chan struct{})
	d.work.Go(func() {
		defer close(done)
		t.run(sending, failovers)
	})
	path, err := d.acts(ctx, sess, cable, failovers, done)
	stop()
	<-done
	t.stats.PathFailover = path
	d.summary(&t.stats)
	if err == nil && t.stats.Lost > 0 {
		err = fmt.Errorf("%d messages were lost", t.stats.Lost)
	}
	return t.stats, err
}

// say writes a line of the story.
func (d *demoShow) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.cfg.Out, "%7.3fs  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}

func (d *demoShow) name(id uint32) string {
	if e := d.elements[id]; e != nil {
		return e.name
	}
	return fmt.Sprintf("0x%08x", id)
}

func (d *demoShow) summary(s *demoSummary) {
	d.say("── %d messages sent, %d answered, %d lost; %d sent again after a failover", s.Sent, s.Answered, s.Lost, s.SentAgain)
	for i, f := range s.Failovers {
		d.say("   failover %d: %v without an answer", i+1, roundTime(f))
	}
	if s.PathFailover > 0 {
		d.say("   path failover: %v", roundTime(s.PathFailover))
	}
	d.say("   longest time without an answer: %v", roundTime(s.LongestSilence))
}

func roundTime(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
