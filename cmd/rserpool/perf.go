// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/perf"
	"github.com/rserpool/rserpool/sctp"
)

func newPerfCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "perf",
		Short: "Measure what SCTP associations carry, and how fast a message is answered",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsCommand,
	}
	cmd.AddCommand(newPerfServerCmd(), newPerfClientCmd())
	return cmd
}

// perfStack are the flags of both sides.
type perfStack struct {
	local      []string
	encapPort  int
	congestion string
	rack       bool
}

func (f *perfStack) register(cmd *cobra.Command, encapPort int) {
	cmd.Flags().StringSliceVar(&f.local, "local", nil, "local IP addresses (default: all)")
	cmd.Flags().IntVar(&f.encapPort, "encap-port", encapPort, "local UDP port of SCTP; 0: 9899 or any if that is in use, -1: any")
	cmd.Flags().StringVar(&f.congestion, "congestion", "standard", "congestion control: standard (RFC 9260), cubic (RFC 8312) or westwood")
	cmd.Flags().BoolVar(&f.rack, "rack", false, "find losses as RFC 8985 does, not RFC 9260")
}

func (f *perfStack) open(streams int) (*sctp.Stack, error) {
	cfg := &sctp.Config{EncapPort: f.encapPort, OutboundStreams: streams}
	if f.encapPort < -1 || f.encapPort > 65535 {
		return nil, usagef("--encap-port: %d is not within -1 to 65535", f.encapPort)
	}
	for _, l := range f.local {
		ip, err := netip.ParseAddr(strings.TrimSpace(l))
		if err != nil {
			return nil, usagef("--local: %q is not an IP address", l)
		}
		cfg.LocalAddrs = append(cfg.LocalAddrs, ip)
	}
	switch f.congestion {
	case "standard":
	case "cubic":
		cfg.CongestionControl = sctp.CongestionCUBIC
	case "westwood":
		cfg.CongestionControl = sctp.CongestionWestwood
	default:
		return nil, usagef("--congestion: %q is not standard, cubic or westwood", f.congestion)
	}
	if f.rack {
		cfg.LossDetection = sctp.LossDetectionRACK
	}
	return sctp.NewStack(cfg)
}

func newPerfServerCmd() *cobra.Command {
	var f perfStack
	var port int
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Be the other side of perf client",
		Long: "server does what clients ask for: it receives, sends, or sends back, at full speed. It is for networks that one trusts.\n" +
			"A line on the standard output tells of each association.",
		Example: "  rserpool perf server\n" +
			"  rserpool perf server --local 10.0.0.1,10.1.0.1 --port 5000",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 0 || port > 65535 {
				return usagef("--port: %d is not within 0 to 65535", port)
			}
			return runPerfServer(cmd.Context(), &f, uint16(port), cmd.OutOrStdout())
		},
	}
	f.register(cmd, 0)
	cmd.Flags().IntVar(&port, "port", perf.DefaultPort, "SCTP port; 0: any")
	return cmd
}

// runPerfServer serves until the context ends.
func runPerfServer(ctx context.Context, f *perfStack, port uint16, stdout io.Writer) error {
	stack, err := f.open(65535)
	if err != nil {
		return err
	}
	defer stack.Close()
	l, err := stack.Listen(port)
	if err != nil {
		return err
	}
	out := &lockedWriter{w: stdout}
	fmt.Fprintf(out, "serving at %v\n", l.Addr())
	srv := &perf.Server{Report: func(client *sctp.Addr, test string, own *perf.Side, err error) {
		if err != nil {
			fmt.Fprintf(out, "%v: %s: %v\n", client, test, err)
			return
		}
		fmt.Fprintf(out, "%v: %s: %d messages, %.1f MB/s\n", client, test, own.Messages, own.BytesPerSecond()/1e6)
	}}
	return srv.Serve(ctx, l)
}
