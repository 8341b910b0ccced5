// SPDX-License-Identifier: Apache-2.0

package wire

// AppendHeartbeat appends a HEARTBEAT or HEARTBEAT ACK chunk (t) whose
// Heartbeat Info parameter holds info, and its padding. To answer a HEARTBEAT
// byte by byte, use AppendChunk(b, ChunkHeartbeatAck, 0, c.Value).
func AppendHeartbeat(b []byte, t ChunkType, info []byte) []byte {
	start := len(b)
	b = startChunk(b, t, 0)
	pstart := len(b)
	b = startTLV(b, uint16(ParamHeartbeatInfo))
	b = append(b, info...)
	putLength(b, pstart)
	return finish(b, start)
}

// ParseHeartbeat decodes a HEARTBEAT or HEARTBEAT ACK chunk. info is the
// Sender-Specific Heartbeat Info, a view. Parameters after the first one are
// ignored.
//
// RFC 9260, Section 3.3.6: "This field MUST contain the Heartbeat Info
// parameter (as defined in Section 3.3.5) of the Heartbeat Request to which
// this Heartbeat Acknowledgement is responding."
func ParseHeartbeat(c Chunk) (info []byte, err error) {
	if c.Type != ChunkHeartbeat && c.Type != ChunkHeartbeatAck {
		return nil, typeError("HEARTBEAT chunk", c.Type)
	}
	p, _, err := NextParam(c.Value)
	if err == nil {
		err = p.check(ParamHeartbeatInfo, 0, false)
	}
	if err != nil {
		return nil, shift(err, ChunkHeaderLen)
	}
	return p.Value, nil
}
