// SPDX-License-Identifier: Apache-2.0

package rfc5354

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3, Parameters in General.
var section3 = []conformance.Case{
	{ID: "5354/3/1", Run: func(t *conformance.T) { unknownParameter(t, 0x3fff, false, false) }},
	{ID: "5354/3/2", Run: func(t *conformance.T) { unknownParameter(t, 0x7fff, false, true) }},
	{ID: "5354/3/3", Run: func(t *conformance.T) { unknownParameter(t, 0xbfff, true, false) }},
	{ID: "5354/3/4", Run: func(t *conformance.T) { unknownParameter(t, 0xfffe, true, true) }},
	{ID: "5354/3/5", Run: func(t *conformance.T) {
		for _, n := range []int{5, 6, 7} {
			pool := handle(t, n)
			pe := t.NewPE(conformance.PEConfig{Pool: pool})
			pe.SendMessage(0, 0, asap.PPID, padded(t, &asap.Registration{PoolHandle: pool, PoolElement: pe.Element}, n, 0xa5))
			r := tester.ExpectASAP[*asap.RegistrationResponse](pe.Assoc, nil)
			t.Check(!r.Rejected && r.PoolHandle == pool, fmt.Sprintf("a pool %q", pool), "%q, R=%t, %v", r.PoolHandle, r.Rejected, r.Errors)
			pu := t.Dial(tester.Setup{})
			for _, pad := range []byte{0xa5, 0x5a, 0} {
				pu.SendMessage(0, 0, asap.PPID, padded(t, &asap.HandleResolution{PoolHandle: pool}, n, pad))
				r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
				t.Check(slices.Equal(conformance.Listed(r), []uint32{pe.Element.ID}), "the pool element", "%#x, errors %v, with padding %#x", conformance.Listed(r), r.Errors, pad)
			}
		}
	}},
	{ID: "5354/3/6", Run: func(t *conformance.T) {
		pool := handle(t, 5)
		t.RegisterPE(conformance.PEConfig{Pool: pool})
		pu := t.Dial(tester.Setup{})
		pu.SendASAP(&asap.HandleResolution{PoolHandle: pool})
		m := nextOfASAP(t, pu, asap.TypeHandleResolutionResponse)
		want := append(append([]byte{0, 9, 0, 9}, pool...), 0, 0, 0)
		t.Check(len(m.Data) >= 16 && bytes.Equal(m.Data[4:16], want), fmt.Sprintf("%x", want), "%x", m.Data[4:min(16, len(m.Data))])
	}},
}

// unknownParameter has a resolution with a parameter of unknown type, and checks whether there is a response and a report.
func unknownParameter(t *conformance.T, typ uint16, response, report bool) {
	pe := t.RegisterPE(conformance.PEConfig{})
	pu := t.Dial(tester.Setup{})
	t.Check(slices.Equal(conformance.Listed(t.Resolve(pu, pe.Pool)), []uint32{pe.Element.ID}), "the pool element", "another response")
	tlv := append(binary.BigEndian.AppendUint16(nil, typ), 0, 8, 1, 2, 3, 4)
	b := append(encode(t, &asap.HandleResolution{PoolHandle: pe.Pool}), tlv...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	pu.SendMessage(0, 0, asap.PPID, b)
	if response {
		r := tester.ExpectASAP[*asap.HandleResolutionResponse](pu, nil)
		t.Check(slices.Equal(conformance.Listed(r), []uint32{pe.Element.ID}), "the pool element", "%#x, errors %v", conformance.Listed(r), r.Errors)
	} else {
		tester.ExpectNoASAP[*asap.HandleResolutionResponse](pu, nil)
	}
	if !report {
		tester.ExpectNoASAP[*asap.Error](pu, nil)
		return
	}
	e := tester.ExpectASAP[*asap.Error](pu, nil)
	i := slices.IndexFunc(e.Errors, func(c param.Cause) bool { return c.Code == param.CauseUnrecognizedParameter })
	t.Check(i >= 0, "cause 0x1 (Unrecognized Parameter)", "%v", e.Errors)
	t.Check(bytes.Equal(e.Errors[i].Info, tlv), fmt.Sprintf("the parameter %x", tlv), "%x", e.Errors[i].Info)
}

// encode encodes a message.
func encode(t *conformance.T, m asap.Message) []byte {
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Inconclusive("%v", err)
	}
	return b
}

// padded encodes a message that begins with a Pool Handle of n bytes, whose padding is made of pad.
func padded(t *conformance.T, m asap.Message, n int, pad byte) []byte {
	b := encode(t, m)
	for i := 8 + n; i%4 != 0; i++ {
		b[i] = pad
	}
	return b
}

// handle is a random pool handle of n bytes.
func handle(t *conformance.T, n int) param.PoolHandle {
	return param.PoolHandle(fmt.Sprintf("%08x", t.Rand().Uint32())[:n])
}

// nextOfASAP waits for a message that begins like one of the type; that none comes is inconclusive.
func nextOfASAP(t *conformance.T, a *tester.Assoc, typ asap.MessageType) tester.Message {
	m, ok := a.NextMessage(t.Wait(), func(m tester.Message) bool { return len(m.Data) >= 4 && m.Data[0] == byte(typ) })
	if !ok {
		t.Inconclusive("no %v came; seen: %s", typ, a.SeenMessages())
	}
	return m
}
