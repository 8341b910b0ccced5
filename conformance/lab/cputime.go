// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// userHZ is the unit of /proc/PID/stat.
const userHZ = 100

// CPUTime is the processor time that the process and all its children have taken so far. That of a node is what its kernel
// and everything in it has taken of the host.
func (p *Process) CPUTime() time.Duration {
	type process struct {
		parent int
		ticks  int64
	}
	all := map[int]process{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		// The name of the program is in parentheses and may have any in it. After it: state, parent, … utime, stime, and
		// those of children that have ended.
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) < 15 {
			continue
		}
		x := process{}
		x.parent, _ = strconv.Atoi(f[1])
		for _, s := range f[11:15] {
			n, _ := strconv.ParseInt(s, 10, 64)
			x.ticks += n
		}
		all[pid] = x
	}
	root := p.cmd.Process.Pid
	var ticks int64
	for pid, x := range all {
		for q := pid; q > 1; q = all[q].parent {
			if q == root {
				ticks += x.ticks
				break
			}
		}
	}
	return time.Duration(ticks) * time.Second / userHZ
}
