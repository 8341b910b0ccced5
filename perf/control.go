// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// The payload protocol identifiers, which are registered nowhere.
const (
	// PPIDControl is that of control messages.
	PPIDControl sctp.PPID = 0x70657263 // "perc"
	// PPIDData is that of the messages that are measured.
	PPIDData sctp.PPID = 0x70657264 // "perd"
)

const (
	version = 1
	// maxControl bounds a control message in bytes.
	maxControl = 4 << 10
	// maxReason bounds what is shown of the other side's error.
	maxReason = 200
)

// An exchange is a control message. One of its fields is set.
type exchange struct {
	Version int      `json:"version"`
	Request *request `json:"request,omitempty"`
	Ready   bool     `json:"ready,omitempty"`
	Error   string   `json:"error,omitempty"`
	End     *Side    `json:"end,omitempty"`
}

// A request is what a client wants of the server.
type request struct {
	Test        string `json:"test"` // testBulk or testLatency
	Reverse     bool   `json:"reverse,omitempty"`
	Nanoseconds int64  `json:"nanoseconds"`
	Bytes       int64  `json:"bytes,omitempty"`
	Length      int    `json:"length"`
	Streams     int    `json:"streams"`
	Unordered   bool   `json:"unordered,omitempty"`
}

const (
	testBulk    = "bulk"
	testLatency = "latency"
)

func newRequest(o *Options) *request {
	r := &request{
		Test: testBulk, Reverse: o.Reverse, Nanoseconds: int64(o.Time), Bytes: o.Bytes,
		Length: o.Length, Streams: o.Streams, Unordered: o.Unordered,
	}
	if o.Latency {
		r.Test = testLatency
	}
	return r
}

// options are what is asked for, or an error that goes back to the client.
func (r *request) options() (o Options, err error) {
	if r.Test != testBulk && r.Test != testLatency {
		return o, fmt.Errorf("perf: there is no test %.20q", r.Test)
	}
	o = Options{
		Latency: r.Test == testLatency, Reverse: r.Reverse, Time: time.Duration(r.Nanoseconds), Bytes: r.Bytes,
		Length: r.Length, Streams: r.Streams, Unordered: r.Unordered,
	}
	return o, o.validate()
}

// errWrongTime: the other side does not keep to the exchange.
var errWrongTime = errors.New("perf: a control message at a wrong time")

// sendControl sends a control message.
func sendControl(ctx context.Context, c *sctp.Conn, x exchange) error {
	x.Version = version
	b, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("perf: %w", err)
	}
	return c.Send(ctx, sctp.Message{PPID: PPIDControl, Data: b})
}

// parseControl reads a control message.
func parseControl(b []byte) (x exchange, err error) {
	if len(b) > maxControl {
		return x, fmt.Errorf("perf: a control message of %d bytes", len(b))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&x); err != nil {
		return x, fmt.Errorf("perf: a control message that is none: %w", err)
	}
	if x.Version != version {
		return x, fmt.Errorf("perf: the other side speaks version %d, not %d", x.Version, version)
	}
	return x, nil
}

// recvControl waits for a control message where nothing else may come.
func recvControl(ctx context.Context, c *sctp.Conn) (exchange, error) {
	m, err := c.Recv(ctx)
	if errors.Is(err, io.EOF) {
		return exchange{}, fmt.Errorf("perf: the other side has ended the association: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return exchange{}, err
	}
	if m.PPID != PPIDControl {
		return exchange{}, fmt.Errorf("perf: a message with payload protocol identifier %d: the other side is no perf", m.PPID)
	}
	return parseControl(m.Data)
}

// reason is an error of the other side, fit for a terminal.
func (x *exchange) reason() error {
	return fmt.Errorf("perf: the server refuses: %.*q", maxReason, x.Error)
}
