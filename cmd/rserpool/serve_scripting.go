// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"os"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// scriptingServeFlags are those of serve scripting.
type scriptingServeFlags struct {
	c         service.ScriptingConfig
	sessions  int
	isolation string
}

func (f *scriptingServeFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.c.AllowScripts, "allow-scripts", false,
		"run what users of the pool send. This is needed, and means that WHOEVER REACHES THE REGISTRAR OR THIS ELEMENT CAN RUN ANY PROGRAM "+
			"AS THIS USER: nobody is asked who he is, and a sandbox is not a wall. Not as root, not where there are secrets")
	flags.IntVar(&f.sessions, "max-sessions", runtime.NumCPU(), "scripts at once, which are a load of 100% for policies like LeastUsed")
	e, s := &f.c.Element, &f.c.Sandbox
	flags.DurationVar(&s.TimeLimit, "time-limit", sandbox.DefaultTimeLimit, "how long a script may run")
	flags.Int64Var(&s.MaxFile, "max-output", sandbox.DefaultMaxFile, "size of a file that it writes, the output for example, in bytes at most")
	flags.Int64Var(&e.MaxPackage, "max-package", scripting.DefaultMaxPackage, "size of a work package in bytes at most")
	flags.Int64Var(&s.MaxUnpacked, "max-unpacked", sandbox.DefaultMaxUnpacked, "size of all that is in it in bytes at most")
	flags.IntVar(&s.MaxFiles, "max-files", sandbox.DefaultMaxFiles, "files and directories in it at most")
	flags.Int64Var(&e.MaxEnvironment, "max-environment", scripting.DefaultMaxEnvironment, "size of an environment in bytes at most")
	flags.StringVar(&s.Dir, "temp-dir", "", "where directories for scripts are made (default: where the system has those)")
	flags.StringVar(&f.isolation, "isolation", "auto", "namespaces and Landlock for scripts: auto (as far as the system has them), require or off (with the network)")
	flags.DurationVar(&e.KeepAliveInterval, "keepalive", scripting.DefaultElementKeepAlive, "how long after his last answer a user is asked whether he still waits")
	flags.DurationVar(&e.KeepAliveTimeout, "silence", scripting.DefaultElementKeepAliveAck, "how long he may take to answer before his script is killed")
	flags.DurationVar(&e.TransmitTimeout, "upload-timeout", scripting.DefaultTransmitTimeout, "how long he may take to send the next part of an upload")
}

var isolations = map[string]sandbox.Isolation{"auto": sandbox.Auto, "require": sandbox.Require, "off": sandbox.Off}

func (f *scriptingServeFlags) configure(srv *pool.Server, log *slog.Logger) error {
	e, s := &f.c.Element, &f.c.Sandbox
	isolation, known := isolations[f.isolation]
	switch {
	case !f.c.AllowScripts:
		return usagef("scripting runs what users of the pool send, and nobody is asked who he is: say --allow-scripts if that is what you want")
	case f.sessions < 1:
		return usagef("--max-sessions: %d is not positive", f.sessions)
	case !known:
		return usagef("--isolation: %q is not auto, require or off", f.isolation)
	case s.MaxFiles < 1:
		return usagef("--max-files: %d is not positive", s.MaxFiles)
	}
	for _, size := range []struct {
		name  string
		bytes int64
	}{{"max-output", s.MaxFile}, {"max-package", e.MaxPackage}, {"max-unpacked", s.MaxUnpacked}, {"max-environment", e.MaxEnvironment}} {
		if size.bytes < 1 {
			return usagef("--%s: %d is not positive", size.name, size.bytes)
		}
	}
	if err := positive(positiveFlag{"time-limit", s.TimeLimit}, positiveFlag{"keepalive", e.KeepAliveInterval},
		positiveFlag{"silence", e.KeepAliveTimeout}, positiveFlag{"upload-timeout", e.TransmitTimeout}); err != nil {
		return err
	}
	s.Isolation, f.c.Log = isolation, log
	h, err := service.NewScripting(f.c)
	if err != nil {
		return err
	}
	f.warn(log)
	srv.Handler, srv.SpeaksFirst = h, true
	service.Limit(srv, f.sessions)
	return nil
}

// warn says what should not be.
func (f *scriptingServeFlags) warn(log *slog.Logger) {
	if os.Getuid() == 0 {
		log.Warn("scripts of others are run as root")
	}
	switch err := sandbox.Isolated(); {
	case f.c.Sandbox.Isolation == sandbox.Off:
		log.Warn("scripts of others are not isolated", "error", errors.New("--isolation off"))
	case err != nil:
		log.Warn("scripts of others are not isolated, or not as they could be", "error", err)
	}
}
