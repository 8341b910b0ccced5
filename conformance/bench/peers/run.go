// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// The ports of a test: those of a client and a server, and between them the two sides of the path. Those of a Setup test
// count up from the higher ones.
const (
	clientPort  = 20000
	serverPort  = 20001
	relayClient = 20002
	relayServer = 20003
	manyClients = 21000
	manyServers = 41000
	maxSetups   = 4000
)

// A program is how a contender's worker is started.
type program struct {
	path string
	args []string
}

// measure runs one test of one contender.
func (r *row) measure(ctx context.Context, p program, d time.Duration) (figures map[string]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, d+30*time.Second)
	defer cancel()
	server := worker.Config{Server: true, Test: r.test, Size: r.size, Time: d, Local: serverPort, Remote: clientPort, Setups: maxSetups}
	client := worker.Config{Test: r.test, Size: r.size, Time: d, Local: clientPort, Remote: serverPort, Setups: maxSetups}
	if r.test == worker.Setup && p.many() {
		server.Local, server.Remote, client.Local, client.Remote = manyServers, manyClients, manyClients, manyServers
	}
	if r.path != nil {
		server.Remote, client.Remote = relayServer, relayClient
		server.Window, client.Window = true, true
		relay, err := start(ctx, program{os.Args[0], []string{"relay", r.pathArgs()}}, nil)
		if err != nil {
			return nil, err
		}
		defer relay.stop()
	}
	s, err := start(ctx, p, &server)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	c, err := start(ctx, p, &client)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	var rc, rs worker.Result
	if r.path == nil {
		rc, err = c.result()
	}
	if err == nil && r.test != worker.Setup {
		rs, err = s.result()
	}
	if err != nil {
		return nil, errors.Join(err, ctx.Err(), c.failure(), s.failure())
	}
	return r.figures(rc, rs), nil
}

// many tells whether the contender wants a port for each association.
func (p *program) many() bool { return len(p.args) > 1 && p.args[1] == pionName }

func (r *row) pathArgs() string {
	b, _ := json.Marshal(r.path) // numbers
	return string(b)
}

// A process is a worker or a relay. Its last line of output is its result.
type process struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	errs *strings.Builder
}

// start starts a process and waits until it is ready, if it is a server or a relay.
func start(ctx context.Context, p program, c *worker.Config) (*process, error) {
	args := p.args
	if c != nil {
		args = append(args[:len(args):len(args)], c.Args()...)
	}
	s := &process{cmd: exec.CommandContext(ctx, p.path, args...), errs: new(strings.Builder)}
	s.cmd.Stderr = s.errs
	pipe, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(pipe)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if c == nil || c.Server {
		if line, err := s.out.ReadString('\n'); err != nil || line != "ready\n" {
			s.stop()
			return nil, errors.Join(fmt.Errorf("%s says %q: %w", strings.Join(s.cmd.Args, " "), line, err), s.failure())
		}
	}
	return s, nil
}

func (s *process) result() (r worker.Result, err error) {
	line, err := s.out.ReadString('\n')
	if err != nil {
		return r, fmt.Errorf("%s: no result: %w", strings.Join(s.cmd.Args, " "), err)
	}
	return r, json.Unmarshal([]byte(line), &r)
}

// stop ends the process, if it has not ended.
func (s *process) stop() {
	_ = s.cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, s.out)
	_ = s.cmd.Wait()
}

// failure is what a process said on its standard error.
func (s *process) failure() error {
	s.stop()
	if t := strings.TrimSpace(s.errs.String()); t != "" {
		return errors.New(t)
	}
	return nil
}

// busyTime is all the processor time the machine has spent, in seconds.
func busyTime() float64 {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var sum float64
	for i, f := range strings.Fields(line)[1:] {
		if x, err := strconv.ParseFloat(f, 64); err == nil && i != 3 && i != 4 && i < 8 { // idle, iowait
			sum += x
		}
	}
	return sum / 100
}
