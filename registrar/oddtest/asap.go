// SPDX-License-Identifier: Apache-2.0

package oddtest

import (
	"net/netip"
	"strings"
)

// ASAP returns messages of a client whose association is from an IPv4 address only. The registrar, with the default
// profile, has no pool "A" when each of them comes. Comments tell what RSPLIB's registrar answers, where it differs.
func ASAP(client netip.Addr) []Row {
	const (
		pool = "00090005" + "41000000"
		id   = "000e0008" + "00000001"
		rr   = "00080008" + "00000001"
		ok   = "03000014" + pool + id
	)
	var (
		addr   = ipv4(client)
		other  = ipv4(netip.MustParseAddr("192.0.2.1"))
		user   = "00040010" + "00070001" + addr
		pe     = "000a0028" + "00000001" + "00000000" + "00000258" + user + rr
		cookie = "0d000008" + "61626364"
	)
	// registration is that of pe, changed.
	registration := func(old, now string) string { return msg(0x01, 0, pool+strings.Replace(pe, old, now, 1)) }
	return []Row{
		// RFC 5354, Section 4: "00 Stop processing this message and discard it." "01 [...] and report the unrecognized
		// message in an 'Unrecognized Message' error" "10 Reserved." "11 Reserved."
		row("unknown message, 00", "1f000004"),
		row("unknown message, 01", "5f000004", "0e000010"+"000c000c"+"00020008"+"5f000004"), // RSPLIB: silence
		row("unknown message, 10", "9f000004"),
		row("unknown message, 11", "df000004"),
		// RFC 5354, Section 3: the two highest bits of a parameter
		row("unknown parameter, stop", msg(0x05, 0, pool+"3ffe0008"+"00000000")),
		row("unknown parameter, stop and report", msg(0x05, 0, pool+"7ffe0008"+"00000000"),
			"0e000014"+"000c0010"+"0001000c"+"7ffe0008"+"00000000"),
		row("unknown parameter, skip", msg(0x05, 0, pool+"bffe0008"+"00000000"), "0600"),
		row("unknown parameter, skip and report", msg(0x05, 0, pool+"fffe0008"+"00000000"), // RSPLIB: never reported
			"0600", "0e000014"+"000c0010"+"0001000c"+"fffe0008"+"00000000"),
		row("unknown parameter, skip and report, in a registration", msg(0x01, 0, pool+pe+"fffe0004"),
			ok, "0e000010"+"000c000c"+"00010008"+"fffe0004"),
		row("unknown parameters, many", msg(0x05, 0, pool+strings.Repeat("fffe0004", 10000)), "0600", "0e"),

		row("padding counted", "0500000c"+pool, "0600"),
		row("padding not counted", "05000009"+pool, "0600"),
		row("padding missing", "05000009"+pool[:10], "0e"),
		row("parameter longer than the message", msg(0x05, 0, "00090015"+"41000000"), "0e"),
		row("parameter of length 0", msg(0x05, 0, "00090000"), "0e"),
		row("parameter of length 3", msg(0x05, 0, "00090003"), "0e"),
		row("message longer than the datagram", "05000010"+pool),
		row("message shorter than the datagram", "05000008"+pool+pool),
		row("message length 0", "05000000"+pool),
		row("no pool handle", "05000004", "0e00000c"+"000c0008"+"0003"+"0004"),
		row("empty pool handle", msg(0x05, 0, "00090004"), "0e"),
		row("two pool handles", msg(0x05, 0, pool+pool), "0e"),
		row("a byte", "05"),
		row("zeros", strings.Repeat("00", 1400)),
		row("ones", strings.Repeat("ff", 1400)),

		// Known, but not for a registrar.
		row("cookie", msg(0x0b, 0, cookie)),
		row("cookie echo", msg(0x0c, 0, cookie)),
		row("business card", msg(0x0d, 0, pool+pe)),
		row("registration response", msg(0x03, 0, pool+id)),
		row("handle resolution response", msg(0x06, 0, pool+rr+pe)),
		row("keep-alive", msg(0x07, 0, "11111111"+pool)),
		row("server announce", msg(0x0a, 0, "22222222")),
		row("error", msg(0x0e, 0, "000c0008"+"00010004")),
		row("broken error", msg(0x0e, 0, "7ffe0004")),

		row("registration, PE identifier 0", registration("00000001", "00000000"), // RSPLIB: cause 0xf000
			"03010044"+pool+"000e000800000000"+"000c0030"+"0003002c"+"000a0028"),
		row("registration, address of another host", registration(addr, other), // RSPLIB: 0xf008
			"0301002c"+pool+id+"000c0018"+"00030014"+"00040010"+"00070001"+other),
		row("registration, loopback address", registration(addr, ipv4(netip.MustParseAddr("127.0.0.99"))), "0301"), // RSPLIB: bare ASAP_ERROR 0x11
		row("registration, multicast address", registration(addr, ipv4(netip.MustParseAddr("239.0.0.1"))), "0301"),
		row("registration, no address", msg(0x01, 0, pool+"000a0020"+"00000001"+"00000000"+"00000258"+"00040008"+"00070001"+rr), "0e"),
		row("registration, unknown policy", registration(rr, "00080008"+"00001234"), // RSPLIB: bare ASAP_ERROR 0x100b
			"03010024"+pool+id+"000c0010"+"0003000c"+"00080008"+"00001234"),
		row("registration, policy 0", registration(rr, "00080008"+"00000000"), "0e"),
		row("registration, policy with too much data", msg(0x01, 0, pool+"000a002c"+pe[8:len(pe)-16]+"0008000c"+"00000001"+"00000001"), "0e"),
		row("registration, TCP user transport", registration("0004001000070001", "0005001000070000"), ok),
		row("registration, opaque user transport",
			msg(0x01, 0, pool+"000a0020"+"00000001"+"00000000"+"00000258"+"00100008"+"01020304"+rr), ok),
		row("registration with ASAP transport", msg(0x01, 0, pool+"000a0038"+pe[8:]+"00040010"+"00090000"+"000100080a000009"), ok),
		row("registration with two user transports", msg(0x01, 0, pool+"000a0048"+pe[8:]+user+user), "0e"),
		row("registration, port 0", registration("00070001", "00000001"), "0301"),
		row("registration, life 0", registration("00000258", "00000000"), "0301"),
		row("registration without policy", msg(0x01, 0, pool+"000a0020"+"00000001"+"00000000"+"00000258"+user), "0e"),
		row("registration without pool element", msg(0x01, 0, pool), "0e"),
		row("registration response without identifier", msg(0x03, 1, pool+pe), "0e"),
		row("registration, huge pool handle", msg(0x01, 0, "0009e004"+strings.Repeat("61", 57344)+pe), "0300"), // RSPLIB: 32 bytes at most
		row("deregistration of nobody", msg(0x02, 0, pool+id), "04000014"+pool+id),
		row("report of nobody", msg(0x09, 0, pool+id)),
		row("keep-alive ack of nobody", msg(0x08, 0, pool+id)),
	}
}
