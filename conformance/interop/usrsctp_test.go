// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab/usrsctppeer"
)

// usrsctpUDP is the UDP port of usrsctp, which has the same addresses as we: it lets the operating
// system choose the source address, and that is the one it sends to.
const usrsctpUDP = 9901

// newUsrsctp builds the program; each run of it is a process of its own, with some options.
func newUsrsctp(t *testing.T, always ...string) *foreign {
	t.Helper()
	path := usrsctppeer.Build(t)
	return &foreign{
		addrs: labAddrs,
		udp:   usrsctpUDP,
		start: func(options string) program {
			p := usrsctppeer.Start(t, path, strings.Fields(
				fmt.Sprintf("-udp %d -encap 9899 -port %d %s %s",
					usrsctpUDP, peerPort, options, strings.Join(always, " ")))...)
			return program{p, func(ctx context.Context) int { return p.Wait(ctx) }, "12"}
		},
		cut:  func(t *testing.T, net int) { dropAt(t, net, 1) },
		join: func(t *testing.T, net int) { dropAt(t, net, 0) },
		lose: dropAt,
		capture: func(t *testing.T, name string, packets int) *capture {
			return newCapture(t, name, packets, [2]string{"lo", "127.0.0.1"})
		},
	}
}

// dropAt drops every every-th datagram that arrives at one of our addresses: they go from each
// address to itself. 0 ends it.
func dropAt(t *testing.T, net, every int) {
	t.Helper()
	rules := fmt.Sprintf("table inet drop%d; delete table inet drop%d;", net, net)
	if every > 0 {
		rules += fmt.Sprintf("table inet drop%d { chain in { type filter hook input priority 0; "+
			"ip daddr %s udp dport { 9899, %d } numgen inc mod %d 0 drop; }; }", net, labAddrs[net], usrsctpUDP, every)
	}
	out, err := exec.Command("nft", rules).CombinedOutput()
	require.NoError(t, err, "nft: %s", out)
}

// A hundred megabytes in each direction at once, on ten streams, messages of 1 byte to 64 KiB.
func TestUsrsctpTransfer(t *testing.T) {
	f := newUsrsctp(t)
	both(t, func(t *testing.T, who sets) { testTransfer(t, f, who) })
}

func TestUsrsctpCloses(t *testing.T) {
	f := newUsrsctp(t)
	both(t, func(t *testing.T, who sets) { testCloses(t, f, who) })
}

// A single message of 16 MiB there and back.
func TestUsrsctpLargeMessage(t *testing.T) {
	testLarge(t, newUsrsctp(t), 16<<20, "-sndbuf 16777216 -rcvbuf 16777216")
}
