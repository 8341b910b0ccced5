// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
	"github.com/stretchr/testify/require"
)

func TestRegisterAndResolve(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		pe, pu := w.dial(sctp.Config{}), w.dial(sctp.Config{})
		pe.register("Echo", 1)
		got := pu.resolve("Echo")
		require.Len(t, got, 1)
		require.Equal(t, w.srv.ServerID(), got[0].HomeID)
		require.ElementsMatch(t, pe.conn.LocalAddr().IPs, got[0].UserTransport.Addrs, "both addresses are in the association")
		require.Equal(t, pe.conn.LocalAddr().EncapPort, got[0].EncapPort, "not 9899, so it is told")

		snap := w.srv.Snapshot()
		require.Len(t, snap.Pools, 1)
		require.Equal(t, pe.conn.LocalAddr().Port, snap.Pools[0].Elements[0].ASAPTransport.Port)

		require.Equal(t, &asap.DeregistrationResponse{PoolHandle: "Echo", PEID: 1}, pe.call(&asap.Deregistration{PoolHandle: "Echo", PEID: 1}))
		require.Empty(t, pu.resolve("Echo"))
		st := w.srv.Stats()
		require.EqualValues(t, 1, st.Registrations)
		require.EqualValues(t, 2, st.Resolutions)
		require.EqualValues(t, 2, st.Associations)
	})
}

// A Handler that takes its time keeps nobody waiting for an answer.
func TestSlowLog(t *testing.T) {
	h := new(slowHandler)
	inWorld(t, Config{Logger: slog.New(h)}, func(t *testing.T, w *world) {
		pe, pu := w.dial(sctp.Config{}), w.dial(sctp.Config{})
		begin := time.Now()
		pe.register("Echo", 1)
		require.Len(t, pu.resolve("Echo"), 1)
		pu.register("Echo", 2)
		require.Len(t, pu.resolve("Echo"), 2)
		require.Less(t, time.Since(begin), time.Second)
		time.Sleep(3 * time.Minute)
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Equal(t, []string{hex(1), hex(2)}, h.registered)
	})
}

// A slowHandler takes a minute for each registration.
type slowHandler struct {
	slog.Handler

	mu         sync.Mutex
	registered []string
}

func (h *slowHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *slowHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "pool element registered" {
		return nil
	}
	time.Sleep(time.Minute)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "element" {
			h.mu.Lock()
			h.registered = append(h.registered, a.Value.String())
			h.mu.Unlock()
		}
		return true
	})
	return nil
}

func TestAddressOfAnotherHostIsRejected(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		resp := w.dial(sctp.Config{}).call(&asap.Registration{PoolHandle: "Echo", PoolElement: param.PoolElement{
			ID: 1, Life: 3600, Policy: param.Policy{Type: param.RoundRobin},
			UserTransport: param.Transport{Protocol: param.TCP, Port: 7, Addrs: addrs("10.9.0.1")},
		}})
		require.True(t, resp.(*asap.RegistrationResponse).Rejected)
	})
}

func TestElementsGoWithTheirAssociation(t *testing.T) {
	for name, end := range map[string]func(*party){
		"abort":    func(p *party) { p.conn.Abort("") },
		"shutdown": func(p *party) { require.NoError(p.w.t, p.conn.Shutdown(p.w.ctx())) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Config{}, func(t *testing.T, w *world) {
				pe := w.dial(sctp.Config{})
				pe.register("Echo", 1)
				end(pe)
				w.eventually(time.Second, func() bool { return w.srv.Stats().Elements == 0 })
				w.eventually(time.Second, func() bool { return w.srv.Stats().Associations == 0 })
			})
		})
	}
}

// Who does not answer keep-alives is aborted, although SCTP is alive.
func TestKeepAliveOverSCTP(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		good, bad := w.dial(sctp.Config{}), w.dial(sctp.Config{})
		good.register("Echo", 1)
		bad.register("Echo", 2)
		go func() { // until the end of the association
			for {
				m, err := good.conn.Recv(context.Background())
				if err != nil {
					return
				}
				if p, _, _ := asap.Parse(m.Data); p.Type() == asap.TypeEndpointKeepAlive {
					good.send(&asap.EndpointKeepAliveAck{PoolHandle: "Echo", PEID: 1})
				}
			}
		}()
		start := time.Now()
		require.IsType(t, &asap.EndpointKeepAlive{}, bad.recv())
		_, err := bad.conn.Recv(w.ctx())
		abort, ok := errors.AsType[*sctp.AbortError](err)
		require.True(t, ok, "%v", err)
		require.True(t, abort.Peer)
		require.EqualValues(t, 1, w.srv.Stats().Aborts)
		require.LessOrEqual(t, time.Since(start), 13*time.Second)
		w.eventually(time.Second, func() bool { return w.srv.Stats().Elements == 1 })
		require.NotZero(t, w.srv.Stats().KeepAliveAcks)
	})
}

// A client that asks and does not read is aborted, and nobody else notices.
func TestSlowClient(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		pe := w.dial(sctp.Config{})
		for id := range uint32(100) {
			pe.register("Echo", id+1)
		}
		slow := w.dial(sctp.Config{RecvBuffer: 1500})
		req, err := (&asap.HandleResolution{PoolHandle: "Echo", Items: 100}).AppendBinary(nil)
		require.NoError(t, err)
		var sendErr error
		for range 100_000 {
			if sendErr = slow.conn.Send(w.ctx(), sctp.Message{PPID: asap.PPID, Data: req}); sendErr != nil {
				break
			}
		}
		<-slow.conn.Done()
		abort, ok := errors.AsType[*sctp.AbortError](slow.conn.Err())
		require.True(t, ok, "%v", slow.conn.Err())
		require.True(t, abort.Peer)
		require.EqualValues(t, 1, w.srv.Stats().Slow)
		other := w.dial(sctp.Config{})
		require.NotNil(t, other.call(&asap.HandleResolution{PoolHandle: "Echo"}))
	})
}

func TestOtherPPIDsAreIgnored(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		p := w.dial(sctp.Config{})
		for _, ppid := range []sctp.PPID{0, 12, 99} {
			require.NoError(t, p.conn.Send(w.ctx(), sctp.Message{PPID: ppid, Data: []byte{0x5f, 0, 0, 4}}))
		}
		require.Empty(t, p.resolve("Echo"))
		require.EqualValues(t, 3, w.srv.Stats().OtherPPIDs)
	})
}

func TestTooManyAssociations(t *testing.T) {
	inWorld(t, Config{MaxAssocs: 1}, func(t *testing.T, w *world) {
		first := w.dial(sctp.Config{})
		first.resolve("Echo")
		_, err := w.dial(sctp.Config{}).conn.Recv(w.ctx())
		abort, ok := errors.AsType[*sctp.AbortError](err)
		require.True(t, ok && abort.Peer, "%v", err)
		first.conn.Abort("")
		w.eventually(time.Second, func() bool { return w.srv.Stats().Associations == 0 })
		w.dial(sctp.Config{}).resolve("Echo")
	})
}

func TestTooLargeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, err := sctp.NewStack(&sctp.Config{Network: w.server.Network()})
		require.NoError(t, err)
		defer s.Close()
		w.serve(Config{Stack: s})
		p := w.dial(sctp.Config{})
		require.NoError(t, p.conn.Send(w.ctx(), sctp.Message{PPID: asap.PPID, Data: make([]byte, 1<<17)}))
		_, err = p.conn.Recv(w.ctx())
		abort, ok := errors.AsType[*sctp.AbortError](err)
		require.True(t, ok && abort.Peer, "%v", err)
		w.end()
		_, err = s.Listen(3863)
		require.NoError(t, err, "the stack is its owner's, the port is free")
	})
}

// Serve ends with its context: gracefully for those who play along.
func TestGracefulStop(t *testing.T) {
	inWorld(t, Config{}, func(t *testing.T, w *world) {
		p := w.dial(sctp.Config{})
		p.register("Echo", 1)
		w.stop()
		require.NoError(t, <-w.done)
		w.done <- nil
		_, err := p.conn.Recv(w.ctx())
		require.ErrorIs(t, err, io.EOF)
		require.Error(t, w.srv.Serve(context.Background()), "once is enough")
		require.ErrorIs(t, w.srv.Close(), net.ErrClosed)
	})
}

// It ends in time also if clients are out of reach.
func TestStopIsBounded(t *testing.T) {
	inWorld(t, Config{StopTimeout: 2 * time.Second}, func(t *testing.T, w *world) {
		p := w.dial(sctp.Config{})
		p.register("Echo", 1)
		for _, prefix := range []string{"10.1.0.0/24", "10.2.0.0/24"} {
			w.net.Segment(prefix).Down()
		}
		start := time.Now()
		w.stop()
		require.NoError(t, <-w.done)
		w.done <- nil
		require.LessOrEqual(t, time.Since(start), 2100*time.Millisecond)
	})
}

func TestServeFailsWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, err := sctp.NewStack(&sctp.Config{Network: w.server.Network()})
		require.NoError(t, err)
		defer s.Close()
		w.serve(Config{Stack: s})
		synctest.Wait()
		s.Close()
		require.ErrorIs(t, <-w.done, net.ErrClosed)
		w.stop()
	})
}

func TestCloseWithoutServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		srv, err := New(Config{Network: w.server.Network()})
		require.NoError(t, err)
		require.NotZero(t, srv.ServerID())
		_, err = New(Config{Stack: srv.stack, Network: w.server.Network()})
		require.ErrorIs(t, err, sctp.ErrPortInUse)
		require.NoError(t, srv.Close())
		srv, err = New(Config{Network: w.server.Network()})
		require.NoError(t, err, "all was closed")
		require.NoError(t, srv.Close())
	})
}

func TestConfigAddressOfAnotherHost(t *testing.T) {
	_, err := New(Config{LocalAddrs: addrs("198.51.100.77")})
	require.ErrorContains(t, err, "198.51.100.77")
}

func TestConfigErrors(t *testing.T) {
	for want, cfg := range map[string]Config{
		"ASAPPort":      {ASAPPort: 65536},
		"AnnounceTTL":   {AnnounceTTL: 256},
		"AnnounceGroup": {AnnounceGroup: netip.MustParseAddrPort("10.0.0.1:3863")},
		"AnnounceTo":    {AnnounceTo: []netip.AddrPort{netip.MustParseAddrPort("239.0.0.50:3863")}},
		"SendTimeout":   {SendTimeout: -1},
		"Stack":         {Stack: new(sctp.Stack), EncapPort: 9899},
		"LocalAddrs":    {LocalAddrs: addrs("0.0.0.0")},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for want, cfg := range map[string]Config{
			"MaxResolutionItems": {MaxResolutionItems: 1000},
			"AnnounceFrom":       {AnnounceFrom: addrs("192.0.2.1")},
		} {
			cfg.Network = w.server.Network()
			_, err := New(cfg)
			require.ErrorContains(t, err, want)
		}
	})
}

// On the sockets of the operating system.
func TestLoopback(t *testing.T) {
	srv, err := New(Config{LocalAddrs: addrs("127.0.0.1"), EncapPort: -1, AnnounceInterval: -1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	w := &world{t: t, srv: srv}
	conn, err := sctp.Dial(w.ctx(), srv.Addr().String(), &sctp.Config{LocalAddrs: addrs("127.0.0.1")})
	require.NoError(t, err)
	p := &party{w, conn}
	p.register("Echo", 1)
	require.Len(t, p.resolve("Echo"), 1)
	require.NoError(t, p.conn.Close())
	cancel()
	require.NoError(t, <-done)
}

// RSPLIB's clients take the source of an announcement for the address of the registrar.
func TestAnnouncements(t *testing.T) {
	inWorld(t, Config{EncapPort: 9900, AnnounceTo: []netip.AddrPort{netip.MustParseAddrPort("10.2.0.2:7000")}}, func(t *testing.T, w *world) {
		group, err := w.host.ListenMulticast(w.ctx(), DefaultAnnounceGroup, nil)
		require.NoError(t, err)
		defer group.Close()
		unicast, err := w.host.Listen(w.ctx(), netip.MustParseAddrPort("10.2.0.2:7000"))
		require.NoError(t, err)
		defer unicast.Close()
		from := make(map[netip.AddrPort]int)
		for range 6 {
			src, m := announcement(t, group)
			from[src]++
			require.Equal(t, w.srv.ServerID(), m.ServerID)
			require.EqualValues(t, 9900, m.EncapPort)
			require.Equal(t, src, m.Transports[0].AddrPorts()[0])
			require.ElementsMatch(t, w.srv.Addr().IPs, m.Transports[0].Addrs)
		}
		require.Len(t, from, 2)
		require.NotZero(t, from[netip.MustParseAddrPort("10.1.0.1:3863")])
		_, m := announcement(t, unicast)
		require.Equal(t, w.srv.ServerID(), m.ServerID)
		require.Zero(t, w.srv.Stats().AnnounceErrors)
	})
}

// If the UDP port is taken, the announcement says where the registrar is.
func TestAnnouncementsFromAnotherPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		taken, err := w.server.Listen(w.ctx(), netip.MustParseAddrPort("10.1.0.1:3863"))
		require.NoError(t, err)
		defer taken.Close()
		group, err := w.host.ListenMulticast(w.ctx(), DefaultAnnounceGroup, nil)
		require.NoError(t, err)
		defer group.Close()
		w.serve(Config{AnnounceFrom: addrs("10.1.0.1")})
		src, m := announcement(t, group)
		require.NotEqual(t, uint16(3863), src.Port())
		require.Equal(t, []param.Transport{{Protocol: param.SCTP, Port: 3863, Addrs: addrs("10.1.0.1", "10.2.0.1")}}, m.Transports)
		require.Zero(t, m.EncapPort)
		w.end()
	})
}

func TestNoAnnouncements(t *testing.T) {
	for _, cfg := range []Config{{AnnounceInterval: -1}, {AnnounceTTL: -1}} {
		inWorld(t, cfg, func(t *testing.T, w *world) {
			require.Empty(t, w.srv.announce)
			pe := w.dial(sctp.Config{})
			pe.register("Echo", 1) // the timer has something to do for the first time
			require.IsType(t, &asap.EndpointKeepAlive{}, pe.recv())
			require.Zero(t, w.srv.Stats().Announcements)
		})
	}
}

func announcement(t *testing.T, s udpencap.Socket) (netip.AddrPort, *asap.ServerAnnounce) {
	t.Helper()
	d := []udpencap.Datagram{{Data: make([]byte, udpencap.MaxBatchBytes)}}
	_, err := s.ReadBatch(d)
	require.NoError(t, err)
	data := d[0].Data
	if n := d[0].SegmentSize; n > 0 {
		data = data[:n]
	}
	m, _, err := asap.Parse(data)
	require.NoError(t, err)
	return d[0].Src, m.(*asap.ServerAnnounce)
}

// The queue of a client is bounded, and its memory is used again.
func TestQueueBound(t *testing.T) {
	c := &client{}
	b := make([]byte, 1<<16)
	n := 0
	for ; c.push(b); n++ {
	}
	require.Equal(t, maxQueue/len(b), n)
	require.Len(t, c.ends, n)
	c.drop()
	require.True(t, c.push(b), "who is gone refuses nothing")
	require.Empty(t, c.ends)
}
