// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAddr(t *testing.T) {
	ip := netip.MustParseAddr
	for _, tt := range []struct {
		in   string
		want Addr
		out  string // if not in
	}{
		{in: "10.0.0.1:5000", want: Addr{IPs: []netip.Addr{ip("10.0.0.1")}, Port: 5000}},
		{in: "10.0.0.1,10.1.0.1:5000", want: Addr{IPs: []netip.Addr{ip("10.0.0.1"), ip("10.1.0.1")}, Port: 5000}},
		{in: "[::1],10.0.0.1:5000", want: Addr{IPs: []netip.Addr{ip("::1"), ip("10.0.0.1")}, Port: 5000}},
		{in: "10.0.0.1,[2001:db8::1]:5000", want: Addr{IPs: []netip.Addr{ip("10.0.0.1"), ip("2001:db8::1")}, Port: 5000}},
		{in: "10.0.0.1:5000/9900", want: Addr{IPs: []netip.Addr{ip("10.0.0.1")}, Port: 5000, EncapPort: 9900}},
		{in: "10.0.0.1:5000/9899", want: Addr{IPs: []netip.Addr{ip("10.0.0.1")}, Port: 5000, EncapPort: 9899}, out: "10.0.0.1:5000"},
		{in: ":5000", want: Addr{Port: 5000}},
		{in: "0.0.0.0:0", want: Addr{IPs: []netip.Addr{ip("0.0.0.0")}}},
		{in: "[::ffff:10.0.0.1]:7", want: Addr{IPs: []netip.Addr{ip("10.0.0.1")}, Port: 7}, out: "10.0.0.1:7"},
	} {
		a, err := ParseAddr(tt.in)
		require.NoError(t, err, tt.in)
		require.Equal(t, tt.want, *a, tt.in)
		if tt.out == "" {
			tt.out = tt.in
		}
		require.Equal(t, tt.out, a.String())
		require.Equal(t, "sctp", a.Network())
	}
	require.Equal(t, "<nil>", (*Addr)(nil).String())
}

func TestParseAddrErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "no SCTP port",
		"10.0.0.1":                "no SCTP port",
		"[::1]":                   "no SCTP port",
		"10.0.0.1:":               `SCTP port "" is not within`,
		"10.0.0.1:65536":          `SCTP port "65536" is not within`,
		"10.0.0.1:-1":             `SCTP port "-1" is not within`,
		"10.0.0.1:+1":             `SCTP port "+1" is not within`,
		"10.0.0.1:5000/":          `UDP port "" is not within 1 to 65535`,
		"10.0.0.1:5000/0":         `UDP port "0" is not within 1 to 65535`,
		"::1:5000":                "must be in brackets",
		"[10.0.0.1]:5000":         "is not an IPv6 address in brackets",
		"[::1:5000":               "is not an IPv6 address in brackets",
		"10.0.0.1,:5000":          "an address in the list is empty",
		"10.0.0.1,10.0.0.1:5000":  "listed twice",
		"[fe80::1%eth0]:5000":     "has a zone",
		"host.example:5000":       "is not an IP address",
		"10.0.0.1,10.0.0.300:500": `"10.0.0.300" is not an IP address`,
	} {
		_, err := ParseAddr(in)
		require.ErrorContains(t, err, want, in)
		require.ErrorContains(t, err, "sctp: address ", in)
	}
}

func TestResolveAddrTakesNames(t *testing.T) {
	a, err := ResolveAddr(context.Background(), "localhost:5000")
	require.NoError(t, err)
	require.NotEmpty(t, a.IPs)
	for _, ip := range a.IPs {
		require.True(t, ip.IsLoopback(), "%v", ip)
	}
	a, err = ResolveAddr(context.Background(), "127.0.0.1,[::1]:5000")
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1,[::1]:5000", a.String())
}

func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"10.0.0.1,10.1.0.1:5000", "[::1],10.0.0.1:5000/9900", ":5000", "a:b/c", "[::1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddr(s)
		if err != nil {
			return
		}
		b, err := ParseAddr(a.String())
		if err != nil {
			t.Fatalf("%q: its text %q: %v", s, a, err)
		}
		if b.String() != a.String() {
			t.Fatalf("%q: %q becomes %q", s, a, b)
		}
	})
}

func TestReachable(t *testing.T) {
	ips := func(list ...string) (all []netip.Addr) {
		for _, s := range list {
			all = append(all, netip.MustParseAddr(s))
		}
		return all
	}
	var s Stack
	s.usable.Store(new(ips("127.0.0.1", "10.0.0.1", "10.1.0.1")))
	for _, c := range []struct{ peer, want []netip.Addr }{
		{ips("10.0.0.1", "127.0.0.1"), ips("10.0.0.1", "127.0.0.1")},            // on this host
		{ips("127.0.0.1", "::1"), ips("127.0.0.1", "::1")},                      // nowhere else
		{ips("127.0.0.1", "10.0.0.2", "::1"), ips("10.0.0.2")},                  // on another host
		{ips("127.0.0.1", "10.0.0.1", "10.0.0.2"), ips("10.0.0.1", "10.0.0.2")}, // on another host, which has one of ours
	} {
		require.Equal(t, c.want, s.Reachable(c.peer), "%v", c.peer)
	}
}
