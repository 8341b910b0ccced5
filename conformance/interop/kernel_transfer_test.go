// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
)

// A hundred megabytes in each direction at once, on ten streams, messages of 1 byte to 64 KiB.
func TestKernelTransfer(t *testing.T) {
	f, _ := bootKernel(t, "")
	both(t, func(t *testing.T, who sets) { testTransfer(t, f, who) })
}
