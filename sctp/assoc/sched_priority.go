// SPDX-License-Identifier: Apache-2.0

package assoc

// A strictPriority ranks streams by their values. RFC 8260, Section 3.4:
// "Streams having a higher priority will be scheduled first and when multiple
// streams have the same priority, the scheduling between them is implementation
// dependent": round robin. Section 4.3.2: "The higher the assigned value, the
// lower the priority."
type strictPriority struct{}

func (strictPriority) join(s *outStream)      { s.class, s.tag = s.value, 0 }
func (strictPriority) begun(*outStream)       {}
func (strictPriority) served(*outStream, int) {}
