// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// FragmentSize is how much user data the tester puts into one DATA chunk of a longer message.
const FragmentSize = 1200

// whole are the flags of an unfragmented message.
const whole = wire.DataBegin | wire.DataEnd

// Data is the chunk of an ordered message in one piece, with the next TSN and SSN of its stream. It is I-DATA if that was
// agreed.
func (a *Assoc) Data(stream uint16, payload []byte) []byte {
	return a.Fragments(stream, whole, 0, payload)[0]
}

// Fragments are the chunks of a message, cut to FragmentSize. flags may hold wire.DataUnordered and wire.DataImmediate;
// Begin and End are set as they must be.
func (a *Assoc) Fragments(stream uint16, flags uint8, ppid wire.PPID, payload []byte) [][]byte {
	flags &^= whole
	var chunks [][]byte
	ssn := a.ssn[stream]
	unordered := flags&wire.DataUnordered != 0
	mid := a.mid[stream]
	if unordered {
		ssn, mid = 0, a.umid(stream)
	}
	for i, n := 0, (len(payload)+FragmentSize-1)/FragmentSize; i < max(n, 1); i++ {
		f := flags
		if i == 0 {
			f |= wire.DataBegin
		}
		if i >= n-1 {
			f |= wire.DataEnd
		}
		piece := payload[i*FragmentSize : min(len(payload), (i+1)*FragmentSize)]
		if a.IData {
			d := wire.IData{Flags: f, TSN: a.TSN(), Stream: stream, MID: mid, Payload: piece}
			if i == 0 {
				d.PPID = ppid
			} else {
				d.FSN = wire.FSN(i)
			}
			chunks = append(chunks, d.Append(nil))
			continue
		}
		d := wire.Data{Flags: f, TSN: a.TSN(), Stream: stream, SSN: ssn, PPID: ppid, Payload: piece}
		chunks = append(chunks, d.Append(nil))
	}
	if !unordered {
		a.ssn[stream]++
		a.mid[stream]++
	}
	return chunks
}

// umid takes the next MID for unordered messages.
func (a *Assoc) umid(stream uint16) wire.MID {
	if a.unorderedMID == nil {
		a.unorderedMID = map[uint16]wire.MID{}
	}
	m := a.unorderedMID[stream]
	a.unorderedMID[stream]++
	return m
}

// TSN takes the next TSN.
func (a *Assoc) TSN() wire.TSN {
	t := a.NextTSN
	a.NextTSN++
	return t
}

// SSN is the next SSN of a stream, which is not taken.
func (a *Assoc) SSN(stream uint16) wire.SSN { return a.ssn[stream] }

// SetSSN sets the next SSN (and MID) of a stream.
func (a *Assoc) SetSSN(stream uint16, ssn wire.SSN) {
	a.ssn[stream] = ssn
	a.mid[stream] = wire.MID(ssn)
}

// SendData sends an ordered message, one packet for each of its chunks, and returns the last TSN.
func (a *Assoc) SendData(stream uint16, payload []byte) wire.TSN {
	return a.SendMessage(stream, 0, 0, payload)
}

// SendMessage sends a message, one packet for each of its chunks, and returns the last TSN.
func (a *Assoc) SendMessage(stream uint16, flags uint8, ppid wire.PPID, payload []byte) wire.TSN {
	for _, c := range a.Fragments(stream, flags, ppid, payload) {
		a.Send(c)
	}
	return a.NextTSN - 1
}

// receiver is what the tester has received of S's TSNs.
type receiver struct {
	cum   wire.TSN
	begun bool
	above map[wire.TSN]bool // received beyond cum
	dups  []wire.TSN
}

func (r *receiver) init() { r.above = map[wire.TSN]bool{} }

func (r *receiver) start(initial wire.TSN) {
	if r.begun {
		return
	}
	r.cum = initial - 1
	clear(r.above)
}

func (r *receiver) tsn(t wire.TSN) {
	r.begun = true
	if t.LessEq(r.cum) || r.above[t] {
		r.dups = append(r.dups, t)
		return
	}
	r.above[t] = true
	r.advance()
}

func (r *receiver) forward(t wire.TSN) {
	for r.cum.Less(t) {
		r.cum++
		delete(r.above, r.cum)
	}
	r.advance()
}

func (r *receiver) advance() {
	for r.above[r.cum+1] {
		r.cum++
		delete(r.above, r.cum)
	}
}

// CumTSN is the tester's Cumulative TSN Ack point.
func (a *Assoc) CumTSN() wire.TSN { return a.rcv.cum }

// Sack is what the tester would acknowledge now. The duplicates are reported once.
func (a *Assoc) Sack() wire.Sack {
	s := wire.Sack{CumTSNAck: a.rcv.cum, ARwnd: a.Setup.ARwnd, Dups: a.rcv.dups}
	a.rcv.dups = nil
	var offs []uint16
	for t := range a.rcv.above {
		offs = append(offs, uint16(t.Diff(s.CumTSNAck)))
	}
	slices.Sort(offs)
	for _, o := range offs {
		if n := len(s.Gaps); n > 0 && s.Gaps[n-1].End+1 == o {
			s.Gaps[n-1].End = o
		} else {
			s.Gaps = append(s.Gaps, wire.GapAckBlock{Start: o, End: o})
		}
	}
	return s
}

// SendSack sends Sack.
func (a *Assoc) SendSack() {
	s := a.Sack()
	a.Send(s.Append(nil))
}

// ExpectData waits for a DATA chunk (of I-DATA the same fields, its MID in SSN).
func (a *Assoc) ExpectData() (wire.Data, *Chunk) {
	c := a.Expect(Is(wire.ChunkData, wire.ChunkIData))
	return a.DataIn(c), c
}

// DataIn decodes a DATA chunk, or an I-DATA chunk as far as it is like one; that it cannot be decoded is a failure.
func (a *Assoc) DataIn(c *Chunk) wire.Data {
	d, err := wire.ParseData(c.Chunk)
	if c.Type == wire.ChunkIData {
		var i wire.IData
		i, err = wire.ParseIData(c.Chunk)
		d = wire.Data{Flags: i.Flags, TSN: i.TSN, Stream: i.Stream, SSN: wire.SSN(i.MID), PPID: i.PPID, Payload: i.Payload}
	}
	if err != nil {
		a.r.cfg.Judge.Fail("a well-formed "+c.Type.String(), err.Error())
	}
	return d
}
