// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"slices"
)

// An Assembler makes messages of their parts again, and sees to it that these come in an
// order which says what belongs together.
type Assembler struct {
	open map[partKey]*Message
	Cuts int // messages whose rest did not come
}

// Add returns the message that m completes.
func (x *Assembler) Add(m Message) (whole Message, complete bool, err error) {
	k := partKey{m.Stream, m.Unordered}
	begun := x.open[k]
	if (len(m.Data) == 0) != (m.Part == PartCut) {
		return m, false, fmt.Errorf("stream %d: %d bytes, %v", m.Stream, len(m.Data), m.Part)
	}
	switch {
	case m.Part == PartWhole && (begun == nil || m.Unordered):
		return m, true, nil
	case m.Part == PartFirst && begun == nil:
		if x.open == nil {
			x.open = make(map[partKey]*Message)
		}
		m.Data = slices.Clone(m.Data)
		x.open[k] = &m
		return m, false, nil
	case m.Part == PartWhole, m.Part == PartFirst, begun == nil:
		return m, false, fmt.Errorf("stream %d, unordered %v: %v comes, and a message is begun: %v", m.Stream, m.Unordered, m.Part, begun != nil)
	case begun.PPID != m.PPID:
		return m, false, fmt.Errorf("stream %d: PPID %d, and then %d", m.Stream, begun.PPID, m.PPID)
	}
	if m.Part == PartCut {
		x.Cuts++
		delete(x.open, k)
		return m, false, nil
	}
	begun.Data = append(begun.Data, m.Data...)
	if m.Part.More() {
		return m, false, nil
	}
	delete(x.open, k)
	m.Data, m.Part = begun.Data, PartWhole
	return m, true, nil
}

// Open is how many messages are not complete.
func (x *Assembler) Open() int { return len(x.open) }
