// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

const (
	// maxGapRanges bounds what the tracker remembers of an inbound sequence
	// full of holes. A SACK of 1500 bytes reports fewer than 370 blocks.
	maxGapRanges = 1024
	// maxTSNSpan is how far above the cumulative TSN one may be, on either side.
	// A gap ack block has 16-bit offsets (RFC 9260, Section 3.3.4), and if each
	// TSN is a message of its own on one stream, SSNs more than that apart could
	// not be told from those used already: Section 1.6: "Any arithmetic done on
	// Stream Sequence Numbers SHOULD use Serial Number Arithmetic".
	maxTSNSpan = 1<<15 - 1
	// maxDuplicates bounds the duplicate TSNs reported in one SACK.
	maxDuplicates = 16
)

type tsnRange struct{ first, last wire.TSN }

// A tsnTracker knows which TSNs arrived. It knows nothing of streams.
type tsnTracker struct {
	cum    wire.TSN   // all up to here have arrived
	ranges []tsnRange // those beyond, ascending, with holes between
	dups   []wire.TSN
}

type tsnVerdict uint8

const (
	tsnNew tsnVerdict = iota
	tsnDuplicate
	tsnBeyond // too far ahead, or more holes than remembered
)

func (t *tsnTracker) init(initial wire.TSN) {
	*t = tsnTracker{cum: initial.Add(^uint32(0)), ranges: t.ranges[:0], dups: t.dups[:0]}
}

// highest is the highest TSN that has arrived.
func (t *tsnTracker) highest() wire.TSN {
	if n := len(t.ranges); n > 0 {
		return t.ranges[n-1].last
	}
	return t.cum
}

func (t *tsnTracker) hasGaps() bool { return len(t.ranges) > 0 }

// find returns the index of the first range whose last TSN is not below tsn.
func (t *tsnTracker) find(tsn wire.TSN) int {
	i, _ := slices.BinarySearchFunc(t.ranges, tsn, func(r tsnRange, tsn wire.TSN) int {
		if r.last.Less(tsn) {
			return -1
		}
		return 1
	})
	return i
}

// check says what add would do with tsn.
func (t *tsnTracker) check(tsn wire.TSN) tsnVerdict {
	if tsn == t.cum.Add(1) && len(t.ranges) == 0 {
		return tsnNew
	}
	if ahead := tsn.Diff(t.cum); ahead <= 0 {
		return tsnDuplicate
	} else if ahead > maxTSNSpan {
		return tsnBeyond
	}
	i := t.find(tsn)
	if i < len(t.ranges) && t.ranges[i].first.LessEq(tsn) {
		return tsnDuplicate
	}
	if len(t.ranges) >= maxGapRanges {
		touchesNext := i < len(t.ranges) && tsn.Add(1) == t.ranges[i].first
		touchesPrev := i > 0 && t.ranges[i-1].last.Add(1) == tsn || tsn == t.cum.Add(1)
		if !touchesNext && !touchesPrev {
			return tsnBeyond
		}
	}
	return tsnNew
}

// add records a TSN for which check said tsnNew.
func (t *tsnTracker) add(tsn wire.TSN) {
	if tsn == t.cum.Add(1) {
		t.cum = tsn
		if len(t.ranges) > 0 && t.ranges[0].first == tsn.Add(1) {
			t.cum = t.ranges[0].last
			t.ranges = slices.Delete(t.ranges, 0, 1)
		}
		return
	}
	i := t.find(tsn)
	prev := i > 0 && t.ranges[i-1].last.Add(1) == tsn
	next := i < len(t.ranges) && tsn.Add(1) == t.ranges[i].first
	switch {
	case prev && next:
		t.ranges[i-1].last = t.ranges[i].last
		t.ranges = slices.Delete(t.ranges, i, i+1)
	case prev:
		t.ranges[i-1].last = tsn
	case next:
		t.ranges[i].first = tsn
	default:
		t.ranges = slices.Insert(t.ranges, i, tsnRange{tsn, tsn})
	}
}

func (t *tsnTracker) addDuplicate(tsn wire.TSN) {
	if len(t.dups) < maxDuplicates {
		t.dups = append(t.dups, tsn)
	}
}

// fill puts what arrived into a SACK of at most maxLen bytes and forgets the
// duplicates. RFC 9260, Section 6.7: "This single SACK chunk MUST report the
// Gap Ack Blocks from the lowest to highest TSNs, within the size limit".
func (t *tsnTracker) fill(s *wire.Sack, maxLen int) {
	s.CumTSNAck = t.cum
	s.Gaps, s.Dups = s.Gaps[:0], s.Dups[:0]
	room := (maxLen - wire.SackHeaderLen) / 4
	for _, r := range t.ranges[:max(0, min(room, len(t.ranges)))] {
		s.Gaps = append(s.Gaps, wire.GapAckBlock{
			Start: uint16(r.first.Diff(t.cum)),
			End:   uint16(r.last.Diff(t.cum)),
		})
	}
	room -= len(s.Gaps)
	s.Dups = append(s.Dups, t.dups[:max(0, min(room, len(t.dups)))]...)
	t.dups = t.dups[:0]
}
