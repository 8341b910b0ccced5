// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
)

// demoFlags are those of demo.
type demoFlags struct {
	interval, calm time.Duration
}

func newDemoCmd() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a pool with failures in one process",
		Long: "demo runs a registrar, three pool elements and a pool user in one process, on loopback addresses and without\n" +
			"root. An element crashes, another one falls silent, and a network goes away; no message is lost. It takes less\n" +
			"than 20 seconds and exits with 1 if something did not work.",
		Example: "  rserpool demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runDemo(cmd.Context(), &f, cmd.OutOrStdout(), log)
		},
	}
	cmd.Flags().DurationVar(&f.interval, "interval", 20*time.Millisecond, "time between two messages")
	cmd.Flags().DurationVar(&f.calm, "calm", 1500*time.Millisecond, "time between two acts")
	return cmd
}

// runDemo plays the show.
func runDemo(ctx context.Context, f *demoFlags, stdout io.Writer, log *slog.Logger) error {
	switch {
	case f.interval < time.Millisecond || f.interval > time.Second:
		return usagef("--interval: %v is not within 1ms to 1s", f.interval)
	case f.calm < 0 || f.calm > 2*time.Second:
		return usagef("--calm: %v is not within 0 to 2s", f.calm)
	}
	calm := max(f.calm, 1) // 0 would be the default
	_, err := playDemo(ctx, demoConfig{Out: stdout, Logger: log, Interval: f.interval, Calm: calm})
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
