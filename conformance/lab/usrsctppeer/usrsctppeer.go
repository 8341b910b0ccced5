// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package usrsctppeer runs usrsctp, FreeBSD's SCTP in user space, as a peer of the interoperability
// rig: a C program with the options, events and commands of kernelpeer that sits on the test's side
// of the bridges (or on loopback) and speaks SCTP in UDP.
//
// Three options are its own: -udp is the UDP port it sits on, -encap the peer's (both 9899 if not
// given), and -quick bounds how long a dead path stalls it to two seconds, as sysctl does in a node.
// As it is one process on one UDP port, any number of them can run beside each other.
//
// # Limitations
//
// IPv4 only, little-endian machines only; it needs gcc and libusrsctp-dev, which "lab build"
// installs. usrsctp lets the operating system choose the source address of a packet: two peers on
// one host must use the same addresses (and different ports), or they answer from one that the
// other does not expect. An address it binds must be configured on an interface: 127.0.0.2 is not,
// unless someone adds it.
package usrsctppeer

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rserpool/rserpool/conformance/lab"
)

//go:embed peer/main.c peer/traffic.h
var source embed.FS

// Build compiles the program and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, source); err != nil {
		t.Fatalf("usrsctppeer: %v", err)
	}
	program := filepath.Join(dir, "usrsctppeer")
	cmd := exec.Command("gcc", "-O2", "-Wall", "-o", program, filepath.Join(dir, "peer", "main.c"), "-lusrsctp", "-lpthread")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("usrsctppeer: building: %v\n%s", err, out)
	}
	return program
}

// Start runs a program of [Build] with its options until it ends, is killed, or the test ends.
func Start(t testing.TB, program string, options ...string) *lab.Process {
	t.Helper()
	return lab.Start(t, program, options...)
}
