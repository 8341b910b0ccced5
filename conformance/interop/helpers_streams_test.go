// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// testPartialSending sends messages that are sent once only (RFC 7496) over a path that loses some,
// in order on three streams, with a reliable one at the end of each.
func testPartialSending(t *testing.T, f *foreign, who sets) {
	partialSending(t, f, who, quick, "")
}

// partialSending is testPartialSending with some configuration, and options of the peer.
func partialSending(t *testing.T, f *foreign, who sets, cfg sctp.Config, options string) {
	const count, every = 4000, 20
	ctx := within(t, 2*time.Minute)
	rec := f.capture(t, "partial-send", 20_000)
	c, p := f.connect(t, ctx, labStack(t, cfg), who, "-role sink "+options)
	for net := range f.addrs {
		f.lose(t, net, every)
		defer f.lose(t, net, 0)
	}
	for i := range count {
		require.NoError(t, c.Send(ctx, sctp.Message{Stream: uint16(i % 3), Data: make([]byte, 900+i%3000), Reliability: sctp.MaxRetransmissions(0)}))
	}
	for i := range uint16(3) {
		require.NoError(t, c.Send(ctx, sctp.Message{Stream: i, Data: []byte("end")}))
	}
	require.NoError(t, c.Shutdown(ctx))
	got := number(t, p.WaitLine(ctx, `^event=total dir=rcvd messages=(\d+) `)[1])
	n := c.Abandoned(sctp.PRRetransmission)
	t.Logf("%d messages sent, %d abandoned, %d arrived; %d FORWARD TSN", count+3, n.Sent, got, c.Stats().ForwardTSNsSent)
	require.NotZero(t, n.Sent)
	require.Zero(t, n.Unsent)
	require.Less(t, got, uint64(count+3))
	require.GreaterOrEqual(t, got+n.Sent, uint64(count+3), "what was not abandoned arrives")
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}

// testPartialReceiving is the other direction.
func testPartialReceiving(t *testing.T, f *foreign, who sets) {
	partialReceiving(t, f, who, quick, "")
}

func partialReceiving(t *testing.T, f *foreign, who sets, cfg sctp.Config, options string) {
	const size, every = 5_000_000, 20
	ctx := within(t, 2*time.Minute)
	rec := f.capture(t, "partial-recv", 20_000)
	for net := range f.addrs {
		f.lose(t, net, every)
		defer f.lose(t, net, 0)
	}
	c, p := f.connect(t, ctx, labStack(t, cfg), who, "-role source -rtx 0 -max 3000 "+source(3, size)+" "+options)
	var got uint64
	for {
		if _, err := c.Recv(ctx); err != nil {
			break
		}
		got++
	}
	sent := number(t, p.WaitLine(ctx, `^event=total dir=sent messages=(\d+) `)[1])
	t.Logf("%d messages sent, %d arrived; %d FORWARD TSN", sent, got, c.Stats().ForwardTSNsReceived)
	require.NotZero(t, c.Stats().ForwardTSNsReceived)
	require.Less(t, got, sent)
	require.Greater(t, got, sent/2)
	require.Zero(t, c.Stats().RecvQueueBytes, "nothing is left of what was abandoned")
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	require.NoError(t, err)
	return n
}
