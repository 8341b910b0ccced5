// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// callFlags are those of call.
type callFlags struct {
	client  clientFlags
	timeout time.Duration
}

func newCallCmd() *cobra.Command {
	var f callFlags
	cmd := &cobra.Command{
		Use:   "call POOL",
		Short: "Send lines to a pool and print the answers",
		Long: "call sends each line of the standard input as a message to an element of the pool, and prints the answers.\n" +
			"If the element fails, the lines it has not answered are sent to another one. At the end of the input call\n" +
			"waits until every line is answered.\n\n" +
			"A line has at most 1048576 bytes, without its newline, and is sent as it is. An empty line is sent as a newline.",
		Example: "  rserpool call EchoPool\n" +
			"  echo hello | rserpool call EchoPool --registrar 10.0.0.1:3863",
		Args: onePool,
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runCall(cmd.Context(), &f, args[0], cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	f.client.register(cmd.Flags(), -1)
	cmd.Flags().DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for a pool element, and at the end for answers")
	return cmd
}

// runCall sends lines to a pool until the input or the context ends.
func runCall(ctx context.Context, f *callFlags, handle string, stdin io.Reader, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	switch {
	case err != nil:
		return err
	case f.timeout <= 0:
		return usagef("--timeout: %v is not positive", f.timeout)
	case handle == "":
		return usagef("the pool handle is empty")
	}
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	sess, err := insist(limited, func() (*pool.Session, error) { return c.Dial(limited, handle) })
	if err != nil {
		return explain(err, f.timeout)
	}
	defer sess.Close()
	fmt.Fprintf(stderr, "connected to %v\n", sess.Element())
	k := &caller{sess: sess, stdout: stdout, stderr: stderr, timeout: f.timeout}
	return k.run(ctx, stdin)
}

// explain says what a user can do about an error of a handle resolution or of setting up a session.
func explain(err error, timeout time.Duration) error {
	late := errors.Is(err, context.DeadlineExceeded)
	switch {
	case errors.Is(err, pool.ErrUnreachable):
		return err // the registrar has done its part
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped before there was an answer (%w)", err)
	case errors.Is(err, pool.ErrNoRegistrar):
		return fmt.Errorf("no answer within %v: is a registrar running (rserpool registrar), and is it reached by --registrar? (%w)", timeout, err)
	case late:
		return fmt.Errorf("no answer from the registrar within %v (%w)", timeout, err)
	}
	return err
}

// insist repeats what fails for want of a registrar until the context ends.
func insist[T any](ctx context.Context, f func() (T, error)) (T, error) {
	for {
		v, err := f()
		if err == nil || !errors.Is(err, pool.ErrNoRegistrar) || ctx.Err() != nil {
			return v, err
		}
	}
}

// readLines sends the lines of the input on: whatever bytes there are between two newlines. What waits in Read cannot be
// stopped: the process ends without it.
func readLines(r io.Reader, stop <-chan struct{}) (lines chan []byte, failed chan error) {
	lines, failed = make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		in := bufio.NewReader(r)
		for n := 1; ; n++ {
			line, err := readLine(in)
			if errors.Is(err, errTooLong) {
				err = fmt.Errorf("line %d %w", n, err)
			}
			if err == io.EOF && len(line) == 0 {
				failed <- nil
				return
			}
			if err != nil && err != io.EOF {
				failed <- err
				return
			}
			if len(line) == 0 {
				line = []byte{'\n'} // a message has at least one byte
			}
			select {
			case lines <- line:
			case <-stop:
				return
			}
		}
	}()
	return lines, failed
}

var errTooLong = fmt.Errorf("is longer than %d bytes", maxLine)

// readLine returns a line without its newline. At the end of the input it returns io.EOF with what is left.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			line = line[:len(line)-1]
		}
		switch {
		case len(line) > maxLine:
			return nil, errTooLong
		case !errors.Is(err, bufio.ErrBufferFull):
			return line, err
		}
	}
}

// maxLine bounds a line of the input in bytes. The help text names it.
const maxLine = 1 << 20

// An answer is what Recv has returned.
type answer struct {
	m   sctp.Message
	err error
}
