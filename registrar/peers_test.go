// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/stretchr/testify/require"
)

// A scopeWorld is a network with registrars on hosts of their own, on one link.
type scopeWorld struct {
	t   *testing.T
	net *simnet.Net
	ctx context.Context
}

type member struct {
	*Server
	host *simnet.Host
	stop func() // gracefully
}

func inScope(t *testing.T, test func(t *testing.T, w *scopeWorld)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		test(t, &scopeWorld{t: t, net: simnet.New(*seed), ctx: ctx})
	})
}

// host is number n, with an address in each of two networks.
func (w *scopeWorld) host(n int) *simnet.Host {
	ip := func(net int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("10.%d.0.%d", net, n)) }
	return w.net.Host(fmt.Sprint(n), ip(1), ip(2))
}

// registrar runs one on host n, where it has the identifier n.
func (w *scopeWorld) registrar(h *simnet.Host, n uint32, change func(*Config)) *member {
	cfg := Config{ServerID: n, Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, uint64(n))), StopTimeout: time.Second}
	if change != nil {
		change(&cfg)
	}
	srv, err := New(cfg)
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	stopped := false
	m := &member{Server: srv, host: h, stop: func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(w.t, <-done)
		}
	}}
	w.t.Cleanup(m.stop)
	return m
}

// powerOff has a host send and receive nothing any more.
func powerOff(h *simnet.Host) {
	addrs, _ := h.Addrs()
	for _, a := range addrs {
		h.RemoveAddr(a)
	}
}

// element registers one from host h at a registrar, and answers what is asked. It adopts whoever wants to be its home.
func (w *scopeWorld) element(h *simnet.Host, id uint32, at *member) {
	s, err := sctp.NewStack(&sctp.Config{Network: h.Network(), Rand: rand.New(rand.NewPCG(*seed, uint64(id)))})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { s.Close() })
	l, err := s.Listen(4000)
	require.NoError(w.t, err)
	conn, err := s.DialFrom(w.ctx, 4000, at.Addr())
	require.NoError(w.t, err)
	addrs, err := h.Addrs()
	require.NoError(w.t, err)
	pe := param.PoolElement{ID: id, Life: 3600, Policy: param.Policy{Type: param.RoundRobin},
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Addrs: addrs}}
	send := func(c *sctp.Conn, m asap.Message) {
		b, err := m.AppendBinary(nil)
		if err == nil {
			c.Send(w.ctx, sctp.Message{PPID: asap.PPID, Data: b})
		}
	}
	serve := func(c *sctp.Conn) {
		for {
			m, err := c.Recv(w.ctx)
			if err != nil {
				return
			}
			got, _, err := asap.Parse(m.Data)
			if k, ok := got.(*asap.EndpointKeepAlive); ok && err == nil {
				send(c, &asap.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: id})
				if k.Home {
					send(c, &asap.Registration{PoolHandle: "Pool", PoolElement: pe})
				}
			}
		}
	}
	send(conn, &asap.Registration{PoolHandle: "Pool", PoolElement: pe})
	go serve(conn)
	go func() {
		for {
			c, err := l.Accept(w.ctx)
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
}

func (w *scopeWorld) until(what string, f func() bool) {
	w.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(5 * time.Minute); !f(); <-tick.C {
		require.True(w.t, time.Now().Before(end), "it never happens that %s", what)
	}
}

// homes says who is at home where, by the word of one registrar.
func (m *member) homes() map[uint32]uint32 {
	homes := map[uint32]uint32{}
	for _, p := range m.Snapshot().Pools {
		for _, e := range p.Elements {
			homes[e.ID] = e.HomeID
		}
	}
	return homes
}

func (m *member) agrees(peers ...uint32) bool {
	var ids []uint32
	for _, p := range m.Peers() {
		if p.Agrees() {
			ids = append(ids, p.ID)
		}
	}
	return slices.Equal(ids, peers)
}

// Registrars find each other by multicast, and a third one by a configured peer alone; what registers at one is known to
// all, whenever they came.
func TestRegistrarsFindEachOther(t *testing.T) {
	inScope(t, func(t *testing.T, w *scopeWorld) {
		a := w.registrar(w.host(1), 1, nil)
		w.element(w.host(11), 0x11, a)
		w.until("it is registered", func() bool { return len(a.homes()) == 1 })
		b := w.registrar(w.host(2), 2, nil)
		w.until("it was downloaded", func() bool { return b.homes()[0x11] == 1 })
		c := w.registrar(w.host(3), 3, func(c *Config) { c.AnnounceTTL, c.Peers = -1, []*sctp.Addr{b.PeerAddr()} })
		w.element(w.host(12), 0x12, b)
		for _, m := range []*member{a, b, c} {
			w.until("all know all", func() bool { return m.homes()[0x11] == 1 && m.homes()[0x12] == 2 })
		}
		w.until("all agree", func() bool { return a.agrees(2, 3) && b.agrees(1, 3) && c.agrees(1, 2) })
	})
}

// Two registrars on one host have the addresses in common, and UDP ports of their own.
func TestRegistrarsOnOneHost(t *testing.T) {
	inScope(t, func(t *testing.T, w *scopeWorld) {
		h := w.host(1)
		a, b := w.registrar(h, 1, nil), w.registrar(h, 2, nil)
		require.NotEqual(t, a.Addr().EncapPort, b.Addr().EncapPort)
		w.until("they agree", func() bool { return a.agrees(2) && b.agrees(1) })
		w.element(w.host(11), 0x11, b)
		w.until("it is known", func() bool { return a.homes()[0x11] == 2 })
	})
}

// A registrar without ENRP has no port for it, and hears of nobody.
func TestStandaloneRegistrar(t *testing.T) {
	inScope(t, func(t *testing.T, w *scopeWorld) {
		a := w.registrar(w.host(1), 1, func(c *Config) { c.Standalone = true })
		b := w.registrar(w.host(2), 2, nil)
		<-time.After(time.Minute)
		require.Nil(t, a.PeerAddr())
		require.Empty(t, a.Peers())
		require.Empty(t, b.Peers())
	})
}

// RFC 5353, Section 3.5: another registrar takes the elements of a dead one over. How long that takes follows from when
// the dead one was last heard; these are the bounds that docs/PERFORMANCE.md promises.
func TestTakeoverTime(t *testing.T) {
	for _, c := range []struct {
		name       string
		registrars int
		graceful   bool
		bound      time.Duration
	}{
		{"2 registrars, power lost", 2, false, 10 * time.Second},
		{"3 registrars, power lost", 3, false, 8 * time.Second},
		{"2 registrars, stopped", 2, true, 1500 * time.Millisecond},
		{"3 registrars, stopped", 3, true, 1500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			var worst, sum time.Duration
			const phases = 10
			for phase := range phases {
				inScope(t, func(t *testing.T, w *scopeWorld) {
					var all []*member
					for n := range c.registrars {
						all = append(all, w.registrar(w.host(n+1), uint32(n+1), nil))
					}
					w.element(w.host(11), 0x11, all[0])
					rest := all[1:]
					for _, m := range rest {
						w.until("it is known", func() bool { return m.homes()[0x11] == 1 })
					}
					<-time.After(10*time.Second + time.Duration(phase)*250*time.Millisecond)
					died := time.Now()
					if c.graceful {
						all[0].stop()
					} else {
						powerOff(all[0].host)
					}
					w.until("it is at home somewhere else", func() bool {
						require.Contains(t, rest[0].homes(), uint32(0x11), "it is never lost")
						return rest[0].homes()[0x11] != 1 && rest[0].Stats().Registrations+rest[len(rest)-1].Stats().Registrations+
							rest[0].Stats().Reregistrations+rest[len(rest)-1].Stats().Reregistrations > 0
					})
					took := time.Since(died)
					worst, sum = max(worst, took), sum+took
				})
			}
			t.Logf("at home again after %v on average, %v at worst", sum/phases, worst)
			require.LessOrEqual(t, worst, c.bound)
		})
	}
}
