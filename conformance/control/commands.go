// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/rserpool/rserpool/conformance"
)

// Commands does each act by a command line. {name} stands for the argument of the act with that name: {addr}, {port}, {udp}
// and so on; {host} is the first address, and {registrar-addr} is {registrar} without its UDP port. A command may run on; it is ended with the case.
type Commands struct {
	// Lines are the command lines by act.
	Lines map[string]string
	// Output gets what the commands print. Default: it is thrown away.
	Output io.Writer
}

// Has implements conformance.Control.
func (c *Commands) Has(act string) bool { return c.Lines[act] != "" }

// Do implements conformance.Control.
func (c *Commands) Do(ctx context.Context, act string, args conformance.Args) error {
	line, ok := c.Lines[act]
	if !ok {
		return fmt.Errorf("there is no command for %q", act)
	}
	cmd := command(ctx, fill(line, args))
	cmd.Stdout, cmd.Stderr = c.Output, c.Output
	// Many clients end when their input does: it stays open, and empty.
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() {
		failed <- cmd.Wait()
		in.Close()
	}()
	select {
	case err := <-failed:
		return err
	case <-time.After(100 * time.Millisecond): // it has begun
		return nil
	}
}

// fill puts the arguments into a command line.
func fill(line string, args conformance.Args) string {
	host, _, _ := strings.Cut(args["addr"], ",")
	pairs := []string{"{host}", host}
	for k, v := range args {
		plain, _, _ := strings.Cut(v, "/")
		pairs = append(pairs, "{"+k+"}", v, "{"+k+"-addr}", plain)
	}
	return strings.NewReplacer(pairs...).Replace(line)
}

// command is a command line for the shell, which is killed with the context, and its children where that is possible.
func command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/c", line)
	}
	ownGroup(cmd)
	cmd.WaitDelay = time.Second
	return cmd
}
