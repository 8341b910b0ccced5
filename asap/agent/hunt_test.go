// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

var errRefused = errors.New("refused")

// RFC 5352, Section 3.6, SH1: "The PE or PU SHOULD try to establish an association or connection, with no more than three
// ENRP servers." SH6: "The PE or PU shall pick one of the ENRP servers with which it was able to establish an association
// or connection".
func TestHuntTriesThreeAndTakesTheFirst(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("10.0.0.1:3863", "10.0.0.2:3863", "10.0.0.3:3863", "10.0.0.4:3863", "10.0.0.5:3863")
	require.Len(t, h.connects, 3)
	h.say("SH4: one that fails makes room for another address")
	h.lost(h.connects[0].Link, errRefused)
	require.Len(t, h.connects, 3)
	h.up(h.connects[1].Link)
	require.Empty(t, h.connects)
	h.golden()
}

// RFC 5352, Section 3.6, SH5.1: "The ASAP Endpoint MUST double the value of the T5-Serverhunt timer. Note that this
// doubling is capped at the value RETRAN.max."
func TestHuntDoublesT5(t *testing.T) {
	h := newHarness(t, Config{T5ServerHunt: 10 * time.Second, RetranMax: 30 * time.Second})
	h.start("10.0.0.1:3863")
	h.pass(150 * time.Second)
	h.say("SH3: an association resets the timer")
	h.up(h.connects[0].Link)
	h.lost(h.homeLink(), errRefused)
	h.pass(12 * time.Second)
	h.golden()
}

func (h *harness) homeLink() LinkID {
	id, ok := h.a.Home()
	require.True(h.t, ok)
	return id
}

// SH5.2: "It SHOULD attempt to select a different set of transport addresses with which to connect."
func TestHuntSelectsADifferentSet(t *testing.T) {
	h := newHarness(t, Config{})
	var all []string
	for i := range 6 {
		all = append(all, fmt.Sprintf("10.0.0.%d:3863", 1+i))
	}
	h.start(all...)
	seen := make(map[string]int)
	for _, c := range h.connects {
		seen[c.Addr.String()]++
	}
	h.pass(5 * time.Second)
	require.Len(t, h.connects, 3)
	for _, c := range h.connects {
		seen[c.Addr.String()]++
	}
	require.Len(t, seen, 6)
}

// A registrar that is just being restarted is found soon, one that stays away is not bothered.
func TestHuntPausesAfterRefusals(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("10.0.0.1:3863")
	var tries []time.Duration
	for h.now.Before(epoch.Add(20 * time.Second)) {
		if len(h.connects) > 0 {
			tries = append(tries, h.now.Sub(epoch))
			h.lost(h.connects[0].Link, errRefused)
		}
		at, ok := h.a.Deadline()
		require.True(t, ok)
		h.pass(at.Sub(h.now))
	}
	require.Equal(t, []time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1750 * time.Millisecond,
		3750 * time.Millisecond, 7750 * time.Millisecond, 12750 * time.Millisecond, 17750 * time.Millisecond}, tries)
}

// RFC 5352, Section 3.6: "when it fails to communicate with its Home ENRP server (i.e., timed out on an ENRP request), a PE
// or PU MUST establish a new Home ENRP server (i.e., set up a TCP connection or SCTP association with a different ENRP
// server)."
func TestHuntPrefersADifferentRegistrar(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("10.0.0.1:3863", "10.0.0.2:3863")
	first, _ := h.a.Home()
	was := h.a.links[first].addr
	h.lost(first, errRefused)
	require.Len(t, h.connects, 2, "both are tried at once")
	require.NotEqual(t, was, h.connects[0].Addr)
}

func TestFallbackComesLast(t *testing.T) {
	h := newHarness(t, Config{})
	h.a.AddFallback(h.now, addr("127.0.0.1:3863"))
	h.start("10.0.0.1:3863")
	require.Len(t, h.connects, 1)
	require.Equal(t, "10.0.0.1:3863", h.connects[0].Addr.String())
	h.lost(h.connects[0].Link, errRefused)
	require.Len(t, h.connects, 1)
	require.Equal(t, "127.0.0.1:3863", h.connects[0].Addr.String())
}

func TestAnnouncedAddresses(t *testing.T) {
	sctp := func(port uint16, a ...string) param.Transport {
		return param.Transport{Protocol: param.SCTP, Port: port, Addrs: addrs(a...)}
	}
	for _, c := range []struct {
		name string
		from string
		m    asap.ServerAnnounce
		want []string
	}{
		// RFC 5352, Section 3.6: "If no transport parameters are included in the ASAP_SERVER_ANNOUNCE message, the SCTP
		// transport protocol is assumed to be used and the source IP address and the IANA-registered ASAP port number is used"
		{"bare, from the registered port", "10.0.0.1:3863", asap.ServerAnnounce{}, []string{"10.0.0.1:3863"}},
		{"bare, as RSPLIB sends it", "10.0.0.1:46651", asap.ServerAnnounce{}, []string{"10.0.0.1:46651", "10.0.0.1:3863"}},
		{"transport", "10.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "10.0.0.1", "10.1.0.1")}}, []string{"10.0.0.1,10.1.0.1:5000"}},
		{"source address first", "10.1.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "10.0.0.1", "10.1.0.1")}}, []string{"10.1.0.1,10.0.0.1:5000"}},
		{"encapsulation port", "10.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "10.0.0.1")}, EncapPort: 9900}, []string{"10.0.0.1:5000/9900"}},
		{"loopback of another host", "10.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "127.0.0.1", "10.0.0.1", "::1")}}, []string{"10.0.0.1:5000"}},
		{"loopback of this host", "127.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "127.0.0.1", "10.0.0.1")}}, []string{"127.0.0.1,10.0.0.1:5000"}},
		{"nothing usable", "10.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{sctp(5000, "127.0.0.1")}}, nil},
		{"TCP only", "10.0.0.1:40000", asap.ServerAnnounce{Transports: []param.Transport{{Protocol: param.TCP, Port: 3863, Addrs: addrs("10.0.0.1")}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, Config{})
			b, err := c.m.AppendBinary(nil)
			require.NoError(t, err)
			h.a.HandleAnnounce(h.now, netip.MustParseAddrPort(c.from), b)
			var got []string
			for _, r := range h.a.Registrars(h.now) {
				got = append(got, r.String())
			}
			require.Equal(t, c.want, got)
		})
	}
}

// RFC 5352, Section 3.6: "If a T7-ENRPoutdate timer for a transport address expires, the corresponding address is deleted
// from the managed list of transport addresses of the PU or PE."
func TestAnnouncementsGoOutOfDate(t *testing.T) {
	h := newHarness(t, Config{})
	b, err := (&asap.ServerAnnounce{ServerID: 1}).AppendBinary(nil)
	require.NoError(t, err)
	announce := func() { h.a.HandleAnnounce(h.now, netip.MustParseAddrPort("10.0.0.1:3863"), b) }
	announce()
	h.now = h.now.Add(4 * time.Second)
	announce()
	h.now = h.now.Add(4999 * time.Millisecond)
	require.Len(t, h.a.Registrars(h.now), 1, "restarted by the second one")
	h.now = h.now.Add(time.Millisecond)
	require.Empty(t, h.a.Registrars(h.now))
}

func TestAnnouncementEndsThePause(t *testing.T) {
	h := newHarness(t, Config{})
	h.start()
	require.ErrorIs(t, one[EventHuntFailed](h).Err, ErrNoRegistrar)
	b, err := (&asap.ServerAnnounce{ServerID: 7}).AppendBinary(nil)
	require.NoError(t, err)
	h.step("announcement", func() { h.a.HandleAnnounce(h.now, netip.MustParseAddrPort("10.0.0.1:3863"), b) })
	require.Len(t, h.connects, 1)
	h.up(h.connects[0].Link)
	require.Equal(t, uint32(7), one[EventHome](h).ServerID)
}

// A registrar that announces itself on two networks is dialled at one of them at a time: there is one association between
// two ports of two hosts.
func TestOneAttemptPerRegistrar(t *testing.T) {
	h := newHarness(t, Config{})
	h.start()
	for i, id := range []uint32{7, 7, 8} {
		b, err := (&asap.ServerAnnounce{ServerID: id}).AppendBinary(nil)
		require.NoError(t, err)
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 1}), 3863)
		h.step("announcement", func() { h.a.HandleAnnounce(h.now, src, b) })
	}
	require.Len(t, h.connects, 2)
	h.lost(h.connects[0].Link, errRefused)
	require.Len(t, h.connects, 2, "now at the other address")
	h.up(h.connects[0].Link)
	require.Empty(t, h.connects)
}

// The fallback and an announced address may be those of one registrar: they are tried one after the other.
func TestFallbackIsTriedAlone(t *testing.T) {
	h := newHarness(t, Config{})
	h.a.AddFallback(h.now, addr("127.0.0.1:3863"))
	h.start()
	h.say("an announcement comes while the fallback is tried")
	for _, src := range []string{"10.0.0.1:3863", "10.1.0.1:3863"} {
		h.announce(src, 7)
	}
	require.Len(t, h.connects, 1)
	h.lost(h.connects[0].Link, errRefused)
	require.Len(t, h.connects, 1, "one address of the announced registrar")
	h.say("now the announced one is tried, and the fallback waits")
	h.lost(h.connects[0].Link, errRefused)
	require.Len(t, h.connects, 1, "the other address")
	h.up(h.connects[0].Link)
	h.golden()
}

func (h *harness) announce(src string, id uint32) {
	h.t.Helper()
	b, err := (&asap.ServerAnnounce{ServerID: id}).AppendBinary(nil)
	require.NoError(h.t, err)
	h.step(fmt.Sprintf("announcement of %#x from %s", id, src), func() { h.a.HandleAnnounce(h.now, netip.MustParseAddrPort(src), b) })
}

// Whatever is announced, lost and waited for: no registrar is dialled at two of its addresses at once, nor next to the
// association that there is with it.
func TestNeverTwoAssociationsWithOneRegistrar(t *testing.T) {
	owner := map[string]uint32{"127.0.0.1:3863": 1}
	var sources []string
	for id := range uint32(4) {
		for n := range 3 {
			src := fmt.Sprintf("10.%d.0.%d:3863", n, id+1)
			owner[src], sources = id+1, append(sources, src)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		h := newHarness(t, Config{})
		h.a.AddFallback(h.now, addr("127.0.0.1:3863"))
		h.start()
		where := make(map[LinkID]string)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			for _, c := range h.connects {
				where[c.Link] = c.Addr.String()
			}
			home, atHome := h.a.Home()
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				src := rapid.SampledFrom(sources).Draw(rt, "from")
				h.announce(src, owner[src])
			case 2:
				if n := len(h.connects); n > 0 {
					h.lost(h.connects[rapid.IntRange(0, n-1).Draw(rt, "lost")].Link, errRefused)
				}
			case 3:
				if n := len(h.connects); n > 0 {
					h.up(h.connects[rapid.IntRange(0, n-1).Draw(rt, "up")].Link)
				}
			case 4:
				if atHome && rapid.Bool().Draw(rt, "loses home") {
					h.lost(home, errRefused)
				} else {
					h.step("resolve", func() { h.a.Resolve(h.now, "P", ResolveOptions{}) })
				}
			case 5:
				h.pass(time.Duration(rapid.IntRange(1, 12000).Draw(rt, "ms")) * time.Millisecond)
			}
			used := make(map[uint32]string)
			add := func(a string) {
				id := owner[a]
				if used[id] != "" {
					rt.Fatalf("registrar %d at %s and %s:\n%s", id, used[id], a, strings.Join(h.lines, "\n"))
				}
				used[id] = a
			}
			for _, c := range h.connects {
				where[c.Link] = c.Addr.String()
				add(c.Addr.String())
			}
			if home, ok := h.a.Home(); ok {
				add(where[home])
			}
		}
	})
}

// RFC 5352, Section 9.2: "A receiver must also be prepared to receive a large number of multicast announcements from
// attackers."
func TestAnnouncementsAreBounded(t *testing.T) {
	h := newHarness(t, Config{})
	b, err := (&asap.ServerAnnounce{ServerID: 7}).AppendBinary(nil)
	require.NoError(t, err)
	for i := range 1000 {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 3863)
		h.a.HandleAnnounce(h.now, src, b)
	}
	h.a.HandleAnnounce(h.now, netip.MustParseAddrPort("10.0.0.1:3863"), []byte("nonsense"))
	require.Len(t, h.a.Registrars(h.now), maxAnnounced)
}
