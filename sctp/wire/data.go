// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// DataHeaderLen is the size of a DATA chunk without its user data.
const DataHeaderLen = 16

// Flags of DATA and I-DATA chunks. DataBegin|DataEnd is an unfragmented message.
const (
	DataEnd       uint8 = 0x01 // E: last fragment
	DataBegin     uint8 = 0x02 // B: first fragment
	DataUnordered uint8 = 0x04 // U
	DataImmediate uint8 = 0x08 // I: the SACK should not be delayed (RFC 7053)
)

// A Data is a DATA chunk, RFC 9260, Section 3.3.1.
type Data struct {
	Flags   uint8
	TSN     TSN
	Stream  uint16
	SSN     SSN
	PPID    PPID
	Payload []byte // user data; a view after ParseData
}

// Append appends the chunk and its padding. It copies the payload once.
func (d *Data) Append(b []byte) []byte {
	n := DataHeaderLen + len(d.Payload)
	b, p := grow(b, padded(n))
	putChunkHeader(p, ChunkData, d.Flags, n)
	binary.BigEndian.PutUint32(p[4:], uint32(d.TSN))
	binary.BigEndian.PutUint16(p[8:], d.Stream)
	binary.BigEndian.PutUint16(p[10:], uint16(d.SSN))
	binary.BigEndian.PutUint32(p[12:], uint32(d.PPID))
	copy(p[DataHeaderLen:], d.Payload)
	clear(p[n:])
	return b
}

// ParseData decodes a DATA chunk. An empty payload is not an error here.
//
// RFC 9260, Section 6.2: "If an endpoint receives a DATA chunk with no user
// data (i.e., the Length field is set to 16), it SHOULD send an ABORT chunk
// with a 'No User Data' error cause", which needs the TSN.
func ParseData(c Chunk) (Data, error) {
	if c.Type != ChunkData {
		return Data{}, typeError("DATA chunk", c.Type)
	}
	v := c.Value
	if len(v) < DataHeaderLen-ChunkHeaderLen {
		return Data{}, lengthError("DATA chunk", len(c.Raw), "at least 16")
	}
	return Data{
		Flags:   c.Flags,
		TSN:     TSN(binary.BigEndian.Uint32(v[0:])),
		Stream:  binary.BigEndian.Uint16(v[4:]),
		SSN:     SSN(binary.BigEndian.Uint16(v[6:])),
		PPID:    PPID(binary.BigEndian.Uint32(v[8:])),
		Payload: v[12:],
	}, nil
}
