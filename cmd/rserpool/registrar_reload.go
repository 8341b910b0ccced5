// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/registrar"
)

// A reloader reads the configuration file of a running registrar again.
type reloader struct {
	first   *registrarFlags // those that it was started with
	srv     *registrar.Server
	log     *slog.Logger
	running map[string]string // the flags that it runs with
}

// fixedFlags are those of the command itself that a running registrar cannot change; registrar.Config has others.
var fixedFlags = []string{"admin", "csp-server", "csp-interval"}

// reloadOnHangup reads the file again at each SIGHUP, until the context ends. Without a file, or certificates,
// the signal ends the program, as it does others when their terminal goes away. Wait returns when that is done.
func (f *registrarFlags) reloadOnHangup(ctx context.Context, srv *registrar.Server) (wait func()) {
	if f.flags.Lookup("config").Value.String() == "" && f.tls.now == nil {
		return func() {}
	}
	r := newReloader(f, srv)
	ctx, cancel := context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-hangup:
				r.reload()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-done
	}
}

func newReloader(f *registrarFlags, srv *registrar.Server) *reloader {
	return &reloader{first: f, srv: srv, log: f.cfg.Logger, running: values(f.flags)}
}

// values are the values of all flags.
func values(fl *pflag.FlagSet) map[string]string {
	all := make(map[string]string)
	fl.VisitAll(func(f *pflag.Flag) { all[f.Name] = f.Value.String() })
	return all
}

// reload takes what has changed in the file, and says what that was, and what needs another start. What is wrong with it
// is said, and nothing changes.
func (r *reloader) reload() {
	restart, changed, err := r.try()
	if err != nil {
		r.log.Error("the configuration is not read again, nothing has changed", "error", err.Error())
		return
	}
	r.log.Info("the configuration is read again", "changed", strings.Join(changed, " "))
	if len(restart) > 0 {
		r.log.Warn("what the configuration says of these needs a restart", "keys", strings.Join(restart, " "))
	}
}

func (r *reloader) try() (restart, changed []string, err error) {
	origins := make(map[string]string)
	f, err := r.again(origins)
	var level slog.LevelVar
	if err == nil {
		err = setLevel(&level, f.flags, slog.LevelInfo)
	}
	var fields []string
	if err == nil {
		fields, err = r.srv.Reconfigure(f.cfg)
		err = asUsage(err)
	}
	if err != nil {
		return nil, nil, errors.New(nameOrigin(err.Error(), origins))
	}
	r.first.level.Set(level.Level())
	if f.tls.now != nil && r.first.tls.now != nil {
		r.first.tls.now, r.first.tls.cert = f.tls.now, f.tls.cert
		r.first.tls.current.Store(f.tls.now)
		r.first.tellExpiry()
	}
	for _, name := range fields {
		restart = append(restart, strings.TrimPrefix(flagName(name), "--"))
	}
	now := values(f.flags)
	f.flags.VisitAll(func(fl *pflag.Flag) {
		switch name := fl.Name; {
		case now[name] == r.running[name]:
		case slices.Contains(fixedFlags, name):
			restart = append(restart, name)
		case !slices.Contains(restart, name):
			changed = append(changed, name)
			r.running[name] = now[name]
		}
	})
	return restart, changed, nil
}

// again reads what the registrar would be started with now: the same command line and environment, and the file as it is.
func (r *reloader) again(origins map[string]string) (*registrarFlags, error) {
	f := new(registrarFlags)
	fl := pflag.NewFlagSet("registrar", pflag.ContinueOnError)
	f.add(fl)
	addLogLevel(fl)
	var err error
	r.first.flags.Visit(func(old *pflag.Flag) {
		if r.first.origins[old.Name] == "" && err == nil && fl.Lookup(old.Name) != nil {
			err = copyFlag(fl, old)
		}
	})
	if err == nil {
		err = applyEnv(fl, os.LookupEnv, origins)
	}
	if err == nil {
		err = applyFile(fl, origins)
	}
	if err != nil {
		return nil, err
	}
	if err := f.parse(); err != nil {
		return nil, err
	}
	if r.first.tcp.gaveUp && !fl.Changed("tcp-port") {
		f.cfg.TCPPort = 0
	}
	return f, nil
}

// copyFlag gives a flag the value of another one.
func copyFlag(fl *pflag.FlagSet, from *pflag.Flag) error {
	to := fl.Lookup(from.Name)
	list, ok := from.Value.(pflag.SliceValue)
	if !ok {
		return fl.Set(from.Name, from.Value.String())
	}
	if err := to.Value.(pflag.SliceValue).Replace(list.GetSlice()); err != nil {
		return err
	}
	to.Changed = true
	return nil
}

// tellExpiry says how long the certificate is of use.
func (f *registrarFlags) tellExpiry() {
	until := f.tls.expiry()
	if time.Now().After(until) {
		f.cfg.Logger.Warn("the certificate has expired: pool users will not take it", "file", f.tls.cert, "at", until)
		return
	}
	f.cfg.Logger.Info("certificate read", "expires", until)
}
