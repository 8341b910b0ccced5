// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"encoding/binary"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// Section 2.4, ENRP_HANDLE_UPDATE Message.
var section2_4 = []conformance.Case{
	{ID: "5353/2.4/1", Run: func(t *conformance.T) {
		p := t.Peer(0, tester.Setup{})
		t.RegisterPE(conformance.PEConfig{})
		m, ok := p.NextMessage(t.Wait(), func(m tester.Message) bool { return len(m.Data) >= 16 && m.Data[0] == byte(enrp.TypeHandleUpdate) })
		if !ok {
			t.Inconclusive("no ENRP_HANDLE_UPDATE came; seen: %s", p.SeenMessages())
		}
		action, reserved := binary.BigEndian.Uint16(m.Data[12:]), binary.BigEndian.Uint16(m.Data[14:])
		t.Check(action <= 1, "Update Action 0 or 1", "%#x", action)
		t.Check(reserved == 0, "a reserved field of 0", "%#x", reserved)
	}},
}
