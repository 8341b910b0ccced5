// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A planned message; its number is its PPID, its content follows from both
// and the flow.
type planned struct {
	stream    uint16
	unordered bool
	size      int
	rel       assoc.Reliability
}

// plan draws n messages of up to maxSize bytes, most of them small.
func plan(rng *rand.Rand, n, maxSize, streams int, unordered float64) []planned {
	msgs := make([]planned, n)
	for i := range msgs {
		size := 1 + rng.IntN(min(maxSize, 300))
		if rng.IntN(4) == 0 {
			size = 1 + rng.IntN(maxSize)
		}
		msgs[i] = planned{stream: uint16(rng.IntN(streams)), unordered: rng.Float64() < unordered, size: size}
	}
	return msgs
}

// A flow is the messages of one direction, and what became of them.
type flow struct {
	tag  uint32 // tells flows apart
	msgs []planned
	pace time.Duration // between two messages; 0: as fast as possible

	// refused is how many messages at the end were not accepted, because the
	// association ended or the peer began a shutdown.
	sent, refused int
	onSent        func() // when nothing is left to send
	done          bool

	got      []bool
	failed   []bool // reported by EventSendFailed
	received int
	// abandoned is how many were, and did not come.
	abandoned int
	next      map[uint16]int // per stream, where the search for the next ordered one starts
	scratch   []byte
}

func newFlow(tag uint32, msgs []planned) *flow {
	return &flow{tag: tag, msgs: msgs, got: make([]bool, len(msgs)), failed: make([]bool, len(msgs)), next: make(map[uint16]int)}
}

func (f *flow) content(i int) []byte {
	n := f.msgs[i].size
	b := f.scratch[:0]
	x := uint64(f.tag)<<32 ^ uint64(i)<<1 | 1
	for len(b) < n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	f.scratch = b
	return b[:n]
}

func (f *flow) ppid(i int) wire.PPID { return wire.PPID(f.tag<<24 | uint32(i)) }

// start sends the messages on c.
func (f *flow) start(c *assoctest.Conn) {
	send := func() bool { // one message
		m := f.msgs[f.sent]
		err := c.Send(assoc.Message{
			Stream: m.stream, Unordered: m.unordered, PPID: f.ppid(f.sent), Data: f.content(f.sent), Reliability: m.rel,
		})
		switch {
		case err == nil:
			f.sent++
			return true
		case errors.Is(err, assoc.ErrWouldBlock):
			return false
		}
		f.refused = len(f.msgs) - f.sent
		return false
	}
	var run func()
	run = func() {
		for !f.done && f.sent+f.refused < len(f.msgs) && send() {
			if f.pace > 0 {
				c.Host.Sim.After(f.pace, run)
				break
			}
		}
		if !f.done && f.sent+f.refused == len(f.msgs) {
			f.done = true
			if f.onSent != nil {
				f.onSent()
			}
		}
	}
	c.OnWritable = run
	run()
}

// receive checks a message against the plan.
func (f *flow) receive(m assoc.Message) error {
	if uint32(m.PPID)>>24 != f.tag {
		return fmt.Errorf("message %08x is of another flow than %d", uint32(m.PPID), f.tag)
	}
	i := int(m.PPID & 0xffffff)
	switch {
	case i >= len(f.msgs):
		return fmt.Errorf("message %d was never sent", i)
	case f.got[i]:
		return fmt.Errorf("message %d came twice", i)
	case m.Stream != f.msgs[i].stream || m.Unordered != f.msgs[i].unordered:
		return fmt.Errorf("message %d: stream %d, unordered %v, want %+v", i, m.Stream, m.Unordered, f.msgs[i])
	case !bytes.Equal(m.Data, f.content(i)):
		return fmt.Errorf("message %d (%d bytes, want %d) has another content", i, len(m.Data), f.msgs[i].size)
	}
	f.got[i] = true
	f.received++
	if m.Unordered {
		return nil
	}
	for k := f.next[m.Stream]; k < i; k++ {
		if p := f.msgs[k]; p.stream == m.Stream && !p.unordered && !f.got[k] && p.rel.Policy() == assoc.PRNone {
			return fmt.Errorf("message %d came before %d of the same stream %d", i, k, m.Stream)
		}
	}
	f.next[m.Stream] = i + 1
	return nil
}

// sendFailed checks a message that is reported as given up.
func (f *flow) sendFailed(e assoc.EventSendFailed) error {
	i := int(e.Message.PPID & 0xffffff)
	switch {
	case i >= f.sent:
		return fmt.Errorf("message %d failed, but was never sent", i)
	case f.failed[i]:
		return fmt.Errorf("message %d failed twice", i)
	case !e.Sent && !bytes.Equal(e.Message.Data, f.content(i)):
		return fmt.Errorf("message %d failed unsent, with another content", i)
	case !e.Sent && f.got[i]:
		return fmt.Errorf("message %d failed unsent, but arrived", i)
	}
	if e.Abandoned != assoc.PRNone && e.Abandoned != f.msgs[i].rel.Policy() {
		return fmt.Errorf("message %d of policy %v was abandoned by %v", i, f.msgs[i].rel.Policy(), e.Abandoned)
	}
	f.failed[i] = true
	return nil
}

// accounted checks that everything which did not come was reported.
func (f *flow) accounted() error {
	for i := range f.sent {
		if !f.got[i] && !f.failed[i] {
			return fmt.Errorf("flow %d: message %d neither arrived nor failed", f.tag, i)
		}
	}
	return nil
}

// complete checks that everything which was accepted for sending came.
func (f *flow) complete() error {
	for i := range f.sent {
		if !f.got[i] && f.failed[i] && f.msgs[i].rel.Policy() != assoc.PRNone {
			f.abandoned++
		}
	}
	if f.received+f.abandoned != f.sent {
		return fmt.Errorf("flow %d: %d messages were sent (%d refused), %d received", f.tag, f.sent, f.refused, f.received)
	}
	return nil
}
