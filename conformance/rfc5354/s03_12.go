// SPDX-License-Identifier: Apache-2.0

package rfc5354

import (
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
)

// Section 3.12, Operation Error Parameter.
var section3_12 = []conformance.Case{
	{ID: "5354/3.12.6/1", Run: func(t *conformance.T) {
		info := refused(t, conformance.PEConfig{Policy: param.Policy{Type: param.Random}}, param.CauseInconsistentPolicy)
		t.Check(len(info) >= 8 && binary.BigEndian.Uint16(info) == uint16(param.TypePolicy) && binary.BigEndian.Uint32(info[4:]) == uint32(param.RoundRobin),
			"a policy parameter of the pool's policy, 0x00000001", "%x", info)
	}},
	{ID: "5354/3.12.8/1", Run: func(t *conformance.T) {
		info := refused(t, conformance.PEConfig{Transport: tcp(t)}, param.CauseInconsistentTransportType)
		t.Check(len(info) >= 8 && binary.BigEndian.Uint16(info) == uint16(param.TypeSCTPTransport), "an SCTP Transport parameter", "%x", info)
	}},
}

// refused registers in a pool of Round Robin and SCTP, is refused, and returns the information of a cause.
func refused(t *conformance.T, cfg conformance.PEConfig, code param.CauseCode) []byte {
	t.RegisterPE(conformance.PEConfig{})
	r := t.NewPE(cfg).Register()
	i := slices.IndexFunc(r.Errors, func(c param.Cause) bool { return c.Code == code })
	if !r.Rejected || i < 0 {
		t.Inconclusive("R=%t, and no cause %v: %v", r.Rejected, code, r.Errors)
	}
	return r.Errors[i].Info
}
