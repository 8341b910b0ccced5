// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// IDataHeaderLen is the size of an I-DATA chunk without its user data.
const IDataHeaderLen = 20

// An IData is an I-DATA chunk, RFC 8260, Section 2.1. Its flags are those of
// DATA. A first fragment (DataBegin) carries the PPID and has FSN 0; the
// others carry the FSN and have PPID 0.
type IData struct {
	Flags   uint8
	TSN     TSN
	Stream  uint16
	MID     MID
	PPID    PPID
	FSN     FSN
	Payload []byte // user data; a view after ParseIData
}

// Append appends the chunk and its padding. It copies the payload once.
func (d *IData) Append(b []byte) []byte {
	n := IDataHeaderLen + len(d.Payload)
	b, p := grow(b, padded(n))
	putChunkHeader(p, ChunkIData, d.Flags, n)
	binary.BigEndian.PutUint32(p[4:], uint32(d.TSN))
	binary.BigEndian.PutUint16(p[8:], d.Stream)
	binary.BigEndian.PutUint16(p[10:], 0)
	binary.BigEndian.PutUint32(p[12:], uint32(d.MID))
	// RFC 8260, Section 2.1: "If the B bit is set, this field contains the
	// PPID of the user message." "If the B bit is not set, this field contains
	// the FSN."
	x := uint32(d.FSN)
	if d.Flags&DataBegin != 0 {
		x = uint32(d.PPID)
	}
	binary.BigEndian.PutUint32(p[16:], x)
	copy(p[IDataHeaderLen:], d.Payload)
	clear(p[n:])
	return b
}

// ParseIData decodes an I-DATA chunk. As with ParseData, an empty payload is
// not an error here.
func ParseIData(c Chunk) (IData, error) {
	if c.Type != ChunkIData {
		return IData{}, typeError("I-DATA chunk", c.Type)
	}
	v := c.Value
	if len(v) < IDataHeaderLen-ChunkHeaderLen {
		return IData{}, lengthError("I-DATA chunk", len(c.Raw), "at least 20")
	}
	d := IData{
		Flags:   c.Flags,
		TSN:     TSN(binary.BigEndian.Uint32(v[0:])),
		Stream:  binary.BigEndian.Uint16(v[4:]),
		MID:     MID(binary.BigEndian.Uint32(v[8:])),
		Payload: v[16:],
	}
	if x := binary.BigEndian.Uint32(v[12:]); c.Flags&DataBegin != 0 {
		d.PPID = PPID(x)
	} else {
		d.FSN = FSN(x)
	}
	return d, nil
}
