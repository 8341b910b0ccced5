// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
)

// A single message of 16 MiB there and back. The kernel takes no message from its user that is
// larger than its send buffer, and grants the double of what is asked for.
func TestKernelLargeMessage(t *testing.T) {
	t.Setenv("LAB_MEM", "512M")
	f, _ := bootKernel(t, "")
	testLarge(t, f, 16<<20, "-sndbuf 16777216 -rcvbuf 16777216")
}
