// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/oddtest"
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

// What RSPLIB does with odd messages is known; oddtest has what the RFCs want.
func TestOddMessages(t *testing.T) {
	for _, x := range oddtest.ASAP(netip.MustParseAddr("10.0.0.1")) {
		t.Run(x.Name, func(t *testing.T) {
			s := newScene(t, nil)
			s.up(1, host("10.0.0.1"))
			wantPrefixes(t, s, x, s.raw(1, x.In))
			require.Equal(t, []uint32{9}, func() []uint32 {
				s.in(1, reg("Z", 9, "10.0.0.1"))
				return ids(t, s.in(1, resolve("Z", 0)))
			}(), "it goes on")
		})
	}
}

func wantPrefixes(t *testing.T, s *scene, x oddtest.Row, out []string) {
	t.Helper()
	require.Len(t, out, len(x.Want), "%s", s.log.String())
	for i, want := range x.Want {
		got := unhex(t, out[i])
		require.Equal(t, want, got[:min(len(want), len(got))])
	}
}

// The same between registrars.
func TestOddENRPMessages(t *testing.T) {
	for _, x := range oddtest.ENRP(oddtest.ENRPScene{Registrar: serverID, Peer: higher, Addr: netip.MustParseAddr("10.0.0.2"),
		Pool: "Z", Element: 9}) {
		t.Run(x.Name, func(t *testing.T) {
			s := newENRPScene(t, nil).alone()
			s.up(1, host("10.0.0.1"))
			s.join(higher, 102, "10.0.0.2")
			s.in(1, reg("Z", 9, "10.0.0.1"))
			before := s.e.Snapshot()
			var out []string
			for _, o := range s.rawENRP(102, x.In) {
				if x.Ends && o == "abort" {
					x.Ends = false
				} else if isHex(o) && has(t, []string{o}, enrp.TypeHandleTableRequest) == nil {
					out = append(out, o)
				}
			}
			wantPrefixes(t, s, x, out)
			require.False(t, x.Ends, "the association is aborted")
			require.Equal(t, before, s.e.Snapshot())
			require.Equal(t, []uint32{9}, ids(t, s.in(1, resolve("Z", 0))), "it goes on")
		})
	}
}

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
