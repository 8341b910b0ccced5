// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// transferBytes is what a whole transfer moves in each direction.
const transferBytes = 100_000_000

// testTransfer has both sides send at once; the peer shuts down when it has everything.
func testTransfer(t *testing.T, f *foreign, who sets) {
	ctx := within(t, 5*time.Minute)
	stack := labStack(t, sctp.Config{})
	rec := f.capture(t, "transfer", 20_000)
	there, back := spec(1, transferBytes), spec(2, transferBytes)
	c, p := f.connect(t, ctx, stack, who, "-role duplex "+source(back.Seed, back.Bytes)+
		fmt.Sprintf(" -until %d", there.Bytes))
	events := watch(t, c)
	waitEvent[sctp.EventCommUp](t, ctx, events, nil)

	start := time.Now()
	in := receive(ctx, c, nil)
	require.NoError(t, send(ctx, c, there))
	in.got(t, ctx, expect(back))
	took := time.Since(start).Seconds()
	waitEvent[sctp.EventPeerShutdown](t, ctx, events, nil)
	require.NoError(t, waitLost(t, ctx, events))

	p.got(t, ctx, "sent", expect(back))
	p.got(t, ctx, "rcvd", expect(there))
	require.Equal(t, 0, p.exit(ctx))
	st := c.Stats()
	require.Zero(t, st.BadPackets)
	t.Logf("%.1f MB/s in each direction; of %d chunks %d sent again, %d fast, %d timeouts; %d duplicates received",
		transferBytes/1e6/took, st.DataChunksSent, st.Retransmissions, st.FastRetransmissions, st.T3Expirations, st.DuplicateTSNs)
	rec.check(t, lab.New(t))
}
