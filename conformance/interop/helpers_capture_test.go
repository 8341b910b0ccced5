// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
)

// A capture is lab.Capture with a bound, and on any interface.
type capture struct {
	cmd  *exec.Cmd
	file string
}

// newCapture starts to record, at most the first packets that are not larger than an Ethernet frame:
// a larger one is a run which the kernel has not cut into packets yet, and no packet of ours.
func newCapture(t *testing.T, name string, packets int, interfaces ...string) *capture {
	t.Helper()
	c := &capture{file: filepath.Join(t.ArtifactDir(), name+".pcapng")}
	args := []string{"-q", "-a", fmt.Sprintf("packets:%d", packets), "-w", c.file}
	for _, i := range interfaces {
		args = append(args, "-i", i, "-f", "udp port 9899 and less 1515")
	}
	c.cmd = exec.Command("dumpcap", args...)
	stderr, err := c.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() { c.stop() })
	s := bufio.NewScanner(stderr)
	var said []string
	for s.Scan() {
		said = append(said, s.Text())
		if strings.HasPrefix(s.Text(), "File: ") {
			go func() {
				for s.Scan() { // a full pipe would stop it
				}
			}()
			return c
		}
	}
	require.Fail(t, "dumpcap does not start", strings.Join(said, "\n"))
	return nil
}

// stop ends the recording, if it has not ended, and returns its file.
func (c *capture) stop() string {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Signal(syscall.SIGINT)
		_ = c.cmd.Wait()
	}
	return c.file
}

// check ends the recording and has tshark judge all of our packets. It returns the file.
func (c *capture) check(t *testing.T, l *lab.Lab) string {
	t.Helper()
	file := c.stop()
	const ours = "(ip.src == 10.44.0.1 || ip.src == 10.45.0.1) && udp.srcport == 9899"
	require.Positive(t, l.CountPackets(t, file, "sctp && "+ours), "nothing of ours was recorded")
	l.CheckCapture(t, file, ours)
	return file
}
