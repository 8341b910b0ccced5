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
func (e *Engine) resolve(now time.Time, a *association, handle []byte, items uint32, updates bool) {
	e.stats.Resolutions++
	code := e.selectElements(now, a, handle, items)
	if updates || len(a.topics) > 0 {
		updates = e.subscribe(now, a, handle, items, updates && code == 0)
	}
	if code == 0 && !e.list(a, updates) {
		code = param.CauseLackOfResources
	}
	clear(e.selected)
	if code != 0 {
		e.stats.FailedResolutions++
		e.send(a, &asap.HandleResolutionResponse{PoolHandle: param.PoolHandle(handle),
			Errors: param.OperationError{{Code: code}}})
	}
}

// selectElements fills e.selected with at least one element, or returns the error cause.
func (e *Engine) selectElements(now time.Time, a *association, handle []byte, items uint32) param.CauseCode {
	e.selected = e.selected[:0]
	if !a.resolutions.allow(now, e.cfg.MaxResolutionRate) {
		e.stats.Limited++
		return param.CauseLackOfResources
	}
	pool := e.space.PoolOf(handle)
	if pool == nil {
		// RFC 5352, Section 3.3: "If the named pool does not exist in the handlespace, the ENRP server MUST reject the
		// handle resolution request by responding with an ASAP_HANDLE_RESOLUTION_RESPONSE message carrying an Unknown Pool
		// Handle error."
		return param.CauseUnknownPoolHandle
	}
	e.selected = e.space.Select(e.selected, pool, e.items(items))
	if len(e.selected) == 0 {
		// The pool is there, but its policy selects none: all have weight 0. RFC 5352, Section 2.2.6: "When the response is
		// positive [...] At least one PE parameter MUST be present." So it is negative.
		return param.CauseLackOfResources
	}
	return 0
}

// items is how many elements are listed for who wants so many.
func (e *Engine) items(wanted uint32) int {
	if wanted == 0 {
		return e.cfg.MaxResolutionItems
	}
	return int(min(wanted, param.MaxPoolElements))
}

// list queues a response with as many of the selected elements, from the first one on, as fit into a message. It
// reports false if there is none. The response is an [asap.HandleResolutionResponse], made of ready pieces.
func (e *Engine) list(a *association, updates bool) bool {
	pool := e.selected[0].Pool()
	var flags uint8
	if updates {
		flags = asap.FlagAcceptUpdates
	}
	enc := param.NewEncoder(e.out.start(), uint8(asap.TypeHandleResolutionResponse), flags)
	enc.PoolHandle(pool.Handle())
	// RFC 5352, Section 3.3: "The ENRP server MUST also include a pool member selection policy parameter to indicate the
	// overall member selection policy for the pool, if the current pool member selection policy is not Round-Robin." It
	// always does, and in front of the elements, because RSPLIB cannot do without.
	enc.Policy(pool.Policy())
	for i, el := range e.selected {
		if len(el.Shown()) == 0 {
			e.show(el)
		}
		if shown := el.Shown(); len(shown) == 0 || !enc.Encoded(shown) {
			if i == 0 {
				return false
			}
			break
		}
	}
	b, err := enc.Finish()
	if err != nil {
		return false
	}
	e.out.commit(a, b)
	return true
}

// show encodes an element as responses show it: without the ASAP Transport, which is between it and its registrar, and
// with the encapsulation port only where it says something. What was parsed can be encoded; if not, nothing is shown.
func (e *Engine) show(el *handlespace.Element) {
	pe := *el.PE()
	pe.ASAPTransport = nil
	if pe.UserTransport.Protocol != param.SCTP {
		pe.EncapPort = 0
	}
	e.shown, _ = pe.AppendBinary(e.shown[:0])
	el.SetShown(e.shown)
}
