// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp/wire"
)

// isTransport reports whether a parameter is a transport.
func isTransport(p []byte) bool {
	return isTLV(p, param.TypeSCTPTransport, param.TypeTCPTransport, param.TypeUDPTransport)
}

// refusals changes the causes of refusals. reg is the registration that is refused.
func refusals(change func(c *param.Cause, reg param.PoolElement)) func() Middlebox {
	return func() Middlebox {
		regs := map[uint32]param.PoolElement{}
		return both(
			asapIn(func(m *asap.Registration) bool { regs[m.PoolElement.ID] = m.PoolElement; return true }),
			asapOut(func(m *asap.RegistrationResponse) bool {
				for i := range m.Errors {
					change(&m.Errors[i], regs[m.PEID])
				}
				return true
			}))()
	}
}

// aligned makes a length a multiple of 4.
func aligned(n int) int { return (n + 3) &^ 3 }

// formatMutants break RFC 5354 and RFC 5356 in ways of their own.
var formatMutants = []Mutant{
	{Name: "a pool handle ends with its padding", Caught: []string{"5354/3/5"},
		New: payloadsIn(func(d *wire.Data) {
			if isMessage(d, asap.PPID, byte(asap.TypeRegistration)) || isMessage(d, asap.PPID, byte(asap.TypeHandleResolution)) {
				d.Payload = slices.Clone(d.Payload)
				d.Payload[7] = byte(aligned(int(d.Payload[7])))
			}
		})},
	{Name: "SCTP transports have no address", Caught: []string{"5354/3.4/1"},
		New: rawOut(enrp.PPID, byte(enrp.TypePresence), func(_ byte, body []byte) []byte {
			out := body[:8:8]
			for _, p := range tlvs(body[8:]) {
				if isTLV(p, param.TypeServerInformation) {
					p = p[:16] // with its identifier, and the transport's header, port and use
					p[3], p[11] = 16, 8
				}
				out = append(out, p...)
			}
			return out
		})},
	{Name: "a pool element has two User Transports", Caught: []string{"5354/3.10/1"},
		New: registrationsOut(func(all [][]byte) [][]byte {
			i := slices.IndexFunc(all, isTransport)
			return slices.Insert(all, i, all[i])
		})},
	{Name: "a pool element has no User Transport", Caught: []string{"5352/3.1/14", "5354/3.10/1"},
		New: registrationsOut(func(all [][]byte) [][]byte { return slices.DeleteFunc(all, isTransport) })},
	{Name: "the ASAP Transport is the User Transport", Caught: []string{"5354/3.10/2"},
		New: elementsOut(enrp.PPID, byte(enrp.TypeHandleUpdate), 12, func(all [][]byte) [][]byte {
			user := slices.IndexFunc(all, isTransport)
			for i := range all {
				if isTransport(all[i]) {
					all[i] = all[user]
				}
			}
			return all
		})},
	{Name: "causes have no information", Caught: []string{"5354/3.12.6/1", "5354/3.12.8/1"},
		New: refusals(func(c *param.Cause, _ param.PoolElement) { c.Info = nil })},
	{Name: "the values of the registration are quoted instead of the pool's", Caught: []string{"5354/3.12.6/1", "5354/3.12.8/1"},
		New: refusals(func(c *param.Cause, reg param.PoolElement) {
			switch c.Code {
			case param.CauseInconsistentPolicy:
				*c = param.InconsistentPolicy(reg.Policy)
			case param.CauseInconsistentTransportType:
				*c = param.InconsistentTransportType(reg.UserTransport)
			}
		})},
	{Name: "all messages of unknown type are reported", Caught: []string{"5354/4/1"},
		New: payloadsIn(func(d *wire.Data) {
			if isMessage(d, asap.PPID, 0x3f) {
				d.Payload = append([]byte{0x7f}, d.Payload[1:]...)
			}
		})},
	{Name: "a message of unknown type ends the registration", Caught: []string{"5354/4/1"},
		New: func() Middlebox {
			var reg asap.Registration
			return payloadsIn(func(d *wire.Data) {
				asapChange(func(m *asap.Registration) asap.Message { reg = *m; return m })(d)
				if isMessage(d, asap.PPID, 0x3f) {
					d.Payload, _ = (&asap.Deregistration{PoolHandle: reg.PoolHandle, PEID: reg.PoolElement.ID}).AppendBinary(nil)
				}
			})()
		}},
	{Name: "a second registration leaves the degradation counter alone", Caught: []string{"5356/5.2.2/2"},
		New: func() Middlebox {
			// To S it is one in another pool.
			seen := map[uint32]bool{}
			return asapIn(func(m *asap.Registration) bool {
				if seen[m.PoolElement.ID] {
					m.PoolHandle += "x"
				}
				seen[m.PoolElement.ID] = true
				return true
			})()
		}},
}
