// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
)

// AuthHeaderLen is the size of an AUTH chunk without its HMAC.
const AuthHeaderLen = 8

// An HMACID is an HMAC identifier, RFC 4895, Table 2.
type HMACID uint16

// HMAC identifiers. 0 and 2 are reserved.
const (
	HMACSHA1   HMACID = 1
	HMACSHA256 HMACID = 3
)

// Size returns the length of the HMAC in bytes, 0 for an unknown identifier.
func (h HMACID) Size() int {
	switch h {
	case HMACSHA1:
		return 20
	case HMACSHA256:
		return 32
	}
	return 0
}

// String returns the name of the message digest algorithm.
func (h HMACID) String() string {
	switch h {
	case HMACSHA1:
		return "SHA-1"
	case HMACSHA256:
		return "SHA-256"
	}
	return fmt.Sprintf("HMAC identifier %d", uint16(h))
}

// An Auth is an AUTH chunk, RFC 4895, Section 5.1.
type Auth struct {
	KeyID  uint16 // Shared Key Identifier
	HMACID HMACID
	HMAC   []byte // a view after ParseAuth
}

// Append appends the chunk and its padding. To compute the HMAC, append the
// chunk with HMACID.Size() zero bytes and everything it covers, and write the
// HMAC over the zeros.
//
// RFC 4895, Section 6.2: "The 'data' used for the computation of the AUTH-chunk
// is given by the AUTH chunk with its HMAC field set to zero (as shown in
// Figure 6) followed by all the chunks that are placed after the AUTH chunk in
// the SCTP packet."
func (a *Auth) Append(b []byte) []byte {
	start := len(b)
	b = startChunk(b, ChunkAuth, 0)
	b = binary.BigEndian.AppendUint16(b, a.KeyID)
	b = binary.BigEndian.AppendUint16(b, uint16(a.HMACID))
	b = append(b, a.HMAC...)
	return finish(b, start)
}

// ParseAuth decodes an AUTH chunk. The HMAC of a known identifier must have
// the size of that identifier.
func ParseAuth(c Chunk) (Auth, error) {
	if c.Type != ChunkAuth {
		return Auth{}, typeError("AUTH chunk", c.Type)
	}
	v := c.Value
	if len(v) < AuthHeaderLen-ChunkHeaderLen {
		return Auth{}, lengthError("AUTH chunk", len(c.Raw), "at least 8")
	}
	a := Auth{
		KeyID:  binary.BigEndian.Uint16(v),
		HMACID: HMACID(binary.BigEndian.Uint16(v[2:])),
		HMAC:   v[4:],
	}
	if n := a.HMACID.Size(); n != 0 && len(a.HMAC) != n {
		return Auth{}, parseErrorf("AUTH chunk", AuthHeaderLen, "%v HMAC has %d bytes, want %d", a.HMACID, len(a.HMAC), n)
	}
	return a, nil
}

// AppendRandom appends a RANDOM parameter, RFC 4895, Section 3.1, and its
// padding. The RFC asks for 32 bytes.
func AppendRandom(b, random []byte) []byte { return AppendParam(b, ParamRandom, random) }

// AppendChunkList appends a CHUNKS parameter, RFC 4895, Section 3.2: the chunk
// types the peer must authenticate.
func AppendChunkList(b []byte, types ...ChunkType) []byte {
	return appendChunkTypes(b, ParamChunkList, types)
}

// AppendHMACAlgo appends an HMAC-ALGO parameter, RFC 4895, Section 3.3: the
// algorithms the peer may use, the most preferred first.
func AppendHMACAlgo(b []byte, ids ...HMACID) []byte {
	start := len(b)
	b = startTLV(b, uint16(ParamHMACAlgo))
	for _, id := range ids {
		b = binary.BigEndian.AppendUint16(b, uint16(id))
	}
	return finish(b, start)
}

// Random returns the Random Number of a RANDOM parameter, a view.
func (p Param) Random() ([]byte, error) {
	return p.Value, p.check(ParamRandom, 0, false)
}

// HMACAlgos appends the HMAC identifiers of an HMAC-ALGO parameter to ids.
func (p Param) HMACAlgos(ids []HMACID) ([]HMACID, error) {
	if err := p.checkList(ParamHMACAlgo, 0, 2); err != nil {
		return ids, err
	}
	for v := p.Value; len(v) > 0; v = v[2:] {
		ids = append(ids, HMACID(binary.BigEndian.Uint16(v)))
	}
	return ids, nil
}

// ChunkTypes appends the chunk types of a CHUNKS or Supported Extensions
// parameter to types.
func (p Param) ChunkTypes(types []ChunkType) ([]ChunkType, error) {
	if p.Type != ParamChunkList && p.Type != ParamSupportedExtensions {
		return types, typeError("list of chunk types", p.Type)
	}
	for _, t := range p.Value {
		types = append(types, ChunkType(t))
	}
	return types, nil
}

func appendChunkTypes(b []byte, t ParamType, types []ChunkType) []byte {
	start := len(b)
	b = startTLV(b, uint16(t))
	for _, t := range types {
		b = append(b, byte(t))
	}
	return finish(b, start)
}
