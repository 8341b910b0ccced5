// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Capture records the packets of both bridges.
type Capture struct {
	*Process
	file string
}

// Capture starts recording and returns when packets are being seen. The file lies in the test's
// artifact directory and is named after name, without extension.
func (l *Lab) Capture(t testing.TB, name string) *Capture {
	t.Helper()
	file := filepath.Join(t.ArtifactDir(), name+".pcapng")
	c := &Capture{file: file, Process: start(t, "capture", exec.Command(l.rig, "capture", file))}
	c.WaitErrLine(t.Context(), `^File: `)
	return c
}

// Stop ends the recording and returns its file.
func (c *Capture) Stop() string {
	c.t.Helper()
	_ = c.cmd.Process.Signal(syscall.SIGINT)
	<-c.done
	return c.file
}

// CheckCapture has tshark dissect a capture file and fails the test, showing the packets, if any
// is malformed or carries a wrong CRC32c. Of several display filters, only packets that match all
// are judged: "ip.src == 10.44.0.1" leaves a foreign peer's own mistakes out.
func (l *Lab) CheckCapture(t testing.TB, file string, filters ...string) {
	t.Helper()
	args := []string{"check", file}
	if len(filters) > 0 {
		args = append(args, "("+strings.Join(filters, ") && (")+")")
	}
	out, err := exec.Command(l.rig, args...).CombinedOutput()
	if err != nil {
		t.Errorf("lab: capture: %v\n%s", err, out)
	}
}

// CountPackets returns how many packets of a capture file match a display filter of tshark.
func (l *Lab) CountPackets(t testing.TB, file, filter string) int {
	t.Helper()
	out, err := exec.Command("tshark", "-n", "-r", file, "-Y", filter, "-T", "fields", "-e", "frame.number").Output()
	if err != nil {
		t.Fatalf("lab: tshark %q: %v", filter, err)
	}
	return len(strings.Fields(string(out)))
}
