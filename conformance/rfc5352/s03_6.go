// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"strings"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.6, ENRP Server Hunt Procedures.
var section3_6 = []conformance.Case{
	{ID: "5352/3.6/1", Run: func(t *conformance.T) {
		a := joinASAP(t)
		var at []time.Time
		first, ok := a.next(announced)
		t.Check(ok, "ASAP_SERVER_ANNOUNCE", "none in %v", announced)
		at = append(at, first.Time)
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			if dg, ok := a.next(time.Until(end)); ok {
				at = append(at, dg.Time)
			}
		}
		t6 := time.Duration(t.Param("T6-Serverannounce", 1)) * time.Second
		n := int(10 * time.Second / t6)
		t.Check(len(at) >= n/2 && len(at) > 1, "an announcement every T6-Serverannounce", "%d in 10 s", len(at))
		for i, x := range at[1:] {
			t.Check(x.Sub(at[i]) < 2*t6, "an announcement every T6-Serverannounce", "none for %v", x.Sub(at[i]))
		}
	}},
	{ID: "5352/3.6/2", Run: func(t *conformance.T) {
		var all []*conformance.RegistrarSide
		var where []string
		for i := range 5 {
			r, at := t.ListenRegistrar(t.Endpoint(), tester.Setup{Port: uint16(asap.Port + 10*i)})
			r.Auto.Accept = true
			all, where = append(all, r), append(where, at)
		}
		t.Do("register", conformance.Args{"registrar": strings.Join(where, " "), "pool": string(t.Pool())})
		up := func() (n int) {
			for _, r := range all {
				if r.Up {
					n++
				}
			}
			return n
		}
		if !t.Until(t.Wait(), func() bool { return up() > 0 }) {
			t.Inconclusive("the pool element has opened no association")
		}
		t.Sleep(t.Quiet())
		t.Check(up() <= 3, "three associations at most", "%d", up())
	}},
	{ID: "5352/3.6/3", Run: func(t *conformance.T) {
		a, b := newSilent(t, asap.Port), newSilent(t, asap.Port+10)
		t.Do("register", conformance.Args{"registrar": a.where + " " + b.where, "pool": string(t.Pool())})
		// Either may be the first. That one never answers.
		if !t.Until(t.Wait(), func() bool { return a.asked() || b.asked() }) {
			t.Inconclusive("the pool element did not register")
		}
		other := b
		if b.asked() {
			other = a
		}
		// T2-registration is 30 s by default, and a request may be tried again first.
		d := 3*time.Duration(t.Param("T2-registration", 30))*time.Second + t.Wait()
		t.Check(t.Until(d, other.asked), "ASAP_REGISTRATION to the other registrar", "none within %v", d)
	}},
}

// A silent registrar takes associations at its port, one after the other, and answers nothing.
type silent struct {
	*conformance.RegistrarSide
	t     *conformance.T
	where string
}

func newSilent(t *conformance.T, port uint16) *silent {
	s := &silent{t: t}
	s.RegistrarSide, s.where = t.ListenRegistrar(t.Endpoint(), tester.Setup{Port: port})
	s.Auto.Accept = true
	return s
}

// asked reports whether there is a registration in the association. One that S has ended makes room for the next.
func (s *silent) asked() bool {
	for _, m := range s.Messages() {
		if m.PPID == asap.PPID && len(m.Data) > 0 && m.Data[0] == byte(asap.TypeRegistration) {
			return true
		}
	}
	if s.Aborted {
		s.Forgotten = true
		*s = *newSilent(s.t, s.Port)
	}
	return false
}
