// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Message is a whole user message of S.
type Message struct {
	Stream    uint16
	SSN       wire.SSN // or the MID
	PPID      wire.PPID
	Unordered bool
	Data      []byte
	First     wire.TSN // of its first fragment
	At        time.Time
}

// fragment is a DATA or I-DATA chunk received.
type fragment struct {
	tsn    wire.TSN
	flags  uint8
	stream uint16
	ssn    wire.SSN
	mid    wire.MID
	fsn    wire.FSN
	ppid   wire.PPID
	idata  bool
	data   []byte
}

// take keeps a fragment, and makes a message when its last one has come. What is ordered is not put in order: a network
// that loses nothing delivers it so.
func (a *Assoc) take(f fragment) {
	if f.flags&whole == whole {
		a.deliver([]fragment{f})
		return
	}
	for _, g := range a.fragments {
		if g.tsn == f.tsn {
			return
		}
	}
	a.fragments = append(a.fragments, f)
	same := func(g fragment) bool {
		if f.idata {
			return g.stream == f.stream && g.mid == f.mid && g.flags&wire.DataUnordered == f.flags&wire.DataUnordered
		}
		return g.stream == f.stream && g.ssn == f.ssn
	}
	var set []fragment
	for _, g := range a.fragments {
		if same(g) {
			set = append(set, g)
		}
	}
	slices.SortFunc(set, func(x, y fragment) int { return int(x.tsn.Diff(y.tsn)) })
	if f.idata {
		slices.SortFunc(set, func(x, y fragment) int { return int(x.fsn.Diff(y.fsn)) })
	}
	// The run around f from a first fragment to a last one.
	begin := -1
	for i, g := range set {
		if i > 0 && begin >= 0 && !f.idata && g.tsn != set[i-1].tsn+1 || f.idata && int(g.fsn) != i {
			begin = -1
		}
		if g.flags&wire.DataBegin != 0 {
			begin = i
		}
		if g.flags&wire.DataEnd != 0 && begin >= 0 {
			run := slices.Clone(set[begin : i+1])
			a.fragments = slices.DeleteFunc(a.fragments, func(x fragment) bool {
				return slices.ContainsFunc(run, func(y fragment) bool { return x.tsn == y.tsn })
			})
			a.deliver(run)
			return
		}
	}
}

func (a *Assoc) deliver(run []fragment) {
	m := Message{Stream: run[0].stream, SSN: run[0].ssn, PPID: run[0].ppid, Unordered: run[0].flags&wire.DataUnordered != 0, First: run[0].tsn, At: time.Now()}
	if run[0].idata {
		m.SSN = wire.SSN(run[0].mid)
	}
	if a.delivered == nil {
		a.delivered = map[wire.TSN]bool{}
	}
	if a.delivered[m.First] { // a retransmission
		return
	}
	a.delivered[m.First] = true
	for _, f := range run {
		m.Data = append(m.Data, f.data...)
	}
	a.messages = append(a.messages, m)
	if a.OnMessage != nil {
		a.OnMessage(m)
	}
}

// NextMessage waits at most d for a message of S for which ok (nil for any) is true and takes it, and only it.
func (a *Assoc) NextMessage(d time.Duration, ok func(Message) bool) (Message, bool) {
	i := 0
	if a.r.Pump(time.Now().Add(d), func() bool {
		for ; i < len(a.messages); i++ {
			if ok == nil || ok(a.messages[i]) {
				return true
			}
		}
		return false
	}) {
		m := a.messages[i]
		a.messages = slices.Delete(a.messages, i, i+1)
		return m, true
	}
	return Message{}, false
}

// ExpectMessage waits for the next message of S; that none comes is a failure.
func (a *Assoc) ExpectMessage() Message {
	m, ok := a.NextMessage(a.r.cfg.Wait, nil)
	if !ok {
		a.r.cfg.Judge.Fail(fmt.Sprintf("a user message within %v", a.r.cfg.Wait), a.Seen())
	}
	return m
}

// ExpectEcho waits for the next message of S and checks that it holds what the tester has sent.
func (a *Assoc) ExpectEcho(want []byte) Message {
	m := a.ExpectMessage()
	if string(m.Data) != string(want) {
		a.r.cfg.Judge.Fail(fmt.Sprintf("an echo of %s", brief(want)), "a message of "+brief(m.Data))
	}
	return m
}

// ExpectNoMessage watches for Quiet that no message is complete.
func (a *Assoc) ExpectNoMessage() {
	if m, ok := a.NextMessage(a.r.cfg.Quiet, nil); ok {
		a.r.cfg.Judge.Fail("no user message", fmt.Sprintf("one of %s on stream %d", brief(m.Data), m.Stream))
	}
}

func brief(b []byte) string {
	if len(b) > 32 {
		return fmt.Sprintf("%d bytes", len(b))
	}
	return fmt.Sprintf("%d bytes %q", len(b), b)
}
