// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// eventsOf returns the events of a type.
func eventsOf[E Event](all []Event) (out []E) {
	for _, e := range all {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

func sendOn(t *testing.T, p *pair, a *Association, stream uint16, texts ...string) {
	t.Helper()
	for _, s := range texts {
		require.NoError(t, a.Send(p.now, Message{Stream: stream, Data: []byte(s)}))
	}
}

func texts(e *endpoint) (out []string) {
	for _, m := range e.msgs {
		out = append(out, fmt.Sprintf("%d:%s", m.Stream, m.Data))
	}
	return out
}

// RFC 6525, Sections 5.1.2 and 5.2.2: from either side, for some streams or
// all, and what was queued before and after arrives in order.
func TestStreamReset(t *testing.T) {
	for _, tt := range []struct {
		name     string
		out, in  bool
		ids      []uint16
		wantA    []uint16 // next SSNs of A's streams 0 to 2, when two messages went on each
		wantZ    []uint16
		outcomes int
	}{
		{"outbound, some", true, false, []uint16{0, 2}, []uint16{0, 2, 0}, []uint16{2, 2, 2}, 1},
		{"outbound, all", true, false, nil, []uint16{0, 0, 0}, []uint16{2, 2, 2}, 1},
		{"inbound, some", false, true, []uint16{1}, []uint16{2, 2, 2}, []uint16{2, 0, 2}, 1},
		{"inbound, all", false, true, nil, []uint16{2, 2, 2}, []uint16{0, 0, 0}, 1},
		{"both", true, true, []uint16{1}, []uint16{2, 0, 2}, []uint16{2, 0, 2}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			a, z := p.connect()
			for _, x := range []*Association{a, z} {
				for id := range uint16(3) {
					sendOn(t, p, x, id, "a", "b")
				}
			}
			require.NoError(t, a.ResetStreams(p.now, tt.out, tt.in, tt.ids...))
			require.ErrorIs(t, a.ResetStreams(p.now, true, false), ErrRequestInProgress)
			p.pump()
			p.run(time.Second)
			n, err := a.Reconfigured()
			require.EqualValues(t, 1, n)
			require.NoError(t, err)
			ssns := func(x *Association) (out []uint16) {
				for id := range 3 {
					out = append(out, uint16(x.queue.nextSSN[id]))
				}
				return out
			}
			require.Equal(t, tt.wantA, ssns(a))
			require.Equal(t, tt.wantZ, ssns(z))
			got := eventsOf[EventStreamReset](p.a.events)
			require.Len(t, got, tt.outcomes)
			for _, e := range append(got, eventsOf[EventStreamReset](p.z.events)...) {
				require.NoError(t, e.Err)
				require.Equal(t, len(tt.ids), len(e.Streams))
			}
			for _, x := range []*Association{a, z} {
				for id := range uint16(3) {
					sendOn(t, p, x, id, "c", "d")
				}
			}
			p.pump()
			p.run(time.Second)
			want := []string{"0:a", "0:b", "1:a", "1:b", "2:a", "2:b", "0:c", "0:d", "1:c", "1:d", "2:c", "2:d"}
			require.Equal(t, want, texts(p.z))
			require.Equal(t, want, texts(p.a))
		})
	}
}

// Section 5.1.2, A1: what is sent after the request waits, what was sent before
// goes first, with the request and the answer lost.
func TestStreamResetWithLoss(t *testing.T) {
	for _, lost := range []int{1, 2} {
		for _, side := range []string{"request", "answer"} {
			p := newPair(t, Config{})
			a, z := p.connect()
			sendN(t, p, a, 5, 3000)
			require.NoError(t, a.ResetStreams(p.now, true, false, 0))
			sendOn(t, p, a, 0, "after", "that")
			e := p.a
			if side == "answer" {
				e = p.z
			}
			n := 0
			e.filter = func(d Datagram) bool {
				for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
					if c.Type == wire.ChunkReconfig {
						n++
						return n > lost
					}
				}
				return true
			}
			p.pump()
			require.Len(t, p.z.msgs, 5)
			p.run(20 * time.Second)
			require.Len(t, p.z.msgs, 7, "%s lost %d times", side, lost)
			require.Equal(t, "after", string(p.z.msgs[5].Data))
			require.EqualValues(t, 2, a.queue.nextSSN[0])
			require.EqualValues(t, 2, z.reassembly.stream(0).next)
			require.Len(t, eventsOf[EventStreamReset](p.z.events), 1, "performed once")
			require.GreaterOrEqual(t, n, lost+1)
		}
	}
}

// Section 5.2.2, E2 to E5: data before the reset is missing.
func TestDeferredReset(t *testing.T) {
	x := newTester(t, Config{})
	x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig)
	z := x.connect()
	x.say(x.data(wire.Data{SSN: 0, Flags: whole, Payload: []byte("a")}))
	missing := x.data(wire.Data{SSN: 1, Flags: whole, Payload: []byte("b")})
	req := wire.StreamReset{RequestSeq: wire.Seq(x.init.InitialTSN), LastTSN: x.tsn.Add(^uint32(0)), Streams: []uint16{0}}
	chunk := (&wire.Reconfig{Params: req.Append(nil)}).Append(nil)
	require.Contains(t, fmt.Sprint(x.say(chunk)), "In progress")
	x.say(x.data(wire.Data{SSN: 0, Flags: whole, Payload: []byte("c")}), x.data(wire.Data{SSN: 5, Stream: 1, Flags: whole | wire.DataUnordered, Payload: []byte("u")}))
	require.Equal(t, []string{"0:a", "1:u"}, texts(x.p.z), "of another stream")
	require.Contains(t, fmt.Sprint(x.say(chunk)), "In progress")
	require.Positive(t, z.buffered())
	require.Contains(t, fmt.Sprint(x.say(missing)), "Performed")
	require.Equal(t, []string{"0:a", "1:u", "0:b", "0:c"}, texts(x.p.z))
	require.Zero(t, z.buffered())
	require.Contains(t, fmt.Sprint(x.say(chunk)), "Performed", "the same answer")
	require.Len(t, eventsOf[EventStreamReset](x.p.z.events), 1)
	req.RequestSeq += 5
	require.Contains(t, fmt.Sprint(x.say((&wire.Reconfig{Params: req.Append(nil)}).Append(nil))), "Bad Sequence Number")
}

// Sections 5.1.4, 5.2.4 and 5.2.7, H5.
func TestAssociationReset(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	sendOn(t, p, a, 3, "a", "b", "c")
	sendOn(t, p, z, 3, "x")
	require.NoError(t, a.ResetAssociation(p.now))
	sendOn(t, p, a, 3, "after")
	p.pump()
	p.run(time.Second)
	n, err := a.Reconfigured()
	require.EqualValues(t, 1, n)
	require.NoError(t, err)
	ea, ez := eventsOf[EventAssociationReset](p.a.events), eventsOf[EventAssociationReset](p.z.events)
	require.Len(t, ea, 1)
	require.Len(t, ez, 1)
	require.Equal(t, ea[0].LocalTSN, ez[0].PeerTSN)
	require.Equal(t, ea[0].PeerTSN, ez[0].LocalTSN)
	sendOn(t, p, z, 3, "y")
	p.run(time.Second)
	require.Equal(t, []string{"3:a", "3:b", "3:c", "3:after"}, texts(p.z))
	require.Equal(t, []string{"3:x", "3:y"}, texts(p.a))
	require.EqualValues(t, 1, a.queue.nextSSN[3])
	require.Zero(t, a.out.count())
	a.Shutdown(p.now)
	p.run(time.Second)
	require.NoError(t, a.Err())
	require.Equal(t, StateClosed, z.State())
}

// Section 5.2.4, G3: of what is outstanding it is not known whether it arrived.
func TestAssociationResetWithDataOutstanding(t *testing.T) {
	x := newTester(t, Config{})
	x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig)
	z := x.connect()
	sendN(t, x.p, z, 1, 1400)
	x.p.flush(x.p.z)
	require.Positive(t, z.out.count())
	req := wire.AppendSSNTSNReset(nil, wire.Seq(x.init.InitialTSN))
	x.say((&wire.Reconfig{Params: req}).Append(nil))
	c := x.chunkHeard(wire.ChunkReconfig)
	prm, _, err := wire.NextParam(c.Value)
	require.NoError(t, err)
	resp, err := prm.ReconfigResponse()
	require.NoError(t, err)
	require.Equal(t, wire.ReconfigPerformed, resp.Result)
	require.True(t, resp.HasTSNs)
	require.Equal(t, x.init.InitialTSN.Add(1<<31), resp.ReceiverNextTSN, "G1")
	require.NotEmpty(t, eventsOf[EventSendFailed](x.p.z.events))
	require.Zero(t, z.primary.flightSize)
	x.tsn = resp.ReceiverNextTSN
	x.say(x.data(wire.Data{SSN: 0, Flags: whole, Payload: []byte("new")}))
	require.Equal(t, []string{"0:new"}, texts(x.p.z))
	x.say(x.at(0))
	require.Len(t, x.p.z.msgs, 1, "the old TSNs are gone")
}

// Sections 5.1.5, 5.1.6, 5.2.5 and 5.2.6.
func TestAddStreams(t *testing.T) {
	p := newPair(t, Config{OutboundStreams: 10, MaxInboundStreams: 100})
	a, z := p.connect()
	require.ErrorIs(t, a.Send(p.now, Message{Stream: 12, Data: []byte("x")}), ErrInvalidStream)
	require.NoError(t, a.AddStreams(p.now, 5, 7))
	p.pump()
	p.run(time.Second)
	n, err := a.Reconfigured()
	require.EqualValues(t, 1, n)
	require.NoError(t, err)
	for _, x := range []struct {
		a       *Association
		out, in int
	}{{a, 15, 17}, {z, 17, 15}} {
		out, in := x.a.Streams()
		require.Equal(t, x.out, out)
		require.Equal(t, x.in, in)
	}
	sendOn(t, p, a, 14, "new")
	sendOn(t, p, z, 16, "new")
	p.run(time.Second)
	require.Equal(t, []string{"14:new"}, texts(p.z))
	require.Equal(t, []string{"16:new"}, texts(p.a))

	require.NoError(t, a.AddStreams(p.now, 90, 0))
	p.run(time.Second)
	n, err = a.Reconfigured()
	require.EqualValues(t, 2, n)
	var refused *ReconfigError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, wire.ReconfigDenied, refused.Result)
	require.Error(t, a.AddStreams(p.now, 65530, 0))
}

// Section 5.2.1: "The decision to deny a re-configuration request is an
// administrative decision and may be user configurable".
func TestReconfigDenied(t *testing.T) {
	p := newPair(t, Config{DenyReconfig: ReconfigAny})
	a, z := p.connect()
	sendOn(t, p, a, 0, "a")
	for i, ask := range []func() error{
		func() error { return a.ResetStreams(p.now, true, false) },
		func() error { return a.ResetStreams(p.now, false, true) },
		func() error { return a.ResetStreams(p.now, true, true, 0) },
		func() error { return a.ResetAssociation(p.now) },
		func() error { return a.AddStreams(p.now, 1, 0) },
		func() error { return a.AddStreams(p.now, 0, 1) },
	} {
		require.NoError(t, ask())
		p.run(time.Second)
		n, err := a.Reconfigured()
		require.EqualValues(t, i+1, n)
		require.ErrorContains(t, err, "Denied")
	}
	sendOn(t, p, a, 0, "b")
	p.run(time.Second)
	require.Equal(t, []string{"0:a", "0:b"}, texts(p.z), "nothing has changed")
	require.Equal(t, StateEstablished, z.State())
}

func TestReconfigNotSupported(t *testing.T) {
	p := newPair(t, Config{NoReconfig: true})
	a, _ := p.connect()
	require.ErrorIs(t, a.ResetStreams(p.now, true, false), ErrNotSupported)
	require.ErrorIs(t, a.AddStreams(p.now, 1, 0), ErrNotSupported)
}

// Both ask for the same at once (Section 5.2.3).
func TestResetCollision(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	sendOn(t, p, a, 0, "a")
	sendOn(t, p, z, 0, "x")
	p.run(time.Second)
	require.NoError(t, a.ResetStreams(p.now, true, true, 0))
	require.NoError(t, z.ResetStreams(p.now, true, true, 0))
	p.run(10 * time.Second)
	for _, x := range []*Association{a, z} {
		n, err := x.Reconfigured()
		require.EqualValues(t, 1, n)
		require.NoError(t, err)
		require.Empty(t, x.reconfig.current)
		require.Empty(t, x.reconfig.after)
		require.EqualValues(t, 0, x.queue.nextSSN[0])
		require.EqualValues(t, 0, x.reassembly.stream(0).next)
	}
	sendOn(t, p, a, 0, "b")
	sendOn(t, p, z, 0, "y")
	p.run(time.Second)
	require.Equal(t, []string{"0:a", "0:b"}, texts(p.z))
	require.Equal(t, []string{"0:x", "0:y"}, texts(p.a))
}

// What is malformed, impossible or forbidden is answered or dropped, and
// changes nothing.
func TestHostileReconfig(t *testing.T) {
	seq := wire.Seq(1000)
	reset := func(r wire.StreamReset) []byte { r.RequestSeq = seq; return r.Append(nil) }
	for name, tt := range map[string]struct {
		params []byte
		want   string
	}{
		"empty":             {nil, "Protocol Violation"},
		"cut parameter":     {[]byte{0, 13, 0, 16, 0, 0}, "Protocol Violation"},
		"two of a kind":     {append(reset(wire.StreamReset{LastTSN: 999}), reset(wire.StreamReset{LastTSN: 999})...), "Protocol Violation"},
		"unknown parameter": {wire.AppendParam(nil, 99, []byte{1, 2, 3, 4}), "Protocol Violation"},
		"no such stream":    {reset(wire.StreamReset{LastTSN: 999, Streams: []uint16{60000}}), "Wrong SSN"},
		"TSN far beyond":    {reset(wire.StreamReset{LastTSN: 999 + 1<<30}), "Wrong SSN"},
		"no such outbound":  {reset(wire.StreamReset{Incoming: true, Streams: []uint16{60000}}), "Wrong SSN"},
		"too many streams":  {(&wire.AddStreams{RequestSeq: seq, Streams: 65535}).Append(nil), "Denied"},
		"no streams":        {(&wire.AddStreams{RequestSeq: seq}).Append(nil), "Denied"},
		"more than 65535":   {(&wire.AddStreams{Incoming: true, RequestSeq: seq, Streams: 65535}).Append(nil), "Denied"},
		"unasked response":  {(&wire.ReconfigResponse{ResponseSeq: 77, Result: 1}).Append(nil), ""},
	} {
		x := newTester(t, Config{})
		x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig)
		z := x.connect()
		answers := fmt.Sprint(x.say((&wire.Reconfig{Params: tt.params}).Append(nil)))
		if tt.want == "" {
			require.Equal(t, "[]", answers, name)
		} else {
			require.Contains(t, answers, tt.want, name)
		}
		require.Empty(t, eventsOf[EventStreamReset](x.p.z.events), name)
		require.Empty(t, eventsOf[EventStreamChange](x.p.z.events), name)
		require.Zero(t, z.buffered(), name)
		x.alive()
	}
	// A flood of requests that are answered by requests is bounded.
	x := newTester(t, Config{})
	x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig)
	z := x.connect()
	sendN(t, x.p, z, 1, 10)
	for i := range uint32(100) {
		r := wire.StreamReset{Incoming: true, RequestSeq: wire.Seq(uint32(seq) + i), Streams: []uint16{uint16(i % 3)}}
		if i > 0 {
			sendOn(t, x.p, z, uint16(i%3), "x")
		}
		x.say((&wire.Reconfig{Params: r.Append(nil)}).Append(nil))
	}
	require.LessOrEqual(t, len(z.reconfig.after), maxAfter)
}

// What was held until streams are reset may contradict itself, too. The ABORT names the
// kind of chunk.
func TestContradictionAfterDeferredReset(t *testing.T) {
	for _, kind := range []wire.ChunkType{wire.ChunkData, wire.ChunkIData} {
		t.Run(kind.String(), func(t *testing.T) {
			x := newTester(t, Config{Interleaving: true})
			x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig)
			if kind == wire.ChunkIData {
				x.init.Params = wire.AppendSupportedExtensions(nil, wire.ChunkReconfig, wire.ChunkIData)
			}
			z := x.connect()
			fragment := func(flags uint8) []byte {
				if kind == wire.ChunkIData {
					d := wire.IData{Flags: flags}
					if flags&wire.DataBegin == 0 {
						d.FSN = 1
					}
					return x.idata(d)
				}
				return x.data(wire.Data{Flags: flags, Payload: []byte("x")})
			}
			missing := fragment(whole | wire.DataUnordered)
			req := wire.StreamReset{RequestSeq: wire.Seq(x.init.InitialTSN), LastTSN: x.tsn.Add(^uint32(0)), Streams: []uint16{0}}
			x.say((&wire.Reconfig{Params: req.Append(nil)}).Append(nil))
			x.say(fragment(wire.DataEnd))
			x.say(fragment(wire.DataEnd))
			require.Equal(t, StateEstablished, z.State())
			x.say(missing)
			require.Equal(t, StateClosed, z.State())
			cause, _, err := wire.NextCause(x.chunkHeard(wire.ChunkAbort).Value)
			require.NoError(t, err)
			require.Equal(t, wire.CauseProtocolViolation, cause.Code)
			require.Equal(t, kind.String()+" chunk contradicts its neighbours' fragment flags", string(cause.Value))
		})
	}
}
