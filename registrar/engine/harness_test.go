// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

var (
	update = flag.Bool("update", false, "write the golden transcripts")
	seed   = flag.Uint64("seed", 1, "seed of randomised tests")
)

const serverID = 0x11111111

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A tester is a testing.TB or a rapid.T.
type tester interface {
	require.TestingT
	Helper()
	Name() string
}

// A scene drives an engine and writes down what goes in and what comes out.
type scene struct {
	t   tester
	e   *Engine
	now time.Time
	log strings.Builder

	// answer, if set, is asked whether to answer a keep-alive to an element.
	answer func(id uint32) bool
}

func newScene(t tester, change func(*Config)) *scene {
	t.Helper()
	cfg := Config{
		ServerID: serverID, Rand: rand.New(rand.NewPCG(*seed, 2)),
		ServerAnnounce: -1, KeepAliveInterval: -1,
	}
	if change != nil {
		change(&cfg)
	}
	e, err := New(start, cfg)
	require.NoError(t, err)
	return &scene{t: t, e: e, now: start}
}

func (s *scene) printf(format string, args ...any) {
	fmt.Fprintf(&s.log, "%7.3f %s\n", s.now.Sub(start).Seconds(), fmt.Sprintf(format, args...))
}

// host is the other end of an association from some addresses, SCTP port 5000 and UDP port 9899.
func host(addrs ...string) Peer {
	p := Peer{Port: 5000, EncapPort: param.DefaultEncapPort}
	for _, a := range addrs {
		p.Addrs = append(p.Addrs, netip.MustParseAddr(a))
	}
	return p
}

func (s *scene) up(assoc uint64, p Peer) {
	s.t.Helper()
	s.printf("%d up %v", assoc, p.Addrs)
	require.True(s.t, s.e.HandleAssocUp(s.now, assoc, ProtocolASAP, p))
	s.outputs()
}

func (s *scene) lost(assoc uint64) []string {
	s.printf("%d lost", assoc)
	s.e.HandleAssocLost(s.now, assoc, LossEnded)
	return s.outputs()
}

// in gives a message to the engine and returns what comes out, each in hexadecimal digits.
func (s *scene) in(assoc uint64, m asap.Message) []string {
	s.t.Helper()
	b, err := m.AppendBinary(nil)
	require.NoError(s.t, err)
	return s.raw(assoc, b)
}

func (s *scene) raw(assoc uint64, b []byte) []string {
	s.printf("%d > %s", assoc, describe(b))
	s.e.HandleASAP(s.now, assoc, b)
	return s.outputs()
}

// hex is raw with the bytes in hexadecimal digits.
func (s *scene) hex(assoc uint64, digits string) []string { return s.raw(assoc, unhex(s.t, digits)) }

func (s *scene) outputs() (out []string) {
	for {
		m, ok := s.e.PollTransmit()
		if !ok {
			break
		}
		if m.Protocol == ProtocolENRP {
			s.printf("%d < %s", m.Assoc, describeENRP(m.Data))
		} else {
			s.printf("%d < %s", m.Assoc, describe(m.Data))
		}
		out = append(out, fmt.Sprintf("%x", m.Data))
	}
	for {
		a, ok := s.e.PollAbort()
		if !ok {
			break
		}
		s.printf("%d aborted: %s", a.Assoc, a.Reason)
		out = append(out, "abort")
	}
	for {
		a, ok := s.e.PollAnnouncement()
		if !ok {
			break
		}
		if a.Protocol == ProtocolENRP {
			s.printf("%v multicasts %s", a.Source, describeENRP(a.Data))
		} else {
			s.printf("%v announces %s", a.Source, describe(a.Data))
		}
		out = append(out, fmt.Sprintf("%x", a.Data))
	}
	for {
		c, ok := s.e.PollConnect()
		if !ok {
			break
		}
		s.printf("connect %d for %v to %v port %d udp %d", c.ID, c.Protocol, c.Addrs, c.Port, c.EncapPort)
		out = append(out, fmt.Sprintf("connect %v", c.Protocol))
	}
	for {
		ev, ok := s.e.PollEvent()
		if !ok {
			break
		}
		line := fmt.Sprintf("  %v", ev.Kind)
		if ev.Handle != "" {
			line += fmt.Sprintf(" %s/%d", ev.Handle, ev.ID)
		}
		if ev.Reason != 0 {
			line += fmt.Sprintf(": %v", ev.Reason)
		}
		if ev.Peer != 0 {
			line += fmt.Sprintf(": peer %x", ev.Peer)
		}
		if ev.By != 0 {
			line += fmt.Sprintf(" by %x", ev.By)
		}
		if ev.Count != 0 {
			line += fmt.Sprintf(", %d", ev.Count)
		}
		if ev.Err != nil {
			line += fmt.Sprintf(": %v", ev.Err)
		}
		s.printf("%s", line)
	}
	return out
}

// advance lets time pass, with what is due in it.
func (s *scene) advance(d time.Duration) (out []string) {
	end := s.now.Add(d)
	for {
		at, ok := s.e.NextDeadline()
		if !ok || at.After(end) {
			break
		}
		s.now = later(s.now, at)
		s.e.HandleTimeout(s.now)
		for _, o := range s.outputs() {
			out = append(out, o)
			s.keptAlive(o)
		}
	}
	s.now = end
	return out
}

// later is the deadline, unless that is over.
func later(now, at time.Time) time.Time {
	if at.Before(now) {
		return now
	}
	return at
}

// next lets time pass until something is due, and does it.
func (s *scene) next() []string {
	at, ok := s.e.NextDeadline()
	require.True(s.t, ok, "nothing is due")
	return s.advance(at.Sub(s.now))
}

// keptAlive answers a keep-alive, if that is wanted.
func (s *scene) keptAlive(out string) {
	if !isHex(out) {
		return
	}
	m, _, _ := asap.Parse(unhex(s.t, out))
	if k, ok := m.(*asap.EndpointKeepAlive); ok && s.answer != nil && s.answer(k.PEID) {
		el := s.e.space.Lookup(k.PoolHandle, k.PEID)
		require.Empty(s.t, s.in(el.Assoc(), ack(string(k.PoolHandle), k.PEID)))
	}
}

// golden compares the transcript with the one in testdata.
func (s *scene) golden() {
	s.t.Helper()
	name := strings.ReplaceAll(strings.TrimPrefix(s.t.Name(), "Test"), "/", "-")
	name = filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(s.t, os.WriteFile(name, []byte(s.log.String()), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(s.t, err, "run with -update to write it")
	require.Equal(s.t, string(want), s.log.String(), "the transcript changed; look at it, and run with -update if it is right")
}

// describe shows a message on one line.
func describe(b []byte) string {
	m, _, err := asap.Parse(b)
	if err != nil {
		return fmt.Sprintf("%x", b)
	}
	var w strings.Builder
	fmt.Fprint(&w, m.Type())
	put := func(format string, args ...any) { fmt.Fprintf(&w, " "+format, args...) }
	pe := func(p *param.PoolElement) {
		put("PE %d home=%x life=%d %v %v", p.ID, p.HomeID, int32(p.Life), p.UserTransport, p.Policy.Type.Short())
		if p.EncapPort != 0 {
			put("udp=%d", p.EncapPort)
		}
	}
	causes := func(e param.OperationError) {
		if len(e) > 0 {
			put("{%v}", e)
		}
	}
	switch m := m.(type) {
	case *asap.Registration:
		put("%s", m.PoolHandle)
		pe(&m.PoolElement)
	case *asap.RegistrationResponse:
		put("%s/%d rejected=%v", m.PoolHandle, m.PEID, m.Rejected)
		causes(m.Errors)
	case *asap.Deregistration:
		put("%s/%d", m.PoolHandle, m.PEID)
	case *asap.DeregistrationResponse:
		put("%s/%d", m.PoolHandle, m.PEID)
		causes(m.Errors)
	case *asap.HandleResolution:
		put("%s items=%d", m.PoolHandle, m.Items)
	case *asap.HandleResolutionResponse:
		put("%s", m.PoolHandle)
		if len(m.PoolElements) > 0 {
			put("%v", m.Policy.Type.Short())
		}
		for i := range m.PoolElements {
			pe(&m.PoolElements[i])
		}
		causes(m.Errors)
	case *asap.EndpointKeepAlive:
		put("%s/%d home=%v from=%x", m.PoolHandle, m.PEID, m.Home, m.ServerID)
	case *asap.EndpointKeepAliveAck:
		put("%s/%d", m.PoolHandle, m.PEID)
	case *asap.EndpointUnreachable:
		put("%s/%d", m.PoolHandle, m.PEID)
	case *asap.ServerAnnounce:
		put("%x %v", m.ServerID, m.Transports)
		if m.EncapPort != 0 {
			put("udp=%d", m.EncapPort)
		}
	case *asap.Error:
		causes(m.Errors)
	}
	return w.String()
}

func unhex(t tester, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	require.NoError(t, err)
	return b
}

// reg is the registration of a Round Robin element with SCTP user transport to an address.
func reg(pool string, id uint32, addr string) *asap.Registration {
	return &asap.Registration{PoolHandle: param.PoolHandle(pool), PoolElement: param.PoolElement{
		ID: id, Life: 600,
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Use: param.DataPlusControl, Addrs: []netip.Addr{netip.MustParseAddr(addr)}},
		Policy:        param.Policy{Type: param.RoundRobin},
	}}
}

// with changes a registration.
func with(m *asap.Registration, change func(pe *param.PoolElement)) *asap.Registration {
	change(&m.PoolElement)
	return m
}

func dereg(pool string, id uint32) *asap.Deregistration {
	return &asap.Deregistration{PoolHandle: param.PoolHandle(pool), PEID: id}
}

func resolve(pool string, items uint32) *asap.HandleResolution {
	return &asap.HandleResolution{PoolHandle: param.PoolHandle(pool), Items: items}
}

func ack(pool string, id uint32) *asap.EndpointKeepAliveAck {
	return &asap.EndpointKeepAliveAck{PoolHandle: param.PoolHandle(pool), PEID: id}
}

func report(pool string, id uint32) *asap.EndpointUnreachable {
	return &asap.EndpointUnreachable{PoolHandle: param.PoolHandle(pool), PEID: id}
}

// ids returns the pool elements listed in a response.
func ids(t tester, out []string) (list []uint32) {
	t.Helper()
	require.Len(t, out, 1)
	m, _, err := asap.Parse(unhex(t, out[0]))
	require.NoError(t, err)
	for _, pe := range m.(*asap.HandleResolutionResponse).PoolElements {
		list = append(list, pe.ID)
	}
	return list
}
