// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/shim"
)

// readyWithin is how long a program may take until it is ready: a compiler or a virtual machine may be in the way.
const readyWithin = 60 * time.Second

// ErrEnded is matched by errors that say that the system under test has ended.
var ErrEnded = errors.New("the system under test has ended")

// A Process is a system under test that speaks the control protocol.
type Process struct {
	// Ready is what it said of itself.
	Ready conformance.Args

	acts []string
	cmd  *exec.Cmd
	in   io.WriteCloser
	stop context.CancelFunc

	mu      sync.Mutex
	next    int
	changed bool
	stuck   bool // a request was given up
	waiting map[string]chan string
	ended   chan struct{}
	err     error // why it ended
}

// Start starts a program by its command line and waits until it is ready. stderr gets what it prints there.
func Start(ctx context.Context, line string, stderr io.Writer) (*Process, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Process{cmd: command(ctx, line), stop: stop, waiting: map[string]chan string{}, ended: make(chan struct{})}
	p.cmd.Stderr = stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		stop()
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		stop()
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		stop()
		return nil, err
	}
	ready := make(chan error, 1)
	go p.read(out, ready)
	select {
	case err = <-ready:
	case <-p.ended:
		err = p.err
	case <-time.After(readyWithin):
		err = fmt.Errorf("%q was not ready within %v", line, readyWithin)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// read takes in the lines of the program until it ends.
func (p *Process) read(out io.Reader, ready chan<- error) {
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		words := strings.Fields(s.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if words[0] == "ready" {
			if p.Ready != nil {
				continue
			}
			args, err := shim.ParseArgs(words[1:])
			if err == nil {
				p.Ready, p.acts = args, strings.Split(args["acts"], ",")
			}
			ready <- err
			continue
		}
		p.mu.Lock()
		ch := p.waiting[words[0]]
		delete(p.waiting, words[0])
		p.mu.Unlock()
		if ch != nil {
			ch <- strings.Join(words[1:], " ")
		}
	}
	err := p.cmd.Wait()
	p.err = ErrEnded
	if err != nil {
		p.err = fmt.Errorf("%w: %w", ErrEnded, err)
	}
	close(p.ended)
}

// Has implements conformance.Control.
func (p *Process) Has(act string) bool { return slices.Contains(p.acts, act) }

// Do implements conformance.Control.
func (p *Process) Do(ctx context.Context, act string, args conformance.Args) error {
	ch := make(chan string, 1)
	p.mu.Lock()
	p.next++
	p.changed = p.changed || act == "start"
	id := strconv.Itoa(p.next)
	p.waiting[id] = ch
	_, err := fmt.Fprintf(p.in, "%s %s %s\n", id, act, shim.FormatArgs(args))
	p.mu.Unlock()
	if err != nil {
		select {
		case <-p.ended:
			return p.err
		case <-time.After(time.Second):
			return err
		}
	}
	select {
	case answer := <-ch:
		verb, text, _ := strings.Cut(answer, " ")
		switch verb {
		case "ok":
			return nil
		case "unsupported":
			return fmt.Errorf("%w: %q", conformance.ErrUnsupported, act)
		}
		return errors.New(text)
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		p.mu.Lock()
		p.stuck = true
		p.mu.Unlock()
		return ctx.Err()
	}
}

// Stuck reports whether it left a request unanswered until the caller gave up: then it may never answer another one.
func (p *Process) Stuck() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stuck
}

// Changed reports whether the act "start" has changed the configuration of the system under test.
func (p *Process) Changed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Err says why the program has ended; nil if it runs.
func (p *Process) Err() error {
	select {
	case <-p.ended:
		return p.err
	default:
		return nil
	}
}

// Close ends the program: its input ends, and if that does not help within a second it is killed.
func (p *Process) Close() {
	p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(time.Second):
	}
	p.stop()
	<-p.ended
}

// Describe fills in a target with what the program has said of itself: addr, udp, port, enrp-port, peer-port, spare, caps, params.
func (p *Process) Describe(t *conformance.Target) error {
	r := p.Ready
	var err error
	addrs := func(name string, to *[]netip.Addr) {
		for text := range strings.SplitSeq(r[name], ",") {
			if text == "" {
				continue
			}
			a, e := netip.ParseAddr(text)
			err = errors.Join(err, e)
			*to = append(*to, a)
		}
	}
	port := func(name string, to *uint16) {
		if r[name] == "" {
			return
		}
		n, e := strconv.ParseUint(r[name], 10, 16)
		err = errors.Join(err, e)
		*to = uint16(n)
	}
	addrs("addr", &t.Addrs)
	addrs("spare", &t.Spare)
	port("udp", &t.EncapPort)
	port("port", &t.Port)
	port("enrp-port", &t.ENRPPort)
	port("peer-port", &t.PeerPort)
	for c := range strings.SplitSeq(r["caps"], ",") {
		if c != "" {
			t.Caps[c] = true
		}
	}
	for text := range strings.SplitSeq(r["params"], ",") {
		if name, value, ok := strings.Cut(text, ":"); ok {
			n, e := strconv.Atoi(value)
			err = errors.Join(err, e)
			t.Params[name] = n
		}
	}
	t.Control = p
	return err
}
