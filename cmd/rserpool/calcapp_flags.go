// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"math"
	"math/rand/v2"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/calcapp"
)

// calcAppFlags are those of calcapp.
type calcAppFlags struct {
	client             clientFlags
	pool               string
	jobs               uint32
	size               float64
	interval           time.Duration
	fixed              bool
	keepAlive, silence time.Duration
	timeout            time.Duration
}

func (f *calcAppFlags) register(flags *pflag.FlagSet) {
	f.client.register(flags, -1)
	flags.StringVar(&f.pool, "pool", "CalcAppPool", "handle of the pool")
	flags.Uint32Var(&f.jobs, "jobs", 0, "how many jobs there are (default: no end)")
	flags.Float64Var(&f.size, "size", 5e6, "mean size of a job in calculations")
	flags.DurationVar(&f.interval, "interval", 15*time.Second, "mean time from a job to the next one")
	flags.BoolVar(&f.fixed, "fixed", false, "all sizes and times are the mean")
	flags.DurationVar(&f.keepAlive, "keepalive", calcapp.DefaultUserKeepAlive, "how long after its last answer an element is asked whether it has the job")
	flags.DurationVar(&f.silence, "silence", calcapp.DefaultUserKeepAlive, "how long it may take to answer before another element is asked")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for a pool element at the start of a job")
}

func (f *calcAppFlags) check() error {
	switch {
	case f.pool == "":
		return usagef("--pool: the handle is empty")
	case !(f.size >= 1 && f.size <= calcapp.MaxJobSize):
		return usagef("--size: %v is not within 1 to %d", f.size, calcapp.MaxJobSize)
	case f.interval < 0:
		return usagef("--interval: %v is negative", f.interval)
	}
	return positive(positiveFlag{"keepalive", f.keepAlive}, positiveFlag{"silence", f.silence}, positiveFlag{"timeout", f.timeout})
}

// draw returns a number with a mean, rounded.
func (f *calcAppFlags) draw(mean float64) float64 {
	if !f.fixed {
		mean *= rand.ExpFloat64()
	}
	return min(math.Round(mean), calcapp.MaxJobSize)
}

// calcAppServeFlags are those of serve calcapp.
type calcAppServeFlags struct{ c calcapp.ElementConfig }

func (f *calcAppServeFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.c.MaxJobs, "max-jobs", calcapp.DefaultMaxJobs, "jobs at once, which are a load of 100% for policies like LeastUsed; more are rejected")
	flags.Float64Var(&f.c.Capacity, "capacity", calcapp.DefaultCapacity, "calculations per second, which all jobs share")
	flags.DurationVar(&f.c.KeepAliveInterval, "keepalive", calcapp.DefaultElementKeepAlive, "how long after his last answer a user is asked whether he wants his job")
	flags.DurationVar(&f.c.KeepAliveTimeout, "silence", calcapp.DefaultElementKeepAlive, "how long he may take to answer before his job is dropped")
	flags.DurationVar(&f.c.CookieMaxTime, "cookie-time", calcapp.DefaultCookieMaxTime, "time after which there is a cookie of a job again")
	flags.Float64Var(&f.c.CookieMaxCalculations, "cookie-calculations", calcapp.DefaultCookieMaxCalculations, "calculations of a job after which there is a cookie again")
}

func (f *calcAppServeFlags) configure(srv *pool.Server, log *slog.Logger) error {
	switch {
	case f.c.MaxJobs < 1:
		return usagef("--max-jobs: %d is not positive", f.c.MaxJobs)
	case !(f.c.Capacity > 0) || math.IsInf(f.c.Capacity, 0):
		return usagef("--capacity: %v is not a positive number", f.c.Capacity)
	case !(f.c.CookieMaxCalculations > 0):
		return usagef("--cookie-calculations: %v is not a positive number", f.c.CookieMaxCalculations)
	}
	if err := positive(positiveFlag{"keepalive", f.c.KeepAliveInterval}, positiveFlag{"silence", f.c.KeepAliveTimeout},
		positiveFlag{"cookie-time", f.c.CookieMaxTime}); err != nil {
		return err
	}
	h, err := service.NewCalcApp(srv, service.CalcAppConfig{ElementConfig: f.c, Log: log})
	if err != nil {
		return err
	}
	srv.Handler, srv.SpeaksFirst = h, true
	return nil
}
