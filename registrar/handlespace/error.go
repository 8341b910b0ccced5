// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// Error says why a registration or resolution was refused, with the error cause of RFC 5354, Section 3.12 to answer.
type Error struct {
	Code   param.CauseCode
	Handle param.PoolHandle
	ID     uint32 // PE identifier; 0 for a resolution

	// Policy is the overall policy of the pool, and Transport has its transport type, where they are what the
	// registration is inconsistent with.
	Policy    param.Policy
	Transport param.Transport

	Err error // what else there is to say, or nil
}

func (e *Error) Error() string {
	s := fmt.Sprintf("pool %q", string(e.Handle))
	if e.ID != 0 {
		s += fmt.Sprintf(", element %#08x", e.ID)
	}
	s += ": " + e.Code.String()
	switch e.Code {
	case param.CauseInconsistentPolicy:
		s += fmt.Sprintf(": the pool has %v", e.Policy.Type)
	case param.CauseInconsistentTransportType:
		s += fmt.Sprintf(": the pool has %v", e.Transport.Protocol)
	case param.CauseInconsistentDataControl:
		s += fmt.Sprintf(": the pool has %v", e.Transport.Use)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Cause returns the error cause with its cause-specific information.
func (e *Error) Cause() param.Cause {
	c := param.Cause{Code: e.Code}
	switch e.Code {
	case param.CauseInconsistentPolicy:
		// RFC 5354, Section 3.12.6: "A Pool Member Selection Policy TLV (see Section 3.8) that indicates the overall pool
		// policy is included as cause-specific information."
		c.Info = appended(e.Policy)
	case param.CauseInconsistentTransportType:
		// RFC 5354, Section 3.12.8: "A Transport TLV that indicates the overall pool user transport type is included as
		// cause-specific information."
		c.Info = appended(e.Transport)
	}
	return c
}

// appended returns the TLV, or nothing if what somebody registered cannot be encoded.
func appended(p interface {
	AppendBinary([]byte) ([]byte, error)
}) []byte {
	b, err := p.AppendBinary(nil)
	if err != nil {
		return nil
	}
	return b
}
