// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service/calcapp"
)

// A Service is one of those that this package has.
type Service struct {
	// Name is what it is called by: "echo".
	Name string
	// Pool is the handle of the pool that RSPLIB has for it.
	Pool string
	// Does says what it does, to go on from "a pool element that".
	Does string
	// MaxSessions is RSPLIB's limit, 0 if there is none. That of calcapp is of jobs.
	MaxSessions int
	// speaksFirst is pool.Server.SpeaksFirst.
	speaksFirst bool
	handler     func(*slog.Logger) pool.Handler
	// configure is there if a handler is not all that it takes.
	configure func(srv *pool.Server, max int, log *slog.Logger) error
}

// services are in the order of RSPLIB's options.
var services = []Service{
	{"echo", "EchoPool", "sends every message back", 0, false, func(*slog.Logger) pool.Handler { return pool.Echo }, nil},
	{"discard", "DiscardPool", "discards every message", 0, false, func(*slog.Logger) pool.Handler { return Discard{} }, nil},
	{"daytime", "DaytimePool", "sends the date and the time", 0, true, func(*slog.Logger) pool.Handler { return Daytime{} }, nil},
	{"chargen", "CharGenPool", "sends messages of 1024 bytes without end", 4, true, func(*slog.Logger) pool.Handler { return CharGen{} }, nil},
	{"pingpong", "PingPongPool", "answers pings, and counts them over failovers", 4, true, func(l *slog.Logger) pool.Handler { return PingPong{Log: l} }, nil},
	{"fractal", "FractalGeneratorPool", "computes parts of the Mandelbrot set", 4, true, func(l *slog.Logger) pool.Handler { return Fractal{Log: l} }, nil},
	{"calcapp", "CalcAppPool", "takes the time that a number of calculations takes", calcapp.DefaultMaxJobs, true, nil, configureCalcApp},
	{"scripting", "ScriptingPool", "runs scripts that its users send", runtime.NumCPU(), true, nil, configureScripting},
}

// Services returns all services.
func Services() []Service { return append([]Service(nil), services...) }

// Configure makes a server one of the named service: it sets Handler and SpeaksFirst, and Handle if that is empty. The
// server will serve at most max sessions at once, any number if that is 0; see [Limit]. What clients do wrong is logged
// (Warn); log may be nil. That of calcapp has 10 jobs at most if max is 0. There is no scripting without a word: see
// NewScripting.
func Configure(srv *pool.Server, name string, max int, log *slog.Logger) error {
	var names []string
	for _, s := range services {
		if s.Name != name {
			names = append(names, s.Name)
			continue
		}
		if max < 0 {
			return fmt.Errorf("service: %d sessions at most, which is negative", max)
		}
		if log == nil {
			log = slog.New(slog.DiscardHandler)
		}
		if srv.Handle == "" {
			srv.Handle = s.Pool
		}
		srv.SpeaksFirst = s.speaksFirst
		if s.configure != nil {
			return s.configure(srv, max, log)
		}
		srv.Handler = s.handler(log)
		if max > 0 {
			Limit(srv, max)
		}
		return nil
	}
	return fmt.Errorf("service: there is no %q, only %s", name, strings.Join(names, ", "))
}
