// SPDX-License-Identifier: Apache-2.0

package wire

// The serial numbers of SCTP. They wrap, and are compared by RFC 1982. Where
// two numbers are exactly half the number space apart, RFC 1982, Section 3.2
// leaves the order undefined; here neither is then Less or Greater.
type (
	TSN uint32 // Transmission Sequence Number of a DATA or I-DATA chunk
	SSN uint16 // Stream Sequence Number of an ordered message (RFC 9260)
	MID uint32 // Message Identifier (RFC 8260)
	FSN uint32 // Fragment Sequence Number (RFC 8260)
	Seq uint32 // sequence number of ASCONF (RFC 5061) and RE-CONFIG (RFC 6525) requests
)

// A PPID is the Payload Protocol Identifier of a message: opaque to SCTP, and
// written to the wire in network byte order.
type PPID uint32

// RFC 9260, Section 1.6: "Comparisons and arithmetic on TSNs in this document
// SHOULD use Serial Number Arithmetic, as defined in [RFC1982], where
// SERIAL_BITS = 32." "Any arithmetic done on Stream Sequence Numbers SHOULD use
// Serial Number Arithmetic, as defined in [RFC1982], where SERIAL_BITS = 16."

func less32(a, b uint32) bool { return b-a-1 < 1<<31-1 } // 0 < b-a < 2^31
func less16(a, b uint16) bool { return b-a-1 < 1<<15-1 }

func (t TSN) Less(o TSN) bool      { return less32(uint32(t), uint32(o)) }
func (t TSN) LessEq(o TSN) bool    { return t == o || t.Less(o) }
func (t TSN) Greater(o TSN) bool   { return o.Less(t) }
func (t TSN) GreaterEq(o TSN) bool { return o.LessEq(t) }

// Add returns t + n.
func (t TSN) Add(n uint32) TSN { return t + TSN(n) }

// Diff returns t - o: positive if t comes after o.
func (t TSN) Diff(o TSN) int32 { return int32(t - o) }

func (s SSN) Less(o SSN) bool      { return less16(uint16(s), uint16(o)) }
func (s SSN) LessEq(o SSN) bool    { return s == o || s.Less(o) }
func (s SSN) Greater(o SSN) bool   { return o.Less(s) }
func (s SSN) GreaterEq(o SSN) bool { return o.LessEq(s) }

// Add returns s + n.
func (s SSN) Add(n uint16) SSN { return s + SSN(n) }

// Diff returns s - o: positive if s comes after o.
func (s SSN) Diff(o SSN) int16 { return int16(s - o) }

func (m MID) Less(o MID) bool      { return less32(uint32(m), uint32(o)) }
func (m MID) LessEq(o MID) bool    { return m == o || m.Less(o) }
func (m MID) Greater(o MID) bool   { return o.Less(m) }
func (m MID) GreaterEq(o MID) bool { return o.LessEq(m) }

// Add returns m + n.
func (m MID) Add(n uint32) MID { return m + MID(n) }

// Diff returns m - o: positive if m comes after o.
func (m MID) Diff(o MID) int32 { return int32(m - o) }

func (f FSN) Less(o FSN) bool      { return less32(uint32(f), uint32(o)) }
func (f FSN) LessEq(o FSN) bool    { return f == o || f.Less(o) }
func (f FSN) Greater(o FSN) bool   { return o.Less(f) }
func (f FSN) GreaterEq(o FSN) bool { return o.LessEq(f) }

// Add returns f + n.
func (f FSN) Add(n uint32) FSN { return f + FSN(n) }

// Diff returns f - o: positive if f comes after o.
func (f FSN) Diff(o FSN) int32 { return int32(f - o) }

func (s Seq) Less(o Seq) bool      { return less32(uint32(s), uint32(o)) }
func (s Seq) LessEq(o Seq) bool    { return s == o || s.Less(o) }
func (s Seq) Greater(o Seq) bool   { return o.Less(s) }
func (s Seq) GreaterEq(o Seq) bool { return o.LessEq(s) }

// Add returns s + n.
func (s Seq) Add(n uint32) Seq { return s + Seq(n) }

// Diff returns s - o: positive if s comes after o.
func (s Seq) Diff(o Seq) int32 { return int32(s - o) }
