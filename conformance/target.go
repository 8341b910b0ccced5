// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net"
	"net/netip"

	"github.com/rserpool/rserpool/udpencap"
)

// A Target is a system under test, and where the tester meets it.
type Target struct {
	// Role is Endpoint for SCTP, or Registrar, PE, PU.
	Role Role
	// Addrs are the addresses of S, EncapPort its UDP port.
	Addrs     []netip.Addr
	EncapPort uint16
	// Port is the SCTP port S listens to: that of its echo or discard server, or that for ASAP. 0: it does not listen.
	Port uint16
	// ENRPPort is the SCTP port of a registrar for ENRP.
	ENRPPort uint16

	// PeerPort is the SCTP port that S connects to, if it cannot be told one.
	PeerPort uint16

	// Network is where the tester's sockets come from, Local its addresses, LocalPort its UDP port (0 is any free one).
	Network   udpencap.Network
	Local     []netip.Addr
	LocalPort uint16
	// TCP opens a TCP connection to the system under test; nil: the host's does.
	TCP func(ctx context.Context, to netip.AddrPort) (net.Conn, error)

	// Control makes S act; nil if nothing does.
	Control Control
	// Ended, if set, says why the system under test has ended, nil if it has not. To end is a failure.
	Ended func() error
	// Caps are the capabilities the user declares: what needs one of them and misses it fails.
	Caps map[string]bool
	// Params are parameters of S that differ from the defaults of the RFC; see T.Param.
	Params map[string]int
	// Spare are addresses of S's host that are not in use.
	Spare []netip.Addr
	// ServerID is that of the registrar, if it is known.
	ServerID uint32
}

// Can reports whether an act or capability is there before anything has been tried.
func (t *Target) Can(need string) (ok bool, why string) {
	if act, is := cutPrefix(need, "cmd:"); is {
		if t.Control == nil {
			return false, "nothing makes the system under test " + act
		}
		return t.Control.Has(act), "the control of the system under test cannot " + act
	}
	switch need {
	case "addr2":
		return len(t.Local) >= 2, "the tester has one address only"
	case "addr3":
		return len(t.Local) >= 3, "the tester has less than three addresses"
	case "auth", "idata": // found out by the case
		return true, ""
	}
	return t.Caps[need], "capability " + need + " is not declared"
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return s, false
}
