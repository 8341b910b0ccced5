// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
)

func newScriptCmd() *cobra.Command {
	var f scriptFlags
	cmd := &cobra.Command{
		Use:   "script",
		Short: "Have a script run by a pool",
		Long: "script uploads a work package to an element of a pool, which runs the program ssrun in it, and downloads the file\n" +
			"that this has written. The package is a tar file, plain or compressed by gzip or bzip2; or else one is made of a\n" +
			"single script. ssrun is given the name of the file to write, and that of the environment: a file that many packages\n" +
			"need, and which elements keep. If the element fails, the next one begins again. Elements may be RSPLIB's.\n\n" +
			"Elements decide what scripts may do: those of \"rserpool serve scripting\" give them no network, for example.",
		Example: "  rserpool script --script simulate.sh --out results\n" +
			"  rserpool script --package work.tar.gz --environment model.tar.gz --out results.tar.gz\n" +
			"  rserpool script --package work.tar --out results --trials 1 --registrar 10.0.0.1:3863",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runScript(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runScript has the script run and writes its output.
func runScript(ctx context.Context, f *scriptFlags, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	s, done, err := f.files()
	if err != nil {
		return err
	}
	defer done()
	out, err := os.CreateTemp(filepath.Dir(f.out), ".script-*") // which tells now whether it can be written
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	s.Output = out
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	sess, err := insist(limited, func() (*pool.Session, error) { return c.Dial(limited, f.pool) })
	if err != nil {
		return explain(err, f.timeout)
	}
	defer sess.Close()
	start := time.Now()
	result, failovers, err := runTrials(ctx, sess, s, stderr)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	if err := moveOutput(out, f.out); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d bytes, status %d, by PE 0x%08x (%s), %d trials, %d failovers, %v\n",
		f.out, result.Size, result.Status, result.Element.ID, result.Host, result.Trials, failovers, time.Since(start).Round(time.Millisecond))
	if result.Status != 0 {
		return fmt.Errorf("the script has ended with status %d", result.Status)
	}
	return nil
}

// runTrials has the script run by one element or another.
func runTrials(ctx context.Context, sess *pool.Session, s service.Script, stderr io.Writer) (service.ScriptResult, int, error) {
	var r *service.Scripter
	s.Progress = func(stage service.ScriptStage) {
		e := sess.Element()
		switch stage {
		case service.ScriptReady:
			fmt.Fprintf(stderr, "element %v (%s) is ready\n", e, r.Host())
		case service.ScriptRunning:
			fmt.Fprintf(stderr, "the script runs\n")
		case service.ScriptExited:
			fmt.Fprintf(stderr, "the script has ended\n")
		}
	}
	r, err := service.NewScripter(sess, s)
	if err != nil {
		return service.ScriptResult{}, 0, err
	}
	for failovers := 0; ; failovers++ {
		result, err := r.Run(ctx)
		failover, ok := errors.AsType[*pool.FailoverError](err)
		if !ok {
			return result, failovers, err
		}
		printFailover(stderr, failover)
	}
}

// moveOutput gives a file its name.
func moveOutput(file *os.File, name string) error {
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
