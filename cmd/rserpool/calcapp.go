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
	"github.com/rserpool/rserpool/service/calcapp"
)

func newCalcAppCmd() *cobra.Command {
	var f calcAppFlags
	cmd := &cobra.Command{
		Use:   "calcapp",
		Short: "Have jobs done by a pool of calcapp elements",
		Long: "calcapp has jobs done by a pool, one after the other, each in a session of its own. A job is a number of\n" +
			"calculations, which take an element time and nothing else: what is of interest is how long jobs wait for each other\n" +
			"(queuing), for an element that takes them (startup), and for their end (processing). If an element fails, the next\n" +
			"one goes on where the first has stopped: the session has brought it a cookie. Elements may be RSPLIB's.\n\n" +
			"Sizes, and the times between jobs, are distributed exponentially around their means, unless --fixed is given.",
		Example: "  rserpool calcapp --jobs 5\n" +
			"  rserpool calcapp --size 1e6 --interval 2s --fixed\n" +
			"  rserpool calcapp --pool MyPool --registrar 10.0.0.1:3863",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runCalcApp(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runCalcApp has jobs done until they are enough or the context ends.
func runCalcApp(ctx context.Context, f *calcAppFlags, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	u := &calcAppUser{f: f, client: c, stdout: stdout, stderr: stderr}
	queued := time.Now()
	for n := uint32(1); f.jobs == 0 || n <= f.jobs; n++ {
		if n > 1 {
			queued = queued.Add(time.Duration(f.draw(float64(f.interval))))
		}
		if err = waitUntil(ctx, queued); err == nil {
			err = u.job(ctx, n, queued)
		}
		if err != nil {
			break
		}
	}
	u.summarize()
	switch {
	case ctx.Err() != nil && f.jobs == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted after %d of %d jobs", u.stats.Handling.N, f.jobs)
	}
	return err
}

// waitUntil waits for a time.
func waitUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A calcAppUser has jobs done, and tells of it.
type calcAppUser struct {
	f              *calcAppFlags
	client         *pool.Client
	stdout, stderr io.Writer
	stats          calcapp.Statistics
	failovers      int
}

// job has one job done.
func (u *calcAppUser) job(ctx context.Context, id uint32, queued time.Time) error {
	limited, cancel := context.WithTimeout(ctx, u.f.timeout)
	sess, err := insist(limited, func() (*pool.Session, error) { return u.client.Dial(limited, u.f.pool) })
	cancel()
	if err != nil {
		return explain(err, u.f.timeout)
	}
	defer sess.Close()
	size := uint64(u.f.draw(u.f.size))
	c := service.NewCalculator(sess, calcapp.UserConfig{KeepAliveInterval: u.f.keepAlive, KeepAliveTimeout: u.f.silence}, id, size)
	for {
		done, err := c.Wait(ctx)
		if failover, ok := errors.AsType[*pool.FailoverError](err); ok {
			u.failovers++
			printFailover(u.stderr, failover)
			continue
		}
		if err != nil {
			return err
		}
		u.stats.Add(queued, size, done.Times)
		_, err = fmt.Fprintf(u.stdout, "job %d of %d calculations, completed by PE 0x%08x: queuing %v, startup %v, processing %v\n",
			id, size, done.Element.ID, short(done.Requested.Sub(queued)), short(done.Startup()), short(done.Processing()))
		return err
	}
}

func short(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// summarize prints the statistics.
func (u *calcAppUser) summarize() {
	s := &u.stats
	fmt.Fprintf(u.stdout, "%d jobs of %.0f calculations, %d failovers\n", s.Handling.N, s.Calculations, u.failovers)
	fmt.Fprintf(u.stdout, "%-10s %12s %12s %12s %20s\n", "", "mean", "longest", "total", "calculations/s")
	for _, row := range []struct {
		name  string
		d     calcapp.Durations
		speed string
	}{
		{"queuing", s.Queuing, ""}, {"startup", s.Startup, ""},
		{"processing", s.Processing, fmt.Sprintf("%.0f", s.Speed(s.Processing))},
		{"handling", s.Handling, fmt.Sprintf("%.0f", s.Speed(s.Handling))},
	} {
		fmt.Fprintf(u.stdout, "%-10s %12v %12v %12v %20s\n", row.name, short(row.d.Mean()), short(row.d.Longest), short(row.d.Total), row.speed)
	}
}
