// SPDX-License-Identifier: Apache-2.0

package wire

// A Reconfig is a RE-CONFIG chunk, RFC 6525, Section 3.1.
type Reconfig struct {
	Params []byte // one or two parameters, walked with NextParam; a view after ParseReconfig
}

// Append appends the chunk and its padding.
func (r *Reconfig) Append(b []byte) []byte {
	return AppendChunk(b, ChunkReconfig, 0, withoutFinalPadding(r.Params))
}

// ParseReconfig decodes a RE-CONFIG chunk and checks that it holds one or two
// well-formed parameters. Whether they may stand together is what
// ReconfigAllowed says.
//
// RFC 6525, Section 3.1: "Note that each RE-CONFIG chunk holds at least one
// parameter and at most two parameters."
func ParseReconfig(c Chunk) (Reconfig, error) {
	if c.Type != ChunkReconfig {
		return Reconfig{}, typeError("RE-CONFIG chunk", c.Type)
	}
	n, b := 0, c.Value
	for ; len(b) > 0; n++ {
		_, rest, err := NextParam(b)
		if err != nil {
			return Reconfig{}, shift(err, len(c.Raw)-len(b))
		}
		b = rest
	}
	if n != 1 && n != 2 {
		return Reconfig{}, parseErrorf("RE-CONFIG chunk", ChunkHeaderLen, "%d parameters, want 1 or 2", n)
	}
	return Reconfig{Params: c.Value}, nil
}

// ReconfigAllowed reports whether a RE-CONFIG chunk may hold parameters of
// these types, in any order. second is 0 if there is only one.
//
// RFC 6525, Section 3.1: "Only the following combinations are allowed: ... If
// a sender transmits an unsupported combination, the receiver SHOULD send an
// ERROR chunk with a Protocol Violation cause".
func ReconfigAllowed(first, second ParamType) bool {
	a, b := min(first, second), max(first, second)
	switch b {
	case ParamOutgoingReset, ParamSSNTSNReset, ParamAddOutgoingStreams:
		return a == 0
	case ParamIncomingReset:
		return a == 0 || a == ParamOutgoingReset
	case ParamAddIncomingStreams:
		return a == 0 || a == ParamAddOutgoingStreams
	case ParamReconfigResponse:
		return a == 0 || a == ParamOutgoingReset || a == ParamReconfigResponse
	}
	return false
}
