// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
)

// An Element is a pool element as a registrar knows it.
type Element struct {
	// Handle is that of the pool.
	Handle string
	// ID is the PE Identifier, unique in the pool.
	ID uint32
	// HomeID is the identifier of its home registrar.
	HomeID uint32
	// Transport is how it is reached: one or more addresses and a port, SCTP or something else.
	Transport param.Transport
	// EncapPort is the UDP port at which its SCTP is reached (RFC 6951).
	EncapPort uint16
	// Policy is what it has registered with, with its load.
	Policy policy.Policy
	// Life is the Registration Life as it was sent: in seconds (RFC 5354) or milliseconds (RSPLIB), the element knows.
	Life uint32
}

// Addr returns where it is reached, or nil if that is not by SCTP.
func (e Element) Addr() *sctp.Addr {
	if e.Transport.Protocol != param.SCTP {
		return nil
	}
	return &sctp.Addr{IPs: e.Transport.Addrs, Port: e.Transport.Port, EncapPort: e.EncapPort}
}

// String returns for example "0x00c0ffee at 10.0.0.1:5000".
func (e Element) String() string {
	if a := e.Addr(); a != nil {
		return fmt.Sprintf("%s at %v", idString(e.ID), a)
	}
	return fmt.Sprintf("%s at %v", idString(e.ID), e.Transport)
}

// param is what a registrar would be told.
func (e Element) param() param.PoolElement {
	pe := param.PoolElement{
		ID: e.ID, HomeID: e.HomeID, Life: e.Life, UserTransport: e.Transport, Policy: policy.RoundRobin{}.Param(),
	}
	if e.EncapPort != param.DefaultEncapPort {
		pe.EncapPort = e.EncapPort
	}
	if e.Policy != nil {
		pe.Policy = e.Policy.Param()
	}
	return pe
}

func newElement(h param.PoolHandle, pe param.PoolElement) Element {
	e := Element{
		Handle: string(h), ID: pe.ID, HomeID: pe.HomeID, Transport: pe.UserTransport, EncapPort: pe.EncapPort,
		Policy: policy.FromParam(pe.Policy), Life: pe.Life,
	}
	if e.EncapPort == 0 {
		e.EncapPort = param.DefaultEncapPort
	}
	return e
}
