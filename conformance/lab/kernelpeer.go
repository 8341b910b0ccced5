// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BuildKernelPeer puts the program kernelpeer into every node's PATH.
func (l *Lab) BuildKernelPeer(t testing.TB) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", filepath.Join(l.dir, "bin", "kernelpeer"),
		"github.com/rserpool/rserpool/conformance/lab/kernelpeer")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("lab: building kernelpeer: %v\n%s", err, out)
	}
}
