// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

// streams is how many streams the traffic uses.
const streams = 10

func spec(seed uint64, bytes int64) stream.Spec {
	return stream.Spec{Seed: seed, Bytes: bytes, Streams: streams}
}

// expect returns what arrives of several specs, sent one after the other.
func expect(specs ...stream.Spec) *stream.Digest {
	d := &stream.Digest{}
	for _, spec := range specs {
		s := stream.NewSource(spec)
		for m, ok := s.Next(); ok; m, ok = s.Next() {
			d.Add(m.Stream, m.PPID, m.Data)
		}
	}
	return d
}

// send sends the messages of a spec in order and returns the error of the first that failed.
func send(ctx context.Context, c *sctp.Conn, spec stream.Spec) error {
	src := stream.NewSource(spec)
	for m, ok := src.Next(); ok; m, ok = src.Next() {
		if err := c.Send(ctx, sctp.Message{Stream: m.Stream, PPID: sctp.PPID(m.PPID), Data: m.Data}); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	return nil
}

// A reception is the reading of an association to its end.
type reception struct {
	digest stream.Digest // valid after done
	err    error         // what Recv returned last; valid after done
	done   chan struct{}
}

// receive reads all messages. More, if not nil, is called with each and the bytes received so far.
func receive(ctx context.Context, c *sctp.Conn, more func(m sctp.Message, bytes int64)) *reception {
	r := &reception{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		buf := make([]byte, stream.LargestMessage)
		var bytes int64
		for {
			var m sctp.Message
			if m, r.err = c.RecvBuf(ctx, buf); r.err != nil {
				return
			}
			if m.Unordered {
				r.err = errors.New("an unordered message")
				return
			}
			r.digest.Add(m.Stream, uint32(m.PPID), m.Data)
			if bytes += int64(len(m.Data)); more != nil {
				more(m, bytes)
			}
		}
	}()
	return r
}

// end waits for the end of the association and returns what ended it.
func (r *reception) end(t *testing.T, ctx context.Context) error {
	t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		require.Fail(t, "still receiving")
		return nil
	}
}

// got waits for a graceful end and judges what arrived.
func (r *reception) got(t *testing.T, ctx context.Context, want *stream.Digest) {
	t.Helper()
	require.ErrorIs(t, r.end(t, ctx), io.EOF)
	require.Equal(t, want.Streams(), r.digest.Streams())
	for _, id := range want.Streams() {
		require.Equal(t, want.Stream(id), r.digest.Stream(id), "stream %d", id)
	}
}

// got waits for the peer's report on one direction ("sent", "rcvd"), stream by stream, and returns
// its MB/s.
func (p program) got(t *testing.T, ctx context.Context, dir string, want *stream.Digest) string {
	t.Helper()
	for _, id := range want.Streams() {
		m := p.WaitLine(ctx, fmt.Sprintf("^event=stream dir=%s stream=%d (.*)$", dir, id))
		require.Equal(t, want.Stream(id).String(), m[1], "%s on stream %d", dir, id)
	}
	return p.WaitLine(ctx, "^event=total dir="+dir+" "+want.Total().String()+" .*MBps=(.*)$")[1]
}
