// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/service/csp"
)

// maxComponents is how many components a monitor remembers: anybody can send reports.
const maxComponents = 4096

func newMonitorCmd() *cobra.Command {
	local, purge := fmt.Sprintf(":%d", csp.Port), 30*time.Second
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Show the status reports of registrars and pool elements",
		Long: "Show the status reports that registrars and pool elements send if --csp-server tells them to, those of RSPLIB with\n" +
			"-cspserver as well: a line when a component is there, when its status changes, and when it is gone. Reports are\n" +
			"not authenticated: anybody can send them.",
		Example: "  rserpool monitor\n" +
			"  rserpool monitor --local 127.0.0.1:2960",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			if purge <= 0 {
				return usagef("--purge: %v is not positive", purge)
			}
			addr, err := net.ResolveUDPAddr("udp", local)
			if err != nil {
				return usagef("--local: %q is not an address with a port", local)
			}
			return runMonitor(cmd.Context(), addr, purge, cmd.OutOrStdout(), log)
		},
	}
	cmd.Flags().StringVar(&local, "local", local, "local `address` with the UDP port")
	cmd.Flags().DurationVar(&purge, "purge", purge, "silence after which a component is gone; or ten times what it promised, if that is less")
	return cmd
}

// A monitor knows who has reported what.
type monitor struct {
	purge time.Duration
	known map[csp.ID]*component
}

type component struct {
	line string
	gone time.Time // when it is, if nothing comes
}

// report takes a report, and returns the line to print; "" if nothing is new.
func (m *monitor) report(now time.Time, r *csp.Report) string {
	c := m.known[r.Sender]
	if r.Final {
		if c == nil {
			return ""
		}
		delete(m.known, r.Sender)
		return fmt.Sprintf("%v left", r.Sender)
	}
	if c == nil {
		if len(m.known) >= maxComponents {
			return ""
		}
		c = new(component)
		m.known[r.Sender] = c
	}
	c.gone = now.Add(min(m.purge, max(10*r.Interval, time.Second)))
	line := describe(r)
	if line == c.line {
		return ""
	}
	c.line = line
	return fmt.Sprintf("%s U=%v", line, r.Uptime.Truncate(time.Second))
}

// expire returns the lines about who is gone.
func (m *monitor) expire(now time.Time) (lines []string) {
	for id, c := range m.known {
		if now.After(c.gone) {
			delete(m.known, id)
			lines = append(lines, fmt.Sprintf("%v is silent", id))
		}
	}
	slices.Sort(lines)
	return lines
}

// describe is a report without what changes with the time. The texts come from anybody, so they are quoted.
func describe(r *csp.Report) string {
	s := fmt.Sprintf("%v [%s] ", r.Sender, unquoted(r.Location))
	if r.Workload != csp.Unknown {
		s += fmt.Sprintf("L=%.0f%% ", 100*r.Workload)
	}
	s += fmt.Sprintf("A=%d %q", len(r.Associations), r.Status)
	for i, a := range r.Associations {
		if i == 16 {
			s += " ..."
			break
		}
		s += fmt.Sprintf(" ->%v/%d", a.Receiver, a.PPID)
	}
	return s
}

// unquoted is a text with all that is not printable escaped.
func unquoted(s string) string {
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}

// runMonitor prints what is reported until the context ends.
func runMonitor(ctx context.Context, addr *net.UDPAddr, purge time.Duration, out io.Writer, log *slog.Logger) error {
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	fmt.Fprintf(out, "waiting for reports at %v\n", conn.LocalAddr())
	m := &monitor{purge: purge, known: map[csp.ID]*component{}}
	buf := make([]byte, csp.MaxSize+1)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil && ctx.Err() == nil {
			return err
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		now := time.Now()
		for _, line := range m.expire(now) {
			fmt.Fprintln(out, line)
		}
		if ctx.Err() != nil {
			return nil
		}
		if e, ok := err.(net.Error); ok && e.Timeout() {
			continue
		}
		if err != nil {
			return err
		}
		r, err := csp.Parse(buf[:n])
		if err != nil {
			log.Warn("not a report", "from", from, "error", err)
			continue
		}
		if line := m.report(now, r); line != "" {
			fmt.Fprintln(out, line)
		}
	}
}
