// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

var (
	seed   = flag.Uint64("seed", 1, "seed of randomised tests")
	update = flag.Bool("update", false, "write the transcripts")
)

// epoch is when all tests begin.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A harness drives an agent and writes down what comes out of it.
type harness struct {
	t     testing.TB
	a     *Agent
	now   time.Time
	lines []string

	connects []Connect // not answered yet
	sent     []Send    // since the last take
	events   []Event
}

func newHarness(t testing.TB, cfg Config) *harness {
	t.Helper()
	cfg.Rand = rand.New(rand.NewPCG(1, 1))
	a, err := New(cfg)
	require.NoError(t, err)
	return &harness{t: t, a: a, now: epoch}
}

// step does something to the agent, and collects what it wants.
func (h *harness) step(what string, f func()) {
	h.t.Helper()
	h.write("> " + what)
	f()
	for x, ok := h.a.PollAction(); ok; x, ok = h.a.PollAction() {
		switch x := x.(type) {
		case Connect:
			h.connects = append(h.connects, x)
			h.write(fmt.Sprintf("  connect link %d to %v", x.Link, x.Addr))
		case Send:
			h.sent = append(h.sent, x)
			h.write(fmt.Sprintf("  send on link %d: %s", x.Link, describe(x.Message)))
		case Disconnect:
			for i, c := range h.connects {
				if c.Link == x.Link {
					h.connects = append(h.connects[:i:i], h.connects[i+1:]...)
					break
				}
			}
			h.write(fmt.Sprintf("  disconnect link %d: %s", x.Link, x.Reason))
		}
	}
	for e, ok := h.a.PollEvent(); ok; e, ok = h.a.PollEvent() {
		h.events = append(h.events, e)
		h.write("  " + describeEvent(e))
	}
}

func (h *harness) write(line string) {
	h.lines = append(h.lines, fmt.Sprintf("%8.3f %s", h.now.Sub(epoch).Seconds(), line))
}

// say puts a sentence into the transcript.
func (h *harness) say(s string) { h.lines = append(h.lines, "", "# "+s) }

func (h *harness) start(registrars ...string) {
	h.t.Helper()
	for _, r := range registrars {
		h.a.AddRegistrar(h.now, addr(r))
	}
	h.step("start", func() { h.a.Start(h.now) })
}

// home makes the agent connect to the first registrar that it tries.
func (h *harness) home(registrars ...string) LinkID {
	h.t.Helper()
	h.start(registrars...)
	require.NotEmpty(h.t, h.connects)
	return h.up(h.connects[0].Link)
}

// up answers a Connect.
func (h *harness) up(id LinkID) LinkID {
	h.t.Helper()
	for i, c := range h.connects {
		if c.Link == id {
			h.connects = append(h.connects[:i:i], h.connects[i+1:]...)
			break
		}
	}
	h.step(fmt.Sprintf("link %d is up", id), func() { h.a.HandleConnected(h.now, id, nil) })
	return id
}

func (h *harness) lost(id LinkID, err error) {
	h.t.Helper()
	for i, c := range h.connects {
		if c.Link == id {
			h.connects = append(h.connects[:i:i], h.connects[i+1:]...)
			break
		}
	}
	h.step(fmt.Sprintf("link %d is lost: %v", id, err), func() { h.a.HandleLost(h.now, id, err) })
}

// recv lets a message arrive.
func (h *harness) recv(id LinkID, m asap.Message) {
	h.t.Helper()
	b, err := m.AppendBinary(nil)
	require.NoError(h.t, err)
	h.step(fmt.Sprintf("link %d receives %s", id, describe(m)), func() { h.a.HandleMessage(h.now, id, b) })
}

// pass lets time pass, with all timers on the way.
func (h *harness) pass(d time.Duration) {
	h.t.Helper()
	end := h.now.Add(d)
	for range 10000 {
		at, ok := h.a.Deadline()
		if !ok || at.After(end) {
			h.now = end
			return
		}
		if at.After(h.now) {
			h.now = at
		}
		h.step("timeout", func() { h.a.HandleTimeout(h.now) })
	}
	h.t.Fatal("the deadline does not advance")
}

// take returns what was sent since the last call.
func (h *harness) take() []Send {
	s := h.sent
	h.sent = nil
	return s
}

// one returns the only event of a type since the last call for any type, and forgets the others.
func one[E Event](h *harness) E {
	h.t.Helper()
	var found []E
	for _, e := range h.events {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	require.Len(h.t, found, 1, "%v", h.events)
	h.events = nil
	return found[0]
}

// golden compares the transcript with that in testdata.
func (h *harness) golden() {
	h.t.Helper()
	file := filepath.Join("testdata", h.t.Name()+".txt")
	got := strings.TrimSpace(strings.Join(h.lines, "\n")) + "\n"
	if *update {
		require.NoError(h.t, os.MkdirAll("testdata", 0o755))
		require.NoError(h.t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(h.t, err, "run the test with -update")
	require.Equal(h.t, strings.ReplaceAll(string(want), "\r\n", "\n"), got)
}

func describe(m asap.Message) string {
	switch m := m.(type) {
	case *asap.Registration:
		pe := m.PoolElement
		return fmt.Sprintf("%v %q %#x life %d %v, %v load %d", m.Type(), m.PoolHandle, pe.ID, pe.Life, pe.UserTransport, pe.Policy.Type.Short(), pe.Policy.Load)
	case *asap.RegistrationResponse:
		return fmt.Sprintf("%v %q %#x rejected=%t %v", m.Type(), m.PoolHandle, m.PEID, m.Rejected, m.Errors)
	case *asap.Deregistration:
		return fmt.Sprintf("%v %q %#x", m.Type(), m.PoolHandle, m.PEID)
	case *asap.DeregistrationResponse:
		return fmt.Sprintf("%v %q %#x %v", m.Type(), m.PoolHandle, m.PEID, m.Errors)
	case *asap.HandleResolution:
		if m.SendUpdates {
			return fmt.Sprintf("%v %q items %d, and updates", m.Type(), m.PoolHandle, m.Items)
		}
		return fmt.Sprintf("%v %q items %d", m.Type(), m.PoolHandle, m.Items)
	case *asap.HandleResolutionResponse:
		if m.AcceptUpdates {
			return fmt.Sprintf("%v %q %v %s, updates follow", m.Type(), m.PoolHandle, m.Policy.Type.Short(), ids(m.PoolElements))
		}
		return fmt.Sprintf("%v %q %v %s %v", m.Type(), m.PoolHandle, m.Policy.Type.Short(), ids(m.PoolElements), m.Errors)
	case *asap.EndpointKeepAlive:
		return fmt.Sprintf("%v %q %#x from %#x home=%t", m.Type(), m.PoolHandle, m.PEID, m.ServerID, m.Home)
	case *asap.EndpointKeepAliveAck:
		return fmt.Sprintf("%v %q %#x", m.Type(), m.PoolHandle, m.PEID)
	case *asap.EndpointUnreachable:
		return fmt.Sprintf("%v %q %#x", m.Type(), m.PoolHandle, m.PEID)
	case *asap.Error:
		return fmt.Sprintf("%v %v", m.Type(), m.Errors)
	}
	return m.Type().String()
}

func describeEvent(e Event) string {
	switch e := e.(type) {
	case EventHome:
		return fmt.Sprintf("home: link %d, %v, id %#x, adopted=%t", e.Link, e.Addr, e.ServerID, e.Adopted)
	case EventHomeLost:
		return fmt.Sprintf("home lost: %v", e.Err)
	case EventHuntFailed:
		return fmt.Sprintf("hunt failed: %v", e.Err)
	case EventRegistered:
		return fmt.Sprintf("registered: %q %#x first=%t %v", e.Handle, e.ID, e.First, e.Warnings)
	case EventUnregistered:
		return fmt.Sprintf("unregistered: %q %#x final=%t: %v", e.Handle, e.ID, e.Final, e.Err)
	case EventDeregistered:
		return fmt.Sprintf("deregistered: %q %#x: %v", e.Handle, e.ID, e.Err)
	case EventResolved:
		return fmt.Sprintf("resolved %d: %q %s cached=%t: %v", e.ID, e.Handle, ids(e.Elements), e.Cached, e.Err)
	case EventPool:
		return fmt.Sprintf("pool %q: %s pushed=%t: %v", e.Handle, ids(e.Elements), e.Pushed, e.Err)
	case EventDiscarded:
		return fmt.Sprintf("discarded: %v", e.Err)
	}
	return fmt.Sprintf("%T", e)
}

func ids(elems []param.PoolElement) string {
	s := make([]string, len(elems))
	for i, e := range elems {
		s[i] = fmt.Sprintf("%#x", e.ID)
	}
	return "[" + strings.Join(s, " ") + "]"
}

// addr reads "10.0.0.1:3863" and "tcp://10.0.0.1:3863".
func addr(s string) Addr {
	s, tcp := strings.CutPrefix(s, "tcp://")
	ap := netip.MustParseAddrPort(s)
	return Addr{TCP: tcp, IPs: []netip.Addr{ap.Addr()}, Port: ap.Port()}
}

func addrs(s ...string) []netip.Addr {
	a := make([]netip.Addr, len(s))
	for i := range s {
		a[i] = netip.MustParseAddr(s[i])
	}
	return a
}

// echo is a registration in EchoPool.
func echo(id uint32) Registration {
	return Registration{
		Key:       Key{"EchoPool", id},
		Transport: param.Transport{Protocol: param.SCTP, Port: 7000, Addrs: addrs("10.0.0.9"), Use: param.DataPlusControl},
		Policy:    param.Policy{Type: param.RoundRobin},
	}
}

func accept(id uint32) *asap.RegistrationResponse {
	return &asap.RegistrationResponse{PoolHandle: "EchoPool", PEID: id}
}

// members answers a resolution of EchoPool.
func members(p param.Policy, id ...uint32) *asap.HandleResolutionResponse {
	m := &asap.HandleResolutionResponse{PoolHandle: "EchoPool", Policy: p}
	for _, i := range id {
		m.PoolElements = append(m.PoolElements, param.PoolElement{
			ID: i, HomeID: 1, Life: 90000, Policy: p,
			UserTransport: param.Transport{Protocol: param.SCTP, Port: uint16(5000 + i), Addrs: addrs("10.0.1.1"), Use: param.DataPlusControl},
		})
	}
	return m
}

var roundRobin = param.Policy{Type: param.RoundRobin}
