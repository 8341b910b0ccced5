// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/csp"
)

// The interval of reports. RSPLIB's has the same bound.
const (
	defaultCSPInterval = 2 * time.Second
	minCSPInterval     = 250 * time.Millisecond
	maxCSPInterval     = math.MaxUint32 * time.Microsecond
)

// cspFlags are those of a component that reports its status to a monitor.
type cspFlags struct {
	server   string
	interval time.Duration
}

func (f *cspFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.server, "csp-server", "",
		"`address` of a monitor that gets status reports, the UDP port is 2960 if there is none (default: none, or CSP_SERVER)")
	fl.DurationVar(&f.interval, "csp-interval", 0, "time between status reports (default 2s, or the milliseconds of CSP_INTERVAL)")
}

// parse completes the flags by the environment that RSPLIB has, and returns the address of the monitor; "" if there is none.
func (f *cspFlags) parse(getenv func(string) string) (server string, interval time.Duration, err error) {
	name, server, interval := "--csp-server", f.server, f.interval
	if server == "" {
		name, server = "CSP_SERVER", getenv("CSP_SERVER")
	}
	if server == "" {
		return "", 0, nil
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), strconv.Itoa(csp.Port))
	}
	if host, port, err := net.SplitHostPort(server); err != nil || host == "" || port == "" {
		return "", 0, usagef("%s: %q is not an address", name, server)
	}
	if interval == 0 {
		interval = defaultCSPInterval
		if v := getenv("CSP_INTERVAL"); v != "" {
			ms, err := strconv.ParseUint(v, 10, 32)
			if err != nil {
				return "", 0, usagef("CSP_INTERVAL: %q is not a number of milliseconds", v)
			}
			interval = time.Duration(ms) * time.Millisecond
		}
	}
	if interval < minCSPInterval || interval > maxCSPInterval {
		return "", 0, usagef("--csp-interval: %v is not within %v to %v", interval, minCSPInterval, maxCSPInterval)
	}
	return server, interval, nil
}

// start reports what status tells until the context ends, then that the component leaves. Wait returns when that is done.
func (f *cspFlags) start(ctx context.Context, log *slog.Logger, status func() *csp.Report) (wait func(), err error) {
	server, interval, err := f.parse(os.Getenv)
	if err != nil || server == "" {
		return func() {}, err
	}
	conn, err := net.Dial("udp", server)
	if err != nil {
		return nil, fmt.Errorf("reports to %s: %w", server, err)
	}
	done, began := make(chan struct{}), time.Now()
	send := func(final bool) {
		r := status()
		r.Final, r.Uptime, r.Interval = final, time.Since(began), interval
		b, err := r.AppendBinary(nil)
		if err == nil {
			_, err = conn.Write(b)
		}
		if err != nil {
			log.Debug("status report not sent", "to", server, "error", err) // nobody has to listen
		}
	}
	go func() {
		defer close(done)
		defer conn.Close()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			send(false)
			select {
			case <-ctx.Done():
				send(true)
				return
			case <-tick.C:
			}
		}
	}()
	return func() { <-done }, nil
}

// cspText makes a text what fits into a report.
func cspText(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return s[:min(len(s), csp.TextSize-1)]
}

// cspLocation tells where a component is, as RSPLIB does.
func cspLocation(addr *sctp.Addr) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return cspText(fmt.Sprintf("%s: %v", host, addr))
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// registrarStatus is the report of a registrar, with the status text of RSPLIB's.
func registrarStatus(srv *registrar.Server) *csp.Report {
	r := &csp.Report{Sender: csp.ID{Group: csp.GroupRegistrar, Object: uint64(srv.ServerID())},
		Location: cspLocation(srv.Addr()), Workload: csp.Unknown}
	stats, peers := srv.Stats(), srv.Peers()
	theirs := 0
	for _, p := range peers {
		theirs += p.Elements
		if p.Assoc != 0 && len(r.Associations) < csp.MaxAssociations {
			r.Associations = append(r.Associations, csp.Association{Receiver: csp.ID{Group: csp.GroupRegistrar, Object: uint64(p.ID)},
				Duration: csp.Unknown, Protocol: 132, PPID: 12})
		}
	}
	r.Status = fmt.Sprintf("%d[%d] PEs in %s, %s", stats.Elements, max(0, stats.Elements-theirs),
		plural(stats.Pools, "Pool"), plural(len(peers), "Peer"))
	return r
}

// elementStatus makes the reports of a pool element that has registered, with the status text of RSPLIB's.
func elementStatus(srv *pool.Server, c *pool.Client) func() *csp.Report {
	id := srv.ID
	return func() *csp.Report {
		r := &csp.Report{Location: cspLocation(c.Addr()), Workload: csp.Unknown, Status: plural(srv.Sessions(), "Session")}
		if reg := srv.Registered(); reg != nil {
			id = reg.ID()
		}
		if load, ok := srv.Load(); ok {
			r.Workload = load
		} else if p := srv.Policy; p != nil && p.Param().Type.Adaptive() {
			r.Workload = param.Float(p.Param().Load)
		}
		r.Sender = csp.ID{Group: csp.GroupPoolElement, Object: uint64(id)}
		return r
	}
}
