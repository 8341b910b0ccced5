// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A peerInit is what an INIT or INIT ACK chunk says, checked.
type peerInit struct {
	wire.Init
	addrs  []netip.Addr // the peer's, the packet's source first
	cookie []byte       // State Cookie of an INIT ACK, a view
	// unrecognized holds the parameters to be reported, whole and padded.
	unrecognized []byte
	// ext holds the extensions announced that are ours, too.
	ext  extensions
	auth peerAuth
	// preserve is the Cookie Preservative's increment in milliseconds.
	preserve uint32
}

// maxReported bounds the parameters reported as unrecognized, so that the
// answer to an INIT is not larger than a packet.
const maxReported = 512

// readInit checks an INIT or INIT ACK chunk. If it cannot be accepted, cause
// holds the error causes for an ABORT.
func readInit(c wire.Chunk, source netip.Addr, families addrFamilies, cfg *Config) (p peerInit, cause []byte, ok bool) {
	init, err := wire.ParseInit(c)
	if err != nil {
		return p, nil, false
	}
	p.Init = init
	switch {
	case init.OutboundStreams == 0 || init.InboundStreams == 0:
		return p, wire.AppendCause(nil, wire.CauseInvalidMandatoryParam, nil), false
	case init.ARwnd < minARwnd:
		// RFC 9260, Section 3.3.2: "MUST discard the packet, SHOULD send a packet
		// in response containing an ABORT chunk".
		return p, wire.AppendCause(nil, wire.CauseInvalidMandatoryParam, nil), false
	}
	// RFC 9260, Section 5.1.2, C: "all the transport addresses from the received
	// chunk AND the source IP address".
	p.addrs = append(p.addrs, source)
	for rest := init.Params; len(rest) > 0; {
		prm, r, err := wire.NextParam(rest)
		if err != nil {
			return p, wire.AppendCause(nil, wire.CauseProtocolViolation, []byte("malformed parameter")), false
		}
		rest = r
		switch prm.Type {
		case wire.ParamIPv4, wire.ParamIPv6:
			addr, err := prm.Address()
			if err != nil {
				return p, wire.AppendCause(nil, wire.CauseProtocolViolation, []byte("malformed address parameter")), false
			}
			addr = addr.Unmap()
			if len(p.addrs) < cfg.MaxPaths && families.has(addr) && acceptable(addr, source) && !slices.Contains(p.addrs, addr) {
				p.addrs = append(p.addrs, addr)
			}
		case wire.ParamHostName:
			// RFC 9260, Section 5.1.2, B: "the endpoint MUST immediately send an ABORT
			// chunk and MAY include an 'Unresolvable Address' error cause".
			return p, wire.AppendUnresolvableAddress(nil, prm.Raw[:min(len(prm.Raw), maxReported)]), false
		case wire.ParamStateCookie:
			p.cookie = prm.Value
		case wire.ParamCookiePreservative:
			if len(prm.Value) == 4 {
				p.preserve = uint32(prm.Value[0])<<24 | uint32(prm.Value[1])<<16 | uint32(prm.Value[2])<<8 | uint32(prm.Value[3])
			}
		case wire.ParamRandom, wire.ParamChunkList, wire.ParamHMACAlgo:
			if cfg.extensions().has(extAuth) {
				p.auth.take(prm)
			}
		case wire.ParamSetPrimary: // advice (RFC 5061, Section 5.4), which is not taken
		case wire.ParamSupportedAddressTypes, wire.ParamUnrecognized, wire.ParamPadding:
		default:
			if p.ext.announcedBy(prm, cfg.extensions()) {
				continue
			}
			act := prm.Type.UnknownAction()
			if act.Report && len(p.unrecognized)+len(prm.Raw) <= maxReported {
				p.unrecognized = wire.AppendParam(p.unrecognized, wire.ParamUnrecognized, prm.Raw)
			}
			if act.Stop {
				rest = nil
			}
		}
	}
	cause, ok = p.finishAuth(cfg)
	return p, cause, ok
}

// finishAuth tells from the parameters whether the peer can authenticate.
func (p *peerInit) finishAuth(cfg *Config) (cause []byte, ok bool) {
	able, err := p.auth.finish(cfg.AuthHMACs)
	if err != nil {
		return wire.AppendProtocolViolation(nil, err.Error()), false
	}
	p.ext &^= extAuth
	if able {
		p.ext |= extAuth
	} else if p.ext.has(extAsconf) {
		// RFC 5061, Section 6: "under NO circumstance is an implementation allowed to
		// proceed with the association setup by sending an INIT-ACK in response", nor
		// by a COOKIE ECHO.
		return wire.AppendProtocolViolation(nil, "ASCONF (RFC 5061) without authentication (RFC 4895)"), false
	}
	if !able && len(cfg.AuthChunks) > 0 {
		return wire.AppendProtocolViolation(nil, "authentication (RFC 4895) is required here"), false
	}
	return nil, true
}

// acceptable tells whether an address a peer lists may become a path. What it
// lists of its own loopback or link means nothing to others.
func acceptable(a, source netip.Addr) bool {
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return false
	case a.IsLoopback():
		return source.IsLoopback()
	case a.IsLinkLocalUnicast():
		return false // it would need a zone
	}
	return true
}

// addrFamilies are the address families the stack has sockets for.
type addrFamilies struct{ v4, v6 bool }

func familiesOf(local []netip.AddrPort) (f addrFamilies) {
	for _, l := range local {
		f.v4 = f.v4 || l.Addr().Is4()
		f.v6 = f.v6 || l.Addr().Is6()
	}
	return f
}

func (f addrFamilies) has(a netip.Addr) bool { return a.Is4() && f.v4 || a.Is6() && f.v6 }

const (
	// maxListedAddrs bounds the addresses an INIT, INIT ACK or ABORT lists, so
	// that they fit into packets which need not be fragmented.
	maxListedAddrs = 32
	// maxInitPacket is more than the largest INIT then has.
	maxInitPacket = wire.HeaderLen + wire.InitHeaderLen + 20*maxListedAddrs + maxExtensionParams + maxAuthVector + 32
)

// appendAddressParams appends what an INIT or INIT ACK sent to a destination
// says of the local addresses: those that make sense there, or none if the
// peer will see the only one as the packet's source.
func appendAddressParams(b []byte, c *Config, local []netip.AddrPort, dst netip.Addr) []byte {
	if c.BehindNAT {
		return b
	}
	var list []netip.Addr
	for _, l := range local {
		if a := l.Addr(); !a.IsLoopback() || dst.IsLoopback() {
			list = append(list, a)
		}
	}
	if len(list) > 1 {
		for _, a := range list[:min(len(list), maxListedAddrs)] {
			b = wire.AppendAddress(b, a)
		}
	}
	return b
}

// appendSupportedTypes: RFC 9260, Section 5.1.2: "The sender of INIT chunks MAY
// include a 'Supported Address Types' parameter". One address needs none: its
// family is that of the packet's source, and the peer's addresses of the other
// "MAY be ignored". There are stacks which drop every INIT that carries it.
func appendSupportedTypes(b []byte, f addrFamilies, multihomed bool) []byte {
	switch {
	case !multihomed && f.v4 != f.v6:
		return b
	case f.v4 && f.v6:
		return wire.AppendSupportedAddressTypes(b, wire.ParamIPv4, wire.ParamIPv6)
	case f.v6:
		return wire.AppendSupportedAddressTypes(b, wire.ParamIPv6)
	}
	return wire.AppendSupportedAddressTypes(b, wire.ParamIPv4)
}

// sourceFor chooses the local address to reach a destination from: the one
// of the same family and, if there is one, the same scope which has most
// leading bits in common (RFC 6724, Section 5, rules 2 and 8).
func sourceFor(local []netip.AddrPort, dst netip.Addr) (best netip.AddrPort, ok bool) {
	score := -1
	for _, l := range local {
		a := l.Addr()
		if a.Is4() != dst.Is4() {
			continue
		}
		s := commonBits(a, dst)
		if a.IsLoopback() == dst.IsLoopback() {
			s += 1000
		}
		if a.IsPrivate() == dst.IsPrivate() {
			s += 200
		}
		if s > score {
			best, score = l, s
		}
	}
	return best, score >= 0
}

func commonBits(a, b netip.Addr) int {
	x, y := a.As16(), b.As16()
	for i := range x {
		if d := x[i] ^ y[i]; d != 0 {
			n := 8 * i
			for d&0x80 == 0 {
				d <<= 1
				n++
			}
			return n
		}
	}
	return 128
}
