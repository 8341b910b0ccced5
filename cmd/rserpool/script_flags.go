// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/scripting"
)

// scriptFlags are those of script.
type scriptFlags struct {
	client                    clientFlags
	pool                      string
	archive, script           string
	environment, out          string
	trials                    int
	retryDelay                time.Duration
	keepAlive, silence, reply time.Duration
	maxOutput                 int64
	timeout                   time.Duration
}

func (f *scriptFlags) register(flags *pflag.FlagSet) {
	f.client.register(flags, -1)
	flags.StringVar(&f.pool, "pool", "ScriptingPool", "handle of the pool")
	flags.StringVar(&f.archive, "package", "", "work package: a tar file with a program ssrun")
	flags.StringVar(&f.script, "script", "", "script to make a work package of")
	flags.StringVar(&f.environment, "environment", "", "file that elements keep for other packages (default: none)")
	flags.StringVar(&f.out, "out", "", "file for the output")
	flags.IntVar(&f.trials, "trials", 3, "how many times the script may fail before that is the result")
	flags.DurationVar(&f.retryDelay, "retry-delay", time.Second, "how long to wait after that, or when an element is busy")
	flags.DurationVar(&f.keepAlive, "keepalive", scripting.DefaultUserKeepAlive, "how long after its last answer an element is asked whether it runs the script")
	flags.DurationVar(&f.silence, "silence", scripting.DefaultUserKeepAlive, "how long it may take to answer before another element is asked")
	flags.DurationVar(&f.reply, "reply-timeout", scripting.DefaultReplyTimeout, "how long it may take to get ready, to take a part of an upload, to begin, and to send the output")
	flags.Int64Var(&f.maxOutput, "max-output", scripting.DefaultMaxOutput, "size of the output in bytes at most")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for a pool element at the start")
}

func (f *scriptFlags) check() error {
	switch {
	case f.pool == "":
		return usagef("--pool: the handle is empty")
	case (f.archive == "") == (f.script == ""):
		return usagef("either --package or --script is needed")
	case f.out == "":
		return usagef("--out: a file for the output is needed")
	case f.trials < 1:
		return usagef("--trials: %d is not positive", f.trials)
	case f.maxOutput < 1:
		return usagef("--max-output: %d is not positive", f.maxOutput)
	}
	return positive(positiveFlag{"retry-delay", f.retryDelay}, positiveFlag{"keepalive", f.keepAlive}, positiveFlag{"silence", f.silence},
		positiveFlag{"reply-timeout", f.reply}, positiveFlag{"timeout", f.timeout})
}

// files opens what is to be uploaded.
func (f *scriptFlags) files() (s service.Script, done func(), err error) {
	s = service.Script{Trials: f.trials, RetryDelay: f.retryDelay, Config: scripting.UserConfig{
		ReplyTimeout: f.reply, KeepAliveInterval: f.keepAlive, KeepAliveTimeout: f.silence, MaxOutput: f.maxOutput,
	}}
	var files []*os.File
	done = func() {
		for _, file := range files {
			file.Close()
		}
	}
	open := func(flag, name string) (file *os.File) {
		if err != nil || name == "" {
			return nil
		}
		if file, err = os.Open(name); err != nil {
			err = fmt.Errorf("--%s: %w", flag, err)
			return nil
		}
		files = append(files, file)
		return file
	}
	if file := open("environment", f.environment); file != nil {
		s.Environment = file
	}
	if file := open("package", f.archive); file != nil {
		s.Package = file
	}
	if err == nil && f.script != "" {
		s.Package, err = packageOf(f.script)
	}
	if err != nil {
		done()
	}
	return s, done, err
}

// packageOf makes a work package of a script.
func packageOf(name string) (*bytes.Reader, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--script: %w", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "ssrun", Mode: 0o700, Size: int64(len(data))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return bytes.NewReader(b.Bytes()), nil
}
