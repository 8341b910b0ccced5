// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// RFC 9260, Section 3.2.1: parameters of an INIT, their padding included.
func TestInitParameters(t *testing.T) {
	raw := func(typ uint16, pad byte, value ...byte) []byte {
		b := []byte{byte(typ >> 8), byte(typ), 0, byte(4 + len(value))}
		b = append(b, value...)
		for len(b)%4 != 0 {
			b = append(b, pad)
		}
		return b
	}
	for _, tt := range []struct {
		name   string
		params []byte
		want   []uint16 // types reported
	}{
		{"00 then 11", append(raw(0x3ff0, 0), raw(0xfff0, 0)...), nil},
		{"10 then 11", append(raw(0xbff0, 0), raw(0xfff0, 0)...), []uint16{0xfff0}},
		{"01 then 11", append(raw(0x7ff0, 0, 1, 2), raw(0xfff0, 0)...), []uint16{0x7ff0}},
		{"11 then 11", append(raw(0xfff1, 0, 1, 2, 3), raw(0xfff0, 0)...), []uint16{0xfff1, 0xfff0}},
		{"padding is not zero", append(raw(0xbff0, 0xa5, 1), raw(0xfff0, 0)...), []uint16{0xfff0}},
		{"last one's padding counted", raw(0xbff0, 0, 1), nil},
		{"IPv6 only", raw(12, 0, 0, 6), nil},
		{"host names supported", raw(12, 0, 0, 11, 0, 5), nil},
		{"IPv6 address over IPv4", append([]byte{0, 6, 0, 20}, make([]byte, 16)...), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTester(t, Config{})
			init := x.init.Append(nil, wire.ChunkInit)
			init[1] = 0xff // Section 3.3.2: flags are ignored
			init = append(init, tt.params...)
			init[3] = byte(len(init))
			require.Len(t, x.send(0, init), 1)
			var got []uint16
			ack, err := wire.ParseInit(x.chunkHeard(wire.ChunkInitAck))
			require.NoError(t, err)
			for prm, err := range wire.Params(ack.Params) {
				require.NoError(t, err)
				if prm.Type == wire.ParamUnrecognized {
					in, err := prm.Unrecognized()
					require.NoError(t, err)
					require.True(t, bytes.Contains(tt.params, in.Raw), "whole")
					got = append(got, uint16(in.Type))
				}
			}
			require.Equal(t, tt.want, got)
			require.Zero(t, x.chunkHeard(wire.ChunkInitAck).Flags)
		})
	}
}

// RFC 9260, Section 3.3.3: an INIT ACK that is no good.
func TestInitAckChecks(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*wire.Init)
		want string
		gone bool // the TCB
	}{
		{"tag 0", func(i *wire.Init) { i.InitiateTag = 0 }, "^ABORT T$", true},
		{"no outbound streams", func(i *wire.Init) { i.OutboundStreams = 0 }, "^ABORT", true},
		{"no inbound streams", func(i *wire.Init) { i.InboundStreams = 0 }, "^ABORT", true},
		// "MUST NOT change the state of any existing association" has no exception
		// for this one.
		{"small a_rwnd", func(i *wire.Init) { i.ARwnd = 1000 }, "^ABORT", false},
		{"no cookie", func(i *wire.Init) { i.Params = nil }, "Missing Mandatory Parameter", true},
		{"host name", func(i *wire.Init) {
			i.Params = wire.AppendParam(i.Params, wire.ParamHostName, []byte("sut-peer.example\x00"))
		}, "Unresolvable Address", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, z := dialled(t, Config{})
			answers := x.initAck(tt.edit)
			require.Len(t, answers, 1)
			require.Regexp(t, tt.want, answers[0])
			if tt.name == "tag 0" {
				require.Equal(t, x.ack.InitiateTag, x.tagHeard())
			} else {
				require.Equal(t, x.init.InitiateTag, x.tagHeard())
			}
			require.Equal(t, tt.gone, z.State() == StateClosed)
			for _, a := range x.wait(10 * time.Second) {
				require.NotContains(t, a, "COOKIE ECHO")
				require.False(t, tt.gone, a)
			}
		})
	}
}

// "in an ERROR chunk ... bundled with the COOKIE ECHO chunk" RFC 9260, Section
// 3.2.2, which is the first in the packet.
func TestInitAckUnknownParameters(t *testing.T) {
	unknown := func(types ...wire.ParamType) func(*wire.Init) {
		return func(i *wire.Init) {
			for _, typ := range types {
				i.Params = wire.AppendParam(i.Params, typ, []byte{1, 2, 3})
			}
		}
	}
	for _, tt := range []struct {
		name string
		edit func(*wire.Init)
		want []wire.ParamType
	}{
		{"00, 11", unknown(0x3ff0, 0xfff0), nil},
		{"10", unknown(0xbff0), nil},
		{"01", unknown(0x7ff0), []wire.ParamType{0x7ff0}},
		{"11, 11", unknown(0xfff0, 0xfff1), []wire.ParamType{0xfff0, 0xfff1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, _ := dialled(t, Config{})
			answers := x.initAck(tt.edit)
			require.Len(t, answers, 1)
			require.Regexp(t, "^COOKIE ECHO", answers[0])
			require.Equal(t, []byte("cookie"), x.chunkHeard(wire.ChunkCookieEcho).Value)
			var got []wire.ParamType
			if tt.want == nil {
				require.NotContains(t, answers[0], "ERROR")
			} else {
				for c, err := range wire.Causes(x.chunkHeard(wire.ChunkError).Value) {
					require.NoError(t, err)
					require.Equal(t, wire.CauseUnrecognizedParams, c.Code)
					for prm, err := range wire.Params(c.Value) {
						require.NoError(t, err)
						require.Equal(t, []byte{1, 2, 3}, prm.Value)
						got = append(got, prm.Type)
					}
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

// RFC 9260, Section 3.3.4: the gap ack blocks of the RFC's example, the Initial
// TSN withheld, duplicates counted anew for each SACK.
func TestSackContents(t *testing.T) {
	read := func(x *tester) (s wire.Sack) {
		require.NoError(t, wire.ParseSack(x.chunkHeard(wire.ChunkSack), &s))
		return s
	}
	x := newTester(t, Config{})
	x.connect()
	for _, n := range []uint32{0, 1, 2, 4, 5, 7} {
		x.say(x.at(n))
	}
	s := read(x)
	require.Equal(t, x.init.InitialTSN.Add(2), s.CumTSNAck)
	require.Equal(t, []wire.GapAckBlock{{Start: 2, End: 3}, {Start: 5, End: 5}}, s.Gaps)

	x = newTester(t, Config{})
	x.connect()
	x.say(x.at(1))
	s = read(x)
	require.Equal(t, x.init.InitialTSN.Add(^uint32(0)), s.CumTSNAck)
	require.Equal(t, []wire.GapAckBlock{{Start: 2, End: 2}}, s.Gaps)
	x.say(x.at(2), x.at(2), x.at(2))
	require.Equal(t, []wire.TSN{1002, 1002}, read(x).Dups)
	x.say(x.at(3))
	require.Empty(t, read(x).Dups)

	x = newTester(t, Config{})
	x.init.InitialTSN = 0xfffffffe
	x.connect()
	for n := range uint32(4) {
		x.say(x.at(n))
	}
	x.wait(200 * time.Millisecond)
	require.EqualValues(t, 1, read(x).CumTSNAck, "the TSN wraps")

	x = newTester(t, Config{})
	x.connect()
	for n := range uint32(400) {
		x.say(x.at(1 + 2*n))
		require.Len(t, x.heard, 1)
		require.LessOrEqual(t, len(x.heard[0].Data), 1472)
	}
	s = read(x)
	require.EqualValues(t, 2, s.Gaps[0].Start)
	require.Len(t, s.Gaps, (1472-12-16)/4)
}

// RFC 9260, Section 3.3.1 and 6.6: unordered messages do not wait, and their
// SSN means nothing.
func TestUnorderedDelivery(t *testing.T) {
	x := newTester(t, Config{})
	x.connect()
	x.say(x.data(wire.Data{Flags: whole | wire.DataUnordered, SSN: 999, Payload: []byte("u")}))
	require.Len(t, x.p.z.msgs, 1)
	x.say(x.data(wire.Data{Flags: whole | 0xf0, SSN: 1, Payload: []byte("1")})) // reserved flags
	require.Len(t, x.p.z.msgs, 1)
	x.say(x.data(wire.Data{Flags: whole | wire.DataUnordered, Payload: []byte("v")}))
	require.Len(t, x.p.z.msgs, 2)
	x.say(x.data(wire.Data{Flags: whole, SSN: 0, Payload: []byte("0")}))
	require.Len(t, x.p.z.msgs, 4)
	require.Equal(t, "0", string(x.p.z.msgs[2].Data))
}

// RFC 9260, Section 3.3.2: an INIT that is no good "MUST NOT change the state
// of any existing association".
func TestBadInitsLeaveTheAssociation(t *testing.T) {
	x := newTester(t, Config{})
	x.connect()
	for _, edit := range []func(*wire.Init){
		func(i *wire.Init) { i.OutboundStreams = 0 },
		func(i *wire.Init) { i.InboundStreams = 0 },
		func(i *wire.Init) { i.ARwnd = 100 },
	} {
		init := x.init
		init.InitiateTag = 0x2222
		edit(&init)
		require.Len(t, x.send(0, init.Append(nil, wire.ChunkInit)), 1)
		x.chunkHeard(wire.ChunkAbort)
		require.EqualValues(t, 0x2222, x.tagHeard())
		x.alive()
	}
	hb := wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("x"))
	require.Empty(t, x.send(0, x.init.Append(nil, wire.ChunkInit), hb), "INIT is bundled")
	require.Empty(t, x.send(5, x.init.Append(nil, wire.ChunkInit)), "INIT with a tag")
	require.Empty(t, x.send(0, hb), "tag 0")
	require.Empty(t, x.send(x.ack.InitiateTag+1, x.data(wire.Data{})))
	require.Empty(t, x.send(x.ack.InitiateTag+1, wire.AppendShutdown(nil, 0)))
	require.Empty(t, x.say(wire.AppendCookieAck(nil)))
	require.Empty(t, x.say(x.init.Append(nil, wire.ChunkInitAck)))
	require.Empty(t, x.say(wire.AppendError(nil, wire.AppendStaleCookie(nil, 5))))
	require.Empty(t, x.say(wire.AppendShutdownComplete(nil, false)))
	x.alive()
}

// RFC 9260, Section 5.2.1 and 5.2.2: INITs at states other than CLOSED.
func TestInitInEveryState(t *testing.T) {
	second := wire.AppendAddress(nil, addrs("10.1.0.1")[0].Addr())
	t.Run("COOKIE-WAIT", func(t *testing.T) {
		x, z := dialled(t, Config{OutboundStreams: 5})
		ours := x.ack
		require.Len(t, x.sendInit(), 1)
		x.cookie()
		require.Equal(t, []any{ours.InitiateTag, ours.InitialTSN, ours.OutboundStreams, ours.InboundStreams},
			[]any{x.ack.InitiateTag, x.ack.InitialTSN, x.ack.OutboundStreams, x.ack.InboundStreams})
		require.Equal(t, StateCookieWait, z.State())
		x.wait(time.Second)
		again, err := wire.ParseInit(x.chunkHeard(wire.ChunkInit))
		require.NoError(t, err)
		require.Equal(t, ours.InitiateTag, again.InitiateTag)
		require.Equal(t, ours.InitialTSN, again.InitialTSN)
		x.initAck(nil)
		x.say(wire.AppendCookieAck(nil))
		require.Equal(t, StateEstablished, z.State())
	})
	t.Run("COOKIE-WAIT, cookie", func(t *testing.T) {
		x, z := dialled(t, Config{})
		x.sendInit()
		x.say(wire.AppendCookieEcho(nil, x.cookie()))
		x.chunkHeard(wire.ChunkCookieAck)
		require.Equal(t, x.init.InitiateTag, x.tagHeard())
		require.Equal(t, StateEstablished, z.State())
		for _, a := range x.wait(10 * time.Second) {
			require.NotContains(t, a, "INIT")
		}
	})
	t.Run("COOKIE-ECHOED", func(t *testing.T) {
		x, z := dialled(t, Config{})
		ours := x.ack.InitiateTag
		x.initAck(nil)
		x.sendInit()
		x.cookie()
		require.Equal(t, ours, x.ack.InitiateTag)
		init := x.init
		init.InitiateTag, init.Params = 0x2222, second
		require.Regexp(t, "^ABORT", x.send(0, init.Append(nil, wire.ChunkInit))[0])
		require.EqualValues(t, 0x2222, x.tagHeard())
		require.Empty(t, x.initAck(func(i *wire.Init) { i.Params = wire.AppendStateCookie(nil, []byte("other")) }))
		require.Empty(t, x.say(wire.AppendShutdown(nil, 0)))
		x.say(wire.AppendCookieAck(nil))
		require.Equal(t, StateEstablished, z.State())
	})
	t.Run("ESTABLISHED, SHUTDOWN-SENT", func(t *testing.T) {
		x := newTester(t, Config{OutboundStreams: 7})
		z := x.connect()
		old := x.ack
		for range 2 {
			for range 2 {
				init := x.init
				init.InitiateTag = 0x2222
				require.Len(t, x.send(0, init.Append(nil, wire.ChunkInit)), 1)
				x.cookie()
				require.NotEqual(t, old.InitiateTag, x.ack.InitiateTag)
				require.EqualValues(t, 7, x.ack.OutboundStreams)
				require.EqualValues(t, 0x2222, x.tagHeard())
			}
			x.ack = old
			if z.State() == StateEstablished {
				x.alive()
				z.Shutdown(x.p.now)
				x.p.flush(x.p.z)
				require.Equal(t, StateShutdownSent, z.State())
			}
		}
		require.Contains(t, x.wait(time.Second), "SHUTDOWN cum=999")
	})
	t.Run("SHUTDOWN-ACK-SENT", func(t *testing.T) {
		x := newTester(t, Config{})
		z := x.connect()
		require.Equal(t, []string{"SHUTDOWN ACK"}, x.say(wire.AppendShutdown(nil, z.out.cumAck)))
		require.Equal(t, []string{"SHUTDOWN ACK"}, x.sendInit())
		require.Empty(t, x.say(x.data(wire.Data{})))
		require.Empty(t, x.send(99, wire.AppendShutdownComplete(nil, false)))
		require.Equal(t, []string{"SHUTDOWN ACK"}, x.wait(1500*time.Millisecond))
		require.Equal(t, []string{"SHUTDOWN COMPLETE"}, x.say(wire.AppendShutdownAck(nil)))
		require.Regexp(t, "^INIT ACK", x.sendInit()[0])
	})
}
