// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The nets lose what is larger than a size and has DF, without a word, while we send: RFC 8899 finds it
// out. The peers need do nothing but answer HEARTBEATs. What has no DF passes as if it were fragmented.
func TestKernelMTUDrop(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testMTUDrop(t, f, func(net, mtu int) {
		dev := fmt.Sprintf("tap%c%d", 'A'+net, kernelNode)
		nft(t, "table netdev mtu%[1]s; delete table netdev mtu%[1]s; table netdev mtu%[1]s { "+
			"chain out { type filter hook egress device %[1]s priority 0; ip length > %[2]d ip frag-off & 0x4000 != 0 drop; }; }", dev, mtu)
	})
}

func TestUsrsctpMTUDrop(t *testing.T) {
	testMTUDrop(t, newUsrsctp(t, "-quick"), func(net, mtu int) {
		// lo carries 65535 bytes, but what we use has the MTU of the bridges.
		nft(t, "table inet mtu%[1]d; delete table inet mtu%[1]d; table inet mtu%[1]d { "+
			"chain in { type filter hook input priority 0; ip daddr %[2]s udp dport %[3]d ip length > %[4]d ip frag-off & 0x4000 != 0 drop; }; }",
			net, labAddrs[net], usrsctpUDP, mtu)
	})
}

// Our own interfaces get a smaller MTU: the host refuses what is larger, and fragments what was cut
// before.
func TestKernelBridgeMTU(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testMTUDrop(t, f, func(net, mtu int) {
		out, err := exec.Command("ip", "link", "set", []string{"brA", "brB"}[net], "mtu", fmt.Sprint(min(mtu, 1500))).CombinedOutput()
		require.NoError(t, err, "ip: %s", out)
	})
}

func nft(t *testing.T, format string, args ...any) {
	t.Helper()
	out, err := exec.Command("nft", fmt.Sprintf(format, args...)).CombinedOutput()
	require.NoError(t, err, "nft: %s", out)
}

func testMTUDrop(t *testing.T, f *foreign, limit func(net, mtu int)) {
	const bytes, mark = 40_000_000, 4_000_000
	ctx := within(t, 3*time.Minute)
	stack := labStack(t, quick)
	c, p := f.connect(t, ctx, stack, weDial, fmt.Sprintf("-role sink -progress %d", mark))
	in := receive(ctx, c, nil)
	primary(t, ctx, f, c)
	sent := make(chan error, 1)
	go func() { sent <- send(ctx, c, spec(1, bytes)) }()
	p.WaitLine(ctx, "^event=progress dir=rcvd")
	for net := range f.addrs {
		limit(net, 1400)
		defer limit(net, 65535)
	}
	begin := time.Now()
	require.NoError(t, <-sent)
	for _, path := range c.Paths() {
		t.Logf("%v: MTU %d, %v", path.Remote, path.MTU, path.MTUState)
		if path.Primary {
			require.LessOrEqual(t, path.MTU, 1400)
			require.GreaterOrEqual(t, path.MTU, 1280)
		}
	}
	require.NoError(t, c.Shutdown(ctx))
	t.Logf("%d MB after the drop in %v", (bytes-mark)/1_000_000, time.Since(begin))
	require.ErrorIs(t, in.end(t, ctx), c.Err())
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
}
