// SPDX-License-Identifier: Apache-2.0

package rfc9260

import (
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Section 6.6, Ordered and Unordered Delivery.
var section6_6 = []conformance.Case{
	{ID: "9260/6.6/1", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		texts := []string{"first", "second", "third"}
		for i := len(texts) - 1; i >= 0; i-- {
			a.SetSSN(2, wire.SSN(i))
			a.SendData(2, []byte(texts[i]))
		}
		for _, text := range texts {
			a.ExpectEcho([]byte(text))
		}
	}},
	{ID: "9260/6.6/2", Run: func(t *conformance.T) {
		a := t.Dial(tester.Setup{})
		a.SetSSN(2, 1)
		a.SendData(2, []byte("second"))
		t.Sleep(2 * time.Second)
		t.Check(len(a.Messages()) == 0, "nothing echoed before the first message of the stream", "%s", a.SeenMessages())
		a.SetSSN(2, 0)
		a.SendData(2, []byte("first"))
		a.ExpectEcho([]byte("first"))
		a.ExpectEcho([]byte("second"))
	}},
}
