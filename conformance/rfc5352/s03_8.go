// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"bytes"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.8, Cookie Handling Procedures.
var section3_8 = []conformance.Case{
	{ID: "5352/3.8/1", Run: func(t *conformance.T) {
		s := startService(t, 2, param.DataPlusControl)
		one, two := s.elements[0], s.elements[1]
		s.request(one)
		last := param.Cookie("the second cookie...")
		one.SendASAP(&asap.Cookie{Cookie: param.Cookie("the first cookie")})
		one.SendASAP(&asap.Cookie{Cookie: last})
		t.Sleep(t.Quiet()) // both are there before it fails
		s.fail(one)
		two.Accept()
		m, ok := two.NextMessage(t.Wait(), func(m tester.Message) bool { return m.PPID == asap.PPID })
		t.Check(ok, "ASAP_COOKIE_ECHO to the other pool element", "no ASAP message; seen: %s", two.SeenMessages())
		x, _, err := asap.Parse(m.Data)
		e, ok := x.(*asap.CookieEcho)
		t.Check(ok, "ASAP_COOKIE_ECHO as the first ASAP message", "%T %v", x, err)
		t.Check(bytes.Equal(e.Cookie, last), "the latest cookie", "%q", e.Cookie)
	}},
}
