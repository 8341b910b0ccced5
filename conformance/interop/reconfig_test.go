// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import "testing"

func TestKernelReconfig(t *testing.T) {
	f, _ := bootKernel(t, "")
	both(t, func(t *testing.T, who sets) { testReconfig(t, f, who) })
}

func TestUsrsctpReconfig(t *testing.T) {
	f := newUsrsctp(t)
	both(t, func(t *testing.T, who sets) { testReconfig(t, f, who) })
}
