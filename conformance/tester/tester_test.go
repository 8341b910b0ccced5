// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/sctp/wire"
)

// verdict is what a panicking judge says.
type verdict struct{ kind, text string }

type judge struct{}

func (judge) Fail(expected, seen string) { panic(verdict{"fail", expected + ": " + seen}) }
func (judge) Inconclusive(format string, args ...any) {
	panic(verdict{"inconclusive", fmt.Sprintf(format, args...)})
}
func (judge) Skip(capability, why string) { panic(verdict{"skip", capability + ": " + why}) }

// inPair runs a test with two testers that talk to each other, in virtual time.
func inPair(t *testing.T, test func(t *testing.T, a, b *Tester)) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.New(1)
		x, y := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
		ha, hb := net.Host("a", x), net.Host("b", y)
		one := New(t.Context(), Config{Network: ha.Network(), Addrs: []netip.Addr{x}, Port: 1000, Remote: []netip.Addr{y}, RemotePort: 2000,
			Judge: judge{}, Rand: rand.New(rand.NewPCG(1, 1))})
		two := New(t.Context(), Config{Network: hb.Network(), Addrs: []netip.Addr{y}, Port: 2000, Remote: []netip.Addr{x}, RemotePort: 1000,
			Judge: judge{}, Rand: rand.New(rand.NewPCG(2, 2))})
		defer one.Close()
		defer two.Close()
		test(t, one, two)
	})
}

// pair sets up an association between two testers.
func pair(a, b *Tester, sa, sb Setup) (x, y *Assoc) {
	sb.Port = 7
	y = b.Endpoint(EndpointConfig{}).Listen(sb)
	y.Auto.Accept = true
	x = a.Endpoint(EndpointConfig{}).NewAssoc(sa, 7)
	x.SendInit()
	b.Sleep(time.Millisecond)
	a.Sleep(time.Millisecond)
	x.SendCookieEcho()
	b.Sleep(time.Millisecond)
	x.ExpectCookieAck()
	return x, y
}

func TestHandshake(t *testing.T) {
	inPair(t, func(t *testing.T, a, b *Tester) {
		x, y := pair(a, b, Setup{Tag: 11, TSN: 100, OS: 3}, Setup{Tag: 22, TSN: 200, MIS: 2})
		require.True(t, x.Up)
		require.True(t, y.Up)
		require.EqualValues(t, 22, x.PeerTag)
		require.EqualValues(t, 11, y.PeerTag)
		require.EqualValues(t, 3, y.Peer.OutboundStreams)
		require.EqualValues(t, 2, x.Peer.InboundStreams)
		require.EqualValues(t, 199, x.CumTSN())
		require.Contains(t, a.Transcript(), "COOKIE ECHO")
	})
}

// Messages of any number of fragments, in any order of packets, come out whole and once.
func TestReassembly(t *testing.T) {
	for _, idata := range []bool{false, true} {
		t.Run(fmt.Sprintf("I-DATA %v", idata), func(t *testing.T) {
			inPair(t, func(t *testing.T, a, b *Tester) {
				s := Setup{TSN: 0xfffffffe} // it wraps
				if idata {
					s.Extensions = []wire.ChunkType{wire.ChunkIData}
				}
				x, y := pair(a, b, s, s)
				require.Equal(t, idata, x.IData)
				long := []byte(strings.Repeat("long", 2000))
				chunks := x.Fragments(3, wire.DataUnordered, 99, long)
				require.Len(t, chunks, 7)
				chunks = append(chunks, x.Fragments(4, 0, 0, []byte("short"))...)
				chunks = append(chunks, x.Fragments(4, 0, 0, long)...)
				for _, i := range []int{7, 6, 1, 0, 2, 2, 5, 4, 3, 8, 10, 9, 11, 12, 13, 14, 1} {
					x.Send(chunks[i])
				}
				var got []Message
				for range 3 {
					got = append(got, y.ExpectMessage())
				}
				y.ExpectNoMessage()
				require.Equal(t, "short", string(got[0].Data))
				require.Equal(t, long, got[1].Data)
				require.EqualValues(t, 99, got[1].PPID)
				require.True(t, got[1].Unordered)
				require.EqualValues(t, 3, got[1].Stream)
				require.Equal(t, long, got[2].Data)
				require.EqualValues(t, 1, got[2].SSN)
				require.EqualValues(t, s.TSN+14, y.CumTSN())
				x.ExpectSack(s.TSN + 14)
			})
		})
	}
}

func TestSack(t *testing.T) {
	var r receiver
	r.init()
	r.start(0xfffffffe)
	a := Assoc{rcv: r, Setup: Setup{ARwnd: 1500}}
	for _, tsn := range []wire.TSN{0xfffffffe, 0, 1, 3, 4, 1, 7} {
		a.rcv.tsn(tsn)
	}
	require.Equal(t, wire.Sack{CumTSNAck: 0xfffffffe, ARwnd: 1500, Gaps: []wire.GapAckBlock{{Start: 2, End: 3}, {Start: 5, End: 6}, {Start: 9, End: 9}},
		Dups: []wire.TSN{1}}, a.Sack())
	a.rcv.tsn(0xffffffff)
	require.Equal(t, wire.Sack{CumTSNAck: 1, ARwnd: 1500, Gaps: []wire.GapAckBlock{{Start: 2, End: 3}, {Start: 6, End: 6}}}, a.Sack())
	a.rcv.forward(6)
	require.Equal(t, wire.Sack{CumTSNAck: 7, ARwnd: 1500}, a.Sack())
}

// Both sides compute the same key, and a chunk that must be authenticated is.
func TestAuth(t *testing.T) {
	inPair(t, func(t *testing.T, a, b *Tester) {
		s := Setup{Auth: true, AuthChunks: []wire.ChunkType{wire.ChunkHeartbeat, wire.ChunkHeartbeatAck, wire.ChunkSack}}
		x, y := pair(a, b, s, s)
		require.True(t, x.HasAuth())
		require.Equal(t, x.AuthKey(nil), y.AuthKey(nil))
		m := x.Beat(Out{})
		c := y.Expect(Is(wire.ChunkAuth))
		require.Empty(t, y.CheckAuth(c))
		x.Expect(m)
		x.SendWith(Out{}, x.AuthChunk(func(au *wire.Auth) { au.HMAC[3] ^= 1 }), wire.AppendCookieAck(nil))
		require.NotEmpty(t, y.CheckAuth(y.Expect(Is(wire.ChunkAuth))))
		x.SendWith(Out{NoAuth: true}, wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("x")))
		y.ExpectNone(Is(wire.ChunkAuth))
	})
}

func judged(f func()) (v verdict) {
	defer func() { v, _ = recover().(verdict) }()
	f()
	return v
}

func TestExpect(t *testing.T) {
	inPair(t, func(t *testing.T, a, b *Tester) {
		x, y := pair(a, b, Setup{}, Setup{})
		y.Auto.Sack = false
		x.Send(wire.AppendCookieAck(nil), wire.AppendError(nil, wire.AppendInvalidStream(nil, 5)), wire.AppendAbort(nil, false, nil))
		c := y.ExpectAll(Is(wire.ChunkAbort), Is(wire.ChunkError).Cause(wire.CauseInvalidStream))
		require.Equal(t, 2, c[0].Index)
		require.Equal(t, c[0].Packet, c[1].Packet)
		require.True(t, y.Aborted)

		require.Equal(t, "fail", judged(func() { y.Expect(Is(wire.ChunkSack)) }).kind)
		tsn := x.SendData(0, []byte("x"))
		require.Empty(t, judged(func() { x.ExpectNone(Is(wire.ChunkSack)) }).kind)
		b.Sleep(time.Second)
		y.SendSack()
		v := judged(func() { x.ExpectNone(Is(wire.ChunkSack)) })
		require.Equal(t, "fail", v.kind)
		require.Contains(t, v.text, fmt.Sprint(tsn))
		x.ExpectSack(tsn)
		require.Empty(t, x.Unread())
		require.Equal(t, "skip", judged(func() { x.SendFrom(1, wire.AppendCookieAck(nil)) }).kind)
		require.Equal(t, "fail", judged(func() { x.ExpectAlive() }).kind, "nobody answers: b does not run")
		x.ExpectGone()
	})
}

// The end of the context ends a wait.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := New(ctx, Config{Judge: judge{}})
		defer r.Close()
		require.Equal(t, "inconclusive", judged(func() { r.Sleep(time.Minute) }).kind)
	})
}
