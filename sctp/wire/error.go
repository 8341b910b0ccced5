// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// A ParseError says what could not be decoded, where and why.
type ParseError struct {
	What   string // the chunk, parameter, cause or field, as the RFC names it
	Offset int    // bytes from the start of what the decoder was given (for a chunk: of its header)
	Reason string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("sctp: bad %s at offset %d: %s", e.What, e.Offset, e.Reason)
}

// parseErrorf builds the error out of line, to keep the decoders small.
//
//go:noinline
func parseErrorf(what string, offset int, format string, args ...any) error {
	return &ParseError{What: what, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

//go:noinline
func lengthError(what string, got int, want string) error {
	return &ParseError{What: what, Offset: 2, Reason: fmt.Sprintf("length is %d, want %s", got, want)}
}

//go:noinline
func typeError(what string, got fmt.Stringer) error {
	return &ParseError{What: what, Reason: "type is " + got.String()}
}
