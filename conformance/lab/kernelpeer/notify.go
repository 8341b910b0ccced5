// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
)

const (
	noteAssocChange = 0x8001
	notePeerAddr    = 0x8002
	noteRemoteError = 0x8004
	noteShutdown    = 0x8005
	noteAdaptation  = 0x8007
	noteStreamReset = 0x800a
	noteAssocReset  = 0x800b
	noteStreamChg   = 0x800c
)

var (
	assocStates = []string{"comm_up", "comm_lost", "restart", "shutdown_comp", "cant_str_assoc"}
	paddrStates = []string{"available", "unreachable", "removed", "added", "made_prim", "confirmed", "pf"}
)

func named(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprint(i)
}

// notification renders an RFC 6458, Section 6.1 notification as key=value pairs.
func notification(b []byte) string {
	if len(b) < 8 {
		return fmt.Sprintf("event=notification size=%d", len(b))
	}
	ne := binary.NativeEndian
	flags := ne.Uint16(b[2:])
	switch typ := ne.Uint16(b); {
	case typ == noteAssocChange && len(b) >= 20:
		return fmt.Sprintf("event=assoc state=%s error=%d out=%d in=%d",
			named(assocStates, int(ne.Uint16(b[8:]))), ne.Uint16(b[10:]), ne.Uint16(b[12:]), ne.Uint16(b[14:]))
	case typ == notePeerAddr && len(b) >= 148:
		return fmt.Sprintf("event=paddr addr=%s state=%s error=%d",
			parseSockaddr(b[8:]).Addr(), named(paddrStates, int(ne.Uint32(b[136:]))), ne.Uint32(b[140:]))
	case typ == noteRemoteError && len(b) >= 10:
		return fmt.Sprintf("event=remote_error cause=%d", binary.BigEndian.Uint16(b[8:]))
	case typ == noteShutdown:
		return "event=shutdown"
	case typ == noteAdaptation && len(b) >= 12:
		return fmt.Sprintf("event=adaptation value=%d", ne.Uint32(b[8:]))
	case typ == noteStreamReset && len(b) >= 12:
		s := fmt.Sprintf("event=stream_reset flags=%#x streams=", flags)
		for i := 12; i+2 <= len(b); i += 2 {
			if i > 12 {
				s += ","
			}
			s += fmt.Sprint(ne.Uint16(b[i:]))
		}
		return s
	case typ == noteAssocReset:
		return fmt.Sprintf("event=assoc_reset flags=%#x", flags)
	case typ == noteStreamChg && len(b) >= 16:
		return fmt.Sprintf("event=stream_change flags=%#x in=%d out=%d", flags, ne.Uint16(b[12:]), ne.Uint16(b[14:]))
	default:
		return fmt.Sprintf("event=notification type=%#x flags=%#x size=%d", typ, flags, len(b))
	}
}
