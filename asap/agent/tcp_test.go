// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// RFC 5352, Section 3.3, NR3: "if a PU, send the ASAP_HANDLE_RESOLUTION message to the Home ENRP server using either TCP or
// SCTP." SH6: "pick one of the ENRP servers with which it was able to establish an association or connection".
func TestPoolUserTakesTheFirstOfEither(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("10.0.0.1:3863", "tcp://10.0.0.1:3863")
	require.Len(t, h.connects, 2, "both at once, though it may be one registrar: a firewall may let only one of them through")
	for _, c := range h.connects {
		if c.Addr.TCP {
			h.up(c.Link)
			break
		}
	}
	require.True(t, one[EventHome](h).Addr.TCP)
	require.Empty(t, h.connects)
	h.step("resolve", func() {
		_, err := h.a.Resolve(h.now, "EchoPool", ResolveOptions{})
		require.NoError(t, err)
		h.a.ReportUnreachable(h.now, Key{"EchoPool", 7})
	})
	sent := h.take()
	require.Len(t, sent, 2)
	h.recv(sent[0].Link, members(roundRobin, 1, 2))
	require.Len(t, one[EventResolved](h).Elements, 2)
}

// RFC 5352, Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport".
func TestElementLeavesTCP(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("tcp://10.0.0.1:3863")
	h.a.AddRegistrar(h.now, addr("10.0.0.2:3863"))
	h.step("resolve", func() { _, err := h.a.Resolve(h.now, "EchoPool", ResolveOptions{}); require.NoError(t, err) })
	h.take()
	h.events = nil
	h.step("register", func() { require.NoError(t, h.a.Register(h.now, echo(1))) })
	require.ErrorIs(t, one[EventHomeLost](h).Err, ErrNeedsSCTP)
	require.Empty(t, h.take(), "nothing of the element goes over TCP")
	require.Len(t, h.connects, 1)
	require.False(t, h.connects[0].Addr.TCP)
	id := h.up(h.connects[0].Link)
	var types []asap.MessageType
	for _, s := range h.take() {
		require.Equal(t, id, s.Link)
		types = append(types, s.Message.Type())
	}
	require.Equal(t, []asap.MessageType{asap.TypeRegistration, asap.TypeHandleResolution}, types, "what was asked is asked again")

	h.say("once the element is gone, TCP will do again")
	h.recv(id, accept(1))
	h.step("deregister", func() { h.a.Deregister(h.now, Key{"EchoPool", 1}) })
	h.recv(id, &asap.DeregistrationResponse{PoolHandle: "EchoPool", PEID: 1})
	h.lost(id, errRefused)
	require.Len(t, h.connects, 2)
	h.golden()
}

// An attempt by TCP that is under way ends, too; and who knows no registrar with SCTP is told so.
func TestElementWithoutSCTPRegistrar(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("tcp://10.0.0.1:3863")
	require.Len(t, h.connects, 1)
	h.step("register", func() { require.NoError(t, h.a.Register(h.now, echo(1))) })
	require.Empty(t, h.connects)
	err := one[EventHuntFailed](h).Err
	require.ErrorIs(t, err, ErrNeedsSCTP)
	require.ErrorContains(t, err, "tcp://10.0.0.1:3863")
}

func TestNoSCTP(t *testing.T) {
	h := newHarness(t, Config{NoSCTP: true})
	h.start("10.0.0.1:3863")
	require.Empty(t, h.connects)
	require.ErrorContains(t, one[EventHuntFailed](h).Err, "registrar 10.0.0.1:3863: there is no SCTP")
	require.ErrorIs(t, h.a.Register(h.now, echo(1)), ErrNeedsSCTP)

	a := netip.MustParseAddr("10.0.0.2")
	announce(h, a, &asap.ServerAnnounce{ServerID: 2, Transports: []param.Transport{
		{Protocol: param.SCTP, Port: 3863, Addrs: []netip.Addr{a}}, {Protocol: param.TCP, Port: 3864, Addrs: []netip.Addr{a}}}})
	require.Len(t, h.connects, 1)
	require.Equal(t, "tcp://10.0.0.2:3864", h.connects[0].Addr.String())
}

// RFC 5352, Section 3.3: "An ENRP server SHOULD be prepared to receive ASAP_HANDLE_RESOLUTION requests from PUs [...] over a
// TCP connection on the well-known TCP port", whether it announces that or not.
func TestNoSCTPTriesTheWellKnownPort(t *testing.T) {
	a := netip.MustParseAddr("10.0.0.2")
	for _, m := range []*asap.ServerAnnounce{
		{ServerID: 2},
		{ServerID: 2, Transports: []param.Transport{{Protocol: param.SCTP, Port: 4444, Addrs: []netip.Addr{a}}}},
	} {
		h := newHarness(t, Config{NoSCTP: true})
		h.start()
		announce(h, a, m)
		require.Len(t, h.connects, 1)
		require.Equal(t, "tcp://10.0.0.2:3863", h.connects[0].Addr.String())
	}
}

func announce(h *harness, from netip.Addr, m *asap.ServerAnnounce) {
	b, err := m.AppendBinary(nil)
	require.NoError(h.t, err)
	h.step("announcement", func() { h.a.HandleAnnounce(h.now, netip.AddrPortFrom(from, 3863), b) })
}

// Who has SCTP does not need the TCP that is announced: it may want to register.
func TestAnnouncedTCPIsForThoseWithoutSCTP(t *testing.T) {
	h := newHarness(t, Config{})
	h.start()
	a := netip.MustParseAddr("10.0.0.2")
	announce(h, a, &asap.ServerAnnounce{ServerID: 2, Transports: []param.Transport{
		{Protocol: param.TCP, Port: 3863, Addrs: []netip.Addr{a}}, {Protocol: param.SCTP, Port: 3863, Addrs: []netip.Addr{a}}}})
	require.Len(t, h.connects, 1)
	require.False(t, h.connects[0].Addr.TCP)
}

// A registrar that does not answer over TCP any more is left for another one, of whichever kind.
func TestSlowTCPRegistrarIsReplaced(t *testing.T) {
	h := newHarness(t, Config{})
	first := h.home("tcp://10.0.0.1:3863")
	h.a.AddRegistrar(h.now, addr("tcp://10.0.0.2:3863"))
	h.step("resolve", func() { _, err := h.a.Resolve(h.now, "EchoPool", ResolveOptions{}); require.NoError(t, err) })
	h.pass(5 * time.Second)
	require.Len(t, h.connects, 1, "T1 has expired: the hunt runs in parallel")
	h.take()
	second := h.up(h.connects[0].Link)
	require.NotEqual(t, first, second)
	require.Equal(t, second, h.take()[0].Link)
	h.recv(second, members(roundRobin, 1))
	require.NoError(t, one[EventResolved](h).Err)
}
