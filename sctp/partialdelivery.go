// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// A Part says which part of a message a received Message is: see
// Config.PartialDeliveryPoint.
type Part = assoc.Part

// The parts.
const (
	PartWhole  = assoc.PartWhole
	PartFirst  = assoc.PartFirst
	PartMiddle = assoc.PartMiddle
	PartLast   = assoc.PartLast
	PartCut    = assoc.PartCut
)

// ErrIncomplete is what Stream.Read returns once if the rest of a message that has been
// read in part will not come (PartCut). The next Read goes on behind it.
var ErrIncomplete = errors.New("sctp: the rest of a message will not come")

// A partKey names what one message at a time is received of in parts.
type partKey struct {
	stream    uint16
	unordered bool
}

// routePart finds the view that the parts of a message go to, nil for none: that of the
// first one, whatever views are opened and closed meanwhile. The lock is held.
func (in *inbox) routePart(m *Message, s *Stream) *Stream {
	k := partKey{m.Stream, m.Unordered}
	if m.Part == PartFirst {
		if in.parts == nil {
			in.parts = make(map[partKey]*Stream)
		}
		in.parts[k] = s
		return s
	}
	s = in.parts[k]
	if !m.Part.More() {
		delete(in.parts, k)
	}
	return s
}

// claimPart tells whether a message that waits goes to a view of its stream which is
// being opened: not one whose beginning has been read already. The lock is held.
func (in *inbox) claimPart(m *Message, s *Stream, begun map[partKey]bool) bool {
	k := partKey{m.Stream, m.Unordered}
	if m.Part == PartWhole {
		return true
	}
	if m.Part == PartFirst {
		begun[k] = true
		if _, open := in.parts[k]; open {
			in.parts[k] = s // the open message is this one, or a later one that waits, too
		}
	}
	mine := begun[k]
	if !m.Part.More() {
		delete(begun, k)
	}
	return mine
}
