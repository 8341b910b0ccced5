// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
)

// A capture is lab.Capture with a bound, and on any interface.
type capture struct {
	cmd   *exec.Cmd
	ended chan struct{}
	file  string
	on    [][2]string
}

// newCapture starts to record, at most the first packets that are not larger than an Ethernet frame:
// a larger one is a run which the kernel has not cut into packets yet, and no packet of ours.
// Interfaces are given with an address that leads there.
func newCapture(t *testing.T, name string, packets int, interfaces ...[2]string) *capture {
	t.Helper()
	c := &capture{file: filepath.Join(t.ArtifactDir(), name+".pcapng"), ended: make(chan struct{}), on: interfaces}
	// A buffer of 64 MiB: two seconds of what goes by while dumpcap gets no processor.
	args := []string{"-q", "-B", "64", "-a", fmt.Sprintf("packets:%d", packets), "-w", c.file}
	for _, i := range interfaces {
		args = append(args, "-i", i[0], "-f", "udp port 9899 and less 1515")
	}
	c.cmd = exec.Command("dumpcap", args...)
	stderr, err := c.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	ready := make(chan struct{})
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			if strings.HasPrefix(s.Text(), "File: ") {
				close(ready)
			}
		}
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	select {
	case <-ready:
	case <-c.ended:
		require.Fail(t, "dumpcap does not start")
	}
	return c
}

// stop ends the recording, if it has not ended, and returns its file. What dumpcap has not read when
// it is told to stop is lost: stop waits until a datagram sent now is in the file. What has piled up
// of one interface may be written after the newest of another, and a datagram may be dropped.
func (c *capture) stop(t *testing.T) string {
	t.Helper()
	f, err := os.Open(c.file)
	require.NoError(t, err)
	defer f.Close()
	for _, i := range c.on {
		dev, err := net.InterfaceByName(i[0])
		require.NoError(t, err)
		if dev.Flags&net.FlagRunning == 0 {
			continue // a bridge to nobody
		}
		mark := []byte("end of " + filepath.Base(c.file) + " on " + i[0])
		conn, err := net.Dial("udp4", i[1]+":9899")
		require.NoError(t, err)
		_, err = f.Seek(0, io.SeekEnd)
		require.NoError(t, err)
		var seen []byte // what has been written since, from where the mark may begin
		require.Eventually(t, func() bool {
			select {
			case <-c.ended:
				return true
			default:
			}
			_, _ = conn.Write(mark) // an error is that nobody has the port, which the one before has found out
			more, err := io.ReadAll(f)
			require.NoError(t, err)
			seen = append(seen[max(0, len(seen)-len(mark)):], more...)
			return bytes.Contains(seen, mark)
		}, 20*time.Second, 20*time.Millisecond, "the capture does not end")
		conn.Close()
	}
	_ = c.cmd.Process.Signal(syscall.SIGINT)
	<-c.ended
	return c.file
}

// check ends the recording and has tshark judge all of our packets. It returns the file.
func (c *capture) check(t *testing.T, l *lab.Lab) string {
	t.Helper()
	file := c.stop(t)
	const ours = "ip.src in {10.44.0.1, 10.45.0.1, 10.44.0.21, 10.44.0.22} && udp.srcport == 9899"
	require.Positive(t, l.CountPackets(t, file, "sctp && "+ours), "nothing of ours was recorded")
	l.CheckCapture(t, file, ours)
	return file
}
