// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// A Verdict is what a case found.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Skipped      Verdict = "skipped"
)

// A T is what a case has: the tester, the target, and ways to say what it found. The methods that end the case do not
// return.
type T struct {
	*tester.Tester
	Case   *Case
	Target *Target

	ctx context.Context
	ep  *tester.Endpoint
	dos []chan error
}

// ended is what the methods panic with that end a case.
type ended struct {
	verdict              Verdict
	expected, seen, note string
}

// judge is the tester.Judge of a T.
type judge struct{ target *Target }

func (judge) Fail(expected, seen string) { panic(ended{verdict: Fail, expected: expected, seen: seen}) }

func (judge) Inconclusive(format string, args ...any) {
	panic(ended{verdict: Inconclusive, note: fmt.Sprintf(format, args...)})
}

func (j judge) Skip(capability, why string) {
	if j.target.Caps[capability] {
		j.Fail("capability "+capability+", which is declared", why)
	}
	panic(ended{verdict: Skipped, note: capability + ": " + why})
}

// Fail ends the case: what the rule asks for, and what was seen instead.
func (t *T) Fail(expected, seen string, args ...any) {
	judge{}.Fail(expected, fmt.Sprintf(seen, args...))
}

// Inconclusive ends the case: nothing was learnt, and why.
func (t *T) Inconclusive(format string, args ...any) { judge{}.Inconclusive(format, args...) }

// Skip ends the case: S lacks a capability. If the user has declared it, that is a failure.
func (t *T) Skip(capability, why string) {
	judge{t.Target}.Skip(capability, why)
}

// Check fails the case unless ok.
func (t *T) Check(ok bool, expected, seen string, args ...any) {
	if !ok {
		t.Fail(expected, seen, args...)
	}
}

// Endpoint is the tester's first endpoint, at all its addresses. It is opened when first asked for.
func (t *T) Endpoint() *tester.Endpoint {
	if t.ep == nil {
		t.ep = t.Tester.Endpoint(tester.EndpointConfig{})
	}
	return t.ep
}

// NewEndpoint opens another endpoint, at the same addresses and with UDP ports of its own.
func (t *T) NewEndpoint(cfg tester.EndpointConfig) *tester.Endpoint {
	if cfg.Ports == nil {
		cfg.Ports = []uint16{0}
	}
	return t.Tester.Endpoint(cfg)
}

// Assoc is a pair of ports to S's SCTP port, and nothing sent yet.
func (t *T) Assoc(s tester.Setup) *tester.Assoc { return t.Endpoint().NewAssoc(s, t.port()) }

// Dial sets up an association as the client. That it does not succeed makes the case inconclusive.
func (t *T) Dial(s tester.Setup) *tester.Assoc { return t.Assoc(s).Connect() }

// DialENRP is Dial to the registrar's port for ENRP, from that of the tester.
func (t *T) DialENRP(s tester.Setup) *tester.Assoc {
	if s.Port == 0 {
		s.Port = 9901
	}
	return t.Endpoint().Dial(s, t.Target.ENRPPort)
}

func (t *T) port() uint16 {
	if t.Target.Port == 0 {
		t.Skip("server", "the system under test does not listen")
	}
	return t.Target.Port
}

// Listening makes S open an association ("connect") and returns the tester's side of it, which has done nothing yet:
// ExpectInit comes next.
func (t *T) Listening(s tester.Setup) *tester.Assoc {
	if s.Port == 0 {
		s.Port = t.Target.PeerPort
	}
	a := t.Endpoint().Listen(s)
	t.Do("connect", t.Here(a))
	return a
}

// Accept makes S open an association and sets it up. That it does not succeed makes the case inconclusive.
func (t *T) Accept(s tester.Setup) *tester.Assoc { return t.Listening(s).Accept() }

// Establish sets up an association in whichever direction S can: as the client if S listens, or else by Accept.
func (t *T) Establish(s tester.Setup) *tester.Assoc {
	if t.Target.Port != 0 {
		return t.Dial(s)
	}
	if ok, why := t.Target.Can("cmd:connect"); !ok {
		t.Skip("connect", why)
	}
	return t.Accept(s)
}

// Here are the arguments of acts that say where the tester's association is: addr, port and udp. Its address is that
// which it sends from, unless more are named by their indexes.
func (t *T) Here(a *tester.Assoc, addrs ...int) Args {
	if len(addrs) == 0 {
		addrs = []int{a.From}
	}
	var ips []string
	for _, i := range addrs {
		ips = append(ips, a.Addr(i).Addr().String())
	}
	return Args{"addr": strings.Join(ips, ","), "port": strconv.Itoa(int(a.Port)), "udp": strconv.Itoa(int(a.Addr(addrs[0]).Port()))}
}

// Act makes S do something with the association: "send", "shutdown" and the like. args are names and values in turn. The
// association is named by what Here returns, the tester's SCTP port first of all.
func (t *T) Act(a *tester.Assoc, act string, args ...string) {
	m := t.Here(a)
	if act == "addip" || act == "delip" {
		delete(m, "addr")
	}
	for i := 0; i+1 < len(args); i += 2 {
		m[args[i]] = args[i+1]
	}
	t.Do(act, m)
}

// Do makes S act. It skips the case if nothing can, and makes it inconclusive if it does not succeed. What arrives
// meanwhile is handled.
func (t *T) Do(act string, args Args) {
	if err := t.Try(act, args); err != nil {
		t.Inconclusive("the system under test could not %s: %v", act, err)
	}
	if act == "start" {
		t.Relisten()
	}
}

// Try is Do for what S may refuse: the error is that of its refusal.
func (t *T) Try(act string, args Args) error {
	if ok, why := t.Target.Can("cmd:" + act); !ok {
		t.Skip("cmd:"+act, why)
	}
	if p := t.Target.PeerPort; p != 0 && strings.HasPrefix(act, "connect") && args["port"] != strconv.Itoa(int(p)) {
		t.Skip("connect", fmt.Sprintf("the system under test connects to SCTP port %d only", p))
	}
	t.Note("act: %s %s", act, args)
	done := make(chan error, 1)
	args = maps.Clone(args)
	go func() {
		done <- t.Target.Control.Do(t.ctx, act, args)
		t.Wake()
	}()
	var err error
	finished := false
	t.Until(2*t.Wait(), func() bool {
		select {
		case err = <-done:
			finished = true
		default:
		}
		return finished
	})
	if !finished {
		t.dos = append(t.dos, done)
		t.Inconclusive("the system under test did not begin to %s", act)
	}
	if errors.Is(err, ErrUnsupported) {
		t.Skip("cmd:"+act, err.Error())
	}
	if err != nil {
		t.Note("refused: %v", err)
	}
	return err
}

// NeedAuth skips the case unless both sides authenticate chunks.
func (t *T) NeedAuth(a *tester.Assoc) {
	if !a.HasAuth() {
		t.Skip("auth", "S does not offer authentication (RFC 4895)")
	}
}

// NeedAddIP skips the case unless S speaks ASCONF with authentication.
func (t *T) NeedAddIP(a *tester.Assoc) {
	t.NeedAuth(a)
	if !a.PeerSupports(wire.ChunkAsconf) {
		t.Skip("asconf", "S does not list ASCONF in its Supported Extensions (RFC 5061)")
	}
}

// NeedIData skips the case unless I-DATA was agreed.
func (t *T) NeedIData(a *tester.Assoc) {
	if !a.IData {
		t.Skip("idata", "S does not list I-DATA in its Supported Extensions (RFC 8260)")
	}
}

// NeedExtension skips the case unless S lists the chunk type in its Supported Extensions.
func (t *T) NeedExtension(a *tester.Assoc, c wire.ChunkType) {
	if !a.PeerSupports(c) {
		t.Skip(strings.ToLower(c.String()), "S does not list "+c.String()+" in its Supported Extensions")
	}
}

// NeedForwardTSN skips the case unless S supports FORWARD TSN.
func (t *T) NeedForwardTSN(a *tester.Assoc) {
	if a.PeerParam(wire.ParamForwardTSN) == nil && !a.PeerSupports(wire.ChunkForwardTSN) {
		t.Skip("pr", "S does not support FORWARD TSN (RFC 3758)")
	}
}

// Has reports whether the user has declared a capability.
func (t *T) Has(capability string) bool { return t.Target.Caps[capability] }

// Param is a parameter of S (the user declares what is not the default of the RFC), by its name in RFC 9260, Section 16, or
// a companion: "Max.Init.Retransmits", "HB.interval" in seconds.
func (t *T) Param(name string, def int) int {
	if v, ok := t.Target.Params[name]; ok {
		return v
	}
	return def
}

// Spare is an address that S has and its associations have not, for "addip".
func (t *T) Spare(i int) netip.Addr {
	if i >= len(t.Target.Spare) {
		t.Skip("spare", "no address is known that S could add")
	}
	return t.Target.Spare[i]
}

// Remote is an address of S.
func (t *T) Remote(i int) netip.Addr { return t.Target.Addrs[i] }

// DialTCP opens a TCP connection to a port of S.
func (t *T) DialTCP(port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, t.Wait())
	defer cancel()
	at := netip.AddrPortFrom(t.Remote(0), port)
	if t.Target.TCP != nil {
		return t.Target.TCP(ctx, at)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", at.String())
}

// newT makes what a case has.
func newT(ctx context.Context, c *Case, target *Target, o *Runner) *T {
	return &T{Case: c, Target: target, ctx: ctx, Tester: tester.New(ctx, tester.Config{
		Network: target.Network, Addrs: target.Local, Port: target.LocalPort, Remote: target.Addrs, RemotePort: target.EncapPort,
		Judge: judge{target}, Wait: o.Wait, Quiet: o.Quiet, Rand: rand.New(rand.NewPCG(o.Seed, hash(c.ID))),
	})}
}

func hash(s string) (h uint64) {
	for _, c := range []byte(s) {
		h = h*1099511628211 + uint64(c)
	}
	return h
}

// finish waits for acts that have not returned, and ends associations that the case has left.
func (t *T) finish(cancel func()) {
	t.Tester.AbortAll()
	cancel()
	for _, d := range t.dos {
		select {
		case <-d:
		case <-time.After(t.Wait()):
		}
	}
	t.Tester.Close()
}
