// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"fmt"
	"strings"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp/wire"
)

// SendASAP sends an ASAP message on stream 0 with its PPID.
func (a *Assoc) SendASAP(m asap.Message) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		panic(fmt.Sprintf("conformance: a case sends %v, which cannot be encoded: %v", m.Type(), err))
	}
	a.r.Note("T > S %v %+v", m.Type(), m)
	a.SendMessage(0, 0, asap.PPID, b)
}

// SendENRP sends an ENRP message on stream 0 with its PPID.
func (a *Assoc) SendENRP(m enrp.Message) {
	b, err := m.AppendBinary(nil)
	if err != nil {
		panic(fmt.Sprintf("conformance: a case sends %v, which cannot be encoded: %v", m.Type(), err))
	}
	a.r.Note("T > S %v %+v", m.Type(), m)
	a.SendMessage(0, 0, enrp.PPID, b)
}

// NextASAP waits at most d for an ASAP message of type M for which ok (nil for any) is true, and takes it and only it.
// The Message is it as it came.
func NextASAP[M asap.Message](a *Assoc, d time.Duration, ok func(M) bool) (found M, raw Message, yes bool) {
	raw, yes = a.NextMessage(d, func(m Message) bool {
		if m.PPID != asap.PPID {
			return false
		}
		return parsed(a, m, func() (any, error) { x, _, err := asap.Parse(m.Data); return x, err }, &found, ok)
	})
	return found, raw, yes
}

// NextENRP is NextASAP for ENRP.
func NextENRP[M enrp.Message](a *Assoc, d time.Duration, ok func(M) bool) (found M, raw Message, yes bool) {
	raw, yes = a.NextMessage(d, func(m Message) bool {
		if m.PPID != enrp.PPID {
			return false
		}
		return parsed(a, m, func() (any, error) { x, _, err := enrp.Parse(m.Data); return x, err }, &found, ok)
	})
	return found, raw, yes
}

func parsed[M any](a *Assoc, m Message, parse func() (any, error), found *M, ok func(M) bool) bool {
	x, err := parse()
	if err != nil {
		a.r.Note("a message that cannot be decoded: %v", err)
		return false
	}
	y, is := x.(M)
	if !is || ok != nil && !ok(y) {
		return false
	}
	a.r.Note("S > T %T %+v", x, x)
	*found = y
	return true
}

// ExpectASAP waits for an ASAP message of type M; that none comes is a failure.
func ExpectASAP[M asap.Message](a *Assoc, ok func(M) bool) M {
	m, _, yes := NextASAP(a, a.r.cfg.Wait, ok)
	if !yes {
		a.r.cfg.Judge.Fail(fmt.Sprintf("%s within %v", name[M]("ASAP"), a.r.cfg.Wait), a.SeenMessages())
	}
	return m
}

// ExpectENRP waits for an ENRP message of type M; that none comes is a failure.
func ExpectENRP[M enrp.Message](a *Assoc, ok func(M) bool) M {
	m, _, yes := NextENRP(a, a.r.cfg.Wait, ok)
	if !yes {
		a.r.cfg.Judge.Fail(fmt.Sprintf("%s within %v", name[M]("ENRP"), a.r.cfg.Wait), a.SeenMessages())
	}
	return m
}

// ExpectNoASAP watches for Quiet that no ASAP message of type M comes.
func ExpectNoASAP[M asap.Message](a *Assoc, ok func(M) bool) {
	if m, _, yes := NextASAP(a, a.r.cfg.Quiet, ok); yes {
		a.r.cfg.Judge.Fail("no "+name[M]("ASAP"), fmt.Sprintf("%+v", m))
	}
}

// ExpectNoENRP watches for Quiet that no ENRP message of type M comes.
func ExpectNoENRP[M enrp.Message](a *Assoc, ok func(M) bool) {
	if m, _, yes := NextENRP(a, a.r.cfg.Quiet, ok); yes {
		a.r.cfg.Judge.Fail("no "+name[M]("ENRP"), fmt.Sprintf("%+v", m))
	}
}

// name is how a message type is called: its Go name.
func name[M any](protocol string) string {
	s := fmt.Sprintf("%T", *new(M))
	return protocol + " " + s[strings.LastIndexByte(s, '.')+1:]
}

// SeenMessages describes the messages that have come and were not taken.
func (a *Assoc) SeenMessages() string {
	if len(a.messages) == 0 {
		return "no message; chunks: " + a.Seen()
	}
	var s []string
	for _, m := range a.messages {
		text := brief(m.Data)
		switch m.PPID {
		case asap.PPID:
			if x, _, err := asap.Parse(m.Data); err == nil {
				text = fmt.Sprintf("%v %+v", x.Type(), x)
			} else {
				text = "an ASAP message that cannot be decoded: " + err.Error()
			}
		case enrp.PPID:
			if x, _, err := enrp.Parse(m.Data); err == nil {
				text = fmt.Sprintf("%v %+v", x.Type(), x)
			} else {
				text = "an ENRP message that cannot be decoded: " + err.Error()
			}
		}
		s = append(s, fmt.Sprintf("PPID %d: %s", m.PPID, text))
	}
	return strings.Join(s, "; ")
}

// Messages are those of S that have come and were not taken.
func (a *Assoc) Messages() []Message { return a.messages }

// Abort ends the association from the tester's side.
func (a *Assoc) Abort() {
	if a.PeerTag != 0 && !a.Aborted {
		a.Send(wire.AppendAbort(nil, false, nil))
	}
	a.Up = false
}
