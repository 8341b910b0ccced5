// SPDX-License-Identifier: Apache-2.0

package tester

import (
	"bytes"
	"net/netip"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Setup is what the tester says of itself in its INIT or INIT ACK. The zero value of a field is a good default.
type Setup struct {
	Tag   uint32   // Initiate Tag; default: random
	TSN   wire.TSN // Initial TSN; default: random
	ARwnd uint32   // default: 128 KiB
	OS    uint16   // Number of Outbound Streams; default: 16
	MIS   uint16   // Number of Inbound Streams; default: 65535

	// ListAddrs lists addresses of the endpoint by their indexes; nil lists none, so that the packet's source is the
	// only one. It is what makes the tester multi-homed: {0, 1} are its first two addresses.
	ListAddrs []int
	// Auth sends RANDOM, HMAC-ALGO and CHUNKS; AuthChunks are the chunk types the other side must authenticate.
	Auth       bool
	AuthChunks []wire.ChunkType
	HMACs      []wire.HMACID // default: SHA-1, SHA-256
	// Extensions are those of the Supported Extensions parameter; nil sends none. AUTH and ASCONF are not added by
	// themselves.
	Extensions []wire.ChunkType
	// ForwardTSN sends the Forward-TSN-Supported parameter.
	ForwardTSN bool
	// Params are appended as they are.
	Params []byte
	// Change alters the INIT or INIT ACK when all else is in place, to make it wrong.
	Change func(*wire.Init)

	// Cookie is that of the INIT ACK; default: random bytes.
	Cookie []byte
	// Port is the tester's SCTP port; default: a random one of its own.
	Port uint16
	// From is the index of the address to send from, To that of the address of the system under test.
	From, To int
}

// All extensions the tester can speak, for Setup.Extensions.
var AllExtensions = []wire.ChunkType{wire.ChunkAuth, wire.ChunkAsconf, wire.ChunkAsconfAck, wire.ChunkReconfig, wire.ChunkForwardTSN}

// Auto is what an association answers of its own accord, while the case waits.
type Auto struct {
	Sack         bool // a SACK for each packet with DATA, at once
	HeartbeatAck bool
	Shutdown     bool // SHUTDOWN ACK to SHUTDOWN, SHUTDOWN COMPLETE to SHUTDOWN ACK
	Accept       bool // INIT ACK to INIT, COOKIE ACK to COOKIE ECHO
}

// An Assoc is an association of the tester, or the attempt at one, or only a pair of ports. A case may change any field
// between any two packets.
type Assoc struct {
	*Endpoint
	Setup Setup
	Auto  Auto
	// OnPacket, if set, sees each packet first; true keeps the automatic answers to it from being sent. It must not wait.
	OnPacket func(*Packet) bool

	// OnMessage, if set, sees each whole user message, which is kept for the case nevertheless. It must not wait.
	OnMessage func(Message)

	Port, PeerPort uint16
	Tag, PeerTag   uint32 // ours, which S sends; S's, which we send
	From           int    // index of the address to send from
	To             netip.AddrPort
	// Forgotten associations get no packets any more.
	Forgotten bool
	accepted  bool // by AcceptInit

	Peer   wire.Init // S's INIT or INIT ACK
	Cookie []byte    // S's cookie

	// Sending.
	NextTSN wire.TSN
	ssn     map[uint16]wire.SSN
	mid     map[uint16]wire.MID
	IData   bool // I-DATA was agreed

	unorderedMID map[uint16]wire.MID

	// Receiving.
	rcv     receiver
	Aborted bool // S has sent an ABORT
	Up      bool // both sides are ready

	listening bool // made by Listen
	settled   bool // the INIT ACK is chosen
	unread    []*Chunk
	messages  []Message
	fragments []fragment
	delivered map[wire.TSN]bool
	auth      authState
}

// NewAssoc makes a pair of ports and nothing else: for packets out of the blue, and the beginning of everything else.
func (e *Endpoint) NewAssoc(s Setup, peerPort uint16) *Assoc {
	rnd := e.r.cfg.Rand
	for s.Tag == 0 {
		s.Tag = rnd.Uint32()
	}
	if s.TSN == 0 {
		s.TSN = wire.TSN(rnd.Uint32())
	}
	if s.ARwnd == 0 {
		s.ARwnd = 128 << 10
	}
	if s.OS == 0 {
		s.OS = 16
	}
	if s.MIS == 0 {
		s.MIS = 65535
	}
	if s.Port == 0 {
		s.Port = uint16(20000 + rnd.IntN(40000))
	}
	a := &Assoc{
		Endpoint: e, Setup: s, Auto: Auto{Sack: true, HeartbeatAck: true, Shutdown: true},
		Port: s.Port, PeerPort: peerPort, Tag: s.Tag, From: s.From,
		NextTSN: s.TSN, ssn: map[uint16]wire.SSN{}, mid: map[uint16]wire.MID{},
	}
	a.rcv.init()
	if len(e.r.cfg.Remote) > 0 {
		a.To = e.Remote(min(s.To, len(e.r.cfg.Remote)-1))
	}
	e.assocs = append(e.assocs, a)
	return a
}

// An Out changes how a packet is sent; the zero value changes nothing.
type Out struct {
	Tag      *uint32 // verification tag; default: S's
	From     *int    // index of the address to send from
	To       netip.AddrPort
	SrcPort  uint16              // SCTP port; default: ours
	DstPort  uint16              // SCTP port; default: S's
	NoAuth   bool                // no AUTH chunk where S asked for one
	Checksum func([]byte) uint32 // default: CRC32c
}

// Ptr makes a pointer for the fields of Out.
func Ptr[T any](v T) *T { return &v }

// Send sends the chunks in one packet.
func (a *Assoc) Send(chunks ...[]byte) { a.SendWith(Out{}, chunks...) }

// SendTag sends the chunks in one packet with another verification tag.
func (a *Assoc) SendTag(tag uint32, chunks ...[]byte) { a.SendWith(Out{Tag: &tag}, chunks...) }

// SendFrom sends the chunks in one packet from another address.
func (a *Assoc) SendFrom(local int, chunks ...[]byte) { a.SendWith(Out{From: &local}, chunks...) }

// SendWith sends the chunks in one packet.
func (a *Assoc) SendWith(o Out, chunks ...[]byte) {
	h := wire.Header{SrcPort: a.Port, DstPort: a.PeerPort, Tag: a.PeerTag}
	if o.Tag != nil {
		h.Tag = *o.Tag
	}
	if o.SrcPort != 0 {
		h.SrcPort = o.SrcPort
	}
	if o.DstPort != 0 {
		h.DstPort = o.DstPort
	}
	from, to := a.From, a.To
	if o.From != nil {
		from = *o.From
	}
	if o.To.IsValid() {
		to = o.To
	}
	if !o.NoAuth {
		chunks = a.authenticate(chunks)
	}
	b := h.Append(nil)
	for _, c := range chunks {
		b = append(b, c...)
	}
	if o.Checksum != nil {
		sum := o.Checksum(b)
		b[8], b[9], b[10], b[11] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	} else {
		wire.SetChecksum(b)
	}
	a.SendRaw(from, to, b)
}

// handle takes in a packet of this association.
func (a *Assoc) handle(p *Packet) {
	if p.Err != nil {
		a.r.Note("not counted: %v", p.Err)
		return
	}
	a.unread = append(a.unread, p.Chunks...)
	quiet := a.OnPacket != nil && a.OnPacket(p)
	a.learn(p)
	if !quiet {
		a.answer(p)
	}
}

// learn keeps what a packet tells.
func (a *Assoc) learn(p *Packet) {
	for _, c := range p.Chunks {
		switch c.Type {
		case wire.ChunkInit, wire.ChunkInitAck:
			if !a.Up {
				a.learnInit(c)
			}
		case wire.ChunkData:
			if d, err := wire.ParseData(c.Chunk); err == nil {
				a.rcv.tsn(d.TSN)
				a.take(fragment{tsn: d.TSN, flags: d.Flags, stream: d.Stream, ppid: d.PPID, data: d.Payload, ssn: d.SSN})
			}
		case wire.ChunkIData:
			if d, err := wire.ParseIData(c.Chunk); err == nil {
				a.rcv.tsn(d.TSN)
				a.take(fragment{tsn: d.TSN, flags: d.Flags, stream: d.Stream, ppid: d.PPID, data: d.Payload, mid: d.MID, fsn: d.FSN, idata: true})
			}
		case wire.ChunkForwardTSN:
			var f wire.ForwardTSN
			if wire.ParseForwardTSN(c.Chunk, &f) == nil {
				a.rcv.forward(f.NewCumTSN)
			}
		case wire.ChunkIForwardTSN:
			var f wire.IForwardTSN
			if wire.ParseIForwardTSN(c.Chunk, &f) == nil {
				a.rcv.forward(f.NewCumTSN)
			}
		case wire.ChunkAbort:
			a.Aborted = true
		case wire.ChunkCookieAck:
			a.Up = true
		}
	}
}

// answer sends what Auto says.
func (a *Assoc) answer(p *Packet) {
	var out [][]byte
	data := false
	back := Out{From: &p.Local, To: p.Src}
	for _, c := range p.Chunks {
		switch c.Type {
		case wire.ChunkInit:
			if a.Auto.Accept {
				// A new association over the same ports, when the last one has ended.
				if in, err := wire.ParseInit(c.Chunk); err == nil && a.listening && in.InitiateTag != a.PeerTag {
					a.settled = false
					a.learnInit(c)
				}
				a.SendInitAck()
			}
		case wire.ChunkCookieEcho:
			// That it comes again means that the COOKIE ACK was lost.
			if a.Auto.Accept || a.accepted && bytes.Equal(c.Value, a.Setup.Cookie) {
				out = append(out, wire.AppendCookieAck(nil))
				a.Up = true
			}
		case wire.ChunkData, wire.ChunkIData, wire.ChunkForwardTSN, wire.ChunkIForwardTSN:
			data = true
		case wire.ChunkHeartbeat:
			if a.Auto.HeartbeatAck {
				out = append(out, wire.AppendChunk(nil, wire.ChunkHeartbeatAck, 0, c.Value))
			}
		case wire.ChunkShutdown:
			if a.Auto.Shutdown {
				out = append(out, wire.AppendShutdownAck(nil))
			}
		case wire.ChunkShutdownAck:
			if a.Auto.Shutdown {
				a.SendWith(back, wire.AppendShutdownComplete(nil, false))
			}
		}
	}
	if data && a.Auto.Sack {
		s := a.Sack()
		out = append(out, s.Append(nil))
	}
	if len(out) > 0 {
		a.SendWith(back, out...)
	}
}
