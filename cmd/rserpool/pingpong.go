// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
)

// pingPongFlags are those of pingpong.
type pingPongFlags struct {
	client   clientFlags
	pool     string
	interval time.Duration
	count    uint64
	silence  time.Duration
	timeout  time.Duration
}

func newPingPongCmd() *cobra.Command {
	var f pingPongFlags
	cmd := &cobra.Command{
		Use:   "pingpong",
		Short: "Send pings to a pool of pingpong elements",
		Long: "pingpong sends numbered pings to an element of a pool and prints the replies, which elements count. If the element\n" +
			"fails, the next one goes on counting: the session has brought it a cookie. Elements may be RSPLIB's.",
		Example: "  rserpool pingpong\n" +
			"  rserpool pingpong --count 10 --interval 100ms\n" +
			"  rserpool pingpong --pool MyPool --registrar 10.0.0.1:3863",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runPingPong(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	flags := cmd.Flags()
	f.client.register(flags, -1)
	flags.StringVar(&f.pool, "pool", "PingPongPool", "handle of the pool")
	flags.DurationVar(&f.interval, "interval", 500*time.Millisecond, "time from a ping to the next one")
	flags.Uint64Var(&f.count, "count", 0, "how many replies to wait for (default: no end)")
	flags.DurationVar(&f.silence, "silence", service.DefaultTimeout, "how long to wait for a reply before another element is asked")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for a pool element at the start")
	return cmd
}

// runPingPong sends pings until they are enough or the context ends.
func runPingPong(ctx context.Context, f *pingPongFlags, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	switch {
	case err != nil:
		return err
	case f.pool == "":
		return usagef("--pool: the handle is empty")
	case f.interval <= 0:
		return usagef("--interval: %v is not positive", f.interval)
	case f.silence <= 0:
		return usagef("--silence: %v is not positive", f.silence)
	case f.timeout <= 0:
		return usagef("--timeout: %v is not positive", f.timeout)
	}
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
	fmt.Fprintf(stderr, "connected to %v\n", sess.Element())
	p := service.NewPinger(sess)
	p.Timeout = f.silence
	return pingAll(ctx, f, p, stdout, stderr)
}

func pingAll(ctx context.Context, f *pingPongFlags, p *service.Pinger, stdout, stderr io.Writer) error {
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for n := uint64(0); f.count == 0 || n < f.count; {
		pong, err := p.Ping(ctx)
		if failover, ok := errors.AsType[*pool.FailoverError](err); ok {
			printFailover(stderr, failover)
			continue
		}
		if err == nil {
			n++
			_, err = fmt.Fprintf(stdout, "Ack #%d from PE 0x%08x (reply #%d) in %v\n",
				pong.MessageNo, pong.Element.ID, pong.ReplyNo, pong.RTT.Round(time.Microsecond))
		}
		if err == nil && n != f.count {
			select {
			case <-tick.C:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		switch {
		case ctx.Err() != nil && f.count == 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("interrupted after %d of %d replies", n, f.count)
		case err != nil:
			return err
		}
	}
	return nil
}

// printFailover tells of a failover.
func printFailover(w io.Writer, f *pool.FailoverError) {
	why := "left"
	if !f.Left() {
		why = fmt.Sprintf("failed (%v), last heard %v ago", f.Err, f.Silent.Round(time.Millisecond))
	}
	fmt.Fprintf(w, "failover #%d: element 0x%08x %s; connected to %v in %v\n", f.N, f.From.ID, why, f.To, f.Took.Round(time.Millisecond))
}
