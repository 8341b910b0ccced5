// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// partsOf is what a user has got, in short.
func partsOf(e *endpoint) (out []string) {
	for _, m := range e.msgs {
		u := ""
		if m.Unordered {
			u = "u"
		}
		out = append(out, fmt.Sprintf("%d%s:%v:%s", m.Stream, u, m.Part, m.Data))
	}
	e.msgs = nil
	return out
}

// inParts is a tester whose peer delivers parts of 4 bytes.
func inParts(t *testing.T, interleaved bool) (*tester, *Association) {
	x := newTester(t, Config{PartialDeliveryPoint: 4, Interleaving: interleaved})
	types := []wire.ChunkType{wire.ChunkReconfig, wire.ChunkForwardTSN}
	if interleaved {
		types = append(types, wire.ChunkIData, wire.ChunkIForwardTSN)
	}
	x.init.Params = wire.AppendForwardTSNSupported(wire.AppendSupportedExtensions(nil, types...))
	return x, x.connect()
}

// A piece is a DATA or an I-DATA chunk.
type piece struct {
	stream uint16
	flags  uint8
	number uint32 // SSN or MID
	fsn    wire.FSN
	text   string
}

func (x *tester) piece(interleaved bool, d piece) []byte {
	if interleaved {
		return x.idata(wire.IData{Stream: d.stream, Flags: d.flags, MID: wire.MID(d.number), FSN: d.fsn, Payload: []byte(d.text)})
	}
	return x.data(wire.Data{Stream: d.stream, Flags: d.flags, SSN: wire.SSN(d.number), Payload: []byte(d.text)})
}

// What is delivered after each chunk.
func TestPartialDelivery(t *testing.T) {
	const b, e, u = wire.DataBegin, wire.DataEnd, wire.DataUnordered
	for _, tt := range []struct {
		name   string
		pieces []piece
		want   []string
	}{
		{"ordered", []piece{{0, b, 0, 0, "abcd"}, {0, 0, 0, 1, "ef"}, {0, 0, 0, 2, "gh"}, {0, e, 0, 3, "i"}, {0, b | e, 1, 0, "next"}},
			[]string{"0:first:abcd", "0:middle:efgh", "0:last:i", "0:whole:next"}},
		{"unordered", []piece{{0, b | u, 0, 0, "abcd"}, {0, u, 0, 1, "efgh"}, {0, e | u, 0, 2, "i"}},
			[]string{"0u:first:abcd", "0u:middle:efgh", "0u:last:i"}},
		{"no larger than the point", []piece{{0, b, 0, 0, "abc"}, {0, e, 0, 1, "d"}}, []string{"0:whole:abcd"}},
		{"complete as soon as it is larger", []piece{{0, b, 0, 0, "abc"}, {0, e, 0, 1, "defgh"}}, []string{"0:whole:abcdefgh"}},
		{"not its turn", []piece{{0, b, 1, 0, "abcd"}, {0, 0, 1, 1, "efgh"}}, nil},
	} {
		for _, interleaved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, interleaved %v", tt.name, interleaved), func(t *testing.T) {
				x, z := inParts(t, interleaved)
				for _, d := range tt.pieces {
					x.say(x.piece(interleaved, d))
					require.NoError(t, z.Check())
				}
				require.Equal(t, tt.want, partsOf(x.p.z))
			})
		}
	}
}

// What waits behind a gap may be larger than MaxMessageSize.
func TestPartialDeliveryAfterAGap(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		x, z := inParts(t, interleaved)
		z.cfg.MaxMessageSize = 8
		var chunks [][]byte
		for fsn := range wire.FSN(8) {
			flags := uint8(0)
			switch fsn {
			case 0:
				flags = wire.DataBegin
			case 7:
				flags = wire.DataEnd
			}
			chunks = append(chunks, x.piece(interleaved, piece{0, flags, 0, fsn, "abcd"}))
		}
		chunks = append(chunks[:1], append(chunks[2:], chunks[1])...)
		for _, c := range chunks {
			x.say(c)
			require.NoError(t, z.Check())
			require.Equal(t, StateEstablished, z.State())
		}
		require.Equal(t, []string{"0:first:abcd", "0:last:" + strings.Repeat("abcd", 7)}, partsOf(x.p.z), "interleaved %v", interleaved)
	}
}

// Messages of several streams, and an ordered and an unordered one of the same stream, may be
// delivered in part at the same time.
func TestInterleavedParts(t *testing.T) {
	const b, e, u = wire.DataBegin, wire.DataEnd, wire.DataUnordered
	x, z := inParts(t, true)
	for _, d := range []piece{
		{0, b, 0, 0, "aaaa"}, {1, b, 0, 0, "bbbb"}, {0, b | u, 0, 0, "cccc"}, {0, b | u, 1, 0, "dddd"}, {0, b, 1, 0, "eeee"},
		{0, e, 0, 1, "a"}, {0, e | u, 0, 1, "c"}, {0, u, 1, 1, "d"}, {1, e, 0, 1, "b"}, {0, e | u, 1, 2, "d"}, {0, e, 1, 1, "e"},
	} {
		x.say(x.piece(true, d))
		require.NoError(t, z.Check())
	}
	require.Equal(t, []string{
		"0:first:aaaa", "1:first:bbbb", "0u:first:cccc", "0:last:a", "0:first:eeee", "0u:last:c", "0u:first:ddddd",
		"1:last:b", "0u:last:d", "0:last:e",
	}, partsOf(x.p.z))
	require.Empty(t, z.reassembly.begun)
	require.Zero(t, z.reassembly.held)
}

// RFC 3758, Section 3.6: "a notification SHOULD also be generated to inform the upper layer
// API that the message being partially delivered will NOT be completed" - before what
// follows is delivered. The same holds when a stream is reset, or the association ends.
func TestPartialDeliveryIsCut(t *testing.T) {
	const b, e = wire.DataBegin, wire.DataEnd
	for _, interleaved := range []bool{false, true} {
		begin := func(t *testing.T) (*tester, *Association) {
			x, z := inParts(t, interleaved)
			x.say(x.piece(interleaved, piece{2, b, 0, 0, "abcd"}))
			require.Equal(t, []string{"2:first:abcd"}, partsOf(x.p.z))
			return x, z
		}
		check := func(t *testing.T, x *tester, z *Association, want ...string) {
			require.Equal(t, want, partsOf(x.p.z))
			require.NoError(t, z.Check())
			require.Empty(t, z.reassembly.begun)
		}
		name := fmt.Sprintf(", interleaved %v", interleaved)
		t.Run("FORWARD TSN"+name, func(t *testing.T) {
			x, z := begin(t)
			x.tsn++ // a middle, lost
			x.say(x.piece(interleaved, piece{2, b | e, 1, 0, "next"}))
			require.Empty(t, partsOf(x.p.z))
			f := wire.ForwardTSN{NewCumTSN: x.tsn - 2, Streams: []wire.SkippedStream{{Stream: 2, SSN: 0}}}
			i := wire.IForwardTSN{NewCumTSN: x.tsn - 2, Streams: []wire.SkippedMessage{{Stream: 2, MID: 0}}}
			if interleaved {
				x.say(i.Append(nil))
			} else {
				x.say(f.Append(nil))
			}
			check(t, x, z, "2:cut:", "2:whole:next")
		})
		t.Run("stream reset"+name, func(t *testing.T) {
			x, z := begin(t)
			req := wire.StreamReset{RequestSeq: wire.Seq(x.init.InitialTSN), LastTSN: x.tsn - 1, Streams: []uint16{2}}
			x.say((&wire.Reconfig{Params: req.Append(nil)}).Append(nil))
			check(t, x, z, "2:cut:")
			x.say(x.piece(interleaved, piece{2, b | e, 0, 0, "next"}))
			if !interleaved && z.State() == StateClosed {
				return
			}
			check(t, x, z, "2:whole:next")
		})
		t.Run("ABORT"+name, func(t *testing.T) {
			x, z := begin(t)
			x.say(wire.AppendAbort(nil, false, nil))
			require.Equal(t, StateClosed, z.State())
			check(t, x, z, "2:cut:")
		})
		t.Run("SHUTDOWN"+name, func(t *testing.T) {
			x, z := begin(t)
			x.say(wire.AppendShutdown(nil, z.out.cumAck))
			check(t, x, z, "2:cut:")
		})
	}
}

// A message that has no end is received for ever, whatever MaxMessageSize; what is
// delivered and not read closes the window.
func TestMessageWithoutEnd(t *testing.T) {
	const b, size = wire.DataBegin, 1000
	for _, interleaved := range []bool{false, true} {
		x := newTester(t, Config{PartialDeliveryPoint: 3000, Interleaving: interleaved, MaxMessageSize: 4000, RecvBuffer: 20_000})
		if interleaved {
			x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData)
		}
		z := x.connect()
		text := string(bytes.Repeat([]byte{'x'}, size))
		flags := uint8(b)
		for i := range 1000 {
			x.say(x.piece(interleaved, piece{0, flags, 0, wire.FSN(i), text}))
			flags = 0
			require.Less(t, z.buffered(), 8000)
		}
		require.Equal(t, StateEstablished, z.State())
		require.Len(t, x.p.z.msgs, 333)
		x.p.z.slow = true
		for i := range 100 {
			x.say(x.piece(interleaved, piece{0, 0, 0, wire.FSN(1000 + i), text}))
		}
		require.Equal(t, StateEstablished, z.State())
		require.Less(t, z.buffered(), 2*20_000+4000)
		require.Zero(t, z.arwnd())
	}
}

// Interleaved beginnings that fill the window are delivered in part though none is as
// large as the point: without, the association is aborted.
func TestPartialDeliveryRelievesTheWindow(t *testing.T) {
	x := newTester(t, Config{PartialDeliveryPoint: 4000, Interleaving: true, MaxMessageSize: 4000, RecvBuffer: 10_000})
	x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkIData)
	z := x.connect()
	text := string(bytes.Repeat([]byte{'x'}, 1000))
	for fsn := range wire.FSN(5) {
		for id := range uint16(10) {
			flags := uint8(0)
			if fsn == 0 {
				flags = wire.DataBegin
			}
			if x.say(x.piece(true, piece{id, flags, 0, fsn, text})); z.State() != StateEstablished {
				t.Fatal("aborted")
			}
			if z.tracker.highest() != x.tsn-1 {
				x.tsn-- // it was dropped: again
				x.say(x.piece(true, piece{id, flags, 0, fsn, text}))
			}
			require.Equal(t, x.tsn-1, z.tracker.highest())
			require.NoError(t, z.Check())
		}
	}
	require.NotEmpty(t, x.p.z.msgs)
}

// All messages of a transfer with losses arrive, in parts or whole.
func TestPartialDeliveryWithLoss(t *testing.T) {
	for _, cfg := range []Config{{}, {Interleaving: true, Scheduler: SchedulerRoundRobin}} {
		cfg.PartialDeliveryPoint, cfg.RecvBuffer, cfg.MTU = 5000, 50_000, 1500
		p, a, z := established(t, cfg)
		n := 0
		p.a.filter = func(Datagram) bool { n++; return n%13 != 0 }
		var want int
		for i := range 60 {
			m := Message{Stream: uint16(i % 4), Unordered: i%5 == 0, PPID: wire.PPID(i), Data: bytes.Repeat([]byte{byte(i)}, 1+i*977)}
			require.NoError(t, a.Send(p.now, m))
			want++
		}
		for range 300 {
			p.run(time.Second)
			require.NoError(t, z.Check())
		}
		var parts Assembler
		got, inParts := 0, 0
		for _, m := range p.z.msgs {
			if m.Part.More() {
				inParts++
			}
			w, complete, err := parts.Add(m)
			require.NoError(t, err)
			if complete {
				got++
				require.Equal(t, bytes.Repeat([]byte{byte(w.PPID)}, 1+int(w.PPID)*977), w.Data)
			}
		}
		require.Equal(t, want, got)
		require.EqualValues(t, want, z.Stats().MessagesReceived)
		require.Greater(t, inParts, 5)
		require.Zero(t, parts.Open())
	}
}

func TestPartialDeliveryPointIsChecked(t *testing.T) {
	for _, c := range []Config{
		{PartialDeliveryPoint: -1}, {PartialDeliveryPoint: 3000, MaxMessageSize: 2999}, {PartialDeliveryPoint: 3000, RecvBuffer: 2000},
	} {
		_, err := c.WithDefaults()
		require.ErrorContains(t, err, "PartialDeliveryPoint")
	}
	require.Equal(t, "whole first middle last cut invalid", fmt.Sprint(PartWhole, PartFirst, PartMiddle, PartLast, PartCut, Part(9)))
}

// As many messages as the receive buffer has room for beginnings may be under way in
// parts: their ends still get in.
func TestManyMessagesInParts(t *testing.T) {
	x := newTester(t, Config{PartialDeliveryPoint: 100, Interleaving: true, RecvBuffer: 10_000})
	x.init.OutboundStreams = 200
	x.init.Params = wire.AppendForwardTSNSupported(wire.AppendSupportedExtensions(nil, wire.ChunkForwardTSN, wire.ChunkIData, wire.ChunkIForwardTSN))
	z := x.connect()
	const streams = 200
	text := strings.Repeat("x", 100)
	for s := range uint16(streams) {
		x.say(x.piece(true, piece{s, wire.DataBegin, 0, 0, text}))
		require.Len(t, partsOf(x.p.z), 1, "stream %d", s)
		require.NoError(t, z.Check())
	}
	require.Positive(t, z.arwnd())
	for s := range uint16(streams) {
		x.say(x.piece(true, piece{s, wire.DataEnd, 0, 1, "y"}))
		require.Equal(t, []string{fmt.Sprintf("%d:last:y", s)}, partsOf(x.p.z))
	}
	require.Empty(t, z.reassembly.begun)
	require.Zero(t, z.buffered())
}

// A message with the number of one that is under way in parts is a contradiction.
func TestTwoMessagesOfOneNumber(t *testing.T) {
	x, z := inParts(t, false)
	x.say(x.piece(false, piece{1, wire.DataBegin, 0, 0, "aaaaa"}))
	x.data(wire.Data{}) // a TSN that does not come
	x.say(x.piece(false, piece{1, wire.DataBegin | wire.DataEnd, 0, 0, "evil"}))
	require.Equal(t, StateClosed, z.State())
	require.Equal(t, []string{"1:first:aaaaa", "1:cut:"}, partsOf(x.p.z))
}
