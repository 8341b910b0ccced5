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
			"waits until every line is answered.",
		Example: "  rserpool call EchoPool\n" +
			"  echo hello | rserpool call EchoPool --registrar 10.0.0.1:3863",
		Args: cobra.ExactArgs(1),
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
	sess, err := c.Dial(limited, handle)
	if err != nil {
		return explain(err, f.timeout)
	}
	defer sess.Close()
	fmt.Fprintf(stderr, "connected to %v\n", sess.Element())
	k := &caller{sess: sess, stdout: stdout, stderr: stderr, timeout: f.timeout}
	return k.run(ctx, stdin)
}

// explain says of a timeout what was waited for.
func explain(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v: is a registrar running, and is it reached by --registrar? (%w)", timeout, err)
	}
	return err
}

// readLines sends the lines of the input on. What waits in Read cannot be stopped: the process ends without it.
func readLines(r io.Reader, stop <-chan struct{}) (lines chan []byte, failed chan error) {
	lines, failed = make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(r)
		s.Buffer(nil, maxLine)
		for s.Scan() {
			line := append([]byte{}, s.Bytes()...)
			if len(line) == 0 {
				line = []byte{'\n'} // a message has at least one byte
			}
			select {
			case lines <- line:
			case <-stop:
				return
			}
		}
		failed <- s.Err()
	}()
	return lines, failed
}

// maxLine bounds a line of the input.
const maxLine = 1 << 20

// An answer is what Recv has returned.
type answer struct {
	m   sctp.Message
	err error
}
