// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

// interleaving is a configuration that interleaves messages (RFC 8260) and gives up on a path quickly.
func (f *foreign) interleaving() sctp.Config {
	cfg := quick
	cfg.LinuxFSN = f.udp == 9899 // the kernel
	cfg.Interleaving, cfg.Scheduler = true, sctp.SchedulerRoundRobin
	return cfg
}

// requireInterleaved demands that all user data was in I-DATA chunks, in both directions if both.
func requireInterleaved(t *testing.T, c *sctp.Conn, both bool) {
	t.Helper()
	require.True(t, c.Interleaving())
	s := c.Stats()
	require.Equal(t, s.DataChunksSent, s.IDataChunksSent)
	require.Equal(t, s.DataChunksReceived, s.IDataChunksReceived)
	if both {
		require.NotZero(t, s.IDataChunksSent)
		require.NotZero(t, s.IDataChunksReceived)
	}
}

// testInterleavedTransfer sends messages of all sizes on ten streams in both directions at once, while
// datagrams are lost.
func testInterleavedTransfer(t *testing.T, f *foreign, who sets) {
	const size, every = 5_000_000, 50
	ctx := within(t, 2*time.Minute)
	rec := f.capture(t, "interleaved", 20_000)
	cfg := f.interleaving()
	cfg.Network = singly
	c, p := f.connect(t, ctx, labStack(t, cfg), who, "-role duplex -interleave -sndbuf 4194304 -rcvbuf 4194304 "+source(2, size))
	f.lose(t, 0, every)
	defer f.lose(t, 0, 0)
	r := receive(ctx, c, nil)
	require.NoError(t, send(ctx, c, spec(1, size)))
	there, back := expect(spec(1, size)), expect(spec(2, size))
	r.got(t, ctx, back)
	p.got(t, ctx, "sent", back)
	p.got(t, ctx, "rcvd", there)
	require.Equal(t, 0, p.exit(ctx))
	requireInterleaved(t, c, true)
	file := rec.check(t, lab.New(t))
	l := lab.New(t)
	require.Positive(t, l.CountPackets(t, file, "sctp.chunk_type == 64"), "I-DATA chunks")
	require.Zero(t, l.CountPackets(t, file, "sctp.chunk_type == 0"), "DATA chunks")
}

// testSmallPassesLarge: a small message passes a large one that is under way, from us to the peer and
// from the peer to us.
func testSmallPassesLarge(t *testing.T, f *foreign, who sets, options string) {
	const size = 8 << 20
	ctx := within(t, 2*time.Minute)
	rec := f.capture(t, "passes", 20_000)
	cfg := f.interleaving()
	cfg.SendBuffer = 2 * size
	c, p := f.connect(t, ctx, labStack(t, cfg), who, "-role echo -v -interleave "+options)
	large := make([]byte, 0, size+stream.LargestMessage)
	for src := stream.NewSource(spec(1, size)); len(large) < size; {
		m, _ := src.Next()
		large = append(large, m.Data...)
	}
	large = large[:size]
	require.NoError(t, c.Send(ctx, sctp.Message{Stream: 1, PPID: 1001, Data: large}))
	require.NoError(t, c.Send(ctx, sctp.Message{Stream: 2, PPID: 1002, Data: []byte("passes there")}))
	require.Equal(t, []string{"2", "12"}, p.WaitLine(ctx, `^event=message stream=(\d+) .*size=(\d+)`)[1:], "the small one comes first")
	p.WaitLine(ctx, fmt.Sprintf(`^event=message stream=1 ppid=1001 size=%d$`, size))
	m, err := c.Recv(ctx)
	require.NoError(t, err)
	require.Equal(t, "passes there", string(m.Data))
	begun := c.Stats().IDataChunksReceived
	require.Eventually(t, func() bool { return c.Stats().IDataChunksReceived > begun }, time.Minute, time.Millisecond, "the large one comes back")
	require.NoError(t, c.Send(ctx, sctp.Message{Stream: 2, PPID: 1003, Data: []byte("passes back")}))
	m, err = c.Recv(ctx)
	require.NoError(t, err)
	require.Equal(t, "passes back", string(m.Data))
	m, err = c.Recv(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, m.Stream)
	require.True(t, string(large) == string(m.Data), "%d bytes came back of %d, or others", len(m.Data), size)
	require.NoError(t, c.Shutdown(ctx))
	require.Equal(t, 0, p.exit(ctx))
	requireInterleaved(t, c, true)
	rec.check(t, lab.New(t))
}

// testInterleavedPartially has both directions of partial reliability, with I-FORWARD-TSN. The kernel
// drops all fragments up to the new cumulative TSN then, also of messages that go on behind it: it
// gets messages one after the other.
func testInterleavedPartially(t *testing.T, f *foreign, who sets) {
	t.Run("sending", func(t *testing.T) {
		cfg := f.interleaving()
		if cfg.LinuxFSN {
			cfg.Scheduler = sctp.SchedulerFCFS
		}
		partialSending(t, f, who, cfg, "-interleave")
	})
	t.Run("receiving", func(t *testing.T) { partialReceiving(t, f, who, f.interleaving(), "-interleave") })
}

// testInterleavedReset resets streams, and so their MIDs.
func testInterleavedReset(t *testing.T, f *foreign, who sets) {
	reconfig(t, f, who, f.interleaving(), "-interleave")
}
