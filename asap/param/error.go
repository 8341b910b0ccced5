// SPDX-License-Identifier: Apache-2.0

package param

import (
	"errors"
	"fmt"
)

// ParamError says why a message or parameter cannot be parsed, and what the sender is to be told.
//
// A caller that answers need not look inside: Parse of packages asap and enrp returns everything to be reported,
// this cause included, as an [OperationError] next to the error.
type ParamError struct {
	Param  Type   // the offending parameter; 0 for the message header and fixed part
	Reason string // what is wrong with it

	// Cause is what an Operation Error reports, with the offending TLV as information.
	Cause Cause

	// Silent is set where the rules want the message to be discarded without a report.
	Silent bool
}

func (e *ParamError) Error() string {
	if e.Param == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%v: %s", e.Param, e.Reason)
}

// UnknownMessageError says that a message has a type nobody knows here.
type UnknownMessageError struct {
	MessageType uint8
}

func (e *UnknownMessageError) Error() string {
	return fmt.Sprintf("unrecognized message type %#x", e.MessageType)
}

// Report reports whether the sender is to be told.
//
// RFC 5354, Section 4: "01 Stop processing this message and discard it, and report the unrecognized message in an
// 'Unrecognized Message' error". Patterns 10 and 11 are reserved and discarded silently.
func (e *UnknownMessageError) Report() bool { return e.MessageType>>6 == 1 }

// Reports collects what a parser wants to be reported to the sender of a message.
// The zero value is empty and ready.
type Reports struct {
	Causes OperationError
	size   int
}

// add appends a cause, unless the answer would become too large.
func (r *Reports) add(c Cause) {
	n := 4 + pad4(len(c.Info))
	if len(r.Causes) >= MaxReports || r.size+n > 4+MaxCauseInfo {
		return
	}
	r.Causes = append(r.Causes, c)
	r.size += n
}

// AddError appends the cause of the ParamError in err, if it wants to be reported.
func (r *Reports) AddError(err error) {
	if e, ok := errors.AsType[*ParamError](err); ok && !e.Silent {
		r.add(e.Cause)
	}
}

// Missing is the error for a mandatory parameter that is not in the message.
func Missing(t Type) error {
	return &ParamError{Param: t, Reason: "is missing", Cause: Cause{Code: CauseInvalidValues}}
}
