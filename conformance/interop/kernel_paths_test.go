// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
)

func TestKernelCutSending(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testCutSending(t, f)
}

func TestKernelCutReceiving(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testCutReceiving(t, f)
}

func TestKernelLoss(t *testing.T) {
	f, _ := bootKernel(t, kernelQuick)
	testLoss(t, f)
}

func TestKernelPrimary(t *testing.T) {
	f, _ := bootKernel(t, "")
	testPrimary(t, f)
}
