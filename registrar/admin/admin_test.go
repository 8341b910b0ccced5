// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/registrar/admin"
	"github.com/rserpool/rserpool/sctp"
)

var loopback = []netip.Addr{netip.MustParseAddr("127.0.0.1")}

// newServer is a registrar on the loopback interface, on free ports, that has not begun to serve.
func newServer(t *testing.T, change func(*registrar.Config)) *registrar.Server {
	t.Helper()
	cfg := registrar.Config{ServerID: 0x11111111, LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, ENRPPort: -1,
		AnnounceInterval: -1, AnnounceTTL: -1, StopTimeout: -1}
	if change != nil {
		change(&cfg)
	}
	srv, err := registrar.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { srv.Close() })
	return srv
}

// background runs something until stop is called or the test ends.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// eventually waits for a condition, of which no package tells when it comes.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 5*time.Millisecond)
}

// A registrar is ready when it serves and has found that there are no others.
func TestReadiness(t *testing.T) {
	srv := newServer(t, nil)
	h := admin.Handler(srv)
	require.Equal(t, 200, get(t, h, "/healthz").Code)
	w := get(t, h, "/readyz")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "registrar: it does not serve\n", w.Body.String())
	stop := background(t, srv.Serve)
	eventually(t, func() bool { return get(t, h, "/readyz").Code == 200 })
	require.Equal(t, "ready\n", get(t, h, "/readyz").Body.String())
	stop()
	require.Equal(t, 503, get(t, h, "/readyz").Code)
	require.Equal(t, "registrar: it stops\n", get(t, h, "/readyz").Body.String())
}

// A registrar that looks for its mentor is not ready.
func TestNotOperational(t *testing.T) {
	srv := newServer(t, func(c *registrar.Config) {
		c.MentorDiscovery = time.Hour
		c.Peers = []*sctp.Addr{{IPs: loopback, Port: 1, EncapPort: 1}}
	})
	background(t, srv.Serve)
	h := admin.Handler(srv)
	eventually(t, func() bool { return srv.Ready() != registrar.ErrNotServing })
	require.Equal(t, "registrar: it has not got the handlespace of the others yet\n", get(t, h, "/readyz").Body.String())
	var p admin.Peers
	require.NoError(t, json.Unmarshal(get(t, h, "/peers").Body.Bytes(), &p))
	require.Equal(t, admin.Peers{Registrar: 0x11111111, Peers: []admin.Peer{}}, p)
}

// What is registered with one registrar is shown by it and by its peer, and so are the peers.
func TestHandlespaceAndPeers(t *testing.T) {
	first := newServer(t, nil)
	background(t, first.Serve)
	second := newServer(t, func(c *registrar.Config) {
		c.ServerID, c.Peers = 0x22222222, []*sctp.Addr{first.PeerAddr()}
	})
	background(t, second.Serve)
	c, err := pool.NewClient(&pool.Config{Registrars: []string{first.Addr().String()}, Announce: "off",
		SCTP: sctp.Config{LocalAddrs: loopback, EncapPort: -1}})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	for handle, p := range map[string]policy.Policy{
		"EchoPool": policy.LeastUsedDegradation{Load: policy.Fraction(0.5), Degradation: policy.Fraction(0.25)},
		"\xff/":    policy.WeightedRoundRobin{Weight: 7},
	} {
		s := &pool.Server{Handle: handle, ID: 0x12345678, Policy: p, Handler: pool.Echo}
		background(t, func(ctx context.Context) error { return s.Serve(ctx, c) })
		<-s.Ready()
	}
	for srv, own := range map[*registrar.Server]bool{first: true, second: false} {
		h := admin.Handler(srv)
		eventually(t, func() bool { return srv.Stats().Elements == 2 && srv.Stats().Peers == 1 && srv.Peers()[0].Agrees() })
		w := get(t, h, "/handlespace")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		var all admin.Handlespace
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &all))
		require.EqualValues(t, srv.ServerID(), all.Registrar)
		require.Equal(t, 2, all.Elements)
		require.Len(t, all.Pools, 2)

		var one admin.Handlespace
		require.NoError(t, json.Unmarshal(get(t, h, "/handlespace?pool=EchoPool").Body.Bytes(), &one))
		require.Equal(t, 1, one.Elements)
		p := one.Pools[0]
		require.Equal(t, "EchoPool", p.Handle)
		require.Equal(t, "Least Used with Degradation", p.Policy)
		require.Equal(t, "0x40000002", p.PolicyType)
		require.Equal(t, "SCTP", p.Protocol)
		e := p.Elements[0]
		require.EqualValues(t, 0x12345678, e.ID)
		require.EqualValues(t, 0x11111111, e.Home)
		require.Equal(t, own, e.Owned)
		require.Equal(t, own, e.Registered)
		require.Equal(t, loopback, e.Transport.Addresses)
		require.Equal(t, c.Addr().EncapPort, e.Transport.EncapPort)
		require.True(t, e.Transport.Control)
		require.InDelta(t, 0.25, e.Policy["loadDegradation"], 1e-6)
		require.Contains(t, e.Policy, "load")
		require.Len(t, e.Policy, 2)
		require.True(t, e.Expires.After(time.Now()))

		one = admin.Handlespace{}
		require.NoError(t, json.Unmarshal(get(t, h, "/handlespace?pool=%ff/").Body.Bytes(), &one))
		require.Empty(t, one.Pools[0].Handle)
		require.Equal(t, []byte("\xff/"), one.Pools[0].HandleBytes)
		require.Equal(t, map[string]float64{"weight": 7}, one.Pools[0].Elements[0].Policy)
		w = get(t, h, "/handlespace?pool=nope")
		require.Equal(t, 404, w.Code)
		require.Equal(t, "there is no pool \"nope\"\n", w.Body.String())

		var peers admin.Peers
		require.NoError(t, json.Unmarshal(get(t, h, "/peers").Body.Bytes(), &peers))
		require.True(t, peers.Operational)
		require.Len(t, peers.Peers, 1)
		q := peers.Peers[0]
		require.EqualValues(t, 0x33333333-srv.ServerID(), q.ID)
		require.Equal(t, "active", q.State)
		require.True(t, q.Connected && q.Agrees && q.LongHandles && !q.TakeoverSuggestions)
		require.NotZero(t, q.Transport.EncapPort)

		metrics := get(t, h, "/metrics").Body.String()
		for _, line := range []string{
			"rserpool_registrar_pools 2",
			"rserpool_registrar_pool_elements 2", "rserpool_registrar_peers 1", "rserpool_registrar_operational 1",
			`rserpool_registrar_info{id="` + map[bool]string{true: "0x11111111", false: "0x22222222"}[own] + `"} 1`,
			`rserpool_registrar_pool_elements_removed_total{reason="association_lost"} 0`,
		} {
			require.Contains(t, "\n"+metrics, "\n"+line+"\n")
		}
		if own {
			require.Contains(t, metrics, "\nrserpool_registrar_registrations_total 2\n")
			require.Contains(t, metrics, `rserpool_registrar_peer_state{peer="0x22222222",state="active"} 1`)
			require.Contains(t, metrics, `rserpool_registrar_peer_agrees{peer="0x22222222"} 1`)
		} else {
			require.Contains(t, metrics, `rserpool_registrar_peer_pool_elements{peer="0x11111111"} 2`)
		}
		problems, err := testutil.CollectAndLint(admin.Collector(srv))
		require.NoError(t, err)
		require.Empty(t, problems, "promtool would like the names")
	}
}

// There is nothing that could be changed, and nothing but what is named.
func TestOnlyShows(t *testing.T) {
	srv := newServer(t, nil)
	h := admin.Handler(srv)
	for _, path := range []string{"/", "/healthz", "/readyz", "/handlespace", "/peers", "/metrics"} {
		require.NotEqual(t, 404, get(t, h, path).Code, path)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
		}
	}
	require.Equal(t, 404, get(t, h, "/debug/pprof/").Code)
	require.Contains(t, get(t, h, "/").Body.String(), "/metrics")
}

// At a loopback address a name that is not localhost is refused: a web page may have made it mean 127.0.0.1.
func TestLocalNamesOnly(t *testing.T) {
	srv := newServer(t, nil)
	l, err := admin.Listen(":0")
	require.NoError(t, err)
	require.True(t, l.Addr().(*net.TCPAddr).IP.IsLoopback(), "without a host nobody else can ask")
	stop := background(t, func(ctx context.Context) error { return admin.Serve(ctx, l, srv) })
	defer http.DefaultClient.CloseIdleConnections()
	ask := func(host string) int {
		req, err := http.NewRequest("GET", "http://"+l.Addr().String()+"/healthz", nil)
		require.NoError(t, err)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		return resp.StatusCode
	}
	for host, code := range map[string]int{
		"": 200, "localhost": 200, "localhost:80": 200, "127.0.0.1": 200, "127.0.0.1:9863": 200, "[::1]": 200, "[::1]:80": 200,
		"evil.example": 403, "evil.example:80": 403, "localhost.evil.example": 403, "[": 403, "[]": 403,
	} {
		require.Equal(t, code, ask(host), "%q", host)
	}
	stop()
	_, err = http.Get("http://" + l.Addr().String() + "/healthz")
	require.Error(t, err)
	_, err = admin.Listen("nowhere")
	require.Error(t, err)
}
