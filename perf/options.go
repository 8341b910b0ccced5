// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"time"
)

// The bounds of what can be asked for.
const (
	// MaxLength is the longest message in bytes.
	MaxLength = 16 << 20
	// MaxTime is the longest test.
	MaxTime = 24 * time.Hour
	// MaxParallel is how many associations a client measures at once.
	MaxParallel = 1024
	// DefaultTime is how long a test takes that is bounded in nothing.
	DefaultTime = 10 * time.Second
	// DefaultLength is the length of a message of a bulk test in bytes.
	DefaultLength = 64 << 10
	// DefaultLatencyLength is the length of a message of a latency test in bytes.
	DefaultLatencyLength = 64
	// DefaultPort is the SCTP port of a Server.
	DefaultPort = 5201
)

// Options say what is measured. The zero value of a field means its default.
type Options struct {
	// Latency sends messages there and back, one at a time. Default: one way, as fast as it goes.
	Latency bool
	// Reverse has the server send.
	Reverse bool
	// Time is how long messages are sent. Default: DefaultTime, or without end if Bytes is set.
	Time time.Duration
	// Bytes is how much is sent on each association, in whole messages. Default: no bound.
	Bytes int64
	// Length is the size of a message in bytes. Default: DefaultLength or DefaultLatencyLength.
	Length int
	// Streams is how many streams the messages take in turn. Default: 1.
	Streams int
	// Unordered messages may overtake each other (RFC 9260, Section 6.6).
	Unordered bool
	// Parallel is how many associations there are. Default: 1.
	Parallel int
	// Interval is the time between two reports. Default: 1 s. Negative: there are none.
	Interval time.Duration
}

// withDefaults returns a copy with every zero field filled in, or an error that names the field.
func (o Options) withDefaults() (Options, error) {
	if o.Time == 0 {
		o.Time = DefaultTime
		if o.Bytes > 0 {
			o.Time = MaxTime
		}
	}
	if o.Length == 0 {
		o.Length = DefaultLength
		if o.Latency {
			o.Length = DefaultLatencyLength
		}
	}
	o.Streams = max(o.Streams, 1)
	if o.Parallel == 0 {
		o.Parallel = 1
	}
	if o.Interval == 0 {
		o.Interval = time.Second
	}
	if o.Parallel < 1 || o.Parallel > MaxParallel {
		return o, fmt.Errorf("perf: Parallel: %d is not within 1 to %d", o.Parallel, MaxParallel)
	}
	return o, o.validate()
}

// validate checks what the other side is asked for.
func (o *Options) validate() error {
	switch {
	case o.Time <= 0 || o.Time > MaxTime:
		return fmt.Errorf("perf: Time: %v is not within 1ns to %v", o.Time, MaxTime)
	case o.Bytes < 0:
		return fmt.Errorf("perf: Bytes: %d is negative", o.Bytes)
	case o.Length < 1 || o.Length > MaxLength:
		return fmt.Errorf("perf: Length: %d is not within 1 to %d", o.Length, MaxLength)
	case o.Streams < 1 || o.Streams > 65535:
		return fmt.Errorf("perf: Streams: %d is not within 1 to 65535", o.Streams)
	case o.Latency && o.Reverse:
		return fmt.Errorf("perf: Reverse: a latency test goes both ways")
	}
	return nil
}
