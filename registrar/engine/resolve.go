// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// resolve answers an ASAP_HANDLE_RESOLUTION.
//
// RFC 5352, Section 3.3: "Upon reception of the ASAP_HANDLE_RESOLUTION message, the ENRP server MUST first look up the
// pool handle in its handlespace. If the pool exists, the Home ENRP server MUST compose and send back an
// ASAP_HANDLE_RESOLUTION_RESPONSE message to the requesting PU."
func (e *Engine) resolve(now time.Time, a *association, m *asap.HandleResolution) {
	e.stats.Resolutions++
	resp := asap.HandleResolutionResponse{PoolHandle: m.PoolHandle}
	if code, ok := e.selectElements(now, a, m); !ok {
		e.stats.FailedResolutions++
		resp.Errors = param.OperationError{{Code: code}}
		e.send(a, &resp)
		return
	}
	// RFC 5352, Section 3.3: "The ENRP server MUST also include a pool member selection policy parameter to indicate the
	// overall member selection policy for the pool, if the current pool member selection policy is not Round-Robin." It
	// always does, and in front of the elements, because RSPLIB cannot do without.
	resp.Policy = e.selected[0].Pool().Policy()
	resp.PoolElements = e.list(e.selected)
	if !e.out.push(a, &resp) {
		resp.PoolElements = resp.PoolElements[:fitting(&resp)]
		if len(resp.PoolElements) == 0 || !e.out.push(a, &resp) {
			e.stats.FailedResolutions++
			e.send(a, &asap.HandleResolutionResponse{PoolHandle: m.PoolHandle,
				Errors: param.OperationError{{Code: param.CauseLackOfResources}}})
		}
	}
	clear(e.selected)
	clear(resp.PoolElements)
}

// selectElements fills e.selected with at least one element, or returns the error cause.
func (e *Engine) selectElements(now time.Time, a *association, m *asap.HandleResolution) (param.CauseCode, bool) {
	if !a.resolutions.allow(now) {
		e.stats.Limited++
		return param.CauseLackOfResources, false
	}
	n := uint32(e.cfg.MaxResolutionItems)
	if m.Items != 0 {
		n = min(m.Items, param.MaxPoolElements)
	}
	var err error
	e.selected, err = e.space.Resolve(e.selected[:0], m.PoolHandle, int(n))
	switch {
	case err != nil:
		// RFC 5352, Section 3.3: "If the named pool does not exist in the handlespace, the ENRP server MUST reject the
		// handle resolution request by responding with an ASAP_HANDLE_RESOLUTION_RESPONSE message carrying an Unknown Pool
		// Handle error."
		return param.CauseUnknownPoolHandle, false
	case len(e.selected) == 0:
		// The pool is there, but its policy selects none: all have weight 0. RFC 5352, Section 2.2.6: "When the response is
		// positive [...] At least one PE parameter MUST be present." So it is negative.
		return param.CauseLackOfResources, false
	}
	return 0, true
}

// list returns elements as responses show them: without the ASAP Transport, which is between them and their registrar,
// and with the encapsulation port only where it says something.
func (e *Engine) list(elements []*handlespace.Element) []param.PoolElement {
	e.listed = e.listed[:0]
	for _, el := range elements {
		pe := *el.PE()
		pe.ASAPTransport = nil
		if pe.UserTransport.Protocol != param.SCTP {
			pe.EncapPort = 0
		}
		e.listed = append(e.listed, pe)
	}
	return e.listed
}

// fitting returns how many of the elements, from the first one on, fit into a message.
func fitting(resp *asap.HandleResolutionResponse) int {
	size := 4 + padded(4+len(resp.PoolHandle)) + padded(len(tlv(resp.Policy)))
	for i := range resp.PoolElements {
		if size += padded(len(tlv(&resp.PoolElements[i]))); size > param.MaxMessage {
			return i
		}
	}
	return len(resp.PoolElements)
}

func padded(n int) int { return (n + 3) &^ 3 }
