// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/enrp"
)

// A Protocol is what is spoken over an association.
type Protocol uint8

// The protocols.
const (
	ProtocolASAP Protocol = iota + 1
	ProtocolENRP
)

func (p Protocol) String() string {
	switch p {
	case ProtocolASAP:
		return "ASAP"
	case ProtocolENRP:
		return "ENRP"
	}
	return "no protocol"
}

// PPID returns the SCTP payload protocol identifier of the messages.
func (p Protocol) PPID() uint32 {
	if p == ProtocolENRP {
		return enrp.PPID
	}
	return asap.PPID
}

// A Target is where an association is to be set up to: addresses of one host, the SCTP port, and the UDP port of RFC
// 6951, 0 for 9899.
type Target struct {
	Addrs     []netip.Addr
	Port      uint16
	EncapPort uint16
}

// A Connect asks for an association: from the port that the registrar listens to for the protocol, because RSPLIB knows
// a peer by it. HandleConnected or HandleConnectFailed answers it.
type Connect struct {
	ID       uint64
	Protocol Protocol
	Target
}
