// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"io"
	"time"
)

// WriteText writes an interval as lines of text, with its paths if they are wanted.
func (i *Interval) WriteText(w io.Writer, paths bool) error {
	_, err := fmt.Fprintf(w, "%s %s", span(i.Start, i.End), rates(i.Messages, i.Bytes, i.End-i.Start))
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", losses(i.Retransmissions, i.Timeouts))
	}
	if err == nil && i.Latency != nil {
		_, err = fmt.Fprintf(w, "%16s round trip %s\n", "", i.Latency.short())
	}
	if err == nil && paths {
		err = writePaths(w, i.Paths)
	}
	return err
}

// WriteText writes the totals as lines of text, with the paths at the end if they are wanted.
func (r *Result) WriteText(w io.Writer, paths bool) error {
	for _, s := range []struct {
		name string
		side *Side
	}{{"client", &r.Client}, {"server", &r.Server}} {
		took := time.Duration(s.side.Nanoseconds)
		if _, err := fmt.Fprintf(w, "%s %s%s  %s\n", span(0, took), rates(s.side.Messages, s.side.Bytes, took),
			losses(s.side.Retransmissions, s.side.Timeouts), s.name); err != nil {
			return err
		}
	}
	if r.Latency != nil {
		if err := r.Latency.writeText(w); err != nil {
			return err
		}
	}
	if !paths {
		return nil
	}
	return writePaths(w, r.Paths)
}

func span(start, end time.Duration) string {
	return fmt.Sprintf("%7.2f-%6.2f s", start.Seconds(), end.Seconds())
}

func rates(messages, bytes int64, d time.Duration) string {
	perSec := perSecond(bytes, d)
	return fmt.Sprintf("%11s %11s %12s", count(float64(bytes), "B"), count(8*perSec, "bit/s"), count(perSecond(messages, d), "msg/s"))
}

func losses(resent, timeouts uint64) string {
	s := ""
	if resent > 0 {
		s = fmt.Sprintf("  %d resent", resent)
	}
	if timeouts > 0 {
		s += fmt.Sprintf(", %d timeouts", timeouts)
	}
	return s
}

// count is a number with three digits and a decimal prefix.
func count(x float64, unit string) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if x < 999.5 {
			break
		}
		x, prefix = x/1000, p
	}
	switch {
	case prefix == "":
		return fmt.Sprintf("%.0f %s", x, unit)
	case x < 9.995:
		return fmt.Sprintf("%.2f %s%s", x, prefix, unit)
	case x < 99.95:
		return fmt.Sprintf("%.1f %s%s", x, prefix, unit)
	}
	return fmt.Sprintf("%.0f %s%s", x, prefix, unit)
}

func (l *Latency) short() string {
	return fmt.Sprintf("p50 %v  p99 %v  max %v", round(l.P50), round(l.P99), round(l.Most))
}

func (l *Latency) writeText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "round trips: %d, mean %v, standard deviation %v\n", l.Count, round(l.Mean), round(l.StdDev))
	for _, q := range []struct {
		name string
		at   time.Duration
	}{{"min", l.Least}, {"50 %", l.P50}, {"90 %", l.P90}, {"99 %", l.P99}, {"99.9 %", l.P999}, {"99.99 %", l.P9999}, {"max", l.Most}} {
		if err == nil {
			_, err = fmt.Fprintf(w, "%10s %v\n", q.name, round(q.at))
		}
	}
	return err
}

// round keeps three digits or so.
func round(d time.Duration) time.Duration {
	unit := time.Nanosecond
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

func writePaths(w io.Writer, paths []Path) error {
	for _, p := range paths {
		mark := " "
		if p.Primary {
			mark = "*"
		}
		ssthresh := count(float64(p.Threshold), "B")
		if p.Threshold >= 1<<30 {
			ssthresh = "-"
		}
		if _, err := fmt.Fprintf(w, "%5d %s %-22s %-8s cwnd %-8s ssthresh %-8s flight %-8s rtt %-8v rto %-6v mtu %d  %d resent  %d errors\n",
			p.Association, mark, p.Remote, p.State, count(float64(p.CongestionWindow), "B"), ssthresh,
			count(float64(p.FlightSize), "B"), round(p.SRTT), round(p.RTO), p.MTU, p.Retransmissions, p.Errors); err != nil {
			return err
		}
	}
	return nil
}
