// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// RFC 5352, Section 3.1: "However, before adding the PE to the pool, the server MUST check if the policy type, transport
// type, and transport usage indicated by the registering PE is consistent with those of the pool. If different, the ENRP
// server MUST reject the registration."
func TestRegistration(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1", "10.1.0.1"))
	s.up(2, host("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(2, reg("A", 2, "10.0.0.2"))
	s.in(2, with(reg("A", 3, "10.0.0.2"), func(pe *param.PoolElement) { pe.Policy.Type = param.Random }))
	s.in(2, with(reg("A", 3, "10.0.0.2"), func(pe *param.PoolElement) {
		pe.UserTransport.Protocol, pe.UserTransport.Use = param.TCP, param.DataOnly
	}))
	s.in(2, with(reg("A", 3, "10.0.0.2"), func(pe *param.PoolElement) { pe.UserTransport.Use = param.DataOnly }))
	s.in(2, reg("A", 3, "10.0.0.3"))
	s.in(2, reg("A", 1, "10.0.0.2"))
	s.in(1, resolve("A", 10))
	s.golden()
}

// RFC 5352, Section 3.1: "If the re-registration is accepted after the test, the ENRP server SHOULD replace the attributes
// of the existing PE with the information carried in the received ASAP_REGISTRATION message."
func TestReregistration(t *testing.T) {
	lu := func(load uint32) func(pe *param.PoolElement) {
		return func(pe *param.PoolElement) {
			pe.Policy = param.Policy{Type: param.LeastUsed, Load: load}
			pe.HomeID = 0x2222
		}
	}
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.in(1, with(reg("A", 1, "10.0.0.1"), lu(100)))
	s.in(1, with(reg("A", 2, "10.0.0.1"), lu(200)))
	s.in(1, resolve("A", 1))
	s.in(1, with(reg("A", 1, "10.0.0.1"), lu(300)))
	s.in(1, resolve("A", 1))
	s.in(1, reg("A", 1, "10.0.0.1")) // Round Robin
	s.in(1, resolve("A", 2))
	// It comes back over another association of the same host, before the old one is found to be dead.
	s.up(2, host("10.0.0.1"))
	s.in(2, with(reg("A", 1, "10.0.0.1"), lu(400)))
	s.lost(1)
	s.in(2, resolve("A", 2))
	s.golden()
}

// RFC 5352, Section 2.2.2: "Note that de-registration is NOT allowed by proxy; in other words, a PE may only de-register
// itself."
func TestDeregistration(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1", "10.1.0.1"))
	s.up(2, host("10.0.0.2"))
	s.up(3, host("10.1.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.in(2, dereg("A", 1))
	s.in(1, dereg("A", 1))
	s.in(1, dereg("A", 1)) // gone: granted
	s.in(3, dereg("A", 2)) // the same host
	s.in(1, resolve("A", 1))
	s.golden()
}

// RFC 5352, Section 3.2: "In this case, an ASAP_DEREGISTRATION_RESPONSE message is sent to the PE's ASAP Endpoint to
// indicate the removal of the PE from the pool it registered."
func TestRegistrationLifeEnds(t *testing.T) {
	for _, profile := range []Profile{ProfileAuto, ProfileRFC, ProfileRSPLIB} {
		t.Run(profile.String(), func(t *testing.T) {
			s := newScene(t, func(c *Config) { c.Profile = profile })
			s.up(1, host("10.0.0.1"))
			for id, life := range []uint32{3, 600, AutoMillis, AutoMillis + 1, param.LifeInfinite} {
				s.in(1, with(reg("A", uint32(id+1), "10.0.0.1"), func(pe *param.PoolElement) { pe.Life = life }))
			}
			s.advance(2 * time.Second)
			s.in(1, with(reg("A", 1, "10.0.0.1"), func(pe *param.PoolElement) { pe.Life = 3 }))
			s.advance(100 * 24 * time.Hour)
			s.in(1, resolve("A", 10))
			require.Contains(t, s.log.String(), "A/1: registration life ended")
			require.Equal(t, 1, s.e.Stats().Elements, "infinite is infinite")
			s.golden()
		})
	}
}

// RFC 5352, Section 3.5: "If the sending of ASAP_ENDPOINT_KEEP_ALIVE to a PE fails, the ENRP server MUST consider the PE as
// unreachable and MUST remove the PE from its handlespace."
func TestKeepAlive(t *testing.T) {
	s := newScene(t, func(c *Config) { c.KeepAliveInterval, c.KeepAliveTimeout = 4*time.Second, 2*time.Second })
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.in(2, reg("A", 3, "10.0.0.2"))
	s.in(1, ack("A", 1)) // nobody asked
	s.answer = func(id uint32) bool { return id != 1 && s.now.Sub(start) < 9*time.Second }
	for s.e.Stats().KeepAlives == 0 {
		s.next()
	}
	s.in(2, ack("A", 1)) // not by itself
	s.advance(time.Minute)
	require.EqualValues(t, 2, s.e.Stats().Aborts, "both associations have lost their last element")
	s.golden()
	require.Zero(t, s.e.Stats().Elements)
}

// RFC 5352, Section 3.5: "Upon the reception of an ASAP_ENDPOINT_UNREACHABLE message, an ENRP server MUST immediately send
// a point-to-point ASAP_ENDPOINT_KEEP_ALIVE message to the PE in question" and "If the counter exceeds the protocol
// threshold MAX-BAD-PE-REPORT, the ENRP server SHOULD remove the PE from its handlespace."
func TestEndpointUnreachable(t *testing.T) {
	s := newScene(t, func(c *Config) { c.KeepAliveInterval = time.Minute })
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(2, report("A", 1)) // asked,
	s.in(2, report("A", 1)) // which will do for both
	s.in(1, ack("A", 1))
	s.in(2, report("A", 1))
	s.in(1, ack("A", 1))
	s.in(2, report("A", 1)) // the fourth
	s.in(2, report("A", 1)) // nobody
	s.in(2, resolve("A", 1))

	s.in(1, reg("A", 1, "10.0.0.1"))
	for range 3 {
		s.in(2, report("A", 1))
		s.in(1, ack("A", 1))
	}
	s.in(1, reg("A", 1, "10.0.0.1")) // forgives
	s.in(2, report("A", 1))
	s.in(1, ack("A", 1))
	s.next()
	s.in(1, ack("A", 1)) // a periodic one forgives, too
	require.Zero(t, s.e.space.Lookup("A", 1).BadReports)
	s.in(2, report("A", 1))
	s.advance(5 * time.Second) // no answer
	s.golden()
	require.Zero(t, s.e.Stats().Elements)
}

// RFC 5352, Section 3.6: "If multicast capabilities are used within the operational scope, an ENRP server MUST send
// periodically [...] an ASAP_SERVER_ANNOUNCE message (Section 2.2.10), which includes all the transport addresses available
// for ASAP communication"
func TestServerAnnounce(t *testing.T) {
	ap := netip.MustParseAddrPort
	s := newScene(t, func(c *Config) {
		c.ServerAnnounce = time.Second
		c.Announce = Announce{
			Sources: []netip.AddrPort{ap("10.0.0.1:3863"), ap("127.0.0.1:40000")},
			Addrs:   []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.0.0.1")},
			Port:    3863, EncapPort: 9900,
		}
	})
	s.advance(3500 * time.Millisecond)
	s.golden()
}

// What RSPLIB sends is 0a000008 and the identifier.
func TestServerAnnounceAsRSPLIB(t *testing.T) {
	s := newScene(t, func(c *Config) {
		c.Profile = ProfileRSPLIB
		c.ServerAnnounce = time.Second
		c.Announce = Announce{
			Sources: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:3863"), netip.MustParseAddrPort("10.0.0.2:3864")},
			Addrs:   []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Port: 3863, EncapPort: 9899,
		}
	})
	require.Equal(t, []string{
		"0a000008" + "11111111",
		"0a000020" + "11111111" + "000400180f170000" + "000100080a000002" + "000100080a000001",
	}, s.advance(0))
}
