// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"encoding/binary"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 3.7, Handling Unrecognized Messages or Unrecognized Parameters.
var section3_7 = []conformance.Case{
	{ID: "5353/3.7/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		id := serverID(t, p)
		b := []byte{0x4b, 0, 0, 12}
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, p.ID), id)
		p.SendMessage(0, 0, enrp.PPID, b)
		e := tester.ExpectENRP[*enrp.Error](p.Assoc, nil)
		t.Check(e.Errors.Has(param.CauseUnrecognizedMessage), "cause 0x2 (Unrecognized Message)", "%v", e.Errors)
	}},
}
