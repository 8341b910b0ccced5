// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp/wire"
)

// isListRequest reports whether DATA has an ENRP_LIST_REQUEST.
func isListRequest(d *wire.Data) bool { return isMessage(d, enrp.PPID, byte(enrp.TypeListRequest)) }

// updatedBefore changes the ENRP_HANDLE_UPDATEs that arrive. before is the latest one that has added a pool element.
func updatedBefore(change func(m *enrp.HandleUpdate, before *enrp.HandleUpdate)) func() Middlebox {
	return func() Middlebox {
		var before *enrp.HandleUpdate
		return enrpIn(func(m *enrp.HandleUpdate) bool {
			if before != nil {
				change(m, before)
			}
			if m.Action == enrp.AddPE {
				c := *m
				before = &c
			}
			return true
		})()
	}
}

// peerMutants break RFC 5353 in ways of their own.
var peerMutants = []Mutant{
	{Name: "all pool handles are listed before all pool elements", Caught: []string{"5353/2.3/1"},
		New: rawOut(enrp.PPID, byte(enrp.TypeHandleTableResponse), func(_ byte, body []byte) []byte {
			all := tlvs(body[8:])
			slices.SortStableFunc(all, bytes.Compare) // by their types
			return append(body[:8:8], slices.Concat(all...)...)
		})},
	{Name: "a request that is refused is answered with pools", Caught: []string{"5353/2.3/2"},
		New: rawOut(enrp.PPID, byte(enrp.TypeHandleTableResponse), func(flags byte, body []byte) []byte {
			if flags&1 != 0 {
				body = append(body, 0, byte(param.TypePoolHandle), 0, 8, 'p', 'o', 'o', 'l')
			}
			return body
		})},
	{Name: "ENRP_HANDLE_UPDATE has a reserved field that is not 0", Caught: []string{"5353/2.4/1"},
		New: rawOut(enrp.PPID, byte(enrp.TypeHandleUpdate), func(_ byte, body []byte) []byte { body[11] = 1; return body })},
	{Name: "ENRP_HANDLE_UPDATE has Update Actions of its own", Caught: []string{"5353/2.4/1"},
		New: rawOut(enrp.PPID, byte(enrp.TypeHandleUpdate), func(_ byte, body []byte) []byte { body[9] = 2; return body })},
	{Name: "a registrar that is alone grants nothing", Caught: []string{"5353/3.2.2.1/1"},
		New: asapOut(func(m *asap.RegistrationResponse) bool { m.Rejected, m.Errors = true, warning; return true })},
	{Name: "mentors are not asked for their peers", Caught: []string{"5353/3.2.2.2/1"},
		New: enrpOut(func(*enrp.ListRequest) bool { return false })},
	{Name: "a mentor is asked for its peers once", Caught: []string{"5353/3.2.2.2/4"},
		New: func() Middlebox {
			n := 0
			return enrpOut(func(*enrp.ListRequest) bool { n++; return n == 1 })()
		}},
	{Name: "there is one mentor only", Caught: []string{"5353/3.2.2.2/5"}, New: toFirst(isListRequest)},
	{Name: "one pool of a response is copied", Caught: []string{"5353/3.2.3/3"},
		New: enrpIn(func(m *enrp.HandleTableResponse) bool { m.Pools = m.Pools[:min(len(m.Pools), 1)]; return true })},
	{Name: "pool elements of others are learnt by audits only", Caught: []string{"5353/3.3.1/3", "5353/3.3.1/4", "5353/3.3.1/5", "5353/3.3.2/3"},
		New: enrpIn(func(m *enrp.HandleUpdate) bool { return m.Action != enrp.AddPE })},
	{Name: "pools that others create have the policy Round Robin", Caught: []string{"5353/3.3.1/3"},
		New: enrpIn(func(m *enrp.HandleUpdate) bool {
			m.PoolElement.Policy = param.Policy{Type: param.RoundRobin}
			return true
		})},
	{Name: "a pool element that is in no known pool is removed from another", Caught: []string{"5353/3.3.2/4"},
		New: updatedBefore(func(m, before *enrp.HandleUpdate) {
			if m.Action == enrp.DelPE && m.PoolHandle != before.PoolHandle {
				m.PoolHandle, m.PoolElement = before.PoolHandle, before.PoolElement
			}
		})},
	{Name: "the removal of what is not known is reported", Caught: []string{"5353/3.3.2/4"},
		New: payloadsIn(func(d *wire.Data) {
			if isMessage(d, enrp.PPID, byte(enrp.TypeHandleUpdate)) && binary.BigEndian.Uint16(d.Payload[12:]) == uint16(enrp.DelPE) {
				d.Payload = append([]byte{0x4b, 0, 0, 12}, d.Payload[4:12]...)
			}
		})},
	{Name: "a takeover by a smaller server is acknowledged", Caught: []string{"5353/3.5.1/4"},
		New: func() Middlebox {
			// To S it is the takeover of one it does not know.
			var target uint32
			return both(
				enrpIn(func(m *enrp.InitTakeover) bool { target = m.Target; m.Target = ^target; return true }),
				enrpOut(func(m *enrp.InitTakeoverAck) bool { m.Target = target; return true }))()
		}},
	{Name: "pool elements that a peer does not list stay", Caught: []string{"5353/3.6.3/2"},
		New: func() Middlebox {
			// S finds all that it was ever told of in the list.
			var all []enrp.PoolEntry
			return payloadsIn(func(d *wire.Data) {
				enrpChange(func(m *enrp.HandleUpdate) bool {
					all = append(all, enrp.PoolEntry{PoolHandle: m.PoolHandle, PoolElements: []param.PoolElement{m.PoolElement}})
					return true
				})(d)
				enrpChange(func(m *enrp.HandleTableResponse) bool { m.Pools = all; return true })(d)
			})()
		}},
}
