// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import "testing"

func TestKernelPartialSending(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	both(t, func(t *testing.T, who sets) { testPartialSending(t, f, who) })
}

func TestKernelPartialReceiving(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	both(t, func(t *testing.T, who sets) { testPartialReceiving(t, f, who) })
}
