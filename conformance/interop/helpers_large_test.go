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

// testLarge sends one message of some size and has it sent back. Our buffers are the default ones,
// which are smaller; the peer's are given by its options.
func testLarge(t *testing.T, f *foreign, size int, options string) {
	ctx := within(t, 2*time.Minute)
	stack := labStack(t, sctp.Config{})
	rec := f.capture(t, "large", 20_000)
	c, p := f.connect(t, ctx, stack, weDial, "-role echo -v "+options)
	data := make([]byte, 0, size+stream.LargestMessage)
	for src := stream.NewSource(spec(1, int64(size))); len(data) < size; {
		m, _ := src.Next()
		data = append(data, m.Data...)
	}
	start := time.Now()
	require.NoError(t, c.Send(ctx, sctp.Message{Stream: 3, PPID: 7, Data: data}))
	p.WaitLine(ctx, fmt.Sprintf("^event=message stream=3 ppid=7 size=%d$", size))
	m, err := c.Recv(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 3, m.Stream)
	require.EqualValues(t, 7, m.PPID)
	require.True(t, string(data) == string(m.Data), "%d bytes came back of %d, or others", len(m.Data), size)
	t.Logf("%d bytes there and back in %v", size, time.Since(start))
	require.NoError(t, c.Shutdown(ctx))
	var d stream.Digest
	d.Add(3, 7, data)
	p.got(t, ctx, "sent", &d)
	p.got(t, ctx, "rcvd", &d)
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}
