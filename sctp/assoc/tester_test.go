// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A tester speaks SCTP by hand to endpoint Z of a pair: it sees packets only.
type tester struct {
	t     *testing.T
	p     *pair
	from  netip.AddrPort
	port  uint16
	init  wire.Init // of ours
	ack   wire.Init // of Z's INIT ACK or INIT
	tsn   wire.TSN
	heard []Datagram // since the last call
}

func newTester(t *testing.T, cfg Config) *tester {
	x := &tester{t: t, p: newPair(t, cfg), from: addrs("10.0.0.1")[0], port: 7}
	x.init = wire.Init{InitiateTag: 0x1111, ARwnd: 65536, OutboundStreams: 10, InboundStreams: 10, InitialTSN: 1000}
	x.tsn = x.init.InitialTSN
	require.NoError(t, x.p.z.stack.Listen(5000))
	x.p.z.filter = func(d Datagram) bool { x.heard = append(x.heard, d); return false }
	return x
}

// send gives Z a packet and returns what it answers.
func (x *tester) send(tag uint32, chunks ...[]byte) []string {
	x.t.Helper()
	h := wire.Header{SrcPort: x.port, DstPort: 5000, Tag: tag}
	b := h.Append(nil)
	for _, c := range chunks {
		b = append(b, c...)
	}
	wire.SetChecksum(b)
	x.heard = nil
	x.p.z.inbox = append(x.p.z.inbox, Datagram{Local: addrs("10.0.0.2")[0], Remote: x.from, Data: b})
	x.p.deliver(x.p.z)
	x.p.flush(x.p.z)
	return x.answers()
}

// say sends under the association's tag.
func (x *tester) say(chunks ...[]byte) []string {
	x.t.Helper()
	return x.send(x.ack.InitiateTag, chunks...)
}

// wait lets time pass and returns what Z sends.
func (x *tester) wait(d time.Duration) []string {
	x.heard = nil
	x.p.run(d)
	return x.answers()
}

func (x *tester) answers() (out []string) {
	for _, d := range x.heard {
		require.True(x.t, wire.ChecksumOK(d.Data))
		require.Zero(x.t, len(d.Data)%4)
		out = append(out, dump(d.Data))
	}
	return out
}

// tagHeard is the Verification Tag of the last packet.
func (x *tester) tagHeard() uint32 {
	h, err := wire.ParseHeader(x.heard[len(x.heard)-1].Data)
	require.NoError(x.t, err)
	return h.Tag
}

// chunkHeard returns the first chunk of a type among the last answers.
func (x *tester) chunkHeard(typ wire.ChunkType) wire.Chunk {
	x.t.Helper()
	for _, d := range x.heard {
		for c, err := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			require.NoError(x.t, err)
			if c.Type == typ {
				return c
			}
		}
	}
	require.Fail(x.t, "no "+typ.String(), "%v", x.answers())
	return wire.Chunk{}
}

// sendInit returns the answer to our INIT.
func (x *tester) sendInit() []string {
	x.t.Helper()
	return x.send(0, x.init.Append(nil, wire.ChunkInit))
}

// cookie takes the INIT ACK apart.
func (x *tester) cookie() []byte {
	x.t.Helper()
	ack, err := wire.ParseInit(x.chunkHeard(wire.ChunkInitAck))
	require.NoError(x.t, err)
	x.ack = ack
	for prm, err := range wire.Params(ack.Params) {
		require.NoError(x.t, err)
		if prm.Type == wire.ParamStateCookie {
			return prm.Value
		}
	}
	require.Fail(x.t, "no State Cookie")
	return nil
}

// connect sets an association up from here to Z.
func (x *tester) connect() *Association {
	x.t.Helper()
	x.sendInit()
	x.say(wire.AppendCookieEcho(nil, x.cookie()))
	x.chunkHeard(wire.ChunkCookieAck)
	return x.p.z.assocs[len(x.p.z.assocs)-1]
}

// data is our next DATA chunk.
func (x *tester) data(d wire.Data) []byte {
	d.TSN = x.tsn
	x.tsn++
	if d.Flags&whole == 0 && d.Payload == nil {
		d.Flags |= whole
	}
	if d.Payload == nil {
		d.Payload = []byte("data")
	}
	return d.Append(nil)
}

// at is a DATA chunk with a TSN relative to our first.
func (x *tester) at(n uint32) []byte {
	d := wire.Data{Flags: whole | wire.DataUnordered, TSN: x.init.InitialTSN.Add(n), Payload: []byte("data")}
	return d.Append(nil)
}

func (x *tester) alive() {
	x.t.Helper()
	x.say(wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("alive?")))
	x.chunkHeard(wire.ChunkHeartbeatAck)
}

func (x *tester) sack(cum wire.TSN, arwnd uint32, gaps ...wire.GapAckBlock) []byte {
	s := wire.Sack{CumTSNAck: cum, ARwnd: arwnd, Gaps: gaps}
	return s.Append(nil)
}

// dialled has Z send us an INIT.
func dialled(t *testing.T, cfg Config) (*tester, *Association) {
	x := newTester(t, cfg)
	z, err := x.p.z.stack.Associate(x.p.now, AssociateParams{LocalPort: 5000, Remote: []netip.AddrPort{x.from}, Port: x.port})
	require.NoError(t, err)
	x.p.z.assocs = append(x.p.z.assocs, z)
	x.p.flush(x.p.z)
	x.ack, err = wire.ParseInit(x.chunkHeard(wire.ChunkInit))
	require.NoError(t, err)
	return x, z
}

// initAck answers Z's INIT.
func (x *tester) initAck(edit func(*wire.Init)) []string {
	x.t.Helper()
	i := x.init
	i.Params = wire.AppendStateCookie(nil, []byte("cookie"))
	if edit != nil {
		edit(&i)
	}
	return x.say(i.Append(nil, wire.ChunkInitAck))
}
