// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
)

const (
	kernelNode = 2

	// kernelLoop runs one program after the other: one boot serves a whole test.
	kernelLoop = `while read -r line; do sh -c "$line"; echo "event=exit code=$?"; done`

	// kernelQuick bounds how long a dead path stalls the node: some two seconds, not a minute.
	kernelQuick = "net.sctp.rto_min=200 net.sctp.rto_initial=300 net.sctp.rto_max=1000 " +
		"net.sctp.path_max_retrans=2 net.sctp.hb_interval=500 net.sctp.sack_timeout=50"
)

var kernelAddrs = addrList("10.44.0.2,10.45.0.2")

// bootKernel boots a node with some settings of its kernel.
func bootKernel(t *testing.T, settings string) (*foreign, *lab.Node) {
	t.Helper()
	l := lab.New(t)
	l.BuildKernelPeer(t)
	loop := kernelLoop
	if settings != "" {
		loop = "sysctl -q -w " + settings + "\n" + loop
	}
	node := l.Node(t, kernelNode, loop)
	node.WaitUp(within(t, time.Minute))
	nets := []string{"A", "B"}
	return &foreign{
		addrs: kernelAddrs,
		udp:   9899,
		start: func(options string) program {
			node.Input(fmt.Sprintf("kernelpeer -port %d %s", peerPort, options))
			exit := func(ctx context.Context) int {
				code, err := strconv.Atoi(node.WaitLine(ctx, `^event=exit code=(\d+)`)[1])
				require.NoError(t, err)
				return code
			}
			return program{node.Process, exit, "3072"} // in network byte order, as it was on the wire
		},
		cut:  func(t *testing.T, net int) { l.Cut(t, kernelNode, nets[net]) },
		join: func(t *testing.T, net int) { l.Join(t, kernelNode, nets[net]) },
		lose: func(t *testing.T, net, every int) { l.Drop(t, kernelNode, nets[net], every) },
		capture: func(t *testing.T, name string, packets int) *capture {
			return newCapture(t, name, packets, [2]string{"brA", "10.44.0.255"}, [2]string{"brB", "10.45.0.255"})
		},
	}, node
}
