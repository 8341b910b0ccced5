// SPDX-License-Identifier: Apache-2.0

package assoc

import "github.com/rserpool/rserpool/sctp/wire"

// extIForwardTSN: partial reliability together with I-DATA chunks. RFC 8260,
// Section 2.3.1: "The partial reliability extension is negotiated and can be
// used in combination with user message interleaving only if both endpoints
// indicated their support of user message interleaving and the I-FORWARD-TSN
// chunk."
const extIForwardTSN extensions = 1 << 14

// announceInterleaving: RFC 8260, Section 2.2.1: "An endpoint ... MUST NOT
// indicate user message interleaving support unless the user has requested its
// use".
func (c *Config) announceInterleaving() {
	if !c.Interleaving {
		return
	}
	c.announced |= extIData
	if !c.NoPartialReliability {
		c.announced |= extIForwardTSN
	}
}

// Interleaving tells whether both sides interleave user messages: all user data
// is in I-DATA chunks (RFC 8260, Section 2.2.1). It is known from EventCommUp on.
func (a *Association) Interleaving() bool { return a.ext.has(extIData) }

// dataChunk is the type of the chunks that user data is in.
func (a *Association) dataChunk() wire.ChunkType {
	if a.Interleaving() {
		return wire.ChunkIData
	}
	return wire.ChunkData
}

// canForward tells whether the peer can be told that messages are abandoned:
// with interleaving, by I-FORWARD-TSN. Linux has it, but does not announce the
// chunk; who has both interleaving and partial reliability must have it (RFC 8260,
// Section 2: "it is REQUIRED to implement the corresponding changes").
func (a *Association) canForward() bool {
	return a.ext.has(extForwardTSN) || a.ext.has(extIData|extIForwardTSN)
}

// interleaved tells whether messages go in I-DATA chunks.
func (q *sendQueue) interleaved() bool { return q.header == wire.IDataHeaderLen }

// setInterleaved chooses the kind of chunk for what is to be sent.
func (q *sendQueue) setInterleaved(on bool) {
	q.header, q.nextMID = wire.DataHeaderLen, [2][]wire.MID{}
	if on {
		q.header = wire.IDataHeaderLen
		for i := range q.nextMID {
			q.nextMID[i] = make([]wire.MID, len(q.nextSSN))
		}
	}
	if q.streams != nil {
		q.streams.interleaved = on
	}
}

// maxFragment is how many bytes of a message a chunk holds.
func (a *Association) maxFragment() int { return a.amdcs() - a.queue.header }

// unorderedIndex is 1 for unordered messages: those have MIDs of their own.
func unorderedIndex(unordered bool) int {
	if unordered {
		return 1
	}
	return 0
}

// appendChunk appends the chunk that was sent, or is sent again, with a TSN.
func (k *packet) appendChunk(tsn wire.TSN, c *outChunk) {
	k.a.stats.DataChunksSent++
	m := c.msg
	k.stream = int(m.stream)
	if m.header == wire.IDataHeaderLen {
		d := wire.IData{
			Flags: c.flags, TSN: tsn, Stream: m.stream, MID: m.mid, PPID: m.ppid, FSN: c.fsn - k.a.cfg.fsnBias(),
			Payload: m.data[c.off : c.off+c.n],
		}
		k.b = d.Append(k.b)
		k.a.stats.IDataChunksSent++
		return
	}
	d := wire.Data{
		Flags: c.flags, TSN: tsn, Stream: m.stream, SSN: m.ssn, PPID: m.ppid,
		Payload: m.data[c.off : c.off+c.n],
	}
	k.b = d.Append(k.b)
}

// An inData is a DATA or an I-DATA chunk that has arrived.
type inData struct {
	wire.Data
	mid wire.MID
	fsn wire.FSN
}

// parseInData decodes one of either kind.
func (a *Association) parseInData(c wire.Chunk) (d inData, err error) {
	if c.Type == wire.ChunkData {
		d.Data, err = wire.ParseData(c)
		return d, err
	}
	i, err := wire.ParseIData(c)
	d.Data = wire.Data{Flags: i.Flags, TSN: i.TSN, Stream: i.Stream, PPID: i.PPID, Payload: i.Payload}
	d.mid, d.fsn = i.MID, i.FSN
	if i.Flags&wire.DataBegin == 0 {
		d.fsn += a.cfg.fsnBias()
	}
	return d, err
}

// fsnBias is what the FSNs of a peer that numbers as Linux are too small by.
func (c *Config) fsnBias() wire.FSN {
	if c.LinuxFSN {
		return 1
	}
	return 0
}

func (a *Association) reassemble(d *inData, from *path) (ok bool) {
	if a.reassembly.interleaved {
		return a.reassembly.addInterleaved(d, from.remote)
	}
	return a.reassembly.add(&d.Data, from.remote)
}

// contradiction is why an association is aborted.
func (d *inData) contradiction(t wire.ChunkType) string {
	if t == wire.ChunkIData && d.fsn == 0 && d.Flags&wire.DataBegin == 0 {
		return "I-DATA chunk with FSN 0 that is not a beginning (Linux numbers so)"
	}
	return t.String() + " chunk contradicts its neighbours' fragment flags"
}

// tooLarge tells whether a message that is not complete is larger than any may
// be, and a fragment that has just arrived is part of it.
func (a *Association) tooLarge(d *inData) bool {
	limit := a.cfg.MaxMessageSize
	if !a.reassembly.interleaved {
		return a.reassembly.headIncomplete(a.tracker.cum) > limit
	}
	if a.reassembly.point > 0 {
		return false // the window bounds what has a gap before it, and the rest is delivered in parts
	}
	return a.reassembly.incomplete > limit && a.reassembly.sizeOf(d) > limit
}

// wrongDataChunk is why an association is aborted. RFC 8260, Section 2.2.3: "If
// I-DATA support has been negotiated for an association, the reception of a DATA
// chunk is a violation of the above rules and therefore the receiver of the DATA
// chunk MUST abort the association by sending an ABORT chunk. ... The same
// applies if I-DATA support has not been negotiated for an association and an
// I-DATA chunk is received."
func wrongDataChunk(t wire.ChunkType) string {
	if t == wire.ChunkIData {
		return "I-DATA chunk, which was not negotiated"
	}
	return "DATA chunk, although I-DATA was negotiated"
}
