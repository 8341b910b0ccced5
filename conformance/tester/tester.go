// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// A Judge is told what a case finds. Its methods end the case: they do not return.
type Judge interface {
	// Fail says that the rule was broken: what it asks for, and what was seen instead.
	Fail(expected, seen string)
	// Inconclusive says that nothing was learnt, and why.
	Inconclusive(format string, args ...any)
	// Skip says that something is missing without which the rule cannot be checked, and what.
	Skip(capability, why string)
}

// A Config configures a Tester.
type Config struct {
	// Network is where sockets come from.
	Network udpencap.Network
	// Addrs are the tester's addresses, the first one is used unless a case says otherwise.
	Addrs []netip.Addr
	// Port is the UDP port at each of them; 0 is any free one.
	Port uint16
	// Remote are the addresses of the system under test, RemotePort its UDP port.
	Remote     []netip.Addr
	RemotePort uint16
	// Judge is told what is found.
	Judge Judge
	// Wait is how long an answer may take that must come; Quiet is how long to watch that none comes.
	Wait, Quiet time.Duration
	// Rand is where tags and TSNs come from.
	Rand *rand.Rand
}

// A Tester is the whole of a case's side: its endpoints, and the record of every packet.
type Tester struct {
	cfg   Config
	ctx   context.Context
	inbox chan *Packet
	wg    sync.WaitGroup

	start     time.Time
	endpoints []*Endpoint
	groups    []*Group
	wake      chan struct{} // something has come that is not a packet
	record    []*Packet
	notes     []note
}

type note struct {
	at     time.Time
	behind int // how many packets came before it
	text   string
}

// New returns a Tester without endpoints. The context ends its waiting: the case is inconclusive then.
func New(ctx context.Context, cfg Config) *Tester {
	if cfg.Wait == 0 {
		cfg.Wait = 5 * time.Second
	}
	if cfg.Quiet == 0 {
		cfg.Quiet = 1500 * time.Millisecond
	}
	return &Tester{cfg: cfg, ctx: ctx, inbox: make(chan *Packet, 4096), wake: make(chan struct{}, 1), start: time.Now()}
}

// Close closes the sockets and waits for their goroutines.
func (r *Tester) Close() {
	for _, e := range r.endpoints {
		e.close()
	}
	for _, g := range r.groups {
		g.s.Close()
	}
	done := make(chan struct{})
	go func() { r.wg.Wait(); close(done) }()
	for {
		select {
		case <-r.inbox:
		case <-done:
			return
		}
	}
}

// AbortAll ends the associations that the case has left, so that S keeps nothing of them.
func (r *Tester) AbortAll() {
	for _, e := range r.endpoints {
		for _, a := range e.assocs {
			if a.Up {
				a.Abort()
			}
		}
	}
}

// Wait is how long an answer may take that must come.
func (r *Tester) Wait() time.Duration { return r.cfg.Wait }

// Quiet is how long to watch that no answer comes.
func (r *Tester) Quiet() time.Duration { return r.cfg.Quiet }

// Rand is the case's source of randomness.
func (r *Tester) Rand() *rand.Rand { return r.cfg.Rand }

// Addrs are the tester's addresses.
func (r *Tester) Addrs() []netip.Addr { return r.cfg.Addrs }

// Packets is every packet sent and received so far, in order.
func (r *Tester) Packets() []*Packet { return r.record }

// Note adds a line to the transcript.
func (r *Tester) Note(format string, args ...any) {
	r.notes = append(r.notes, note{time.Now(), len(r.record), fmt.Sprintf(format, args...)})
}

// Sleep waits, and handles what arrives meanwhile.
func (r *Tester) Sleep(d time.Duration) { r.Pump(time.Now().Add(d), func() bool { return false }) }

// Until waits until cond holds, at most d, and handles what arrives meanwhile. It reports whether cond holds.
func (r *Tester) Until(d time.Duration, cond func() bool) bool {
	return r.Pump(time.Now().Add(d), cond)
}

// Wake makes Pump look again: for what is not a packet, such as the end of an act.
func (r *Tester) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Pump handles what arrives until done reports true or the deadline has passed, and reports what done said last.
func (r *Tester) Pump(until time.Time, done func() bool) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for !done() {
		select {
		case p := <-r.inbox:
			p.Endpoint.handle(p)
			continue
		default:
		}
		select {
		case p := <-r.inbox:
			p.Endpoint.handle(p)
		case <-r.wake:
		case <-r.ctx.Done():
			r.cfg.Judge.Inconclusive("the case took longer than it may")
		case <-timer.C:
			for len(r.inbox) > 0 { // what came in time, but not to us
				p := <-r.inbox
				p.Endpoint.handle(p)
			}
			return done()
		}
	}
	return true
}

// The lines that a long transcript keeps.
const headLines, tailLines = 300, 100

// shorten leaves out the middle of a long transcript.
func shorten(s string) string {
	lines := strings.SplitAfter(s, "\n")
	if len(lines) <= headLines+tailLines {
		return s
	}
	return strings.Join(lines[:headLines], "") + fmt.Sprintf("... %d lines ...\n", len(lines)-headLines-tailLines) + strings.Join(lines[len(lines)-tailLines:], "")
}

// Transcript is the record for people: a line per packet and note, with the seconds since the beginning. "S" is the
// system under test, "T" the tester.
func (r *Tester) Transcript() string {
	var b strings.Builder
	notes := r.notes
	say := func(n int) {
		for len(notes) > 0 && notes[0].behind <= n {
			fmt.Fprintf(&b, "%10.6f -- %s\n", notes[0].at.Sub(r.start).Seconds(), notes[0].text)
			notes = notes[1:]
		}
	}
	for i, p := range r.record {
		say(i)
		fmt.Fprintf(&b, "%10.6f %s\n", p.Time.Sub(r.start).Seconds(), p)
	}
	say(len(r.record))
	return shorten(b.String())
}
