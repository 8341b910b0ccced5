// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

func TestKernelWeMove(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	both(t, func(t *testing.T, who sets) { testWeMove(t, f, who) })
}

func TestKernelWeBreak(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick+" net.sctp.association_max_retrans=30")
	f.addrs = kernelAddrs[:1]
	both(t, func(t *testing.T, who sets) { testWeBreak(t, f, who) })
}

func TestKernelItMoves(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	both(t, func(t *testing.T, who sets) { testItMoves(t, f, who, 0) })
}

// usrsctp has the same addresses as we, see newUsrsctp.
func movingUsrsctp(t *testing.T, always ...string) *foreign {
	f := newUsrsctp(t, always...)
	f.addrs = []netip.Addr{oldAddr, newAddr}
	return f
}

func TestUsrsctpWeMove(t *testing.T) {
	f := movingUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testWeMove(t, f, who) })
}

func TestUsrsctpWeBreak(t *testing.T) {
	f := movingUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testWeBreak(t, f, who) })
}

// The address it sends from, which is the one it sends to, cannot be deleted (RFC 5061, Section 5.3, F8).
func TestUsrsctpItMoves(t *testing.T) {
	f := movingUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testItMoves(t, f, who, 1) })
}

// A stack on all addresses of the host follows them.
func TestHostAddressesAreFollowed(t *testing.T) {
	lab.New(t)
	stack, err := sctp.NewStack(&sctp.Config{EncapPort: -1, FollowAddrs: true})
	require.NoError(t, err)
	defer stack.Close()
	until := func(there bool) {
		t.Helper()
		require.Eventually(t, func() bool { return slices.Contains(stack.Addrs(), oldAddr) == there }, 10*time.Second, 10*time.Millisecond)
	}
	until(false)
	ipAddr(t, "add", oldAddr)
	until(true)
	ipAddr(t, "del", oldAddr)
	until(false)
}

func TestKernelAuthenticated(t *testing.T) {
	f, _ := bootKernel(t, "")
	both(t, func(t *testing.T, who sets) { testAuthenticated(t, f, who) })
}

func TestUsrsctpAuthenticated(t *testing.T) {
	f := newUsrsctp(t)
	both(t, func(t *testing.T, who sets) { testAuthenticated(t, f, who) })
}
