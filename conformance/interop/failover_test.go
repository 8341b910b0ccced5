// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
)

func TestKernelFailover(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testFailover(t, f)
}

func TestUsrsctpFailover(t *testing.T) { testFailover(t, newUsrsctp(t, "-quick")) }

// testFailover measures how long the loss of the primary path delays a transfer, with RFC 9260 alone
// and with RFC 7829. PathMaxRetrans is the default: RFC 9260, Section 8.2, has new data go to the
// dead path until that many timeouts in a row have passed, RFC 7829 until the first one.
func testFailover(t *testing.T, f *foreign) {
	const bytes, mark = 20_000_000, 4_000_000
	took := map[bool]time.Duration{}
	for _, pf := range []bool{false, true} {
		ctx := within(t, 3*time.Minute)
		cfg := quick
		cfg.PathMaxRetrans = 5
		if !pf {
			cfg.PotentiallyFailedMaxRetrans = -1
		}
		stack := labStack(t, cfg)
		c, p := f.connect(t, ctx, stack, weDial, fmt.Sprintf("-role sink -progress %d", mark))
		events := watch(t, c)
		in := receive(ctx, c, nil)
		net := primary(t, ctx, f, c)
		sent := make(chan error, 1)
		go func() { sent <- send(ctx, c, spec(1, bytes)) }()
		p.WaitLine(ctx, "^event=progress dir=rcvd")
		f.cut(t, net)
		begin := time.Now()
		if pf {
			waitPath(t, ctx, events, f.addrs[net], sctp.PathPotentiallyFailed)
			t.Logf("potentially failed after %v", time.Since(begin))
		}
		require.NoError(t, <-sent)
		require.NoError(t, c.Shutdown(ctx))
		took[pf] = time.Since(begin)
		require.ErrorIs(t, in.end(t, ctx), c.Err())
		p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
		require.Equal(t, 0, p.exit(ctx))
		f.join(t, net)
		require.NoError(t, stack.Close())
	}
	t.Logf("%d MB after the cut: %v with RFC 9260 alone, %v with RFC 7829", (bytes-mark)/1_000_000, took[false], took[true])
	// Timeouts of at least 0.2, 0.4, 0.8, 1, 1 and 1 s against one.
	require.Less(t, took[true], took[false]-time.Second)
}
