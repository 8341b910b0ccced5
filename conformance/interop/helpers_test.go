// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// labAddrs are our addresses in the lab's namespace, one on each net.
var labAddrs = addrList("10.44.0.1,10.45.0.1")

// peerPort is the SCTP port that whoever is dialled listens on.
const peerPort = 5000

func addrList(s string) (ips []netip.Addr) {
	for part := range strings.SplitSeq(s, ",") {
		ips = append(ips, netip.MustParseAddr(part))
	}
	return ips
}

func addrText(ips []netip.Addr) string {
	parts := make([]string, len(ips))
	for i, ip := range ips {
		parts[i] = ip.String()
	}
	return strings.Join(parts, ",")
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// labStack opens a stack at both of our addresses and UDP port 9899, where the kernels of the nodes
// send everything they begin.
func labStack(t *testing.T, cfg sctp.Config) *sctp.Stack {
	t.Helper()
	cfg.LocalAddrs = labAddrs
	cfg.EncapPort = udpencap.DefaultPort
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	stack, err := sctp.NewStack(&cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stack.Close() })
	return stack
}

// singly is a network that hands over packets one by one. A run of packets that the kernel cuts up
// later (UDP_SEGMENT) would be one packet to a capture and to lab.Drop.
var singly = udpencap.HostConfig{DisableGSO: true}.Network()

// A foreign is an SCTP implementation of somebody else, run by kernelpeer or usrsctppeer: programs
// with the same options, events and commands.
type foreign struct {
	addrs []netip.Addr // its addresses, one on each net
	udp   uint16       // its UDP port
	start func(options string) program
	// Cut and join take its link to net 0 or 1 down and up.
	cut, join func(t *testing.T, net int)
	// Lose loses every every-th datagram from and to it on a net; 0 ends it.
	lose func(t *testing.T, net, every int)
	// Capture records what goes to and from it.
	capture func(t *testing.T, name string, packets int) *capture
}

// A program is one run of kernelpeer or usrsctppeer.
type program struct {
	*lab.Process
	exit func(ctx context.Context) int // waits for its end
	// How it tells the cause User-Initiated Abort, number 12.
	userAbort string
}

// waitAll waits for lines that begin so, in any order.
func (p program) waitAll(ctx context.Context, begin ...string) {
	for len(begin) > 0 {
		line := p.WaitLine(ctx, "^("+strings.Join(begin, "|")+")")[1]
		begin = slices.DeleteFunc(begin, func(s string) bool { return s == line })
	}
}

// sets tells who sets an association up.
type sets string

const (
	weDial sets = "we dial"
	itDial sets = "it dials"
)

// connect sets up an association between stack and a new program with some options.
func (f *foreign) connect(t *testing.T, ctx context.Context, stack *sctp.Stack, who sets, options string) (*sctp.Conn, program) {
	t.Helper()
	options += " -local " + addrText(f.addrs)
	if who == weDial {
		p := f.start("-listen " + options)
		p.WaitLine(ctx, "event=listening")
		c, err := stack.Dial(ctx, &sctp.Addr{IPs: f.addrs, Port: peerPort, EncapPort: f.udp})
		require.NoError(t, err)
		p.isUp(ctx)
		return c, p
	}
	ln, err := stack.Listen(peerPort)
	require.NoError(t, err)
	defer ln.Close()
	p := f.start("-dial -remote " + addrText(labAddrs) + " " + options)
	c, err := ln.Accept(ctx)
	require.NoError(t, err)
	p.isUp(ctx)
	return c, p
}

// isUp waits until the program can take commands for its association; "connected" may be too early.
// A program that sends may have sent all and said so before it reads that the association is up.
func (p program) isUp(ctx context.Context) { p.SeenLine(ctx, "^event=assoc state=comm_up") }

// both runs a test with either side setting the association up.
func both(t *testing.T, test func(t *testing.T, who sets)) {
	for _, who := range []sets{weDial, itDial} {
		t.Run(string(who), func(t *testing.T) { test(t, who) })
	}
}

func source(seed uint64, bytes int64) string {
	return fmt.Sprintf("-seed %d -bytes %d -streams %d", seed, bytes, streams)
}
