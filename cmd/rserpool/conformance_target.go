// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/control"
	"github.com/rserpool/rserpool/udpencap"
)

// conformanceTarget is where the system under test is, and what makes it act.
type conformanceTarget struct {
	target         string
	port, enrpPort uint16
	spare          []string
	local          []string
	localPort      uint16
	caps, params   []string
	control        string
	fresh          bool
	await          time.Duration
	cmds           []string
	actCmds        map[string]*string

	mu      sync.Mutex
	process *control.Process
	retired []*control.Process // stuck ones that other cases may still use
}

// shortActs have flags of their own.
var shortActs = []string{"connect", "shutdown", "abort", "send", "register", "deregister", "resolve"}

func (f *conformanceTarget) register(fl *pflag.FlagSet, role conformance.Role) {
	fl.StringVar(&f.target, "target", "", "address and UDP port of the system under test; several addresses separated by commas")
	switch role {
	case conformance.Endpoint:
		fl.Uint16Var(&f.port, "sctp-port", 7, "SCTP port it listens to; 0: it does not")
	case conformance.Registrar:
		fl.Uint16Var(&f.port, "sctp-port", 3863, "SCTP port it listens to for ASAP")
		fl.Uint16Var(&f.enrpPort, "enrp-port", 9901, "SCTP port it listens to for ENRP")
	}
	fl.StringArrayVar(&f.spare, "spare", nil, "address that the system under test could add to its associations; may be repeated")
	fl.StringArrayVar(&f.local, "local", nil, "local address; may be repeated, for cases with several (default: that of the route to the target)")
	fl.Uint16Var(&f.localPort, "local-port", 0, "local UDP port (default: any). Cases then run one at a time")
	fl.StringArrayVar(&f.caps, "cap", nil, "capability of the system under test, such as echo; may be repeated")
	fl.StringArrayVar(&f.params, "param", nil, "parameter of the system under test that is not the RFC's default, as in Max.Init.Retransmits=4; may be repeated")
	fl.StringVar(&f.control, "control", "", "program that is, or controls, the system under test: a command line")
	fl.BoolVar(&f.fresh, "fresh", false, "start the --control program anew for each case")
	fl.DurationVar(&f.await, "await", 0, "how long to wait for the target to come up")
	fl.StringArrayVar(&f.cmds, "cmd", nil, "command line for an act, as in connect='client {host} {port}'; may be repeated")
	f.actCmds = map[string]*string{}
	for _, act := range shortActs {
		f.actCmds[act] = fl.String(act+"-cmd", "", "command line that makes the system under test "+act)
	}
}

// String names the target.
func (f *conformanceTarget) String() string {
	if f.target != "" {
		return f.target
	}
	return f.control
}

// open prepares the runner's targets.
func (f *conformanceTarget) open(ctx context.Context, role conformance.Role, r *conformance.Runner, stderr io.Writer) (done func(), err error) {
	if f.localPort != 0 {
		r.Parallel = 1
	}
	base, err := f.base(ctx, role)
	if err != nil {
		return nil, err
	}
	if f.control == "" {
		if len(base.Addrs) == 0 && base.Control == nil {
			return nil, usagef("--target is needed, or --control, or a command for an act")
		}
		if err := f.locals(base); err != nil {
			return nil, err
		}
		r.Target = base
		return func() {}, f.probe(ctx, base, r)
	}
	if f.target != "" {
		return nil, usagef("--target and --control exclude each other")
	}
	first, err := f.start(ctx, base, stderr) // to see that it works
	if err != nil {
		return nil, usagef("--control: %w", err)
	}
	f.process = first.Control.(*control.Process)
	closed := map[*control.Process]bool{} // by us, not by itself
	restart := func(p *control.Process) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if p != nil && f.process == p {
			f.process = nil
			closed[p] = true
			p.Close()
		}
	}
	r.Restart = func() {
		f.mu.Lock()
		p := f.process
		f.mu.Unlock()
		restart(p)
	}
	r.Open = func(ctx context.Context, _ *conformance.Case) (*conformance.Target, func(), error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		var t *conformance.Target
		if p := f.process; p != nil && p.Stuck() {
			f.process = nil
			f.retired = append(f.retired, p)
		}
		if p := f.process; p != nil && p.Err() == nil {
			t = clone(base)
			if err := f.describe(p, t); err != nil {
				return nil, nil, err
			}
		} else if t, err = f.start(ctx, base, stderr); err != nil {
			return nil, nil, err
		}
		p := t.Control.(*control.Process)
		t.Ended = func() error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if closed[p] {
				return nil
			}
			return p.Err()
		}
		if !f.fresh {
			f.process = p
			return t, func() {
				// The next case is about a system under test as it was described.
				if p.Changed() {
					restart(p)
				}
			}, nil
		}
		f.process = nil
		return t, p.Close, nil
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.process != nil {
			f.process.Close()
		}
		for _, p := range f.retired {
			p.Close()
		}
	}, nil
}

func clone(t *conformance.Target) *conformance.Target {
	c := *t
	c.Caps, c.Params = maps.Clone(t.Caps), maps.Clone(t.Params)
	return &c
}

// start starts the program and takes what it says of itself.
func (f *conformanceTarget) start(ctx context.Context, base *conformance.Target, stderr io.Writer) (*conformance.Target, error) {
	p, err := control.Start(ctx, f.control, stderr)
	if err != nil {
		return nil, err
	}
	t := clone(base)
	if err := f.describe(p, t); err != nil {
		p.Close()
		return nil, err
	}
	return t, nil
}

func (f *conformanceTarget) describe(p *control.Process, t *conformance.Target) error {
	t.Port, t.ENRPPort, t.Addrs = 0, 0, nil
	if err := p.Describe(t); err != nil {
		return err
	}
	return f.locals(t)
}

// base is what the command line says.
func (f *conformanceTarget) base(ctx context.Context, role conformance.Role) (*conformance.Target, error) {
	t := &conformance.Target{
		Role: role, Port: f.port, ENRPPort: f.enrpPort, Network: udpencap.Host(), LocalPort: f.localPort,
		Caps: map[string]bool{}, Params: map[string]int{},
	}
	if f.target != "" {
		host, port, err := net.SplitHostPort(f.target)
		if err != nil {
			host, port = strings.Trim(f.target, "[]"), strconv.Itoa(udpencap.DefaultPort)
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, usagef("--target: UDP port %q is not a number", port)
		}
		t.EncapPort = uint16(n)
		for name := range strings.SplitSeq(host, ",") {
			addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.Trim(name, "[]"))
			if err != nil {
				return nil, usagef("--target: %w", err)
			}
			t.Addrs = append(t.Addrs, addrs[0].Unmap())
		}
	}
	for _, c := range f.caps {
		t.Caps[c] = true
	}
	for _, text := range f.params {
		name, value, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, usagef("--param: %q is not NAME=NUMBER", text)
		}
		t.Params[name] = n
	}
	for _, l := range []struct {
		flag  string
		texts []string
		to    *[]netip.Addr
	}{{"local", f.local, &t.Local}, {"spare", f.spare, &t.Spare}} {
		for _, text := range l.texts {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, usagef("--%s: %w", l.flag, err)
			}
			*l.to = append(*l.to, a)
		}
	}
	lines := map[string]string{}
	for _, text := range f.cmds {
		act, line, ok := strings.Cut(text, "=")
		if !ok || conformance.Acts[act] == "" {
			return nil, usagef("--cmd: %q is not ACT=COMMAND, with an ACT of %s", text, strings.Join(slices.Sorted(maps.Keys(conformance.Acts)), ", "))
		}
		lines[act] = line
	}
	for act, line := range f.actCmds {
		if *line != "" {
			lines[act] = *line
		}
	}
	if len(lines) > 0 {
		t.Control = &control.Commands{Lines: lines}
	}
	return t, nil
}

// locals finds the local address if none is given.
func (f *conformanceTarget) locals(t *conformance.Target) error {
	if len(t.Local) > 0 {
		return nil
	}
	if len(t.Addrs) == 0 {
		return usagef("--local is needed where there is no --target")
	}
	c, err := net.Dial("udp", netip.AddrPortFrom(t.Addrs[0], max(t.EncapPort, 1)).String())
	if err != nil {
		return usagef("there is no way to %v: %w", t.Addrs[0], err)
	}
	defer c.Close()
	t.Local = []netip.Addr{c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()}
	return nil
}

// probe looks whether somebody answers at all: a system that is not there breaks no rules.
func (f *conformanceTarget) probe(ctx context.Context, t *conformance.Target, r *conformance.Runner) error {
	if t.Port == 0 || len(t.Addrs) == 0 {
		return nil
	}
	begin := time.Now()
	for {
		err := r.Probe(ctx, t)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Since(begin) >= f.await {
			return exitError{exitUnsupported, fmt.Errorf("%v, UDP port %d, SCTP port %d: %w", t.Addrs[0], t.EncapPort, t.Port, err)}
		}
	}
}
