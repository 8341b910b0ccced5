// SPDX-License-Identifier: Apache-2.0

package rfc5354

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 4, Common Message Formats.
var section4 = []conformance.Case{
	{ID: "5354/4/1", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pe.SendMessage(0, 0, asap.PPID, []byte{0x3f, 0, 0, 8, 1, 2, 3, 4})
		pe.ExpectNoMessage()
		pe.ExpectAlive()
		r := t.Resolve(t.Dial(tester.Setup{}), pe.Pool)
		t.Check(slices.Equal(conformance.Listed(r), []uint32{pe.Element.ID}), "the registration stays", "%#x, errors %v", conformance.Listed(r), r.Errors)
	}},
	{ID: "5354/4/2", Run: func(t *conformance.T) {
		pe := t.NewPE(conformance.PEConfig{})
		b := encode(t, &asap.Registration{PoolHandle: pe.Pool, PoolElement: pe.Element})
		b[1] = 0xfe
		pe.SendMessage(0, 0, asap.PPID, b)
		r := tester.ExpectASAP[*asap.RegistrationResponse](pe.Assoc, nil)
		t.Check(!r.Rejected, "R=0", "R=1: %v", r.Errors)
	}},
	{ID: "5354/4/3", Run: func(t *conformance.T) {
		// A report whose last parameter is 1, 2 or 3 bytes short of a multiple of 4.
		for n := 5; n <= 7; n++ {
			pu := t.Dial(tester.Setup{})
			b := encode(t, &asap.HandleResolution{PoolHandle: t.Pool()})
			b = append(b, 0xff, 0xfe, 0, byte(n), 1, 2, 3, 0)
			for i := n; i < 8; i++ {
				b[len(b)-8+i] = 0
			}
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
			pu.SendMessage(0, 0, asap.PPID, b)
			m := nextOfASAP(t, pu, asap.TypeError)
			t.Check(len(m.Data)%4 == 0, "a multiple of 4 bytes", "%d bytes: %x", len(m.Data), m.Data)
			length := int(binary.BigEndian.Uint16(m.Data[2:]))
			t.Check(length <= len(m.Data) && len(m.Data)-length < 4, "a Message Length that is that of the message, with the final padding or without", "%d of %d bytes", length, len(m.Data))
			// The quoted parameter is the last thing in the message, if S quotes it.
			padding := m.Data[max(len(m.Data)-8+n, 0):]
			if !bytes.HasSuffix(m.Data[:len(m.Data)-len(padding)], b[len(b)-8:len(b)-8+n]) {
				t.Inconclusive("no report that ends with the parameter: %x", m.Data)
			}
			for _, x := range padding {
				t.Check(x == 0, "padding of 0", "%x", m.Data)
			}
		}
	}},
}
