// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
)

func TestKernelCloses(t *testing.T) {
	f, _ := bootKernel(t, "")
	both(t, func(t *testing.T, who sets) { testCloses(t, f, who) })
}
