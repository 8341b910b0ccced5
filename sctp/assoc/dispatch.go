// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// HandlePacket processes a packet that Stack.Route found to be the
// association's. EndBatch must follow the last one of a batch.
func (a *Association) HandlePacket(now time.Time, d Datagram) {
	h, err := wire.ParseHeader(d.Data)
	if err != nil || a.state == StateClosed {
		return
	}
	first, rest, err := wire.NextChunk(d.Data[wire.HeaderLen:])
	if err != nil {
		a.stats.BadPackets++
		return
	}
	authentic := false
	if echo, ok := afterAuth(first, rest, wire.ChunkCookieEcho); ok {
		if !a.authenticateCookie(now, first, rest, echo) {
			return
		}
		first, authentic = echo, true
	}
	// RFC 9260, Section 8.5.1, has the chunks with tag rules of their own.
	switch {
	case first.Type == wire.ChunkInit:
		if h.Tag == 0 && len(rest) == 0 {
			a.handleInit(now, d, h, first)
		}
		return
	case first.Type == wire.ChunkCookieEcho:
		if !authentic && a.mustBeAuthenticated(wire.ChunkCookieEcho) {
			a.stats.Unauthenticated++
			return
		}
		if !a.handleCookieEcho(now, d, h, first) {
			return
		}
	case first.Type == wire.ChunkShutdownAck && (a.state == StateCookieWait || a.state == StateCookieEchoed):
		// E: "it is treated as an OOTB packet", whatever its tag is: it is for an
		// association which the peer has not ended yet.
		if h.Tag != 0 {
			a.replyAlone(d, h.Tag, wire.AppendShutdownComplete(nil, true))
		}
		return
	case h.Tag == a.myTag && !reflected(first):
	case h.Tag == a.peerTag && a.peerTag != 0 && reflected(first):
		// RFC 5061, Section 5.3, of what was under way to an address of the peer that it
		// has deleted: "If it treats the DATA packet as OOTB, the peer will silently
		// discard the ABORT". There are peers which send it from another address.
		if !a.beingDeleted(d.Local) && len(a.asconf.gone) == 0 {
			a.handleReflected(first)
		}
		return
	default:
		// "the receiver MUST silently discard the packet".
		a.stats.BadPackets++
		return
	}

	p := a.pathTo(d.Remote.Addr())
	a.asconf.inPacket, a.replied = 0, 0
	if p == nil {
		a.handleFromElsewhere(now, d)
		return
	}
	a.learnPort(p, d)
	a.stats.PacketsReceived++
	if a.state == StateShutdownSent {
		// Section 9.2: "The reception of any packet from its peer ... SHOULD clear
		// the endpoint's retransmission count and restart the T2-shutdown timer".
		a.t2.expired, a.errorCount = 0, 0
		a.t2.restart(now)
	}
	a.ecn.ce = d.CE && a.ext.has(extECN)
	chunks := a.stats.DataChunksReceived + a.stats.ForwardTSNsReceived
	a.handleChunks(now, d, p, d.Data[wire.HeaderLen:], authentic)
	if a.stats.DataChunksReceived+a.stats.ForwardTSNsReceived != chunks {
		a.ack.packets++
		if a.state == StateShutdownSent {
			// "the SHUTDOWN chunk sender MUST immediately respond to each received
			// packet containing one or more DATA chunks with a SHUTDOWN chunk and
			// restart the T2-shutdown timer."
			a.t2.due = true
		}
	}
	a.progress(now)
}

// reflected tells whether a chunk carries the T bit: its sender has no TCB and
// the Verification Tag is the one it was sent.
func reflected(c wire.Chunk) bool {
	return (c.Type == wire.ChunkAbort || c.Type == wire.ChunkShutdownComplete) && c.Flags&wire.FlagT != 0
}

// handleReflected takes an ABORT or SHUTDOWN COMPLETE of a peer without TCB.
// Nothing else goes under its Verification Tag, so that the rest of the packet
// is not looked at.
func (a *Association) handleReflected(c wire.Chunk) {
	a.stats.PacketsReceived++
	if a.mustBeAuthenticated(c.Type) {
		a.stats.Unauthenticated++
		return
	}
	if c.Type == wire.ChunkAbort {
		a.handleAbort(c)
		return
	}
	a.handleShutdownComplete()
}

// handleChunks processes the chunks in their order in the packet (RFC 9260,
// Section 6.10). authentic says that the AUTH chunk which is the first one has
// been checked.
func (a *Association) handleChunks(now time.Time, d Datagram, p *path, b []byte, authentic bool) {
	checked := authentic
	for len(b) > 0 && a.state != StateClosed {
		c, rest, err := wire.NextChunk(b)
		if err != nil {
			a.stats.BadPackets++ // "If the receiver detects a partial chunk, it MUST drop the chunk."
			return
		}
		b = rest
		if !authentic && a.mustBeAuthenticated(c.Type) {
			a.stats.Unauthenticated++
			if addressChunk(c.Type) {
				return // RFC 5061, Section 5.2, D5: "discard this chunk and the rest of the packet"
			}
			continue
		}
		switch c.Type {
		case wire.ChunkData, wire.ChunkIData:
			if !a.handleData(now, p, c) {
				return
			}
		case wire.ChunkSack:
			if !a.state.mayReceiveSack() {
				continue
			}
			if wire.ParseSack(c, &a.sackIn) != nil {
				a.stats.BadPackets++
				return
			}
			a.handleSack(now, &a.sackIn)
		case wire.ChunkInitAck:
			a.handleInitAck(now, d, c)
			return // an INIT ACK is alone in its packet
		case wire.ChunkCookieEcho:
			// It was the first, and has been dealt with.
		case wire.ChunkCookieAck:
			if a.state == StateCookieEchoed {
				a.established(now)
			}
		case wire.ChunkHeartbeat:
			a.handleHeartbeat(p, c)
		case wire.ChunkHeartbeatAck:
			a.handleHeartbeatAck(now, c)
		case wire.ChunkECNE, wire.ChunkCWR:
			if !a.ext.has(extECN) {
				if !a.handleUnknown(p, c) {
					return
				}
			} else if c.Type == wire.ChunkECNE {
				a.handleECNE(p, c)
			} else {
				a.handleCWR(c)
			}
		case wire.ChunkShutdown:
			a.handleShutdown(now, c)
		case wire.ChunkShutdownAck:
			a.handleShutdownAck(now, d)
		case wire.ChunkShutdownComplete:
			if !reflected(c) {
				a.handleShutdownComplete()
			}
		case wire.ChunkAbort:
			// With the T bit set it wants the peer's tag: B: "Otherwise, the receiver
			// MUST silently discard the packet and take no further action."
			if reflected(c) {
				a.stats.BadPackets++
				return
			}
			if a.beingDeleted(d.Local) {
				return
			}
			a.handleAbort(c)
		case wire.ChunkError:
			a.handleError(now, c)
		case wire.ChunkInit:
			return // not with other chunks
		case wire.ChunkAsconf, wire.ChunkAsconfAck:
			switch {
			case !a.ext.has(extAsconf):
				if !a.handleUnknown(p, c) {
					return
				}
			case c.Type == wire.ChunkAsconfAck:
				a.handleAsconfAck(now, c)
			case !a.handleAsconf(now, d, c):
				return
			}
		case wire.ChunkAuth:
			if !a.ext.has(extAuth) {
				if !a.handleUnknown(p, c) {
					return
				}
				continue
			}
			if checked && authentic {
				checked = false // by authenticateCookie; another AUTH chunk may not follow
				continue
			}
			if authentic || !a.handleAuth(p, c, rest) {
				return // RFC 4895, Section 5.1: "MUST NOT appear more than once"
			}
			authentic = true
		default:
			if c.Type == wire.ChunkReconfig && a.ext.has(extReconfig) {
				if !a.handleReconfig(now, p, c) {
					return
				}
				continue
			}
			if c.Type == wire.ChunkIForwardTSN || c.Type == wire.ChunkForwardTSN && (a.ext.has(extForwardTSN) || a.Interleaving()) {
				if !a.handleForwardTSN(now, p, c) {
					return
				}
				continue
			}
			if !a.handleUnknown(p, c) {
				return
			}
		}
	}
}

// mayReceiveSack: RFC 9260, Section 6: "A SACK chunk MUST be processed in
// ESTABLISHED, SHUTDOWN-PENDING, and SHUTDOWN-RECEIVED states."
func (s State) mayReceiveSack() bool {
	return s == StateEstablished || s == StateShutdownPending || s == StateShutdownReceived
}

// handleUnknown follows the action bits of a chunk type (RFC 9260, Section
// 3.2) and tells whether to go on with the packet.
func (a *Association) handleUnknown(p *path, c wire.Chunk) bool {
	act := c.Type.UnknownAction()
	if act.Report {
		a.replyError(p, wire.AppendUnrecognizedChunk(nil, c.Raw))
	}
	return !act.Stop
}

// handleAbort ends the association. RFC 9260, Section 9.1: "the receiving
// endpoint MUST remove the association from its record and SHOULD report the
// termination to its upper layer".
func (a *Association) handleAbort(c wire.Chunk) {
	causes, _, err := wire.ParseAbort(c)
	if err != nil {
		// RFC 9260, Section 3.3.7: "If an endpoint receives an ABORT chunk with a
		// format error or no TCB is found, it MUST silently discard it."
		a.stats.BadPackets++
		return
	}
	e := &AbortError{Peer: true, Causes: bytes.Clone(causes)}
	for cause := range wire.Causes(e.Causes) {
		if cause.Code == wire.CauseUserInitiatedAbort {
			e.Reason = string(cause.Value)
		}
	}
	if a.state == StateShutdownAckSent && reflected(c) {
		// A packet of ours which the network had kept back found the peer without
		// the association, after it had sent SHUTDOWN COMPLETE: all data has been
		// acknowledged both ways, and nothing was aborted.
		a.close(nil)
		return
	}
	a.close(e)
}

func (a *Association) handleError(now time.Time, c wire.Chunk) {
	causes, err := wire.ParseErrorChunk(c)
	if err != nil {
		a.stats.BadPackets++
		return
	}
	if hasCause(causes, wire.CauseStaleCookie) {
		a.handleStaleCookie(now)
		return
	}
	if reportsAsconf(causes) {
		a.onAsconfUnknown()
	}
	a.peerError(causes)
}
