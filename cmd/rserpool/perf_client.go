// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/perf"
	"github.com/rserpool/rserpool/sctp"
)

// perfClientFlags are those of perf client.
type perfClientFlags struct {
	stack perfStack
	opt   perf.Options
	paths bool
	json  bool
}

func newPerfClientCmd() *cobra.Command {
	var f perfClientFlags
	cmd := &cobra.Command{
		Use:   "client ADDRESS[,ADDRESS...]:PORT[/UDPPORT]",
		Short: "Measure associations to a perf server",
		Long: "client sends messages to a server as fast as it goes (or has it send: --reverse), or one at a time there and back (--latency),\n" +
			"and prints what was done in each interval and at all, as both sides saw it. Rates are those of the messages, without any\n" +
			"header. While this side sends, an interval tells what the send buffers have taken; the total of the server what has arrived.",
		Example: "  rserpool perf client 10.0.0.1:5201\n" +
			"  rserpool perf client 10.0.0.1,10.1.0.1:5201 --paths -t 30 -l 1K\n" +
			"  rserpool perf client 10.0.0.1:5201 --latency --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("perf client needs the ADDRESS:PORT of a perf server")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPerfClient(cmd.Context(), &f, args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.stack.register(cmd, -1)
	flags := cmd.Flags()
	flags.VarP((*seconds)(&f.opt.Time), "time", "t", "how long to send, in seconds or as 1m30s (default 10, without end with --bytes)")
	flags.VarP((*byteSize)(&f.opt.Bytes), "bytes", "n", "how much to send on each association, such as 100M")
	flags.VarP((*byteLength)(&f.opt.Length), "length", "l", "bytes in a message, such as 1K (default 64K, with --latency 64)")
	flags.VarP((*seconds)(&f.opt.Interval), "interval", "i", "time between two reports (default 1)")
	flags.IntVarP(&f.opt.Parallel, "parallel", "P", 1, "number of associations")
	flags.BoolVarP(&f.opt.Reverse, "reverse", "R", false, "the server sends")
	flags.BoolVar(&f.opt.Latency, "latency", false, "messages go there and back, one at a time")
	flags.IntVar(&f.opt.Streams, "streams", 1, "number of streams the messages take in turn")
	flags.BoolVar(&f.opt.Unordered, "unordered", false, "messages may overtake each other")
	flags.BoolVar(&f.paths, "paths", false, "show each path: congestion window, round-trip time, what was sent again")
	flags.BoolVar(&f.json, "json", false, "print one JSON document at the end instead of text")
	return cmd
}

func runPerfClient(ctx context.Context, f *perfClientFlags, address string, stdout, stderr io.Writer) error {
	if f.opt.Streams < 1 || f.opt.Streams > 65535 {
		return usagef("--streams: %d is not within 1 to 65535", f.opt.Streams)
	}
	if f.opt.Parallel < 1 || f.opt.Parallel > perf.MaxParallel {
		return usagef("--parallel: %d is not within 1 to %d", f.opt.Parallel, perf.MaxParallel)
	}
	if f.opt.Length > perf.MaxLength {
		return usagef("--length: %d is more than %d", f.opt.Length, perf.MaxLength)
	}
	if f.opt.Latency && f.opt.Reverse {
		return usagef("--reverse: with --latency messages go both ways")
	}
	if f.opt.Time > perf.MaxTime {
		return usagef("--time: %v is more than %v", f.opt.Time, perf.MaxTime)
	}
	server, err := sctp.ResolveAddr(ctx, address)
	if err != nil {
		return usagef("%w", err)
	}
	stack, err := f.stack.open(max(f.opt.Streams, 1024))
	if err != nil {
		return err
	}
	defer stack.Close()
	report := func(i perf.Interval) { _ = i.WriteText(stdout, f.paths) }
	if f.json {
		report = nil
	} else {
		fmt.Fprintf(stderr, "measuring with %v\n", server)
	}
	res, err := perf.Run(ctx, stack, server, f.opt, report)
	if err != nil && !(perf.Interrupted(err) && len(res.Intervals) > 0) {
		return err
	}
	if f.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		if eerr := e.Encode(res); eerr != nil {
			return eerr
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("interrupted after %d intervals", len(res.Intervals))
	}
	fmt.Fprintln(stdout, res.Test)
	return res.WriteText(stdout, f.paths)
}
