// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	pion "github.com/pion/sctp"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/pionpeer"
	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

// pionQueued is what is still on its way when a test ends the association, in one direction. Less
// than what either end queues without waiting.
var pionQueued = stream.Spec{Seed: 3, Bytes: 500_000, Streams: 1}

// RFC 9260, Section 9.2: "the endpoint enters the SHUTDOWN-PENDING state and remains there until
// all outstanding data has been acknowledged by its peer."
func TestPionOurShutdownDeliversFirst(t *testing.T) {
	for _, role := range pionRoles {
		t.Run(role.name, func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{})
			s := p.open(t, 0, false)
			require.NoError(t, sendOurs(ctx, p.ours, pionQueued, false))
			ended := make(chan error, 1)
			go func() { ended <- p.ours.Shutdown(ctx) }()

			want := stream.Expect(pionQueued).Stream(0)
			var got stream.Digest
			require.NoError(t, recvPion(s, &got, want.Messages))
			require.Equal(t, want, got.Stream(0))
			require.NoError(t, <-ended)
			require.ErrorIs(t, p.ours.Err(), io.EOF)
			_, err := s.Read(make([]byte, 1))
			require.Error(t, err, "pion's end is closed, too")
			require.NotErrorIs(t, err, pion.ErrChunk, "by SHUTDOWN, not ABORT")
		})
	}
}

func TestPionItsShutdownDeliversFirst(t *testing.T) {
	for _, role := range pionRoles {
		t.Run(role.name, func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{})
			require.NoError(t, sendPion(ctx, []*pion.Stream{p.open(t, 0, false)}, pionQueued))
			ended := make(chan error, 1)
			go func() { ended <- p.pion.Shutdown(ctx) }()

			want := stream.Expect(pionQueued).Stream(0)
			var got stream.Digest
			require.NoError(t, recvOurs(ctx, p.ours, &got, want.Messages, false))
			require.Equal(t, want, got.Stream(0))
			_, err := p.ours.Recv(ctx)
			require.ErrorIs(t, err, io.EOF)
			require.NoError(t, <-ended)
			<-p.ours.Done()
			require.ErrorIs(t, p.ours.Err(), io.EOF)
		})
	}
}

// RFC 9260, Section 9.2: "If an endpoint is in the SHUTDOWN-SENT state and receives a SHUTDOWN
// chunk from its peer, the endpoint SHOULD respond immediately with a SHUTDOWN ACK chunk".
func TestPionBothShutDown(t *testing.T) {
	for _, role := range pionRoles {
		t.Run(role.name, func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{})
			ended := make(chan error, 1)
			go func() { ended <- p.ours.Shutdown(ctx) }()
			// Pion refuses to begin a shutdown after the peer has.
			if err := p.pion.Shutdown(ctx); err != nil {
				require.ErrorIs(t, err, pion.ErrShutdownNonEstablished)
			}
			require.NoError(t, <-ended)
			require.ErrorIs(t, p.ours.Err(), io.EOF)
		})
	}
}

// RFC 9260, Section 9.1: an aborting endpoint tells its peer, and may tell the reason.
func TestPionAborts(t *testing.T) {
	for _, role := range pionRoles {
		t.Run(role.name+"/we abort", func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{})
			s := p.open(t, 0, false)
			require.NoError(t, p.ours.Abort("enough of this"))
			_, err := s.Read(make([]byte, 1))
			require.ErrorIs(t, err, pion.ErrChunk)
			require.ErrorIs(t, err, pion.ErrUserInitiatedAbort)
			require.ErrorContains(t, err, "enough of this")
		})
		t.Run(role.name+"/pion aborts", func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{})
			p.pion.Abort("no more")
			_, err := p.ours.Recv(ctx)
			var abort *sctp.AbortError
			require.ErrorAs(t, err, &abort)
			require.True(t, abort.Peer)
			require.Equal(t, "no more", abort.Reason)
		})
	}
}

// Pion's Close sends nothing. RFC 9260, Section 8.1: "If the value of this counter exceeds the
// limit indicated in the protocol parameter 'Association.Max.Retrans', the endpoint SHOULD consider
// the peer endpoint unreachable".
func TestPionLeavesWithoutAWord(t *testing.T) {
	for _, role := range pionRoles {
		t.Run(role.name, func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, sctp.Config{
				RTOInitial: 20 * time.Millisecond, RTOMin: 20 * time.Millisecond, RTOMax: 40 * time.Millisecond,
				AssociationMaxRetrans: 2, PathMaxRetrans: 2,
			})
			require.NoError(t, p.pion.Close())
			require.NoError(t, p.ours.Send(ctx, sctp.Message{Data: []byte("anyone?")}))
			_, err := p.ours.Recv(ctx)
			var lost *sctp.LostError
			require.ErrorAs(t, err, &lost)
		})
	}
}

// Associations of one host with the same SCTP ports on both sides differ in their UDP ports only
// (RFC 6951, Section 5.1), and each end gets what is its own.
func TestPionManyClients(t *testing.T) {
	const clients = 8
	ctx := pionContext(t)
	stack := pionStack(t, sctp.Config{})
	ln, err := stack.Listen(pionpeer.Port)
	require.NoError(t, err)

	served := make(chan error, clients)
	go func() {
		for range clients {
			c, err := ln.Accept(ctx)
			if err != nil {
				served <- err
				continue
			}
			go func() { served <- echo(ctx, c) }()
		}
	}()
	done := make(chan error, clients)
	for i := range clients {
		s := pionSocket(t, stack)
		go func() { done <- pionClient(ctx, s, uint64(i)) }()
	}
	for range clients {
		require.NoError(t, <-done)
	}
	for range clients {
		require.NoError(t, <-served)
	}
	require.EqualValues(t, clients, stack.Stats().Established)
}

// echo returns all messages, after one that tells the client's UDP port, until the client ends the
// association gracefully.
func echo(ctx context.Context, c *sctp.Conn) error {
	port := fmt.Append(nil, c.RemoteAddr().EncapPort)
	if err := c.Send(ctx, sctp.Message{Data: port}); err != nil {
		return err
	}
	for {
		m, err := c.Recv(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.Send(ctx, m); err != nil {
			return err
		}
	}
}

func pionClient(ctx context.Context, s *pionpeer.Socket, seed uint64) error {
	port := s.LocalAddr().Port()
	a, err := s.Dial(ctx)
	if err != nil {
		return err
	}
	// The server speaks first: the stream is the server's.
	st, err := a.AcceptStream()
	if err != nil {
		return err
	}
	buf := make([]byte, stream.LargestMessage)
	n, err := st.Read(buf)
	if err != nil {
		return err
	}
	if want := fmt.Sprint(port); string(buf[:n]) != want {
		return fmt.Errorf("the server says our UDP port is %q, want %q", buf[:n], want)
	}
	spec := stream.Spec{Seed: seed, Bytes: 200_000, Streams: 1}
	if err := sendPion(ctx, []*pion.Stream{st}, spec); err != nil {
		return err
	}
	want := stream.Expect(spec).Stream(0)
	var got stream.Digest
	if err := recvPion(st, &got, want.Messages); err != nil {
		return err
	}
	if got.Stream(0) != want {
		return fmt.Errorf("client %d got back %v, want %v", seed, got.Stream(0), want)
	}
	return a.Shutdown(ctx)
}
