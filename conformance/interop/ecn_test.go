// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
)

// The links mark what may be marked, in both directions: each side hears of it by ECNE, answers with
// CWR, and nothing is lost.
func TestKernelECN(t *testing.T) {
	const bytes, every = 20_000_000, 100
	f, _ := bootKernel(t, kernelQuick+" net.sctp.ecn_enable=1")
	for net := range f.addrs {
		dev := fmt.Sprintf("tap%c%d", 'A'+net, kernelNode)
		nft(t, "table netdev ecn%[1]s; delete table netdev ecn%[1]s; table netdev ecn%[1]s { "+
			"chain in { type filter hook ingress device %[1]s priority 0; ip ecn ect0 numgen inc mod %[2]d 0 ip ecn set ce; }; "+
			"chain out { type filter hook egress device %[1]s priority 0; ip ecn ect0 numgen inc mod %[2]d 0 ip ecn set ce; }; }", dev, every)
	}
	ctx := within(t, 3*time.Minute)
	cfg := quick
	cfg.ECN = true
	rec := f.capture(t, "ecn", 100_000)
	c, p := f.connect(t, ctx, labStack(t, cfg), weDial, "-role duplex "+source(2, bytes))
	in := receive(ctx, c, nil)
	require.NoError(t, send(ctx, c, spec(1, bytes)))
	in.got(t, ctx, expect(spec(2, bytes)))
	p.got(t, ctx, "sent", expect(spec(2, bytes)))
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	st := c.Stats()
	t.Logf("ECNE sent %d, received %d; %d of %d chunks sent again", st.ECNEsSent, st.ECNEsReceived, st.Retransmissions, st.DataChunksSent)
	l := lab.New(t)
	file := rec.check(t, l)
	kernelCWR := l.CountPackets(t, file, "sctp.chunk_type == 13 && (ip.src == 10.44.0.2 || ip.src == 10.45.0.2)")
	t.Logf("CWR of the kernel: %d", kernelCWR)
	require.NotZero(t, st.ECNEsReceived, "the kernel has read our marks")
	require.NotZero(t, st.ECNEsSent, "we have read the kernel's")
	require.NotZero(t, kernelCWR)
}
