// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// StatusTimeLimit is the exit status of a script that has run for too long. It is that of timeout(1).
const StatusTimeLimit = 124

// maxTail is how much is kept of what a script prints, in bytes.
const maxTail = 4096

// A Result tells how a script has ended.
type Result struct {
	// Status is its exit status: 128 and the number of the signal if it was killed by one, StatusTimeLimit if it has run for
	// too long.
	Status int
	// Took is how long it has run.
	Took time.Duration
	// Printed is the end of what it has printed, up to 4096 bytes of standard output and standard error.
	Printed string
}

// launcher is the script of the shell around a script: it sets limits, and stays until its end, so that it is the first
// process of its namespace instead of the script, which as such would not get signals. Limits of files are in blocks of 512
// bytes. A limit that is lower already cannot be raised.
const launcher = `ulimit -c 0 2>/dev/null; ulimit -f "$1" 2>/dev/null; ulimit -t "$2" 2>/dev/null; shift 2; "$@"; exit $?`

// Run makes a program of the script's directory executable and runs it there, with arguments. It fails if that cannot be
// started, or if the context ends, which kills it and all of its process group.
func (s *Sandbox) Run(ctx context.Context, program string, args ...string) (Result, error) {
	if err := Supported(); err != nil {
		return Result{}, err
	}
	if err := s.root.Chmod(program, 0o700); err != nil {
		return Result{}, err
	}
	printed, err := s.Scratch("printed")
	if err != nil {
		return Result{}, err
	}
	defer printed.Close()
	limited, cancel := context.WithTimeoutCause(ctx, s.cfg.TimeLimit, errTimeLimit)
	defer cancel()
	blocks := (s.cfg.MaxFile + 511) / 512
	seconds := int64(s.cfg.TimeLimit/time.Second) + 1
	cmd := exec.CommandContext(limited, "/bin/sh",
		append([]string{"-c", launcher, "sh", fmt.Sprint(blocks), fmt.Sprint(seconds), "./" + program}, args...)...)
	cmd.Dir = s.workDir()
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir, "PWD=" + cmd.Dir}
	cmd.Stdout, cmd.Stderr = printed, printed
	start := time.Now()
	err = s.execute(cmd)
	r := Result{Took: time.Since(start), Printed: tail(printed)}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case context.Cause(limited) == errTimeLimit:
		r.Status = StatusTimeLimit
	case exited:
		r.Status = status(exit)
	case err != nil:
		return r, err
	}
	return r, nil
}

var errTimeLimit = errors.New("sandbox: the script has run for too long")

// tail returns the end of a file.
func tail(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(io.NewSectionReader(f, max(0, info.Size()-maxTail), maxTail), maxTail))
	return strings.ToValidUTF8(string(b), "?")
}
