// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// handleTCP handles a message of a pool user that has no SCTP.
//
// RFC 5352, Section 3.3: "An ENRP server SHOULD be prepared to receive ASAP_HANDLE_RESOLUTION requests from PUs, either over
// an SCTP association on the well-known SCTP port, or over a TCP connection on the well-known TCP port."
//
// Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport". What only pool
// elements send is refused with the answer that the sender waits for, and the cause of RFC 5354, Section 3.12.10: "a
// rejection of a request due to a failure in security credentials or authorizations". There is no association that shows
// which addresses are the element's (RFC 5352, Section 2.2.1).
func (e *Engine) handleTCP(now time.Time, a *association, m asap.Message) {
	refused := param.OperationError{{Code: param.CauseRejectedSecurity}}
	switch m := m.(type) {
	case *asap.HandleResolution, *asap.EndpointUnreachable, *asap.Error:
		e.handleAny(now, a, m)
	case *asap.Registration:
		e.refuseTCP(a, m, m.PoolHandle, m.PoolElement.ID)
		e.send(a, &asap.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PoolElement.ID, Rejected: true, Errors: refused})
	case *asap.Deregistration:
		e.refuseTCP(a, m, m.PoolHandle, m.PEID)
		e.send(a, &asap.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID, Errors: refused})
	default:
		e.stats.Ignored++
	}
}

func (e *Engine) refuseTCP(a *association, m asap.Message, h param.PoolHandle, id uint32) {
	e.stats.Rejections++
	e.event(Event{Kind: EventRejected, Assoc: a.id, Handle: h, ID: id,
		Err: fmt.Errorf("%v by %v over TCP: pool elements need SCTP", m.Type(), a.peer.Addrs)})
}
