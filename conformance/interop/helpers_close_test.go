// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// What is still on its way when a test ends the association. A peer takes no more from its user once
// it has seen our SHUTDOWN: of the smaller number it takes all at once.
const (
	queuedBytes = 3_000_000
	fewBytes    = 100_000
)

// testCloses ends associations gracefully and abortively, from either side.
func testCloses(t *testing.T, f *foreign, who sets) {
	ctx := within(t, 2*time.Minute)
	stack := labStack(t, sctp.Config{Network: singly})
	for _, row := range []struct {
		name    string
		options string
		test    func(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog)
	}{
		{"we shut down", "-role sink", weShutDown},
		{"it shuts down", fmt.Sprintf("-role source %s -close graceful", source(1, queuedBytes)), itShutsDown},
		{"both shut down", fmt.Sprintf("-role source %s -close hold", source(1, fewBytes)), bothShutDown},
		{"we abort", "-role sink", weAbort},
		{"it aborts", "-role sink", itAborts},
	} {
		t.Run(row.name, func(t *testing.T) {
			rec := f.capture(t, "close", 20_000)
			c, p := f.connect(t, ctx, stack, who, row.options)
			row.test(t, ctx, c, p, watch(t, c))
			rec.check(t, lab.New(t))
		})
	}
}

// RFC 9260, Section 9.2: "Upon receipt of the SHUTDOWN primitive from its upper layer, the endpoint
// enters the SHUTDOWN-PENDING state and remains there until all outstanding data has been
// acknowledged by its peer."
func weShutDown(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog) {
	require.NoError(t, send(ctx, c, spec(1, queuedBytes)))
	require.NoError(t, c.Shutdown(ctx))
	require.ErrorIs(t, c.Send(ctx, sctp.Message{Data: []byte("late")}), sctp.ErrShutdown)
	require.ErrorIs(t, c.Err(), io.EOF)
	require.NoError(t, waitLost(t, ctx, events))
	p.WaitLine(ctx, "^event=closed reason=eof$")
	p.got(t, ctx, "rcvd", expect(spec(1, queuedBytes)))
	require.Equal(t, 0, p.exit(ctx))
}

func itShutsDown(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog) {
	receive(ctx, c, nil).got(t, ctx, expect(spec(1, queuedBytes)))
	waitEvent[sctp.EventPeerShutdown](t, ctx, events, nil)
	require.NoError(t, waitLost(t, ctx, events))
	require.ErrorIs(t, c.Err(), io.EOF)
	p.WaitLine(ctx, "^event=closed reason=eof$")
	require.Equal(t, 0, p.exit(ctx))
}

// Both sides have data queued, and shut down before it is delivered.
func bothShutDown(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog) {
	p.WaitLine(ctx, "^event=holding$")
	require.NoError(t, send(ctx, c, spec(2, queuedBytes)))
	ended := make(chan error, 1)
	go func() { ended <- c.Shutdown(ctx) }()
	p.Input("shutdown")
	receive(ctx, c, nil).got(t, ctx, expect(spec(1, fewBytes)))
	require.NoError(t, <-ended)
	require.NoError(t, waitLost(t, ctx, events))
	p.got(t, ctx, "sent", expect(spec(1, fewBytes)))
	p.got(t, ctx, "rcvd", expect(spec(2, queuedBytes)))
	require.Equal(t, 0, p.exit(ctx))
}

func weAbort(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog) {
	require.NoError(t, c.Abort("enough of this"))
	_, err := c.Recv(ctx)
	require.ErrorIs(t, err, net.ErrClosed)
	var abort *sctp.AbortError
	require.ErrorAs(t, c.Err(), &abort)
	require.False(t, abort.Peer)
	// RFC 9260, Section 3.3.10.12: User-Initiated Abort is cause 12.
	m := p.WaitLine(ctx, `^event=assoc state=comm_lost error=(\d+)`)
	require.Equal(t, p.userAbort, m[1])
	p.WaitLine(ctx, "^event=closed reason=abort$")
	require.Equal(t, 0, p.exit(ctx))
}

func itAborts(t *testing.T, ctx context.Context, c *sctp.Conn, p program, events *eventLog) {
	p.Input("abort")
	_, err := c.Recv(ctx)
	abort, ok := errors.AsType[*sctp.AbortError](err)
	require.True(t, ok, "%v", err)
	require.True(t, abort.Peer)
	require.ErrorContains(t, err, "User-Initiated Abort")
	require.ErrorIs(t, waitLost(t, ctx, events), abort)
	require.ErrorIs(t, c.Send(ctx, sctp.Message{Data: []byte("late")}), abort)
	p.WaitLine(ctx, "^event=command command=abort ok=true$")
	p.exit(ctx)
}
