// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flapBytes is what is sent while a path flaps: usual, or as many MB as the environment variable
// RSERPOOL_FLAP_MB says.
func flapBytes(t *testing.T, usual int64) int64 {
	mb := os.Getenv("RSERPOOL_FLAP_MB")
	if mb == "" {
		return usual
	}
	n, err := strconv.ParseInt(mb, 10, 32)
	require.NoError(t, err, "RSERPOOL_FLAP_MB")
	return n * 1_000_000
}

// flapPause is how long the path stays, and stays away.
const flapPause = 2 * time.Second

func TestKernelFlappingPath(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testFlappingPath(t, f, 128_000_000)
}

func TestUsrsctpFlappingPath(t *testing.T) {
	testFlappingPath(t, newUsrsctp(t, "-quick"), 1_000_000_000)
}

// The primary path goes and comes back every two seconds while data is sent. All of it arrives, once
// and in order, as its hash tells, and the association lasts.
func testFlappingPath(t *testing.T, f *foreign, usual int64) {
	bytes := flapBytes(t, usual)
	ctx := within(t, 2*time.Minute+time.Duration(bytes/2_000_000)*time.Second)
	stack := labStack(t, quick)
	c, p := f.connect(t, ctx, stack, weDial, "-role sink")
	in := receive(ctx, c, nil)
	net := primary(t, ctx, f, c)

	flapping, stop := context.WithCancel(ctx)
	cuts := make(chan int, 1)
	go func() {
		n := 0
		defer func() { cuts <- n }()
		for wait := flapPause / 4; pause(flapping, wait); wait = flapPause {
			f.cut(t, net)
			n++
			pause(flapping, flapPause)
			f.join(t, net)
		}
	}()
	begin := time.Now()
	err := send(ctx, c, spec(1, bytes))
	sent := time.Since(begin)
	stop()
	n := <-cuts
	require.NoError(t, err)
	require.NoError(t, c.Shutdown(ctx))
	took := time.Since(begin)
	require.ErrorIs(t, in.end(t, ctx), c.Err())
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	require.Positive(t, n, "%d bytes were sent in %v, before the path was cut", bytes, sent)
	st := c.Stats()
	t.Logf("%d MB in %.1f s, %.1f MB/s, path cut %d times; of %d chunks %d sent again, %d timeouts",
		bytes/1_000_000, took.Seconds(), float64(bytes)/1e6/took.Seconds(), n, st.DataChunksSent, st.Retransmissions, st.T3Expirations)
	require.Zero(t, st.BadPackets)
}

// pause waits and tells whether the context has not ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
