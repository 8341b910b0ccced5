// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/service"
)

func newServeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a pool element",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsCommand,
	}
	for _, s := range service.Services() {
		cmd.AddCommand(newServiceCmd(s))
	}
	return cmd
}

// serveFlags are those of a pool element.
type serveFlags struct {
	client     clientFlags
	pool       string
	policy     string
	id         string
	port       int
	reregister time.Duration
	service    serviceFlags
	csp        cspFlags
}

func newServiceCmd(s service.Service) *cobra.Command {
	f := serveFlags{service: flagsOf(s)}
	cmd := &cobra.Command{
		Use:   s.Name,
		Short: "Run a pool element that " + s.Does,
		Example: fmt.Sprintf("  rserpool serve %[1]s\n"+
			"  rserpool serve %[1]s --registrar 10.0.0.1,10.1.0.1:3863 --policy WeightedRoundRobin:3\n"+
			"  rserpool serve %[1]s --policy LeastUsed\n"+
			"  RSERPOOL_POOL=MyPool rserpool serve %[1]s --port 5000", s.Name+needs(s)),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelInfo)
			if err != nil {
				return err
			}
			return runServe(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	flags := cmd.Flags()
	addConfigFlag(flags)
	f.client.register(flags, 0)
	f.csp.add(flags)
	flags.StringVar(&f.pool, "pool", s.Pool, "handle of the pool")
	flags.StringVar(&f.policy, "policy", "RoundRobin", "pool policy, such as WeightedRoundRobin:3 or LeastUsed")
	flags.StringVar(&f.id, "id", "", "PE identifier, decimal or 0xHEX (default: random)")
	flags.IntVar(&f.port, "port", 0, "SCTP port (default: a free one)")
	flags.DurationVar(&f.reregister, "reregister", 0, "re-registration interval (default: 30s, with --profile rfc 10m)")
	f.service.register(flags)
	return cmd
}

// runServe runs a pool element until the context ends.
func runServe(ctx context.Context, f *serveFlags, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	if err != nil {
		return err
	}
	cfg.Port = uint16(f.port)
	p, err := policy.Parse(f.policy)
	if err != nil {
		return usagef("--policy: %w", err)
	}
	var id uint64
	if f.id != "" {
		if id, err = strconv.ParseUint(f.id, 0, 32); err != nil || id == 0 {
			return usagef("--id: %q is not a number from 1 to 0xffffffff", f.id)
		}
	}
	switch {
	case f.pool == "":
		return usagef("--pool: the handle is empty")
	case f.port < 0 || f.port > 65535:
		return usagef("--port: %d is not within 0 to 65535", f.port)
	case f.reregister < 0:
		return usagef("--reregister: %v is negative", f.reregister)
	}
	if _, _, err := f.csp.parse(os.Getenv); err != nil {
		return err
	}
	srv := &pool.Server{Handle: f.pool, ID: uint32(id), Policy: p, Interval: f.reregister}
	if err := f.service.configure(srv, log); err != nil {
		return err
	}
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(stderr, "looking for a registrar for pool %s\n", f.pool)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, c) }()
	select {
	case <-srv.Ready():
		fmt.Fprintf(stdout, "serving %s at %v\n", f.pool, c.Addr())
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		wait, err := f.csp.start(ctx, log, elementStatus(srv, c))
		if err != nil {
			log.Error("no status reports", "error", err) // it serves all the same
			return <-ended
		}
		defer wait()
		defer cancel()
		return <-ended
	case err := <-ended:
		return err
	}
}
