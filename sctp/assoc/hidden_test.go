// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A natWorld is a client behind a translator: its 10.0.0.n is the server's
// 198.51.100.n, with another UDP port.
type natWorld struct {
	t              *testing.T
	sim            *simnet.Sim
	client, server *assoctest.Host
	c, z           *assoctest.Conn
	loss           int // every so many packets are lost; 0: none
	packets        int
	got            [2]int // messages
	asconfs        []string
}

func inside(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 9899)
}

func outside(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), uint16(40000+n))
}

func newNATWorld(t *testing.T, serverAddrs []netip.AddrPort, clientAddrs ...int) *natWorld {
	w := &natWorld{t: t, sim: simnet.NewSim(1, epoch)}
	var own []netip.AddrPort
	for _, n := range clientAddrs {
		own = append(own, inside(n))
	}
	var err error
	cfg := assoc.Config{HeartbeatInterval: 5 * time.Second}
	w.server, err = assoctest.NewHost(w.sim, "server", cfg, 2, serverAddrs...)
	require.NoError(t, err)
	cfg.BehindNAT = true
	w.client, err = assoctest.NewHost(w.sim, "client", cfg, 1, own...)
	require.NoError(t, err)
	carry := func(to *assoctest.Host, d assoc.Datagram) error {
		d.Data = slices.Clone(d.Data)
		if w.packets++; w.loss > 0 && w.packets%w.loss == 0 {
			return nil
		}
		w.sim.After(10*time.Millisecond, func() {
			if slices.Contains(to.Addrs(), d.Local) {
				to.Input(d)
			}
		})
		return nil
	}
	w.client.Output = func(tr assoc.Transmit, data []byte) error {
		dump := wire.Dump(data)
		require.NotContains(t, dump, "10.0.0.", "RFC 6951, Section 5.7: \"MUST NOT be put into any SCTP packet\"")
		if strings.Contains(dump, "ASCONF seq") {
			w.asconfs = append(w.asconfs, dump)
		}
		return carry(w.server, assoc.Datagram{Local: tr.Remote, Remote: outside(int(tr.Local.Addr().As4()[3])), Data: data})
	}
	w.server.Output = func(tr assoc.Transmit, data []byte) error {
		n := int(tr.Remote.Addr().As4()[3])
		if tr.Remote != outside(n) {
			return nil // no such mapping
		}
		return carry(w.client, assoc.Datagram{Local: inside(n), Remote: tr.Local, Data: data})
	}
	w.server.OnAccept = func(z *assoctest.Conn) {
		w.z = z
		z.OnMessage = func(assoc.Message) { w.got[1]++ }
	}
	require.NoError(t, w.server.Stack.Listen(serverPort))
	w.c, err = w.client.Associate(assoc.AssociateParams{Remote: serverAddrs[:1], Port: serverPort})
	require.NoError(t, err)
	w.c.OnMessage = func(assoc.Message) { w.got[0]++ }
	w.settle()
	require.True(t, w.c.Up)
	require.NotNil(t, w.z)
	return w
}

func (w *natWorld) settle() { w.sim.RunUntil(w.sim.Now().Add(40 * time.Second)) }

// peers are the addresses by which the server knows the client.
func (w *natWorld) peers() (out []string) {
	for _, p := range w.z.Assoc.Paths(nil) {
		out = append(out, p.Remote.String()+" "+p.State.String())
	}
	slices.Sort(out)
	return out
}

func (w *natWorld) wantPeers(ns ...int) {
	w.t.Helper()
	var want []string
	for _, n := range ns {
		want = append(want, outside(n).String()+" active")
	}
	require.Equal(w.t, want, w.peers())
	var own []netip.AddrPort
	for _, n := range ns {
		own = append(own, inside(n))
	}
	require.ElementsMatch(w.t, own, w.c.Assoc.Locals())
}

// talk sends messages both ways.
func (w *natWorld) talk() {
	w.t.Helper()
	before := w.got
	for range 20 {
		require.NoError(w.t, w.c.Send(assoc.Message{Data: make([]byte, 3000)}))
		require.NoError(w.t, w.z.Send(assoc.Message{Data: make([]byte, 3000)}))
	}
	w.settle()
	require.Equal(w.t, [2]int{before[0] + 20, before[1] + 20}, w.got)
}

// RFC 6951, Section 5.7: "Only wildcard addresses are put into the SCTP packet."
func TestAddressesBehindNAT(t *testing.T) {
	server := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:9899"), netip.MustParseAddrPort("192.0.2.2:9899")}
	for _, loss := range []int{0, 7} {
		w := newNATWorld(t, server, 1, 2, 3)
		w.loss = loss
		w.talk()
		w.wantPeers(1, 2, 3)
		require.Contains(t, w.asconfs[0], "addr=0.0.0.0 {Add IP Address id=1 0.0.0.0}")

		require.NoError(t, w.c.Assoc.SetPeerPrimary(inside(3)))
		w.c.Pump()
		w.settle()
		w.settle()
		for _, p := range w.z.Assoc.Paths(nil) {
			require.Equal(t, p.Remote == outside(3), p.Primary, "%v", p.Remote)
		}

		// One goes: the wildcard deletes the others, too, which are added again.
		w.client.RemoveAddr(inside(3), false)
		w.settle()
		w.settle()
		w.talk()
		w.wantPeers(1, 2)

		// Another comes.
		w.client.AddAddr(inside(4))
		w.settle()
		w.talk()
		w.wantPeers(1, 2, 4)

		// All go; then there is another one.
		for _, n := range []int{1, 2, 4} {
			w.client.RemoveAddr(inside(n), true)
		}
		w.sim.RunUntil(w.sim.Now().Add(3 * time.Second))
		w.client.AddAddr(inside(5))
		w.settle()
		w.settle()
		w.talk()
		w.wantPeers(5)

		w.c.Shutdown()
		w.settle()
		require.True(t, w.c.Lost && w.z.Lost)
		require.NoError(t, w.c.Err)
		require.NoError(t, w.client.Err())
		require.NoError(t, w.server.Err())
	}
}

// A peer without ADD-IP is served from one address.
func TestAddressesBehindNATWithoutAddIP(t *testing.T) {
	w := newNATWorld(t, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:9899")}, 1)
	w.wantPeers(1)
	w.talk()
}
