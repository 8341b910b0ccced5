// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	pion "github.com/pion/sctp"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

// pionInterleaving is what Pion negotiates by default (RFC 8260), if we do.
var pionInterleaving = sctp.Config{Interleaving: true, Scheduler: sctp.SchedulerRoundRobin}

// pionKinds are the configurations with and without I-DATA chunks.
var pionKinds = map[string]sctp.Config{"DATA": {}, "I-DATA": pionInterleaving}

// Messages of 1 byte to 64 KiB in both directions at once, on ten streams, in I-DATA chunks.
func TestPionInterleavedTransfer(t *testing.T) {
	for _, role := range pionRoles {
		for _, unordered := range []bool{false, true} {
			t.Run(fmt.Sprint(role.name, ", unordered ", unordered), func(t *testing.T) {
				ctx := pionContext(t)
				p := role.connect(t, ctx, pionInterleaving)
				require.True(t, p.ours.Interleaving())
				streams := make([]*pion.Stream, pionStreams)
				for i := range streams {
					streams[i] = p.open(t, uint16(i), unordered)
				}
				there := stream.Spec{Seed: 1, Bytes: 3e6, Streams: pionStreams}
				back := stream.Spec{Seed: 2, Bytes: 3e6, Streams: pionStreams}
				var atOurs stream.Digest
				atPion := make([]stream.Digest, pionStreams)
				wantOurs, wantPion := stream.Expect(back), stream.Expect(there)
				work := []func() error{
					func() error { return sendOurs(ctx, p.ours, there, unordered) },
					func() error { return sendPion(ctx, streams, back) },
					func() error { return recvOurs(ctx, p.ours, &atOurs, wantOurs.Total().Messages, unordered) },
				}
				for i, s := range streams {
					n := wantPion.Stream(uint16(i)).Messages
					work = append(work, func() error { return recvPion(s, &atPion[i], n) })
				}
				concurrently(t, ctx, p, work)
				for i := range uint16(pionStreams) {
					requireSum(t, unordered, wantOurs.Stream(i), atOurs.Stream(i), "pion to us, stream %d", i)
					requireSum(t, unordered, wantPion.Stream(i), atPion[i].Stream(i), "us to pion, stream %d", i)
				}
				s := p.ours.Stats()
				require.NotZero(t, s.IDataChunksSent)
				require.NotZero(t, s.IDataChunksReceived)
				require.Equal(t, s.DataChunksSent, s.IDataChunksSent)
				require.Equal(t, s.DataChunksReceived, s.IDataChunksReceived)
				require.NoError(t, p.ours.Shutdown(ctx))
			})
		}
	}
}

// A small message passes a large one that is under way, in either direction.
func TestPionSmallPassesLarge(t *testing.T) {
	const size = 512 << 10 // what Pion's receiver has room for, with what is behind it
	for _, role := range pionRoles {
		t.Run(role.name, func(t *testing.T) {
			ctx := pionContext(t)
			p := role.connect(t, ctx, pionInterleaving)
			p.pion.SetMaxMessageSize(size)
			large, small := p.open(t, 1, false), p.open(t, 2, false)
			data := bytes.Repeat([]byte("large"), size/5)

			require.NoError(t, p.ours.Send(ctx, sctp.Message{Stream: 1, Data: data}))
			require.NoError(t, p.ours.Send(ctx, sctp.Message{Stream: 2, Data: []byte("small")}))
			order := make(chan uint16, 2)
			for _, s := range []*pion.Stream{large, small} {
				go func() {
					buf := make([]byte, size)
					if n, err := s.Read(buf); err == nil && (n == 5 || bytes.Equal(buf[:n], data)) {
						order <- s.StreamIdentifier()
					}
				}()
			}
			require.EqualValues(t, 2, <-order)
			require.EqualValues(t, 1, <-order)

			_, err := large.WriteSCTP(data, pion.PayloadTypeWebRTCBinary)
			require.NoError(t, err)
			_, err = small.WriteSCTP([]byte("small"), pion.PayloadTypeWebRTCBinary)
			require.NoError(t, err)
			for _, want := range []uint16{2, 1} {
				m, err := p.ours.Recv(ctx)
				require.NoError(t, err)
				require.Equal(t, want, m.Stream)
			}
			require.NoError(t, p.ours.Shutdown(ctx))
		})
	}
}

// Partial reliability (RFC 3758) with both kinds of chunks, in both directions: what was not worth
// sending again is skipped, what comes after it arrives.
func TestPionPartialReliability(t *testing.T) {
	for kind, cfg := range pionKinds {
		for _, role := range pionRoles {
			for _, unordered := range []bool{false, true} {
				t.Run(fmt.Sprint(kind, ", ", role.name, ", unordered ", unordered), func(t *testing.T) {
					ctx := pionContext(t)
					cfg := cfg
					cfg.RTOInitial, cfg.RTOMin = 100*time.Millisecond, 100*time.Millisecond
					net := newLosing()
					cfg.Network = net
					p := role.connect(t, ctx, cfg)
					s := p.open(t, 3, unordered)

					// Ours are lost, then what tells of it is not.
					net.lose.Store(true)
					for range 3 {
						require.NoError(t, p.ours.Send(ctx, sctp.Message{Stream: 3, Unordered: unordered, Data: make([]byte, 3000), Reliability: sctp.MaxRetransmissions(0)}))
					}
					require.Eventually(t, func() bool { return p.ours.Abandoned(sctp.PRRetransmission).Sent >= 1 }, 20*time.Second, time.Millisecond)
					net.lose.Store(false)
					require.NoError(t, p.ours.Send(ctx, sctp.Message{Stream: 3, Unordered: unordered, PPID: 53, Data: []byte("after it")}))
					buf := make([]byte, stream.LargestMessage)
					for {
						n, err := s.Read(buf)
						require.NoError(t, err)
						if string(buf[:n]) == "after it" {
							break
						}
						require.Equal(t, 3000, n)
					}
					require.NotZero(t, p.ours.Stats().ForwardTSNsSent)

					// And Pion's.
					s.SetReliabilityParams(unordered, pion.ReliabilityTypeRexmit, 0)
					net.lose.Store(true)
					for range 3 {
						_, err := s.WriteSCTP(make([]byte, 3000), pion.PayloadTypeWebRTCBinary)
						require.NoError(t, err)
					}
					require.Eventually(t, func() bool { return net.lost.Load() >= 3 }, 20*time.Second, time.Millisecond)
					net.lose.Store(false)
					s.SetReliabilityParams(unordered, pion.ReliabilityTypeReliable, 0)
					_, err := s.WriteSCTP([]byte("after it"), pion.PayloadTypeWebRTCBinary)
					require.NoError(t, err)
					for {
						m, err := p.ours.Recv(ctx)
						require.NoError(t, err)
						require.Equal(t, unordered, m.Unordered)
						if string(m.Data) == "after it" {
							break
						}
						require.Len(t, m.Data, 3000)
					}
					require.NotZero(t, p.ours.Stats().ForwardTSNsReceived)
					require.NoError(t, p.ours.Shutdown(ctx))
				})
			}
		}
	}
}

// Streams are reset (RFC 6525) with both kinds of chunks, by either side, and used again.
func TestPionStreamReset(t *testing.T) {
	for kind, cfg := range pionKinds {
		for _, role := range pionRoles {
			t.Run(kind+", "+role.name, func(t *testing.T) {
				ctx := pionContext(t)
				p := role.connect(t, ctx, cfg)
				s := p.open(t, 4, false)
				buf := make([]byte, stream.LargestMessage)
				exchange := func(s *pion.Stream, text string) {
					t.Helper()
					for range 3 {
						require.NoError(t, p.ours.Send(ctx, sctp.Message{Stream: 4, PPID: 53, Data: []byte(text)}))
						n, err := s.Read(buf)
						require.NoError(t, err)
						require.Equal(t, text, string(buf[:n]))
						_, err = s.WriteSCTP(buf[:n], pion.PayloadTypeWebRTCBinary)
						require.NoError(t, err)
						m, err := p.ours.Recv(ctx)
						require.NoError(t, err)
						require.Equal(t, text, string(m.Data))
					}
				}
				exchange(s, "before")
				// Pion closes its half: it resets its outbound stream.
				require.NoError(t, s.Close())
				for {
					e, err := p.ours.NextEvent(ctx)
					require.NoError(t, err)
					if e, ok := e.(sctp.EventStreamReset); ok && e.Inbound {
						require.Equal(t, []uint16{4}, e.Streams)
						break
					}
				}
				// We answer by resetting ours, as WebRTC does, and Pion's reader ends.
				require.NoError(t, p.ours.ResetStreams(ctx, sctp.Outbound, 4))
				_, err := s.Read(buf)
				require.Error(t, err)
				exchange(p.open(t, 4, false), "after")
				require.NoError(t, p.ours.Shutdown(ctx))
			})
		}
	}
}
