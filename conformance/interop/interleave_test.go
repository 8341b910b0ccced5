// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import "testing"

// RFC 8260 with the Linux kernel, which must be told to by net.sctp.intl_enable and by its user.

const kernelInterleaves = kernelQuick + " net.sctp.intl_enable=1"

func TestKernelInterleavedTransfer(t *testing.T) {
	f, _ := bootKernel(t, kernelInterleaves)
	both(t, func(t *testing.T, who sets) { testInterleavedTransfer(t, f, who) })
}

func TestKernelSmallPassesLarge(t *testing.T) {
	f, _ := bootKernel(t, kernelInterleaves)
	both(t, func(t *testing.T, who sets) { testSmallPassesLarge(t, f, who, "-sndbuf 16777216 -rcvbuf 16777216") })
}

func TestKernelInterleavedPartially(t *testing.T) {
	f, _ := bootKernel(t, kernelInterleaves)
	both(t, func(t *testing.T, who sets) { testInterleavedPartially(t, f, who) })
}

func TestKernelInterleavedReset(t *testing.T) {
	f, _ := bootKernel(t, kernelInterleaves)
	both(t, func(t *testing.T, who sets) { testInterleavedReset(t, f, who) })
}

// And with usrsctp.

func TestUsrsctpInterleavedTransfer(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testInterleavedTransfer(t, f, who) })
}

func TestUsrsctpSmallPassesLarge(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testSmallPassesLarge(t, f, who, "-sndbuf 16777216 -rcvbuf 16777216") })
}

func TestUsrsctpInterleavedPartially(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testInterleavedPartially(t, f, who) })
}

func TestUsrsctpInterleavedReset(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testInterleavedReset(t, f, who) })
}
