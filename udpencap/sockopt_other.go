// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !freebsd && !windows

package udpencap

import (
	"net/netip"
	"syscall"
)

func beforeBind(string, string, syscall.RawConn) error { return nil }

func setBuffers(uintptr, int, int) {}

// canDontFragment: there is an option for DF.
const canDontFragment = false

// dontFragment has no option to set here: datagrams may be fragmented and a
// path MTU search will believe too much, which the retransmissions of SCTP
// survive.
func dontFragment(uintptr, bool, bool) error { return nil }

func enableOffloads(uintptr, HostConfig) offloads { return offloads{} }

func pathMTU(netip.Addr, netip.AddrPort) int { return 0 }
