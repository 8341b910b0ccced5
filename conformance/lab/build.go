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
	l.build(t, "conformance/lab/kernelpeer")
}

// BuildRSerPool puts the command rserpool into every node's PATH.
func (l *Lab) BuildRSerPool(t testing.TB) {
	t.Helper()
	l.build(t, "cmd/rserpool")
}

// FreeEncapPort is what the script of a node says to take UDP port 9899 from its kernel's SCTP, for one of its own.
const FreeEncapPort = "sysctl -q -w net.sctp.udp_port=0; "

func (l *Lab) build(t testing.TB, pkg string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", filepath.Join(l.dir, "bin", filepath.Base(pkg)), "github.com/rserpool/rserpool/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("lab: building %s: %v\n%s", pkg, err, out)
	}
}
