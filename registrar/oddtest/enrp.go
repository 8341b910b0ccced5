// SPDX-License-Identifier: Apache-2.0

package oddtest

import (
	"fmt"
	"net/netip"
	"strings"
)

// An ENRPScene is what the messages of ENRP are about.
type ENRPScene struct {
	Registrar uint32     // the one that is tested
	Peer      uint32     // who sends; it has introduced itself, and owns nothing
	Addr      netip.Addr // an IPv4 address of the peer
	// Pool and Element are an element that the registrar owns, and has an association with.
	Pool    string
	Element uint32
}

// ENRP returns messages of another registrar. What a registrar says by itself, a heartbeat or a request, is not among the
// answers.
func ENRP(s ENRPScene) []Row {
	var (
		peer = fmt.Sprintf("%08x", s.Peer)
		self = fmt.Sprintf("%08x", s.Registrar)
		ids  = peer + self
		addr = ipv4(s.Addr)

		sctp   = "00040010" + "26ad0000" + addr
		checks = "000f0006" + "ffff0000"
		server = "000b0018" + peer + sctp
		pool   = "00090005" + "41000000"
		rr     = "00080008" + "00000001"
		user   = "00040010" + "00070001" + addr
	)
	pe := func(id, home string) string { return "000a0038" + id + home + "00000258" + user + rr + sctp }
	update := func(action, pool, pe string) string { return msg(0x04, 0, ids+action+"0000"+pool+pe) }
	owned := fmt.Sprintf("0009%04x%x%s", 4+len(s.Pool), s.Pool, strings.Repeat("00", -len(s.Pool)&3))
	element := fmt.Sprintf("%08x", s.Element)
	rows := []Row{
		row("unknown message, 00", msg(0x1f, 0, ids)),
		row("unknown message, 01", msg(0x5f, 0, ids), "0a00"),
		row("unknown message, 10", msg(0x9f, 0, ids)),
		row("unknown message, 11", msg(0xdf, 0, ids)),
		row("a byte", "05"),
		row("no identifiers", "05000004"),
		row("half of the identifiers", "05000008"+peer),
		row("zeros", strings.Repeat("00", 1400)),
		row("ones", strings.Repeat("ff", 1400)),
		row("for another server", msg(0x05, 0, peer+"77777777")),
		row("from nobody", msg(0x05, 0, "00000000"+self)),
		row("list request", msg(0x05, 0, ids), "0600"),
		row("list request for all", msg(0x05, 0, peer+"00000000"), "0600"),
		row("unknown parameter, stop", msg(0x05, 0, ids+"3ffe0008"+"00000000")),
		row("unknown parameter, stop and report", msg(0x05, 0, ids+"7ffe0008"+"00000000"), "0a00"),
		row("unknown parameter, skip", msg(0x05, 0, ids+"bffe0008"+"00000000"), "0600"),
		row("unknown parameter, skip and report", msg(0x05, 0, ids+"fffe0008"+"00000000"), "0600", "0a00"),
		row("parameter longer than the message", msg(0x05, 0, ids+"bffe0018"+"00000000"), "0a00"),

		row("presence without anything", msg(0x01, 0, ids)),
		row("presence, reply required", msg(0x01, 1, ids+checks+server), "0100"),
		row("presence of another server inside", msg(0x01, 1, ids+checks+strings.Replace(server, peer, "77777777", 1)), "0100"),
		row("presence with two checksums", msg(0x01, 1, ids+checks+checks+server), "0a00"),
		row("presence with a long checksum", msg(0x01, 1, ids+"000f0008"+"ffffffff"+server), "0a00"),
		row("presence with a server at port 0", msg(0x01, 1, ids+checks+strings.Replace(server, "26ad0000", "00000000", 1)), "0100"),

		row("handle table request", msg(0x02, 0, ids), "03"),
		row("handle table request, own children", msg(0x02, 1, ids), "03"),
		row("handle table that nobody has asked for", msg(0x03, 0, ids+pool+pe("00000001", peer))),
		row("handle table, rejected, with pools", msg(0x03, 1, ids+pool+pe("00000001", peer))),
		row("handle table, element before the pool", msg(0x03, 0, ids+pe("00000001", peer)+pool), "0a00"),
		row("handle table, pool without elements", msg(0x03, 0, ids+pool), "0a00"),
		row("list that nobody has asked for", msg(0x06, 0, ids)),
		row("list, rejected", msg(0x06, 1, ids)),
		row("list with nobody and with itself", msg(0x06, 0, ids+strings.Replace(server, peer, "00000000", 1)+strings.Replace(server, peer, self, 1))),
		row("list with a server without transport", msg(0x06, 0, ids+"000b0008"+"77777777"), "0a00"),

		row("update, reserved action", update("0007", pool, pe("00000001", peer)), "0a00"),
		row("update without pool", update("0000", "", pe("00000001", peer)), "0a00"),
		row("update without element", update("0000", pool, ""), "0a00"),
		row("update, PE identifier 0", update("0000", pool, pe("00000000", peer))),
		row("update, home 0", update("0000", pool, pe("00000001", "00000000"))),
		row("update of who is at home here", update("0000", owned, pe(element, self))),
		row("update of who is at home elsewhere", update("0000", pool, pe("00000001", "77777777"))),
		row("update without ASAP transport", msg(0x04, 0, ids+"00000000"+pool+"000a0028"+"00000001"+peer+"00000258"+user+rr)),
		row("update of nobody, deleted", update("0001", pool, pe("00000001", peer))),
		// Who has an association with the element knows better, and says so to all.
		row("update of who is at home here, deleted", update("0001", owned, pe(element, self)), "0400"),

		// RFC 5353, Section 3.5.1, rule 1: "it MUST immediately announce an ENRP_PRESENCE message to all its peer ENRP servers in
		// an attempt to stop this takeover process."
		row("takeover of the registrar", msg(0x07, 0, ids+self), "0100"),
		// Rule 3: "MUST reply to the initiating server with an ENRP_INIT_TAKEOVER_ACK message."
		row("takeover of nobody", msg(0x07, 0, ids+"77777777"), "08000010"+self+peer+"77777777"),
		row("takeover of the sender", msg(0x07, 0, ids+peer)),
		row("takeover without target", msg(0x07, 0, ids)),
		row("acknowledgement that nobody waits for", msg(0x08, 0, ids+"77777777")),
		row("takeover of the registrar, done", msg(0x09, 0, ids+self), "0100"),
		row("takeover of nobody, done", msg(0x09, 0, ids+"77777777")),
		row("takeover of the sender, done", msg(0x09, 0, ids+peer)),

		row("error", msg(0x0a, 0, ids+"000c0008"+"00010004")),
		row("broken error", msg(0x0a, 0, ids+"7ffe0004")),
	}
	same := row("the identifier of the registrar", msg(0x05, 0, self+self))
	same.Ends = true
	return append(rows, same)
}
