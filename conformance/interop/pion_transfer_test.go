// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"fmt"
	"io"
	"testing"

	pion "github.com/pion/sctp"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/pionpeer"
	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

const pionStreams = 10

// Both ends send at once, on ten streams, messages of 1 byte to 64 KiB. Everything arrives once,
// whole, on its stream and, where it is ordered, in order; and nothing more.
func TestPionTransfer(t *testing.T) {
	for _, role := range pionRoles {
		for _, unordered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/unordered=%t", role.name, unordered), func(t *testing.T) {
				ctx := pionContext(t)
				p := role.connect(t, ctx, sctp.Config{})
				there := stream.Spec{Seed: 1, Bytes: pionBytes, Streams: pionStreams}
				back := stream.Spec{Seed: 2, Bytes: pionBytes, Streams: pionStreams}
				streams := make([]*pion.Stream, pionStreams)
				for i := range streams {
					streams[i] = p.open(t, uint16(i), unordered)
				}

				work := []func() error{
					func() error { return sendOurs(ctx, p.ours, there, unordered) },
					func() error { return sendPion(ctx, streams, back) },
				}
				var atOurs stream.Digest
				wantOurs := stream.Expect(back)
				work = append(work, func() error {
					return recvOurs(ctx, p.ours, &atOurs, wantOurs.Total().Messages, unordered)
				})
				atPion := make([]stream.Digest, pionStreams)
				wantPion := stream.Expect(there)
				for i, s := range streams {
					n := wantPion.Stream(uint16(i)).Messages
					work = append(work, func() error { return recvPion(s, &atPion[i], n) })
				}
				concurrently(t, ctx, p, work)

				for i := range uint16(pionStreams) {
					requireSum(t, unordered, wantOurs.Stream(i), atOurs.Stream(i), "pion to us, stream %d", i)
					requireSum(t, unordered, wantPion.Stream(i), atPion[i].Stream(i), "us to pion, stream %d", i)
				}
				require.NoError(t, p.ours.Shutdown(ctx))
				m, err := p.ours.Recv(ctx)
				require.ErrorIs(t, err, io.EOF, "a message too many: %d bytes on stream %d", len(m.Data), m.Stream)
				for i, s := range streams {
					n, err := s.Read(make([]byte, stream.LargestMessage))
					require.Error(t, err, "a message too many: %d bytes on stream %d", n, i)
				}
			})
		}
	}
}

// requireSum compares what arrived on a stream. Unordered messages may have overtaken each other.
func requireSum(t *testing.T, unordered bool, want, got stream.StreamSum, format string, args ...any) {
	t.Helper()
	if unordered {
		want.Hash, got.Hash = 0, 0
	}
	require.Equal(t, want, got, fmt.Sprintf(format, args...))
}

// concurrently does all of work at once. The first error ends the association, and so the rest.
func concurrently(t *testing.T, ctx context.Context, p pionPair, work []func() error) {
	t.Helper()
	errs := make(chan error, len(work))
	for _, f := range work {
		go func() { errs <- f() }()
	}
	for range work {
		var err error
		select {
		case err = <-errs:
		case <-ctx.Done():
			err = fmt.Errorf("%w: ours %+v", ctx.Err(), p.ours.Stats())
		}
		if err != nil {
			p.ours.Abort("test failed")
			p.pion.Close()
			t.Fatal(err)
		}
	}
}

func sendOurs(ctx context.Context, c *sctp.Conn, spec stream.Spec, unordered bool) error {
	src := stream.NewSource(spec)
	for m, ok := src.Next(); ok; m, ok = src.Next() {
		err := c.Send(ctx, sctp.Message{
			Stream: m.Stream, PPID: sctp.PPID(m.PPID), Data: m.Data, Unordered: unordered,
		})
		if err != nil {
			return fmt.Errorf("our Send: %w", err)
		}
	}
	return nil
}

func recvOurs(ctx context.Context, c *sctp.Conn, d *stream.Digest, messages int64, unordered bool) error {
	buf := make([]byte, stream.LargestMessage)
	for range messages {
		m, err := c.RecvBuf(ctx, buf)
		if err != nil {
			return fmt.Errorf("our Recv after %v: %w", d.Total(), err)
		}
		if m.Unordered != unordered {
			return fmt.Errorf("our Recv after %v: unordered %t", d.Total(), m.Unordered)
		}
		d.Add(m.Stream, uint32(m.PPID), m.Data)
	}
	return nil
}

func sendPion(ctx context.Context, streams []*pion.Stream, spec stream.Spec) error {
	writers := make([]*pionpeer.Writer, len(streams))
	for i, s := range streams {
		writers[i] = pionpeer.NewWriter(s, ctx.Done())
	}
	src := stream.NewSource(spec)
	for m, ok := src.Next(); ok; m, ok = src.Next() {
		if err := writers[m.Stream].Write(m.Data, m.PPID); err != nil {
			return fmt.Errorf("pion's Write: %w", err)
		}
	}
	return nil
}

func recvPion(s *pion.Stream, d *stream.Digest, messages int64) error {
	buf := make([]byte, stream.LargestMessage)
	for range messages {
		n, ppid, err := s.ReadSCTP(buf)
		if err != nil {
			return fmt.Errorf("pion's Read on stream %d after %v: %w", s.StreamIdentifier(), d.Total(), err)
		}
		d.Add(s.StreamIdentifier(), uint32(ppid), buf[:n])
	}
	return nil
}
