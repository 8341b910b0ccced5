// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// The bytes of RSPLIB 3.4.4 in, the bytes of RSPLIB 3.4.4 out, but for what the RFC wants more.
//
// RFC 5354, Section 3.12.6: "A Pool Member Selection Policy TLV (see Section 3.8) that indicates the overall pool policy is
// included as cause-specific information."
func TestCapturedMessages(t *testing.T) {
	const (
		echo  = "0009000c 4563686f506f6f6c "
		peID  = "000e0008 12345678 "
		user  = "00040018 bb640001 00010008 0a2c0004 00010008 0a2d0004 "
		rr    = "00080008 00000001 "
		short = "00090006 54500000 "
	)
	s := newScene(t, nil)
	s.up(1, host("10.44.0.4", "10.45.0.4"))
	for _, x := range []struct{ name, in, out string }{
		{"registration", "01000040 " + echo + "000a0030 12345678 00000000 00015f90 " + user + rr, "03000018 " + echo + peID},
		{"handle resolution", "05000018 " + echo + "803f0008 00000001",
			"06000048 " + echo + rr + "000a0030 12345678 11111111 00015f90 " + user + rr},
		{"unknown pool", "0500000c 00090008 4e6f7065", "06000014 00090008 4e6f7065 000c0008 00090004"},
		{"re-registration, of another home", "01000040 " + echo + "000a0030 12345678 22222222 00015f90 " + user + rr, "03000018 " + echo + peID},
		{"unreachable", "09000018 " + echo + peID, "0700001c 11111111 " + echo + peID},
		{"keep-alive ack", "08000018 " + echo + peID, ""},
		{"other policy", "01000048 " + echo + "000a0038 abcdef06 00000000 00015f90 " + user + "00080010 40000002 00000000 40000000",
			// The RFC wants the pool's policy quoted; RSPLIB sends the bare cause 00050004.
			"03010028 " + echo + "000e0008 abcdef06 000c0010 0005000c 00080008 00000001"},
		{"deregistration", "02000018 " + echo + peID, "04000018 " + echo + peID},
		{"deregistration of nobody", "02000014 " + short + "000e0008 abcdef01", "04000014 " + short + "000e0008 abcdef01"},
	} {
		out := strings.Join(s.hex(1, x.in), " ")
		want := strings.ReplaceAll(x.out, " ", "")
		require.Equal(t, want, out, x.name)
	}
}

// What RSPLIB does with odd messages is known; here is what the RFCs want. Comments tell what RSPLIB does.
func TestOddMessages(t *testing.T) {
	const (
		pool   = "00090005" + "41000000"
		id     = "000e0008" + "00000001"
		user   = "00040010" + "00070001" + "000100080a000001"
		rr     = "00080008" + "00000001"
		pe     = "000a0028" + "00000001" + "00000000" + "00000258" + user + rr
		ok     = "03000014" + pool + id
		cause3 = "0003"
	)
	cookie := "0d000008" + "61626364"
	tests := []struct {
		name string
		in   string
		want []string // prefixes of what comes out
	}{
		// RFC 5354, Section 4: "00 Stop processing this message and discard it." "01 [...] and report the unrecognized
		// message in an 'Unrecognized Message' error" "10 Reserved." "11 Reserved."
		{"unknown message, 00", "1f000004", nil},
		{"unknown message, 01", "5f000004", []string{"0e000010" + "000c000c" + "00020008" + "5f000004"}}, // RSPLIB: silence
		{"unknown message, 10", "9f000004", nil},
		{"unknown message, 11", "df000004", nil},
		// RFC 5354, Section 3: the two highest bits of a parameter
		{"unknown parameter, stop", msg(0x05, pool+"3ffe0008"+"00000000"), nil},
		{"unknown parameter, stop and report", msg(0x05, pool+"7ffe0008"+"00000000"),
			[]string{"0e000014" + "000c0010" + "0001000c" + "7ffe0008" + "00000000"}},
		{"unknown parameter, skip", msg(0x05, pool+"bffe0008"+"00000000"), []string{"0600"}},
		{"unknown parameter, skip and report", msg(0x05, pool+"fffe0008"+"00000000"), // RSPLIB: never reported
			[]string{"0600", "0e000014" + "000c0010" + "0001000c" + "fffe0008" + "00000000"}},
		{"unknown parameter, skip and report, in a registration", msg(0x01, pool+pe+"fffe0004"),
			[]string{ok, "0e000010" + "000c000c" + "00010008" + "fffe0004"}},

		{"padding counted", "0500000c" + pool, []string{"0600"}},
		{"padding not counted", "05000009" + pool, []string{"0600"}},
		{"padding missing", "05000009" + pool[:10], []string{"0e"}},
		{"parameter longer than the message", msg(0x05, "00090015"+"41000000"), []string{"0e"}},
		{"message longer than the datagram", "05000010" + pool, nil},
		{"no pool handle", "05000004", []string{"0e00000c" + "000c0008" + cause3 + "0004"}},
		{"empty", "", nil},
		{"a byte", "05", nil},

		// Known, but not for a registrar.
		{"cookie", msg(0x0b, cookie), nil},
		{"cookie echo", msg(0x0c, cookie), nil},
		{"business card", msg(0x0d, pool+pe), nil},
		{"registration response", msg(0x03, pool+id), nil},
		{"keep-alive", msg(0x07, "11111111"+pool), nil},
		{"server announce", msg(0x0a, "22222222"), nil},
		{"error", msg(0x0e, "000c0008"+"00010004"), nil},
		{"broken error", msg(0x0e, "7ffe0004"), nil},

		{"registration, PE identifier 0", msg(0x01, pool+strings.Replace(pe, "00000001", "00000000", 1)),
			[]string{"03010044" + pool + "000e000800000000" + "000c0030" + "0003002c" + "000a0028"}}, // RSPLIB: cause 0xf000
		{"registration, address of another host", msg(0x01, pool+strings.Replace(pe, "0a000001", "0a000002", 1)),
			[]string{"0301002c" + pool + id + "000c0018" + "00030014" + "00040010" + "00070001" + "000100080a000002"}}, // RSPLIB: 0xf008
		{"registration, loopback address", msg(0x01, pool+strings.Replace(pe, "0a000001", "7f000001", 1)),
			[]string{"0301"}}, // RSPLIB: bare ASAP_ERROR 0x11
		{"registration, unknown policy", msg(0x01, pool+strings.Replace(pe, rr, "00080008"+"00001234", 1)),
			[]string{"03010024" + pool + id + "000c0010" + "0003000c" + "00080008" + "00001234"}}, // RSPLIB: bare ASAP_ERROR 0x100b
		{"registration, TCP user transport", msg(0x01, pool+strings.Replace(pe, "0004001000070001", "0005001000070000", 1)), []string{ok}},
		{"registration, opaque user transport", msg(0x01, pool+"000a0020"+"00000001"+"00000000"+"00000258"+"00100008"+"01020304"+rr), []string{ok}},
		{"registration with ASAP transport", msg(0x01, pool+"000a0038"+pe[8:]+"00040010"+"00090000"+"000100080a000009"), []string{ok}},
		{"registration with two user transports", msg(0x01, pool+"000a0048"+pe[8:]+user+user), []string{"0e"}},
		{"registration, port 0", msg(0x01, pool+strings.Replace(pe, "00070001", "00000001", 1)), []string{"0301"}},
		{"registration, life 0", msg(0x01, pool+strings.Replace(pe, "00000258", "00000000", 1)), []string{"0301"}},
		{"registration without policy", msg(0x01, pool+"000a0020"+"00000001"+"00000000"+"00000258"+user), []string{"0e"}},
		{"deregistration of nobody", msg(0x02, pool+id), []string{"04000014" + pool + id}},
		{"report of nobody", msg(0x09, pool+id), nil},
		{"keep-alive ack of nobody", msg(0x08, pool+id), nil},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			s := newScene(t, nil)
			s.up(1, host("10.0.0.1"))
			out := s.hex(1, x.in)
			require.Len(t, out, len(x.want), "%s", s.log.String())
			for i, want := range x.want {
				require.Equal(t, want, out[i][:min(len(want), len(out[i]))])
			}
			require.Equal(t, []uint32{9}, func() []uint32 {
				s.in(1, reg("Z", 9, "10.0.0.1"))
				return ids(t, s.in(1, resolve("Z", 0)))
			}(), "it goes on")
		})
	}
}

// msg is a message with its length.
func msg(typ byte, body string) string { return fmt.Sprintf("%02x00%04x%s", typ, 4+len(body)/2, body) }

// RSPLIB drops addresses where the RFC rejects, and its pool elements know 0xf008.
func TestAddressesAsRSPLIB(t *testing.T) {
	s := newScene(t, func(c *Config) { c.Profile = ProfileRSPLIB })
	s.up(1, host("10.0.0.1", "10.1.0.1"))
	both := reg("A", 1, "10.0.0.9")
	both.PoolElement.UserTransport.Addrs = append(both.PoolElement.UserTransport.Addrs, host("10.1.0.1").Addrs...)
	s.in(1, both)
	require.Equal(t, host("10.1.0.1").Addrs, s.e.space.Lookup("A", 1).PE().UserTransport.Addrs)
	out := s.in(1, reg("A", 2, "10.0.0.9"))
	require.Contains(t, out[0], "f0080004")
	out = s.in(1, reg(strings.Repeat("x", 33), 2, "10.0.0.1"))
	require.Equal(t, "0301", out[0][:4])
}

// RFC 5352, Section 2.2.3: what does not fit is not said, but the answer comes.
func TestHugePoolHandle(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	for _, n := range []int{1000, 65000, 65470} {
		h := strings.Repeat("h", n)
		require.Equal(t, []string{"0300"}, heads(s.in(1, reg(h, 1, "10.0.0.1"))), "%d", n)
		require.Equal(t, []string{"0301"}, heads(s.in(1, with(reg(h, 1, "10.0.0.1"), func(pe *param.PoolElement) {
			pe.Policy.Type = param.Random
		}))))
		out := heads(s.in(1, resolve(h, 0)))
		require.Equal(t, []string{"0600"}, out)
		require.Equal(t, []string{"0400"}, heads(s.in(1, dereg(h, 1))))
		require.Equal(t, []string{"0600"}, heads(s.in(1, resolve(h, 0))))
	}
	require.Equal(t, []string{"0e00"}, heads(s.in(1, resolve(strings.Repeat("h", 65524), 0))), "there is no room for the handle and the cause")
}

func heads(out []string) (h []string) {
	for _, o := range out {
		h = append(h, o[:4])
	}
	return h
}

// RFC 5352, Section 2.2.7: the PE Identifier is RSPLIB's, and without it an element answers for others.
func TestKeepAliveHasPEIdentifier(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 7, "10.0.0.1"))
	out := s.in(1, report("A", 7))
	require.Len(t, out, 1)
	m, _, err := asap.Parse(unhex(t, out[0]))
	require.NoError(t, err)
	require.Equal(t, &asap.EndpointKeepAlive{ServerID: serverID, PoolHandle: "A", PEID: 7}, m)
}
