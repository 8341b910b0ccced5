// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"bytes"
	"fmt"
	"maps"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Init is the INIT or INIT ACK of the Setup, before Setup.Change.
func (a *Assoc) Init(t wire.ChunkType) wire.Init {
	s := &a.Setup
	in := wire.Init{InitiateTag: a.Tag, ARwnd: s.ARwnd, OutboundStreams: s.OS, InboundStreams: s.MIS, InitialTSN: s.TSN}
	for _, i := range s.ListAddrs {
		in.Params = wire.AppendAddress(in.Params, a.Addr(i).Addr())
	}
	if t == wire.ChunkInitAck {
		if s.Cookie == nil {
			s.Cookie = make([]byte, 64)
			for i := range s.Cookie {
				s.Cookie[i] = byte(a.r.cfg.Rand.Uint32())
			}
		}
		in.Params = wire.AppendStateCookie(in.Params, s.Cookie)
	}
	if s.ForwardTSN {
		in.Params = wire.AppendForwardTSNSupported(in.Params)
	}
	if s.Auth {
		in.Params = append(in.Params, a.auth.params(a)...)
	}
	if s.Extensions != nil {
		in.Params = wire.AppendSupportedExtensions(in.Params, s.Extensions...)
	}
	in.Params = append(in.Params, s.Params...)
	return in
}

// InitChunk is the encoded INIT or INIT ACK, Setup.Change applied.
func (a *Assoc) InitChunk(t wire.ChunkType) []byte {
	in := a.Init(t)
	if a.Setup.Change != nil {
		a.Setup.Change(&in)
	}
	return in.Append(nil, t)
}

// SendInit sends the INIT of the Setup, with verification tag 0.
func (a *Assoc) SendInit() { a.SendTag(0, a.InitChunk(wire.ChunkInit)) }

// SendInitAck sends the INIT ACK of the Setup.
func (a *Assoc) SendInitAck() { a.Send(a.InitChunk(wire.ChunkInitAck)) }

// ExpectInitAck waits for S's INIT ACK; that none comes is a failure.
func (a *Assoc) ExpectInitAck() *Chunk { return a.Expect(Is(wire.ChunkInitAck)) }

// SendCookieEcho sends S's cookie, and more chunks in the same packet.
func (a *Assoc) SendCookieEcho(more ...[]byte) {
	a.Send(append([][]byte{wire.AppendCookieEcho(nil, a.Cookie)}, more...)...)
}

// ExpectCookieAck waits for S's COOKIE ACK; that none comes is a failure.
func (a *Assoc) ExpectCookieAck() *Chunk { return a.Expect(Is(wire.ChunkCookieAck)) }

// Connect does the whole handshake as the client, and sends INIT and COOKIE ECHO again as a client would. That it does not
// succeed makes the case inconclusive: a case about the handshake does its steps itself.
func (a *Assoc) Connect() *Assoc {
	switch c := a.insist(wire.ChunkInitAck, a.SendInit); {
	case c == nil:
		a.r.cfg.Judge.Inconclusive("the association could not be set up: INIT ACK did not come; seen: %s", a.Seen())
	case c.Type == wire.ChunkInit:
		return a.collide(c)
	}
	if a.Cookie == nil {
		a.r.cfg.Judge.Inconclusive("the association could not be set up: no State Cookie in the INIT ACK")
	}
	a.settled = true // a second INIT ACK, to an INIT sent again, is another offer
	switch c := a.insist(wire.ChunkCookieAck, func() { a.SendCookieEcho() }); {
	case c == nil:
		a.r.cfg.Judge.Inconclusive("the association could not be set up: COOKIE ACK did not come; seen: %s", a.Seen())
	case c.Type == wire.ChunkInit:
		return a.collide(c)
	}
	return a
}

// insist sends something until a chunk of the type comes in answer, or an INIT, three times at most; nil if none does.
func (a *Assoc) insist(answer wire.ChunkType, send func()) *Chunk {
	for range 3 {
		send()
		if c := a.Next(a.r.cfg.Wait/3, Is(answer, wire.ChunkInit)); c != nil {
			return c
		}
	}
	return nil
}

// collide sets up the association by S's INIT, which has come between (RFC 9260, Section 5.2.1): the tag stays ours.
func (a *Assoc) collide(c *Chunk) *Assoc {
	a.settled = false
	a.learnInit(c)
	return a.AcceptInit()
}

// Dial sets up an association with the system under test, as the client; see Connect.
func (e *Endpoint) Dial(s Setup, peerPort uint16) *Assoc { return e.NewAssoc(s, peerPort).Connect() }

// Listen makes a place for one association that S opens to the tester's SCTP port s.Port.
func (e *Endpoint) Listen(s Setup) *Assoc {
	a := e.NewAssoc(s, 0)
	a.listening = true
	return a
}

// ExpectInit waits for S's INIT, and takes its ports and tag. That none comes is a failure.
func (a *Assoc) ExpectInit() *Chunk { return a.Expect(Is(wire.ChunkInit)) }

// Accept does the whole handshake as the server, from S's INIT on. That it does not succeed makes the case inconclusive.
func (a *Assoc) Accept() *Assoc {
	if a.Next(a.r.cfg.Wait, Is(wire.ChunkInit)) == nil {
		a.r.cfg.Judge.Inconclusive("the association could not be set up: no INIT came to SCTP port %d", a.Port)
	}
	return a.AcceptInit()
}

// AcceptInit does the rest of the handshake as the server, when the INIT has come. What comes again is answered again.
func (a *Assoc) AcceptInit() *Assoc {
	a.SendInitAck()
	c := a.Next(a.r.cfg.Wait, Is(wire.ChunkCookieEcho, wire.ChunkInit))
	for range 2 {
		if c != nil && c.Type == wire.ChunkInit {
			a.SendInitAck()
			c = a.Next(a.r.cfg.Wait, Is(wire.ChunkCookieEcho, wire.ChunkInit))
		}
	}
	if c == nil || c.Type == wire.ChunkInit {
		a.r.cfg.Judge.Inconclusive("the association could not be set up: COOKIE ECHO did not come; seen: %s", a.Seen())
	}
	if !bytes.Equal(c.Value, a.Setup.Cookie) {
		a.r.cfg.Judge.Inconclusive("the association could not be set up: COOKIE ECHO holds another cookie")
	}
	a.Send(wire.AppendCookieAck(nil))
	a.Up, a.accepted = true, true
	return a
}

// learnInit keeps what S says of itself in an INIT or INIT ACK.
func (a *Assoc) learnInit(c *Chunk) {
	if a.settled {
		return
	}
	in, err := wire.ParseInit(c.Chunk)
	if err != nil {
		a.r.Note("not counted: %v", err)
		return
	}
	if c.Type == wire.ChunkInit {
		a.PeerPort, a.To, a.From = c.Packet.Header.SrcPort, c.Packet.Src, c.Packet.Local
	}
	a.Peer, a.PeerTag = in, in.InitiateTag
	a.rcv.start(in.InitialTSN)
	if p := a.PeerParam(wire.ParamStateCookie); p != nil {
		a.Cookie = p.Value
	}
	a.IData = containsType(a.Setup.Extensions, wire.ChunkIData) && a.PeerSupports(wire.ChunkIData)
	a.auth.learn(a)
}

// PeerParam is the first parameter of a type in S's INIT or INIT ACK, or nil.
func (a *Assoc) PeerParam(t wire.ParamType) *wire.Param {
	for _, p := range InitParams(a.Peer) {
		if p.Type == t {
			return &p
		}
	}
	return nil
}

// PeerSupports reports whether S lists a chunk type in its Supported Extensions.
func (a *Assoc) PeerSupports(t wire.ChunkType) bool {
	p := a.PeerParam(wire.ParamSupportedExtensions)
	if p == nil {
		return false
	}
	types, _ := p.ChunkTypes(nil)
	return containsType(types, t)
}

// InitOf decodes an INIT or INIT ACK chunk; that it cannot be decoded is a failure.
func (a *Assoc) InitOf(c *Chunk) wire.Init {
	in, err := wire.ParseInit(c.Chunk)
	if err != nil {
		a.r.cfg.Judge.Fail("a well-formed "+c.Type.String(), err.Error())
	}
	return in
}

// InitParams are the parameters of an INIT or INIT ACK, as far as they can be decoded.
func InitParams(in wire.Init) (params []wire.Param) {
	for p, err := range wire.Params(in.Params) {
		if err != nil {
			break
		}
		params = append(params, p)
	}
	return params
}

func containsType(types []wire.ChunkType, t wire.ChunkType) bool {
	for _, u := range types {
		if t == u {
			return true
		}
	}
	return false
}

// Restart makes another association of the same ports, as after a restart of the tester; the old one stays.
func (a *Assoc) Restart(s Setup) *Assoc {
	s.Port = a.Port
	b := a.NewAssoc(s, a.PeerPort)
	b.To, b.From = a.To, a.From
	return b
}

// At is the association as it stands, spoken from another endpoint: what a NAT does that gives its packets another UDP port. The old one stays, and
// each goes its own way from here.
func (a *Assoc) At(e *Endpoint) *Assoc {
	b := *a
	b.Endpoint, b.From = e, 0
	b.ssn, b.mid, b.unorderedMID = maps.Clone(a.ssn), maps.Clone(a.mid), maps.Clone(a.unorderedMID)
	b.rcv.above, b.rcv.dups = maps.Clone(a.rcv.above), nil
	b.delivered = maps.Clone(a.delivered)
	b.unread, b.messages, b.fragments = nil, nil, nil
	e.assocs = append(e.assocs, &b)
	return &b
}

// String names the association in transcripts.
func (a *Assoc) String() string { return fmt.Sprintf("association %d>%d", a.Port, a.PeerPort) }
