// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// tcp is the other end of a TCP connection.
func tcp(addr string) Peer { return Peer{TCP: true, Addrs: []netip.Addr{netip.MustParseAddr(addr)}} }

func parseOne(t *testing.T, out []string) asap.Message {
	t.Helper()
	require.Len(t, out, 1)
	m, _, err := asap.Parse(unhex(t, out[0]))
	require.NoError(t, err)
	return m
}

// RFC 5352, Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport, while
// ASAP messages exchanged between an ENRP server and a PU MUST use either SCTP or TCP as transport."
func TestWhatTCPMayDo(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.up(2, tcp("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))

	require.Equal(t, []uint32{1}, ids(t, s.in(2, resolve("A", 4))), "resolution")
	require.Equal(t, param.OperationError{{Code: param.CauseUnknownPoolHandle}},
		parseOne(t, s.in(2, resolve("B", 4))).(*asap.HandleResolutionResponse).Errors, "of a pool that is not there")

	refused := param.OperationError{{Code: param.CauseRejectedSecurity}}
	require.Equal(t, &asap.RegistrationResponse{PoolHandle: "A", PEID: 2, Rejected: true, Errors: refused},
		parseOne(t, s.in(2, reg("A", 2, "10.0.0.1"))), "registration, though the address is that of the connection")
	require.Equal(t, &asap.RegistrationResponse{PoolHandle: "A", PEID: 1, Rejected: true, Errors: refused},
		parseOne(t, s.in(2, reg("A", 1, "10.0.0.1"))), "re-registration of an element of the same host")
	require.Equal(t, &asap.DeregistrationResponse{PoolHandle: "A", PEID: 1, Errors: refused},
		parseOne(t, s.in(2, dereg("A", 1))), "deregistration")
	require.Equal(t, &asap.DeregistrationResponse{PoolHandle: "C", PEID: 9, Errors: refused},
		parseOne(t, s.in(2, dereg("C", 9))), "deregistration of what is not there")
	require.EqualValues(t, 4, s.e.Stats().Rejections)

	out := s.in(2, report("A", 1))
	require.Equal(t, &asap.EndpointKeepAlive{ServerID: serverID, PoolHandle: "A", PEID: 1}, parseOne(t, out), "a report has the element asked")
	require.Empty(t, s.in(2, ack("A", 1)), "an answer to a keep-alive does not count")
	require.Zero(t, s.e.Stats().KeepAliveAcks)
	s.in(1, ack("A", 1))
	require.EqualValues(t, 1, s.e.Stats().KeepAliveAcks)

	// Unknown messages are answered as over SCTP (RFC 5354, Section 4).
	require.IsType(t, &asap.Error{}, parseOne(t, s.hex(2, "7f000004")))
	require.Empty(t, s.hex(2, "3f000004"))

	s.lost(2)
	require.Equal(t, []uint32{1}, ids(t, s.in(1, resolve("A", 4))), "nothing goes with the connection")
}

func TestTCPReportsAreLimited(t *testing.T) {
	s := newScene(t, func(c *Config) { c.MaxReportRate, c.MaxResolutionRate = 1, 1 })
	s.up(1, host("10.0.0.1"))
	s.up(2, tcp("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	for range 9 {
		s.in(2, report("A", 1))
		s.in(2, resolve("A", 1))
	}
	require.EqualValues(t, 1, s.e.Stats().Reports)
	require.EqualValues(t, 16, s.e.Stats().Limited)
}

// No other registrar comes over TCP, and no element is looked for there when it is taken over.
func TestTCPIsForPoolUsersOnly(t *testing.T) {
	s := newScene(t, func(c *Config) {
		c.ENRP = &ENRP{Self: Target{Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}, Port: 9901}}
	})
	require.False(t, s.e.HandleAssocUp(s.now, 1, ProtocolENRP, tcp("10.0.0.1")))
	require.True(t, s.e.HandleAssocUp(s.now, 2, ProtocolASAP, tcp("10.0.0.1")))
	require.Empty(t, s.e.scope.endpoints)
	s.e.HandleAssocLost(s.now, 2, LossEnded)
	require.Zero(t, s.e.Stats().Associations)
}

// RFC 5352, Section 3.6: "an ASAP_SERVER_ANNOUNCE message (Section 2.2.10), which includes all the transport addresses
// available for ASAP communication"
func TestAnnouncementsTellTCP(t *testing.T) {
	for profile, n := range map[Profile]int{ProfileRFC: 2, ProfileAuto: 1} {
		testAnnouncedTransports(t, profile, n)
	}
}

func testAnnouncedTransports(t *testing.T, profile Profile, n int) {
	a := netip.MustParseAddr("10.0.0.1")
	s := newScene(t, func(c *Config) {
		c.ServerAnnounce, c.Profile = time.Second, profile
		c.Announce = Announce{
			Sources: []netip.AddrPort{netip.AddrPortFrom(a, 3863)}, Addrs: []netip.Addr{a}, Port: 3863, EncapPort: 9899,
			TCPAddrs: []netip.Addr{netip.MustParseAddr("10.1.0.1"), a}, TCPPort: 3863,
		}
	})
	require.Equal(t, []param.Transport{
		{Protocol: param.SCTP, Port: 3863, Addrs: []netip.Addr{a}}, {Protocol: param.TCP, Port: 3863, Addrs: []netip.Addr{a}},
	}[:n], parseOne(t, s.next()).(*asap.ServerAnnounce).Transports)
}
