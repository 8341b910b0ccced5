// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Match says which chunks of S are meant. Text is what is expected, for people.
type Match struct {
	Text string
	OK   func(*Chunk) bool
}

// Is matches chunks of any of the types.
func Is(types ...wire.ChunkType) Match {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return Match{strings.Join(names, " or "), func(c *Chunk) bool { return containsType(types, c.Type) }}
}

// Any matches every chunk but HEARTBEAT, which S may send whenever it likes.
func Any() Match {
	return Match{"chunk", func(c *Chunk) bool { return c.Type != wire.ChunkHeartbeat }}
}

// Not matches what m does not.
func Not(m Match) Match {
	return Match{"anything but " + m.Text, func(c *Chunk) bool { return !m.OK(c) }}
}

// Where narrows a match.
func (m Match) Where(text string, ok func(*Chunk) bool) Match {
	return Match{m.Text + " " + text, func(c *Chunk) bool { return m.OK(c) && ok(c) }}
}

// To narrows a match to packets that came to the tester's address i.
func (m Match) To(i int) Match {
	return m.Where(fmt.Sprintf("to the tester's address %d", i+1), func(c *Chunk) bool { return c.Packet.Local == i })
}

// Cause narrows a match of ABORT or ERROR to those with an error cause.
func (m Match) Cause(code wire.CauseCode) Match {
	return m.Where(fmt.Sprintf("with cause %d (%v)", uint16(code), code), func(c *Chunk) bool { return CauseOf(c, code) != nil })
}

// CauseOf is the first error cause with a code in an ABORT or ERROR chunk, or nil.
func CauseOf(c *Chunk, code wire.CauseCode) *wire.Cause {
	for _, x := range Causes(c) {
		if x.Code == code {
			return &x
		}
	}
	return nil
}

// Causes are the error causes of an ABORT or ERROR chunk, as far as they can be decoded.
func Causes(c *Chunk) (causes []wire.Cause) {
	for x, err := range wire.Causes(c.Value) {
		if err != nil {
			break
		}
		causes = append(causes, x)
	}
	return causes
}

// Next waits at most d for a chunk of S that matches and takes it and all before it; nil if none comes. Then nothing is
// taken.
func (a *Assoc) Next(d time.Duration, m Match) (found *Chunk) {
	i := 0
	a.r.Pump(time.Now().Add(d), func() bool {
		for ; i < len(a.unread); i++ {
			if m.OK(a.unread[i]) {
				found = a.unread[i]
				return true
			}
		}
		return false
	})
	if found != nil {
		a.unread = slices.Clone(a.unread[i+1:])
	}
	return found
}

// Expect waits for a chunk of S that matches; that none comes is a failure. Chunks before it are skipped.
func (a *Assoc) Expect(m Match) *Chunk { return a.ExpectWithin(a.r.cfg.Wait, m) }

// ExpectWithin is Expect with a time of its own: the packet must have arrived within d.
func (a *Assoc) ExpectWithin(d time.Duration, m Match) *Chunk {
	c := a.Next(d, m)
	if c == nil {
		a.r.cfg.Judge.Fail(fmt.Sprintf("%s within %v", m.Text, d), a.Seen())
	}
	return c
}

// ExpectAll waits for a chunk for each of the matches, in any order.
func (a *Assoc) ExpectAll(ms ...Match) []*Chunk {
	found := make([]*Chunk, len(ms))
	i, missing := 0, len(ms)
	a.r.Pump(time.Now().Add(a.r.cfg.Wait), func() bool {
		for ; i < len(a.unread) && missing > 0; i++ {
			for j, m := range ms {
				if found[j] == nil && m.OK(a.unread[i]) {
					found[j] = a.unread[i]
					missing--
					break
				}
			}
		}
		return missing == 0
	})
	for j, c := range found {
		if c == nil {
			a.r.cfg.Judge.Fail(ms[j].Text+fmt.Sprintf(" within %v", a.r.cfg.Wait), a.Seen())
		}
	}
	a.unread = slices.Clone(a.unread[i:])
	return found
}

// ExpectNone watches for Quiet that no chunk matches, those included that have come and were not taken. One that does is
// a failure.
func (a *Assoc) ExpectNone(m Match) { a.ExpectNoneFor(a.r.cfg.Quiet, m) }

// ExpectNoneFor is ExpectNone with a time of its own.
func (a *Assoc) ExpectNoneFor(d time.Duration, m Match) {
	i := 0
	var bad *Chunk
	a.r.Pump(time.Now().Add(d), func() bool {
		for ; i < len(a.unread); i++ {
			if m.OK(a.unread[i]) {
				bad = a.unread[i]
				return true
			}
		}
		return false
	})
	if bad != nil {
		a.r.cfg.Judge.Fail("no "+m.Text, a.describe(bad))
	}
}

// ExpectSilence watches for Quiet that S sends nothing; a HEARTBEAT does not count.
func (a *Assoc) ExpectSilence() { a.ExpectNone(Any()) }

// ExpectSack waits for a SACK whose Cumulative TSN Ack is at least tsn.
func (a *Assoc) ExpectSack(tsn wire.TSN) wire.Sack {
	var s wire.Sack
	a.Expect(SackOf(tsn, &s))
	return s
}

// SackOf matches a SACK whose Cumulative TSN Ack is at least tsn, and decodes it into s if that is not nil.
func SackOf(tsn wire.TSN, s *wire.Sack) Match {
	return Is(wire.ChunkSack).Where(fmt.Sprintf("of TSN %d", tsn), func(c *Chunk) bool {
		var got wire.Sack
		if wire.ParseSack(c.Chunk, &got) != nil || got.CumTSNAck.Less(tsn) {
			return false
		}
		if s != nil {
			*s = got
		}
		return true
	})
}

// SackIn decodes a SACK chunk; that it cannot be decoded is a failure.
func (a *Assoc) SackIn(c *Chunk) (s wire.Sack) {
	if err := wire.ParseSack(c.Chunk, &s); err != nil {
		a.r.cfg.Judge.Fail("a well-formed SACK", err.Error())
	}
	return s
}

// Beat sends a HEARTBEAT with information of its own and returns what its HEARTBEAT ACK looks like.
func (a *Assoc) Beat(o Out) Match {
	info := make([]byte, 16)
	for i := range info {
		info[i] = byte(a.r.cfg.Rand.Uint32())
	}
	a.SendWith(o, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, info))
	return HeartbeatAck(info)
}

// HeartbeatAck matches a HEARTBEAT ACK that returns info.
func HeartbeatAck(info []byte) Match {
	return Is(wire.ChunkHeartbeatAck).Where("returning the Heartbeat Info", func(c *Chunk) bool {
		got, err := wire.ParseHeartbeat(c.Chunk)
		return err == nil && bytes.Equal(got, info)
	})
}

// ExpectAlive checks that the association exists at S: a HEARTBEAT is answered. Chunks that came before the answer stay
// unread.
func (a *Assoc) ExpectAlive() {
	before := a.unread
	c := a.Next(a.r.cfg.Wait, a.Beat(Out{}))
	if c == nil {
		a.r.cfg.Judge.Fail("the association to be alive: a HEARTBEAT ACK", a.Seen())
	}
	a.unread = append(slices.Clone(before), a.unread...)
}

// ExpectGone checks that the association exists no longer at S: a HEARTBEAT is not answered by HEARTBEAT ACK.
func (a *Assoc) ExpectGone() { a.ExpectNone(a.Beat(Out{})) }

// Drain forgets what has come and was not taken.
func (a *Assoc) Drain() { a.unread = nil }

// Unread is what has come and was not taken.
func (a *Assoc) Unread() []*Chunk { return a.unread }

// Seen describes what has come and was not taken.
func (a *Assoc) Seen() string {
	if len(a.unread) == 0 {
		return "nothing"
	}
	const most = 12
	var s []string
	for i, c := range a.unread {
		if i == most {
			s = append(s, fmt.Sprintf("and %d more", len(a.unread)-most))
			break
		}
		s = append(s, a.describe(c))
	}
	return strings.Join(s, "; ")
}

func (a *Assoc) describe(c *Chunk) string {
	return fmt.Sprintf("%v (tag %#x, at %s)", c.Chunk, c.Packet.Header.Tag, a.r.at(c.Packet))
}

// Fail fails the case: what the rule asks for, and what was seen.
func (a *Assoc) Fail(expected string, seen string, args ...any) {
	a.r.cfg.Judge.Fail(expected, fmt.Sprintf(seen, args...))
}
