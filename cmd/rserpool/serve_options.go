// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
)

// serviceFlags are those of one service.
type serviceFlags interface {
	register(flags *pflag.FlagSet)
	// configure makes a server one of the service.
	configure(srv *pool.Server, log *slog.Logger) error
}

// needs are flags that a service cannot do without.
func needs(s service.Service) string {
	if s.Name == "scripting" {
		return " --allow-scripts"
	}
	return ""
}

// flagsOf returns the flags of a service.
func flagsOf(s service.Service) serviceFlags {
	switch s.Name {
	case "calcapp":
		return &calcAppServeFlags{}
	case "scripting":
		return &scriptingServeFlags{}
	}
	return &plainFlags{service: s}
}

// plainFlags are those of a service that has none of its own.
type plainFlags struct {
	service  service.Service
	sessions int
}

func (f *plainFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.sessions, "max-sessions", f.service.MaxSessions,
		"sessions at once, which are a load of 100% for policies like LeastUsed; 0: any number, and the load stays 0%")
}

func (f *plainFlags) configure(srv *pool.Server, log *slog.Logger) error {
	if f.sessions < 0 {
		return usagef("--max-sessions: %d is negative", f.sessions)
	}
	return service.Configure(srv, f.service.Name, f.sessions, log)
}

// A positiveFlag is one that must be more than 0.
type positiveFlag struct {
	name string
	d    time.Duration
}

// positive wants flags to be more than 0.
func positive(flags ...positiveFlag) error {
	for _, f := range flags {
		if f.d <= 0 {
			return usagef("--%s: %v is not positive", f.name, f.d)
		}
	}
	return nil
}
