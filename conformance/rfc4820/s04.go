// SPDX-License-Identifier: Apache-2.0

package rfc4820

import (
	"bytes"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// strange is an unknown parameter that is to be reported.
const strange wire.ParamType = 0xfff0

// initAck sends an INIT with parameters and returns the answer.
func initAck(a *tester.Assoc, params []byte) wire.Init {
	a.Setup.Params = params
	a.SendInit()
	return a.InitOf(a.ExpectInitAck())
}

// cookie is the State Cookie of an INIT ACK.
func cookie(t *conformance.T, in wire.Init) []byte {
	for _, p := range tester.InitParams(in) {
		if p.Type == wire.ParamStateCookie {
			return p.Value
		}
	}
	t.Inconclusive("the INIT ACK has no State Cookie")
	return nil
}

// reported are the parameters that an INIT ACK reports as unrecognized.
func reported(in wire.Init) (types []wire.ParamType) {
	for _, p := range tester.InitParams(in) {
		if p.Type == wire.ParamUnrecognized && len(p.Value) >= 2 {
			types = append(types, wire.ParamType(uint16(p.Value[0])<<8|uint16(p.Value[1])))
		}
	}
	return types
}

// Section 4, Padding Parameter (PAD).
var section4 = []conformance.Case{
	{ID: "4820/4/1", Run: func(t *conformance.T) {
		in := initAck(t.Assoc(tester.Setup{}), wire.AppendParam(wire.AppendPadding(nil, 200), strange, []byte("????")))
		types := reported(in)
		t.Check(len(types) == 1 && types[0] == strange, "the unknown parameter reported, and nothing else", "reported: %v", types)
	}},
	{ID: "4820/4/2", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		without := cookie(t, initAck(a, nil))
		with := cookie(t, initAck(a, wire.AppendPadding(nil, 1000)))
		t.Check(len(with) == len(without), "State Cookies of the same length", "%d bytes without padding, %d with it", len(without), len(with))
	}},
	{ID: "4820/4/3", Run: func(t *conformance.T) {
		pattern := make([]byte, 64)
		for i := range pattern {
			pattern[i] = byte(0x41 + i)
		}
		c := cookie(t, initAck(t.Assoc(tester.Setup{}), wire.AppendParam(nil, wire.ParamPadding, bytes.Repeat(pattern, 4))))
		t.Check(!bytes.Contains(c, pattern), "a State Cookie without the padding data", "they are in it, at byte %d", bytes.Index(c, pattern))
	}},
	{ID: "4820/4/4", Run: func(t *conformance.T) {
		a := t.Assoc(tester.Setup{})
		for _, params := range [][]byte{nil, wire.AppendPadding(nil, 200)} {
			for _, p := range tester.InitParams(initAck(a, params)) {
				t.Check(p.Type != wire.ParamPadding, "an INIT ACK without a padding parameter", "one of %d bytes", len(p.Raw))
			}
		}
	}},
}
