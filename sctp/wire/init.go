// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// InitHeaderLen is the size of an INIT or INIT ACK chunk without parameters.
const InitHeaderLen = 20

// An Init is an INIT or INIT ACK chunk, RFC 9260, Sections 3.3.2 and 3.3.3.
type Init struct {
	InitiateTag     uint32
	ARwnd           uint32 // advertised receiver window credit, in bytes
	OutboundStreams uint16 // OS
	InboundStreams  uint16 // MIS
	InitialTSN      TSN
	Params          []byte // parameters, walked with NextParam; a view after ParseInit
}

// Append appends the chunk, as ChunkInit or ChunkInitAck, and its padding.
func (i *Init) Append(b []byte, t ChunkType) []byte {
	params := withoutFinalPadding(i.Params)
	n := InitHeaderLen + len(params)
	b, p := grow(b, padded(n))
	putChunkHeader(p, t, 0, n)
	binary.BigEndian.PutUint32(p[4:], i.InitiateTag)
	binary.BigEndian.PutUint32(p[8:], i.ARwnd)
	binary.BigEndian.PutUint16(p[12:], i.OutboundStreams)
	binary.BigEndian.PutUint16(p[14:], i.InboundStreams)
	binary.BigEndian.PutUint32(p[16:], uint32(i.InitialTSN))
	copy(p[InitHeaderLen:], params)
	clear(p[n:])
	return b
}

// ParseInit decodes the fixed fields of an INIT or INIT ACK chunk. It does not
// walk the parameters, since an unknown one may say to stop there, and it
// accepts any field value: the answer to an Initiate Tag or a number of
// streams of 0 needs the other fields.
func ParseInit(c Chunk) (Init, error) {
	if c.Type != ChunkInit && c.Type != ChunkInitAck {
		return Init{}, typeError("INIT chunk", c.Type)
	}
	v := c.Value
	if len(v) < InitHeaderLen-ChunkHeaderLen {
		return Init{}, lengthError(c.Type.String()+" chunk", len(c.Raw), "at least 20")
	}
	return Init{
		InitiateTag:     binary.BigEndian.Uint32(v[0:]),
		ARwnd:           binary.BigEndian.Uint32(v[4:]),
		OutboundStreams: binary.BigEndian.Uint16(v[8:]),
		InboundStreams:  binary.BigEndian.Uint16(v[10:]),
		InitialTSN:      TSN(binary.BigEndian.Uint32(v[12:])),
		Params:          v[16:],
	}, nil
}
