// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"flag"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// The tests.
const (
	Bulk     = "bulk"     // messages one way
	PingPong = "pingpong" // a message there and back, one at a time
	Setup    = "setup"    // associations, one at a time
)

// A Config is the command line of a worker.
type Config struct {
	Server bool
	Test   string
	// Size is that of a message in bytes.
	Size int
	// Time is how long is sent.
	Time time.Duration
	// Window has a bulk test end on the server's side when Time has passed since the first message,
	// whatever is still under way. Else all that was sent is waited for.
	Window bool
	// Local and Remote are ports at 127.0.0.1. In a Setup test those of the n-th association are n
	// higher, for who needs ports of its own for each.
	Local, Remote uint16
	// Setups is how many associations a Setup test has at most.
	Setups int
}

// Loopback is where everything is.
var Loopback = netip.MustParseAddr("127.0.0.1")

// LocalAddr and RemoteAddr are the addresses of the n-th association.
func (c *Config) LocalAddr(n int) netip.AddrPort {
	return netip.AddrPortFrom(Loopback, c.Local+uint16(n))
}
func (c *Config) RemoteAddr(n int) netip.AddrPort {
	return netip.AddrPortFrom(Loopback, c.Remote+uint16(n))
}

// Parse reads a command line.
func Parse(args []string) (*Config, error) {
	c := new(Config)
	f := flag.NewFlagSet("worker", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&c.Server, "server", false, "")
	f.StringVar(&c.Test, "test", Bulk, "")
	f.IntVar(&c.Size, "size", 1024, "")
	f.DurationVar(&c.Time, "time", time.Second, "")
	f.BoolVar(&c.Window, "window", false, "")
	f.IntVar(&c.Setups, "setups", 1000, "")
	local, remote := f.Uint("local", 0, ""), f.Uint("remote", 0, "")
	if err := f.Parse(args); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	c.Local, c.Remote = uint16(*local), uint16(*remote)
	if c.Size < 2 {
		return nil, fmt.Errorf("worker: -size %d: a message has at least two bytes", c.Size)
	}
	return c, nil
}

// Args is what Parse reads.
func (c *Config) Args() []string {
	return []string{
		fmt.Sprintf("-server=%t", c.Server), "-test=" + c.Test, fmt.Sprintf("-size=%d", c.Size),
		"-time=" + c.Time.String(), fmt.Sprintf("-window=%t", c.Window),
		fmt.Sprintf("-local=%d", c.Local), fmt.Sprintf("-remote=%d", c.Remote), fmt.Sprintf("-setups=%d", c.Setups),
	}
}

// A Result is what one side has measured.
type Result struct {
	// Count is how many messages were received, round trips or associations.
	Count int64 `json:"count"`
	Bytes int64 `json:"bytes"`
	// Seconds are from the first to the last.
	Seconds float64 `json:"seconds"`
	// CPU is the user and system time of the process in the test, in seconds.
	CPU float64 `json:"cpu"`
	// P50 and P99 are of round trips or set-ups, in microseconds.
	P50 float64 `json:"p50,omitempty"`
	P99 float64 `json:"p99,omitempty"`
}
