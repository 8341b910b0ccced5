// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Datagram is one SCTP packet and the UDP addresses it travelled between.
type Datagram struct {
	Local, Remote netip.AddrPort
	Data          []byte // not kept
	CE            bool   // congestion experienced (RFC 3168)
}

// A Transmit says where the packet goes that a Poll method put into a buffer.
type Transmit struct {
	// Local is the address to send from.
	Local netip.AddrPort
	// Remote is the destination and its UDP encapsulation port.
	Remote netip.AddrPort
	// Len is the size of the packet in bytes.
	Len int
	// Oversize says that the packet is larger than the path MTU allows and may
	// be fragmented by IP (RFC 9260, Section 6.9).
	Oversize bool
	// Probe says that the packet probes the path MTU: it goes alone, with DF, and
	// the host may refuse it (HandleMTUError).
	Probe bool
	// ECT says that the packet may be marked instead of dropped: it goes with
	// ECT(0) (RFC 3168).
	ECT bool
}

// A Stack is the part of SCTP that has no association: it finds the one a
// packet belongs to, answers INITs without keeping state, and treats packets
// out of the blue. Its methods need one caller at a time; an Association is
// independent of it but for Sync.
type Stack struct {
	cfg   Config
	rng   *rand.Rand
	jar   *cookieJar
	local []netip.AddrPort
	// generation counts changes of local. A cookie has it, too: what its INIT ACK
	// has listed may be out of date.
	generation uint16
	mtus       map[netip.Addr]int // of local addresses; never changed, only replaced

	listening map[uint16]bool
	byTag     map[uint32]*Association
	byPeer    map[peerKey]*Association
	ports     map[uint16]int // associations by local SCTP port
	lastID    uint64

	starved bool // there is no memory for new associations
	used    tagRing
	replies []reply
	stats   StackStats
}

// A peerKey identifies an association by ports and one address of the peer.
// The UDP port is part of it: SCTP stacks behind one IP address are told
// apart by it (RFC 6951, Section 5.1).
type peerKey struct {
	localPort, remotePort uint16
	remote                netip.AddrPort
}

// An index is how a stack finds an association. It belongs to the stack.
type index struct {
	tag   uint32 // 0: it is not there
	peers []peerKey
}

func (x *index) has(addr netip.Addr) bool {
	for _, k := range x.peers {
		if k.remote.Addr() == addr {
			return true
		}
	}
	return false
}

// StackStats counts what a stack did without an association.
type StackStats struct {
	BadChecksum, Malformed, OutOfTheBlue uint64
	ZeroChecksums                        uint64 // accepted without CRC32c, RFC 9653
	InitsAnswered, InitsRefused          uint64
	StaleCookies, BadCookies             uint64
	RepliesDropped                       uint64
}

// A reply is a packet that answers one without an association.
type reply struct {
	local, remote netip.AddrPort
	packet        []byte
}

// maxReplies bounds the answers to one batch of packets; what floods more
// than this gets no answer.
const maxReplies = 256

// NewStack returns a stack without listeners. The configuration must come
// from Config.WithDefaults.
func NewStack(cfg Config, rng *rand.Rand) (*Stack, error) {
	cfg, err := cfg.WithDefaults()
	if err != nil {
		return nil, err
	}
	s := &Stack{
		cfg:       cfg,
		rng:       rng,
		listening: make(map[uint16]bool),
		byTag:     make(map[uint32]*Association),
		byPeer:    make(map[peerKey]*Association),
		ports:     make(map[uint16]int),
	}
	s.jar = newCookieJar(&s.cfg, rng)
	return s, nil
}

// Config returns the configuration with defaults filled in.
func (s *Stack) Config() Config { return s.cfg }

// Stats returns the counters.
func (s *Stack) Stats() StackStats { return s.stats }

// SetLocalAddrs says which addresses the stack has. Associations that exist
// keep those they know: see Association.AddLocal and RemoveLocal.
func (s *Stack) SetLocalAddrs(addrs []netip.AddrPort) {
	s.local = slices.Clone(addrs)
	s.generation++
}

// SetLocalMTUs says what the largest IP packet is, in bytes, that the interfaces
// of local addresses carry, as far as that is known. It bounds the path MTU of the
// associations that are set up from now on.
func (s *Stack) SetLocalMTUs(mtus map[netip.Addr]int) { s.mtus = maps.Clone(mtus) }

// DisableECN has ECN not announced, whatever the configuration says: the sockets
// cannot do it.
func (s *Stack) DisableECN() { s.cfg.announced &^= extECN }

// Listen accepts associations on an SCTP port.
func (s *Stack) Listen(port uint16) error {
	if s.listening[port] {
		return fmt.Errorf("%w: %d", ErrPortInUse, port)
	}
	s.listening[port] = true
	return nil
}

// Unlisten refuses new associations on an SCTP port. Those that exist stay.
func (s *Stack) Unlisten(port uint16) { delete(s.listening, port) }

// FreePort returns an SCTP port from the dynamic range which no listener and
// no association uses (RFC 6335, Section 6).
func (s *Stack) FreePort() uint16 {
	const first, count = 49152, 65536 - 49152
	start := s.rng.IntN(count)
	for i := range count {
		p := uint16(first + (start+i)%count)
		if s.ports[p] == 0 && !s.listening[p] {
			return p
		}
	}
	return first
}

// AssociateParams are the arguments of ASSOCIATE (RFC 9260, Section 11.1.2).
type AssociateParams struct {
	LocalPort uint16 // 0: a free one
	// Remote lists the peer's addresses with their UDP encapsulation ports;
	// the first is tried first. They count as confirmed (Section 5.4, 1).
	Remote []netip.AddrPort
	Port   uint16 // the peer's SCTP port
	// OutboundStreams to ask for; 0: as configured.
	OutboundStreams int
}

// Associate begins an association: it enters COOKIE-WAIT.
func (s *Stack) Associate(now time.Time, p AssociateParams) (*Association, error) {
	if s.starved {
		return nil, ErrMemory
	}
	if p.LocalPort == 0 {
		p.LocalPort = s.FreePort()
	}
	if p.OutboundStreams == 0 {
		p.OutboundStreams = s.cfg.OutboundStreams
	}
	if p.OutboundStreams < 1 || p.OutboundStreams > 65535 {
		return nil, fmt.Errorf("sctp: %d outbound streams: not within 1 to 65535", p.OutboundStreams)
	}
	a := s.newAssociation(p.LocalPort, p.Port)
	for _, r := range p.Remote {
		r = netip.AddrPortFrom(r.Addr().Unmap(), r.Port())
		if !r.IsValid() || r.Port() == 0 || r.Addr().IsUnspecified() || r.Addr().IsMulticast() {
			return nil, fmt.Errorf("sctp: peer address %v: not a unicast address with a UDP port", r)
		}
		if other := s.byPeer[peerKey{p.LocalPort, p.Port, r}]; other != nil {
			return nil, fmt.Errorf("%w: port %d to %v port %d", ErrAssociationExists, p.LocalPort, r, p.Port)
		}
		if len(a.paths) < s.cfg.MaxPaths && a.pathTo(r.Addr()) == nil {
			a.addPath(r, PathActive)
		}
	}
	if len(a.paths) == 0 {
		return nil, fmt.Errorf("%w for %v", ErrNoLocalAddress, p.Remote)
	}
	if s.cfg.BehindNAT {
		a.localsSince(a.primary.local)
		a.relocate(now, false)
	}
	a.associate(now, s.newTag(), wire.TSN(s.rng.Uint32()), p.OutboundStreams)
	s.Sync(a)
	return a, nil
}

func (s *Stack) newAssociation(localPort, remotePort uint16) *Association {
	s.lastID++
	a := &Association{
		scheduling: scheduling{scheduler: s.cfg.Scheduler},
		id:         s.lastID,
		cfg:        &s.cfg,
		jar:        s.jar,
		rng:        rand.New(rand.NewPCG(s.rng.Uint64(), s.rng.Uint64())),
		local:      s.local,
		localMTU:   s.mtus,
		localPort:  localPort,
		remotePort: remotePort,
	}
	return a
}

// newTag returns an unused Verification Tag. RFC 9260, Section 5.3.1: "from
// the range of 1 to 2^32 - 1".
func (s *Stack) newTag() uint32 {
	for {
		if t := s.rng.Uint32(); t != 0 && s.byTag[t] == nil {
			return t
		}
	}
}

// Sync brings the index up to date with an association's tag and addresses,
// or takes it out once it is closed.
func (s *Stack) Sync(a *Association) {
	a.identityChanged = false
	if a.indexed.tag != 0 && s.byTag[a.indexed.tag] == a {
		delete(s.byTag, a.indexed.tag)
	}
	for _, k := range a.indexed.peers {
		if s.byPeer[k] == a {
			delete(s.byPeer, k)
		}
	}
	if a.state == StateClosed {
		if a.indexed.tag != 0 {
			s.release(a.localPort)
		}
		s.used.add(a.indexed.tag)
		a.indexed = index{}
		return
	}
	if a.indexed.tag == 0 {
		s.ports[a.localPort]++
	}
	a.indexed.peers = a.indexed.peers[:0]
	a.indexed.tag = a.myTag
	s.byTag[a.myTag] = a
	for _, p := range a.paths {
		k := peerKey{a.localPort, a.remotePort, p.remote}
		if other := s.byPeer[k]; other == nil || other == a {
			s.byPeer[k] = a
			a.indexed.peers = append(a.indexed.peers, k)
		}
	}
	for _, g := range a.asconf.gone { // not to be taken for out of the blue
		k := peerKey{a.localPort, a.remotePort, g.remote}
		if s.byPeer[k] == nil {
			s.byPeer[k] = a
			a.indexed.peers = append(a.indexed.peers, k)
		}
	}
}

func (s *Stack) release(port uint16) {
	if s.ports[port]--; s.ports[port] == 0 {
		delete(s.ports, port)
	}
}

// A tagRing remembers the Verification Tags of the associations closed last. A
// COOKIE ECHO that the network has doubled must not set one up again.
type tagRing struct {
	tags [maxUsedTags]uint32
	next int
}

// maxUsedTags bounds the memory; within a cookie's life more may be closed, but
// duplicates do not come that late.
const maxUsedTags = 256

func (r *tagRing) add(tag uint32) {
	if tag != 0 {
		r.tags[r.next] = tag
		r.next = (r.next + 1) % len(r.tags)
	}
}

func (r *tagRing) has(tag uint32) bool { return slices.Contains(r.tags[:], tag) }

// MaxReplySize is the size in bytes of the largest packet PollReply makes now,
// at least the configured MTU: the answer to an INIT that lists many addresses
// can be larger.
func (s *Stack) MaxReplySize() int {
	n := s.cfg.MTU
	for _, r := range s.replies {
		n = max(n, len(r.packet))
	}
	return n
}

// PollReply puts the next packet that answers one without an association into
// buf, which must have room for MaxReplySize bytes.
func (s *Stack) PollReply(buf []byte) (Transmit, bool) {
	if len(s.replies) == 0 {
		return Transmit{}, false
	}
	r := s.replies[0]
	s.replies = s.replies[1:]
	n := copy(buf, r.packet)
	return Transmit{Local: r.local, Remote: r.remote, Len: n, Oversize: n > maxPacket(s.cfg.MTU, r.remote.Addr())}, true
}

// answer queues a packet with one chunk back to where d came from.
func (s *Stack) answer(d Datagram, h wire.Header, tag uint32, chunk []byte) {
	if len(s.replies) >= maxReplies {
		s.stats.RepliesDropped++
		return
	}
	s.replies = append(s.replies, reply{local: d.Local, remote: d.Remote, packet: singleChunk(h.DstPort, h.SrcPort, tag, chunk)})
}

// singleChunk builds a packet of one chunk.
func singleChunk(src, dst uint16, tag uint32, chunk []byte) []byte {
	h := wire.Header{SrcPort: src, DstPort: dst, Tag: tag}
	p := append(h.Append(make([]byte, 0, wire.HeaderLen+len(chunk))), chunk...)
	wire.SetChecksum(p)
	return p
}
