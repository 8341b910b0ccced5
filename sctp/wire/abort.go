// SPDX-License-Identifier: Apache-2.0

package wire

// AppendAbort appends an ABORT chunk, RFC 9260, Section 3.3.7. causes is a
// list made with the Append functions of error causes, or empty; reflected
// sets the T bit (see FlagT).
func AppendAbort(b []byte, reflected bool, causes []byte) []byte {
	return AppendChunk(b, ChunkAbort, flagT(reflected), withoutFinalPadding(causes))
}

// ParseAbort decodes an ABORT chunk. causes is a view of its error causes,
// which have been checked and are walked with NextCause; reflected is its
// T bit.
//
// RFC 9260, Section 3.3.7: "If an endpoint receives an ABORT chunk with a
// format error or no TCB is found, it MUST silently discard it."
func ParseAbort(c Chunk) (causes []byte, reflected bool, err error) {
	if c.Type != ChunkAbort {
		return nil, false, typeError("ABORT chunk", c.Type)
	}
	if err := CheckCauses(c.Value); err != nil {
		return nil, false, shift(err, ChunkHeaderLen)
	}
	return c.Value, c.Flags&FlagT != 0, nil
}

// AppendError appends an ERROR chunk, RFC 9260, Section 3.3.10. causes holds
// at least one error cause.
func AppendError(b, causes []byte) []byte {
	return AppendChunk(b, ChunkError, 0, withoutFinalPadding(causes))
}

// ParseErrorChunk decodes an ERROR chunk. causes is a view of its error
// causes, which have been checked and are walked with NextCause.
//
// RFC 9260, Section 3.3.10: "It contains one or more error causes." An ERROR
// chunk without one is an error here.
func ParseErrorChunk(c Chunk) (causes []byte, err error) {
	if c.Type != ChunkError {
		return nil, typeError("ERROR chunk", c.Type)
	}
	if len(c.Value) == 0 {
		return nil, lengthError("ERROR chunk", len(c.Raw), "at least one error cause")
	}
	if err := CheckCauses(c.Value); err != nil {
		return nil, shift(err, ChunkHeaderLen)
	}
	return c.Value, nil
}
