// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

// A tcpNet stands for TCP: connections of net.Pipe to listeners by address.
type tcpNet struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

type pipeListener struct {
	p     *tcpNet
	at    string
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
}

func (p *tcpNet) listen(at string) *pipeListener {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listeners == nil {
		p.listeners = make(map[string]*pipeListener)
	}
	l := &pipeListener{p: p, at: at, conns: make(chan net.Conn), over: make(chan struct{})}
	p.listeners[at] = l
	return l
}

func (p *tcpNet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[address]
	p.mu.Unlock()
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	a, b := net.Pipe()
	select {
	case l.conns <- b:
		return a, nil
	case <-l.over:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() {
		close(l.over)
		l.p.mu.Lock()
		delete(l.p.listeners, l.at)
		l.p.mu.Unlock()
	})
	return nil
}

func (l *pipeListener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.at))
}

// tcpRegistrar runs a registrar that is reached by SCTP and, at the same address, by TCP.
func (w *world) tcpRegistrar(h *simnet.Host, p *tcpNet, id uint32) *running {
	w.t.Helper()
	s := w.stack(h)
	srv, err := registrar.New(registrar.Config{
		ServerID: id, Stack: s, Network: h.Network(), TCPListener: p.listen(mustAddrs(h)[0].String() + ":3863"),
		StopTimeout: time.Second, MentorDiscovery: time.Second,
	})
	require.NoError(w.t, err)
	return w.run(s, srv.Serve)
}

// noNetwork is one that nothing can be opened in.
type noNetwork struct{ udpencap.Network }

// tcpUser is a pool user without SCTP. It would crash if it opened a UDP socket.
func (w *world) tcpUser(p *tcpNet, registrars ...string) *Client {
	w.t.Helper()
	c, err := NewClient(&Config{NoSCTP: true, Registrars: registrars, DialTCP: p.dial, Network: noNetwork{}})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { c.Close() })
	return c
}

// home waits until a client has a home registrar.
func (w *world) home(c *Client) {
	w.t.Helper()
	w.until("there is a home registrar", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, ok := c.agent.Home()
		return ok
	})
}

// RFC 5352, Section 3.3: "An ENRP server SHOULD be prepared to receive ASAP_HANDLE_RESOLUTION requests from PUs, either over
// an SCTP association on the well-known SCTP port, or over a TCP connection on the well-known TCP port."
func TestUserWithoutSCTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		w.tcpRegistrar(w.host(1), p, 1)
		pe := w.client(w.host(2), nil)
		reg, err := pe.Register(w.ctx, Registration{Handle: "Web", ID: 7,
			Transport: param.Transport{Protocol: param.TCP, Port: 80, Addrs: []netip.Addr{ip(2)}}})
		require.NoError(t, err)
		c := w.tcpUser(p, "tcp://10.0.0.1:3863")
		elems, err := c.Resolve(w.ctx, "Web")
		require.NoError(t, err)
		require.Len(t, elems, 1)
		require.Equal(t, "0x00000007 at TCP 10.0.0.2:80", elems[0].String())
		require.Equal(t, []string{"tcp://10.0.0.1:3863"}, c.Registrars())

		require.NoError(t, reg.Deregister(w.ctx))
		elems, err = c.Resolve(w.ctx, "Web")
		require.NoError(t, err, "from the cache, as over SCTP")
		require.Len(t, elems, 1)
		_, err = c.ResolveFresh(w.ctx, "Web")
		require.ErrorIs(t, err, ErrPoolNotFound)
		require.NoError(t, c.ReportUnreachable(w.ctx, "Web", 7))

		require.Nil(t, c.Stack())
		require.Nil(t, c.Addr())
		_, err = c.Dial(w.ctx, "Web")
		require.ErrorIs(t, err, ErrNoSCTP)
		_, err = c.Register(w.ctx, Registration{Handle: "Web"})
		require.ErrorIs(t, err, ErrNoSCTP)
		require.ErrorIs(t, (&Server{Handle: "Web", Handler: Echo}).Serve(w.ctx, c), ErrNoSCTP)
		_, err = c.TransportOf(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 80})
		require.ErrorIs(t, err, ErrNoSCTP)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
	})
}

// A user with a list of both stays with whichever answers, fails over between them, and finds one that was restarted.
func TestMixedRegistrarsFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		h1, h2 := w.host(1), w.host(2)
		one, two := w.tcpRegistrar(h1, p, 1), w.tcpRegistrar(h2, p, 2)
		w.echo(w.host(3), 0xe, func(c *Config) { c.Registrars = []string{"10.0.0.1:3863", "10.0.0.2:3863"} })
		c := w.client(w.host(4), func(c *Config) {
			c.Registrars, c.DialTCP = []string{"tcp://10.0.0.1:3863", "10.0.0.2:3863"}, p.dial
		})
		resolve := func(what string) {
			t.Helper()
			w.until(what, func() bool {
				elems, err := c.ResolveFresh(w.ctx, "EchoPool")
				return err == nil && len(elems) == 1
			})
		}
		resolve("the pool is resolved by either")
		require.NoError(t, one.stop())
		resolve("it is resolved over SCTP, without the registrar of TCP")
		one = w.tcpRegistrar(h1, p, 3)
		time.Sleep(10 * time.Second)
		require.NoError(t, two.stop())
		resolve("it is resolved over TCP, without the registrar of SCTP")
		sess, err := c.Dial(w.ctx, "EchoPool")
		require.NoError(t, err, "a session speaks SCTP, whatever the registrar")
		m, err := sess.Do(w.ctx, text("hello"))
		require.NoError(t, err)
		require.Equal(t, "hello", string(m.Data))
		require.NoError(t, sess.Close())
		require.NoError(t, one.stop())
		short, cancel := context.WithTimeout(w.ctx, 3*time.Second)
		defer cancel()
		_, err = c.ResolveFresh(short, "EchoPool")
		require.ErrorIs(t, err, ErrNoRegistrar)
		w.tcpRegistrar(h1, p, 4)
		w.until("the element has found the new registrar, and the user the element", func() bool {
			elems, err := c.ResolveFresh(w.ctx, "EchoPool")
			return err == nil && len(elems) == 1
		})
	})
}

// RFC 5352, Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport".
func TestElementNeedsSCTPRegistrar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		w.tcpRegistrar(w.host(1), p, 1)
		mixed := w.client(w.host(2), func(c *Config) {
			c.Registrars, c.DialTCP = []string{"tcp://10.0.0.1:3863", "10.0.0.1:3863"}, p.dial
		})
		w.home(mixed)
		_, err := mixed.Register(w.ctx, Registration{Handle: "EchoPool", ID: 1})
		require.NoError(t, err)
		mixed.mu.Lock()
		for _, l := range mixed.links {
			require.IsType(t, association{}, l.conn)
		}
		mixed.mu.Unlock()

		only := w.client(w.host(3), func(c *Config) { c.Registrars, c.DialTCP = []string{"tcp://10.0.0.1:3863"}, p.dial })
		elems, err := only.Resolve(w.ctx, "EchoPool")
		require.NoError(t, err)
		require.Len(t, elems, 1)
		_, err = only.Register(w.ctx, Registration{Handle: "EchoPool", ID: 2})
		require.ErrorIs(t, err, ErrNeedsSCTP, "at once: none will come")
		require.ErrorIs(t, (&Server{Handle: "EchoPool", Handler: Echo}).Serve(w.ctx, only), ErrNeedsSCTP)
	})
}

// Whatever a registrar does to a user over TCP, the user asks another one.
func TestBadTCPRegistrar(t *testing.T) {
	answer := func(m asap.Message) []byte {
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		return b
	}
	good := answer(&asap.HandleResolutionResponse{PoolHandle: "EchoPool", Errors: param.OperationError{{Code: param.CauseUnknownPoolHandle}}})
	for name, bad := range map[string]func(net.Conn){
		"silence":       func(c net.Conn) { io.Copy(io.Discard, c) },
		"end":           func(c net.Conn) { c.Read(make([]byte, 100)); c.Close() },
		"length 0":      func(c net.Conn) { c.Read(make([]byte, 100)); c.Write([]byte{6, 0, 0, 0}); io.Copy(io.Discard, c) },
		"zeros":         func(c net.Conn) { c.Write(make([]byte, 100)); io.Copy(io.Discard, c) },
		"cut":           func(c net.Conn) { c.Read(make([]byte, 100)); c.Write(good[:len(good)-1]); c.Close() },
		"never the end": func(c net.Conn) { c.Write([]byte{6, 0, 255, 255}); io.Copy(io.Discard, c) },
		"reads nothing": func(c net.Conn) { c.Write(good) },
		"for others":    func(c net.Conn) { go io.Copy(io.Discard, c); c.Write(answer(&asap.Cookie{Cookie: []byte("x")})) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, p := newWorld(t), &tcpNet{}
				w.tcpRegistrar(w.host(1), p, 1)
				w.echo(w.host(2), 1, nil)
				l := p.listen("10.0.0.9:3863")
				var conns sync.WaitGroup
				conns.Go(func() {
					for {
						c, err := l.Accept()
						if err != nil {
							return
						}
						conns.Go(func() { bad(c) })
					}
				})
				c := w.tcpUser(p, "tcp://10.0.0.9:3863", "tcp://10.0.0.1:3863")
				for range 5 {
					w.until("the pool is resolved", func() bool {
						elems, err := c.ResolveFresh(w.ctx, "EchoPool")
						return err == nil && len(elems) == 1
					})
				}
				require.NoError(t, c.Close())
				l.Close()
				conns.Wait()
			})
		})
	}
}

// A registrar answers byte by byte, and two answers at once.
func TestTCPLinkSegments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		l := p.listen("10.0.0.9:3863")
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			buf := make([]byte, 100)
			for range 2 {
				c.Read(buf)
				m := &asap.HandleResolutionResponse{PoolHandle: "Web", PoolElements: []param.PoolElement{{ID: 1, Life: 1,
					UserTransport: param.Transport{Protocol: param.TCP, Port: 80, Addrs: []netip.Addr{ip(2)}}, Policy: param.Policy{Type: param.RoundRobin}}}}
				b, _ := m.AppendBinary(nil)
				b = append(b, b...) // the second one nobody has asked for
				for i := range b {
					c.Write(b[i : i+1])
				}
			}
			io.Copy(io.Discard, c)
		}()
		c := w.tcpUser(p, "tcp://10.0.0.9:3863")
		for range 2 {
			elems, err := c.ResolveFresh(w.ctx, "Web")
			require.NoError(t, err)
			require.Len(t, elems, 1)
		}
		c.Close()
		l.Close()
		<-done
	})
}

// A registrar with several addresses is tried at each of them.
func TestTCPRegistrarWithTwoAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		w.tcpRegistrar(w.host(1), p, 1)
		deaf := p.listen("10.9.0.1:3863") // it never accepts
		defer deaf.Close()
		start := time.Now()
		c := w.tcpUser(p, "tcp://10.9.0.1,10.0.0.1:3863")
		_, err := c.Resolve(w.ctx, "EchoPool")
		require.ErrorIs(t, err, ErrPoolNotFound)
		require.Equal(t, tcpTry, time.Since(start))
	})
}

// RFC 5352, Section 3.6: "it SHOULD insert all new included transport addresses into its list of ENRP server addresses".
func TestUserWithoutSCTPHearsAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, p := newWorld(t), &tcpNet{}
		w.tcpRegistrar(w.host(1), p, 1)
		c, err := NewClient(&Config{NoSCTP: true, DialTCP: p.dial, Network: w.host(2).Network()})
		require.NoError(t, err)
		defer c.Close()
		m := &asap.ServerAnnounce{ServerID: 1, Transports: []param.Transport{
			{Protocol: param.SCTP, Port: 3863, Addrs: []netip.Addr{ip(1)}}, {Protocol: param.TCP, Port: 3863, Addrs: []netip.Addr{ip(1)}}}}
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		from, err := w.host(3).Network().Listen(w.ctx, netip.AddrPortFrom(ip(3), 0))
		require.NoError(t, err)
		defer from.Close()
		require.NoError(t, from.SetMulticast(ip(3), 1))
		_, err = from.WriteBatch([]udpencap.Datagram{{Data: b, Dst: netip.MustParseAddrPort(asap.MulticastRSPLIB + ":3863")}})
		require.NoError(t, err)
		_, err = c.Resolve(w.ctx, "EchoPool")
		require.ErrorIs(t, err, ErrPoolNotFound)
		require.Contains(t, c.Registrars(), "tcp://10.0.0.1:3863")
	})
}

func TestRegistrarAddresses(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.1:3863": "", "tcp://10.0.0.1:3863": "", "tcp://[2001:db8::1],10.0.0.1:3863": "",
		"tcp://10.0.0.1:0": "an address and a port are needed", "tcp://:3863": "an address and a port are needed",
		"tcp://10.0.0.1:3863/9899": "TCP has no UDP port", "tcp://10.0.0.1": "port", "udp://10.0.0.1:3863": "no scheme",
		"tcp://example.org:3863": "is not an IP address", "tcp://": "",
	} {
		err := (&Config{Registrars: []string{s}}).Validate()
		if want == "" && s != "tcp://" {
			require.NoError(t, err, s)
			a, _ := parseRegistrar(s)
			require.Equal(t, s, a.String())
			continue
		}
		require.ErrorContains(t, err, want, s)
		require.ErrorContains(t, err, "pool: config: Registrars[0]: ", s)
	}
	require.ErrorContains(t, (&Config{NoSCTP: true, Registrars: []string{"10.0.0.1:3863"}}).Validate(), "reached by SCTP")
}

// Over real TCP on the loopback interface: the registrar is stopped and started again at the same port.
func TestTCPRegistrarRestarts(t *testing.T) {
	loop := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	start := func(port int) (*registrar.Server, func() error) {
		srv, err := registrar.New(registrar.Config{LocalAddrs: loop, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1, TCPPort: port, Standalone: true})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- srv.Serve(ctx) }()
		stop := sync.OnceValue(func() error { cancel(); return <-done })
		t.Cleanup(func() { stop() })
		return srv, stop
	}
	srv, stop := start(-1)
	at := srv.TCPAddrs()[0]
	c, err := NewClient(&Config{NoSCTP: true, Registrars: []string{"tcp://" + at.String()}, Network: noNetwork{}})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err = c.Resolve(ctx, "EchoPool")
	require.ErrorIs(t, err, ErrPoolNotFound)
	require.NoError(t, stop())
	srv, _ = start(int(at.Port()))
	pe, err := NewClient(&Config{Registrars: []string{srv.Addr().String()}, SCTP: sctp.Config{LocalAddrs: loop, EncapPort: -1}})
	require.NoError(t, err)
	defer pe.Close()
	_, err = pe.Register(ctx, Registration{Handle: "EchoPool", ID: 5})
	require.NoError(t, err)
	for {
		elems, err := c.ResolveFresh(ctx, "EchoPool")
		if errors.Is(err, ErrNoRegistrar) && ctx.Err() == nil {
			continue
		}
		require.NoError(t, err)
		require.Equal(t, uint32(5), elems[0].ID)
		break
	}
	require.Equal(t, 1, srv.Stats().TCP)
}
