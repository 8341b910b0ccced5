// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
)

func addrs(s ...string) (list []netip.Addr) {
	for _, a := range s {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

// registrarOn runs a registrar with some of the addresses of a host.
func (w *world) registrarOn(h *simnet.Host, id uint32, local []netip.Addr) *running {
	w.t.Helper()
	w.n++
	s, err := sctp.NewStack(&sctp.Config{Network: h.Network(), LocalAddrs: local, Rand: rand.New(rand.NewPCG(*seed, w.n))})
	require.NoError(w.t, err)
	srv, err := registrar.New(registrar.Config{
		ServerID: id, Stack: s, Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, uint64(id))), StopTimeout: time.Second,
	})
	require.NoError(w.t, err)
	return w.run(s, srv.Serve)
}

// RFC 5352, Section 2.2.1: "the IP address(es) of the PE that is registered within the Pool Element parameter MUST be a
// subset of the IP address(es) used in the SCTP association": with a registrar that has no IPv6, that is IPv4.
func TestDualStackElementAtIPv4Registrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		reg := w.net.Host("registrar", addrs("10.0.0.1", "fd00::1")...)
		w.registrarOn(reg, 1, addrs("10.0.0.1"))
		c := w.client(w.net.Host("element", addrs("10.0.0.2", "fd00::2")...), nil)
		_, err := c.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xa})
		require.NoError(t, err)
		elems, err := c.ResolveFresh(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.Equal(t, addrs("10.0.0.2"), elems[0].Transport.Addrs)
	})
}

// The registrar of this host announces itself while the fallback is tried, at any moment of it: it is dialled at one
// address at a time.
func TestFallbackAndAnnouncementsOfOneRegistrar(t *testing.T) {
	for i := range 60 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.net = simnet.New(*seed + uint64(i))
			h := w.net.Host("h", addrs("127.0.0.1", "10.0.0.1", "10.1.0.1")...)
			w.registrarOn(h, 1, nil)
			synctest.Wait() // until it serves
			c := w.client(h, func(c *Config) {
				c.Registrars = nil
				c.ASAP = agent.Config{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))}
			})
			for n := range 1 + i%3 { // announcements of one or more of its addresses, without waiting for the next second
				ann, err := (&asap.ServerAnnounce{ServerID: 1}).AppendBinary(nil)
				require.NoError(t, err)
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte((n + i) % 2), 0, 1}), 3863)
				links := 0
				c.do(func(now time.Time) {
					c.agent.HandleAnnounce(now, from, ann)
					c.flush()
					links = len(c.links)
				})
				require.LessOrEqual(t, links, 1, "run %d: dialled at two addresses at once", i)
			}
			start := time.Now()
			_, err := c.Register(w.ctx, Registration{Handle: "EchoPool", ID: 0xa})
			require.NoError(t, err)
			require.Less(t, time.Since(start), time.Second)
		})
	}
}
