// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// quick bounds how long a dead path stalls us: some two seconds, not a minute. An acknowledgement
// must not take longer than the timeout.
var quick = sctp.Config{
	Network:    singly,
	RTOInitial: 300 * time.Millisecond, RTOMin: 200 * time.Millisecond, RTOMax: time.Second,
	PathMaxRetrans: 2, AssociationMaxRetrans: 20, HeartbeatInterval: 500 * time.Millisecond,
	SackDelay: 50 * time.Millisecond,
}

const (
	cutBytes   = 40_000_000 // sent over a cut
	cutMark    = 4_000_000  // the cut comes when so much has arrived
	afterBytes = 5_000_000  // sent when the path is back
)

// primary returns which net our primary path is on, when both paths are active.
func primary(t *testing.T, ctx context.Context, f *foreign, c *sctp.Conn) int {
	t.Helper()
	for {
		ps := c.Paths()
		require.Len(t, ps, len(f.addrs))
		if !slices.ContainsFunc(ps, func(p sctp.PathInfo) bool { return p.State != sctp.PathActive }) {
			i := slices.IndexFunc(ps, func(p sctp.PathInfo) bool { return p.Primary })
			return slices.Index(f.addrs, ps[i].Remote.Addr())
		}
		select {
		case <-ctx.Done():
			require.Fail(t, "a path is not active", "%+v", ps)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// testCutSending loses the primary path while we send, and gets it back.
func testCutSending(t *testing.T, f *foreign) {
	ctx := within(t, 3*time.Minute)
	stack := labStack(t, quick)
	rec := f.capture(t, "cut", 1_000_000)
	c, p := f.connect(t, ctx, stack, weDial, fmt.Sprintf("-role sink -progress %d", cutMark))
	events := watch(t, c)
	in := receive(ctx, c, nil)
	net := primary(t, ctx, f, c)

	sent := make(chan error, 1)
	go func() { sent <- send(ctx, c, spec(1, cutBytes)) }()
	p.WaitLine(ctx, "^event=progress dir=rcvd")
	f.cut(t, net)
	waitPath(t, ctx, events, f.addrs[net], sctp.PathInactive)
	require.NoError(t, <-sent)
	f.join(t, net)
	waitPath(t, ctx, events, f.addrs[net], sctp.PathActive)
	joined := time.Now()
	// RFC 9260, Section 6.4: data goes to the primary path unless that is inactive.
	require.NoError(t, send(ctx, c, spec(2, afterBytes)))
	require.NoError(t, c.Shutdown(ctx))
	require.ErrorIs(t, in.end(t, ctx), c.Err())

	p.got(t, ctx, "rcvd", expect(spec(1, cutBytes), spec(2, afterBytes)))
	require.Equal(t, 0, p.exit(ctx))
	l := lab.New(t)
	file := rec.check(t, l)
	data := func(net int, when string) int {
		return l.CountPackets(t, file, fmt.Sprintf("sctp.chunk_type == 0 && ip.dst == %s && %s", f.addrs[net], when))
	}
	after := fmt.Sprintf("frame.time_epoch > %.6f", epoch(joined))
	require.Greater(t, data(1-net, "frame"), 10_000, "the other path took over")
	// Some 3500; a busy machine records less than there was.
	require.Greater(t, data(net, after), 1_000, "the path is used again")
}

// testCutReceiving loses the path the peer sends on, and gets it back.
func testCutReceiving(t *testing.T, f *foreign) {
	ctx := within(t, 3*time.Minute)
	stack := labStack(t, quick)
	rec := f.capture(t, "cut", 1_000_000)
	c, p := f.connect(t, ctx, stack, itDial, fmt.Sprintf("-role source -close hold %s", source(1, cutBytes)))
	events := watch(t, c)
	used := make(chan netip.Addr, 1)
	in := receive(ctx, c, func(m sctp.Message, bytes int64) {
		if bytes >= cutMark {
			select {
			case used <- m.Remote.Addr():
			default:
			}
		}
	})
	var net int
	select {
	case ip := <-used:
		net = slices.Index(f.addrs, ip)
	case <-in.done:
		require.Fail(t, "ended before the cut", "%v", in.err)
	}
	f.cut(t, net)
	waitPath(t, ctx, events, f.addrs[net], sctp.PathInactive)
	// Everything is queued, and most of it acknowledged, before or after the path is given up: Linux
	// leaves a path at its first timeout (RFC 7829).
	p.waitAll(ctx, fmt.Sprintf("event=paddr addr=%s state=unreachable", labAddrs[net]), "event=holding")
	f.join(t, net)
	waitPath(t, ctx, events, f.addrs[net], sctp.PathActive)
	p.WaitLine(ctx, fmt.Sprintf("^event=paddr addr=%s state=available", labAddrs[net]))
	p.Input("shutdown")
	in.got(t, ctx, expect(spec(1, cutBytes)))
	p.got(t, ctx, "sent", expect(spec(1, cutBytes)))
	require.Equal(t, 0, p.exit(ctx))
	l := lab.New(t)
	file := rec.check(t, l)
	require.Greater(t, l.CountPackets(t, file, "sctp.chunk_type == 0 && ip.dst == "+labAddrs[1-net].String()), 10_000,
		"the other path took over")
}

// testLoss loses datagrams on both paths, in both directions.
func testLoss(t *testing.T, f *foreign) {
	const lossBytes, every = 10_000_000, 50
	ctx := within(t, 3*time.Minute)
	stack := labStack(t, quick)
	rec := f.capture(t, "loss", 20_000)
	for net := range f.addrs {
		f.lose(t, net, every)
		defer f.lose(t, net, 0)
	}
	c, p := f.connect(t, ctx, stack, weDial, "-role duplex "+source(2, lossBytes))
	in := receive(ctx, c, nil)
	require.NoError(t, send(ctx, c, spec(1, lossBytes)))
	in.got(t, ctx, expect(spec(2, lossBytes)))
	p.got(t, ctx, "sent", expect(spec(2, lossBytes)))
	t.Log(p.got(t, ctx, "rcvd", expect(spec(1, lossBytes))), "MB/s in each direction")
	require.Equal(t, 0, p.exit(ctx))
	st := c.Stats()
	t.Logf("%d of %d chunks sent again, %d fast, %d timeouts", st.Retransmissions, st.DataChunksSent,
		st.FastRetransmissions, st.T3Expirations)
	require.Greater(t, st.FastRetransmissions, uint64(50))
	require.Less(t, st.Retransmissions, st.DataChunksSent/10)
	rec.check(t, lab.New(t))
}

// testPrimary changes the path that data takes, from both sides.
func testPrimary(t *testing.T, f *foreign) {
	ctx := within(t, time.Minute)
	stack := labStack(t, sctp.Config{Network: singly})
	rec := f.capture(t, "primary", 20_000)
	c, p := f.connect(t, ctx, stack, itDial, "-role echo -close hold")
	net := primary(t, ctx, f, c)
	const echoes = 20
	begin := []time.Time{time.Now()}
	exchange := func() {
		for range echoes {
			require.NoError(t, c.Send(ctx, sctp.Message{Data: make([]byte, 1000)}))
			m, err := c.Recv(ctx)
			require.NoError(t, err)
			require.Len(t, m.Data, 1000)
		}
		begin = append(begin, time.Now())
	}
	exchange()
	require.NoError(t, c.SetPrimary(f.addrs[1-net]))
	require.Equal(t, 1-net, primary(t, ctx, f, c))
	exchange()
	p.Input("primary " + labAddrs[1-net].String())
	p.WaitLine(ctx, "^event=command command=primary ok=true$")
	exchange()
	require.NoError(t, c.Shutdown(ctx))
	require.Equal(t, 0, p.exit(ctx))

	l := lab.New(t)
	file := rec.check(t, l)
	data := func(phase int, dst netip.Addr, port string) int {
		return l.CountPackets(t, file, fmt.Sprintf(
			"sctp.chunk_type == 0 && ip.dst == %s && %s && frame.time_epoch >= %.6f && frame.time_epoch < %.6f",
			dst, port, epoch(begin[phase]), epoch(begin[phase+1])))
	}
	const ours, its = "udp.srcport == 9899", "udp.dstport == 9899"
	require.Equal(t, echoes, data(0, f.addrs[net], ours))
	require.Equal(t, echoes, data(1, f.addrs[1-net], ours), "we changed ours")
	require.Equal(t, echoes, data(2, f.addrs[1-net], ours))
	require.Equal(t, echoes, data(2, labAddrs[1-net], its), "it changed its")
}

func epoch(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
