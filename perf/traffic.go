// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// A Side is what one end of an association counted.
type Side struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"` // of payload
	// Nanoseconds are from the beginning of the test to the last message: sent, for who sends, or
	// received.
	Nanoseconds int64 `json:"nanoseconds"`
	// Packets, Retransmissions (DATA chunks sent again) and Timeouts (of T3-rtx) are those sent by
	// this end.
	Packets         uint64 `json:"packets"`
	Retransmissions uint64 `json:"retransmissions"`
	Timeouts        uint64 `json:"timeouts"`
}

// BytesPerSecond is the rate of payload.
func (s *Side) BytesPerSecond() float64 { return perSecond(s.Bytes, time.Duration(s.Nanoseconds)) }

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// A flow is one end of a bulk test under way. Its counters may be read meanwhile.
type flow struct {
	conn            *sctp.Conn
	opt             Options
	began           time.Time
	asked           bool // the answer to the request may come among the messages
	messages, bytes atomic.Int64
}

// side is what the flow has counted by now.
func (f *flow) side() *Side {
	s := f.conn.Stats()
	return &Side{
		Messages: f.messages.Load(), Bytes: f.bytes.Load(), Nanoseconds: int64(time.Since(f.began)),
		Packets: s.PacketsSent, Retransmissions: s.Retransmissions, Timeouts: s.T3Expirations,
	}
}

// send sends messages until time or bytes are over.
func (f *flow) send(ctx context.Context) error {
	timed, cancel := context.WithDeadline(ctx, f.began.Add(f.opt.Time))
	defer cancel()
	m := sctp.Message{PPID: PPIDData, Data: make([]byte, f.opt.Length), Unordered: f.opt.Unordered}
	for f.opt.Bytes == 0 || f.bytes.Load() < f.opt.Bytes {
		err := f.conn.Send(timed, m)
		if err != nil && timed.Err() != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		f.messages.Add(1)
		f.bytes.Add(int64(f.opt.Length))
		if m.Stream++; int(m.Stream) == f.opt.Streams {
			m.Stream = 0
		}
	}
	return nil
}

// receive receives messages until the other side has said how many there are. It returns what that has counted.
func (f *flow) receive(ctx context.Context) (other *Side, err error) {
	buf := make([]byte, max(f.opt.Length, maxControl))
	for other == nil || f.messages.Load() < other.Messages {
		m, err := f.conn.RecvBuf(ctx, buf)
		switch {
		case err != nil:
			return nil, ended(err)
		case m.PPID == PPIDData && len(m.Data) == f.opt.Length:
			f.messages.Add(1)
			f.bytes.Add(int64(len(m.Data)))
		case m.PPID == PPIDData:
			return nil, fmt.Errorf("perf: a message of %d bytes, not %d", len(m.Data), f.opt.Length)
		case m.PPID == PPIDControl && other == nil:
			x, err := parseControl(m.Data)
			switch {
			case err != nil:
				return nil, err
			case x.End != nil:
				other = x.End
			case f.asked && x.Error != "":
				return nil, x.reason()
			case f.asked && x.Ready:
				f.asked = false
			default:
				return nil, errWrongTime
			}
		default:
			return nil, fmt.Errorf("perf: a message with payload protocol identifier %d", m.PPID)
		}
	}
	if other.Messages != f.messages.Load() {
		return nil, fmt.Errorf("perf: %d messages have arrived of %d", f.messages.Load(), other.Messages)
	}
	return other, nil
}

// recvEnd waits for the other side's count.
func recvEnd(ctx context.Context, c *sctp.Conn) (*Side, error) {
	x, err := recvControl(ctx, c)
	if err != nil {
		return nil, err
	}
	if x.End == nil {
		return nil, errWrongTime
	}
	return x.End, nil
}

// bulk plays one end of a bulk test, and returns the counts of both.
func (f *flow) bulk(ctx context.Context, sends bool) (own, other *Side, err error) {
	if !sends {
		if other, err = f.receive(ctx); err != nil {
			return nil, nil, err
		}
		own = f.side()
		return own, other, sendControl(ctx, f.conn, exchange{End: own})
	}
	if err = f.send(ctx); err != nil {
		return nil, nil, ended(err)
	}
	own = f.side()
	if err = sendControl(ctx, f.conn, exchange{End: own}); err != nil {
		return nil, nil, ended(err)
	}
	if other, err = recvEnd(ctx, f.conn); err != nil {
		return nil, nil, err
	}
	// The last retransmissions come after the last message was queued.
	late := f.side()
	own.Packets, own.Retransmissions, own.Timeouts = late.Packets, late.Retransmissions, late.Timeouts
	return own, other, nil
}
