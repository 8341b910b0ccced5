// SPDX-License-Identifier: Apache-2.0

package assoc

import "github.com/rserpool/rserpool/sctp/wire"

// extZeroChecksum: packets with the checksum zero (RFC 9653). Announcing it
// means that they are accepted; having it on an association means that the
// peer accepts them, too, by the same error detection method. Unlike other
// extensions it is announced in an INIT ACK whether or not the INIT has it: the
// two directions are independent.
const extZeroChecksum extensions = 1 << 15

// zeroChecksumAnnounced reads the Zero Checksum Acceptable parameter of a peer
// and tells whether it is known. One that names another method counts for
// nothing (RFC 9653, Section 5.2, 1): the CRC32c stays.
func (e *extensions) zeroChecksumAnnounced(prm wire.Param, ours extensions) bool {
	if !ours.has(extZeroChecksum) {
		return false
	}
	if m, err := prm.ZeroChecksumAcceptable(); err == nil && m == wire.ErrorDetectionDTLS {
		*e |= extZeroChecksum
	}
	return true
}

// mayZeroChecksum tells whether a packet that is complete may go out without
// its CRC32c. RFC 9653, Section 5.2 keeps it as long as the peer has not
// announced that it accepts zero, in answers to packets out of the blue (see
// singleChunk), and in packets with an INIT, a COOKIE ECHO or an ASCONF chunk:
// those may meet a peer that does not know the association.
func (a *Association) mayZeroChecksum(p []byte) bool {
	if !a.ext.has(extZeroChecksum) {
		return false
	}
	for b := p[wire.HeaderLen:]; len(b) > 0; {
		c, rest, err := wire.NextChunk(b)
		if err != nil {
			return false
		}
		switch c.Type {
		case wire.ChunkInit, wire.ChunkInitAck, wire.ChunkCookieEcho, wire.ChunkAsconf:
			return false
		}
		b = rest
	}
	return true
}

// acceptsZeroChecksum tells whether a packet is accepted although its checksum
// is zero: RFC 9653, Section 5.3 demands it of whoever has announced it, which
// this stack then does on every association. Of packets out of the blue it
// allows it ("MAY"), so that a peer is told that its association is gone. But
// where the sender has to put a CRC32c, in a packet that begins with an INIT
// or COOKIE ECHO chunk, it is demanded.
func (s *Stack) acceptsZeroChecksum(p []byte) bool {
	if !s.cfg.announced.has(extZeroChecksum) || !wire.ChecksumZero(p) {
		return false
	}
	switch wire.ChunkType(p[wire.HeaderLen]) {
	case wire.ChunkInit, wire.ChunkCookieEcho:
		return false
	}
	return true
}
