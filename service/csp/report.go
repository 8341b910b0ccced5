// SPDX-License-Identifier: Apache-2.0

package csp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// Port is the UDP port of a monitor.
const Port = 2960

// Version is that of the protocol.
const Version = 0x00000200

// MaxAssociations is how many associations a report can tell of: its length field has 16 bits.
const MaxAssociations = (math.MaxUint16 - headerSize) / associationSize

// TextSize is the size of the texts in bytes, the zero at the end included.
const TextSize = 128

// MaxSize is the most bytes of a report.
const MaxSize = headerSize + MaxAssociations*associationSize

// Sizes in bytes, and where the fields are.
const (
	headerSize      = 288
	associationSize = 24

	offLocation     = 28
	offStatus       = offLocation + TextSize
	offWorkload     = offStatus + TextSize
	offAssociations = offWorkload + 2
)

const (
	typeReport = 1
	flagFinal  = 1

	noWorkload = 0xffff
	noDuration = math.MaxUint64
	maxObject  = 1<<56 - 1
)

// A Group says what a component is.
type Group uint8

// The groups.
const (
	GroupRegistrar   Group = 1
	GroupPoolElement Group = 2
	GroupPoolUser    Group = 3
)

// String returns the abbreviation of a group.
func (g Group) String() string {
	switch g {
	case GroupRegistrar:
		return "PR"
	case GroupPoolElement:
		return "PE"
	case GroupPoolUser:
		return "PU"
	}
	return fmt.Sprintf("group %d", uint8(g))
}

// An ID is who a component is.
type ID struct {
	Group Group
	// Object is the identifier within the group, less than 1<<56.
	Object uint64
}

// String returns an ID as RSPLIB prints it.
func (id ID) String() string { return fmt.Sprintf("%v $%08x", id.Group, id.Object) }

func (id ID) uint64() uint64 { return uint64(id.Group)<<56 | id.Object&maxObject }

func parseID(v uint64) ID { return ID{Group: Group(v >> 56), Object: v & maxObject} }

// Unknown stands for a Duration or a Workload that is not known.
const Unknown = -1

// An Association is one of a component's with another component.
type Association struct {
	// Receiver is the other one.
	Receiver ID
	// Duration is how long the association is up, in microseconds, or Unknown.
	Duration int64
	// Flags are not used.
	Flags uint16
	// Protocol is that of the Internet protocol that carries it: 132 is SCTP.
	Protocol uint16
	// PPID is the payload protocol identifier of what is spoken.
	PPID uint32
}

// A Report is the status of a component.
type Report struct {
	// Final tells that the component leaves.
	Final bool
	// Sender is the component.
	Sender ID
	// Uptime is the time since the first report. It is sent in microseconds.
	Uptime time.Duration
	// Interval is the time until the next report. It is sent in microseconds.
	Interval time.Duration
	// Location and Status are texts without zeros, of less than TextSize bytes each.
	Location, Status string
	// Workload is from 0 to 1, or Unknown.
	Workload float64
	// Associations are at most MaxAssociations.
	Associations []Association
}

// AppendBinary appends the report. It fails if a field cannot be encoded.
func (r *Report) AppendBinary(b []byte) ([]byte, error) {
	us := r.Interval.Microseconds()
	switch {
	case r.Sender.Object > maxObject:
		return b, fmt.Errorf("csp: sender %#x has more than 56 bits", r.Sender.Object)
	case r.Uptime < 0:
		return b, fmt.Errorf("csp: an uptime of %v", r.Uptime)
	case us < 0 || us > math.MaxUint32:
		return b, fmt.Errorf("csp: an interval of %v is not within 0 to %v", r.Interval, math.MaxUint32*time.Microsecond)
	case len(r.Associations) > MaxAssociations:
		return b, fmt.Errorf("csp: %d associations, more than %d", len(r.Associations), MaxAssociations)
	case r.Workload != Unknown && !(r.Workload >= 0 && r.Workload <= 1):
		return b, fmt.Errorf("csp: a workload of %v is not within 0 to 1", r.Workload)
	}
	for _, text := range [...]string{r.Location, r.Status} {
		if len(text) >= TextSize || strings.IndexByte(text, 0) >= 0 {
			return b, fmt.Errorf("csp: the text %.20q of %d bytes has a zero, or more than %d", text, len(text), TextSize-1)
		}
	}
	flags, load := byte(0), uint16(noWorkload)
	if r.Final {
		flags = flagFinal
	}
	if r.Workload != Unknown {
		load = uint16(math.Round(r.Workload * (noWorkload - 1)))
	}
	at := len(b)
	b = append(b, typeReport, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(headerSize+associationSize*len(r.Associations)))
	b = binary.BigEndian.AppendUint32(b, Version)
	b = binary.BigEndian.AppendUint64(b, r.Sender.uint64())
	b = binary.BigEndian.AppendUint64(b, uint64(r.Uptime.Microseconds()))
	b = binary.BigEndian.AppendUint32(b, uint32(us))
	b = append(b, make([]byte, 2*TextSize)...)
	copy(b[at+offLocation:], r.Location)
	copy(b[at+offStatus:], r.Status)
	b = binary.BigEndian.AppendUint16(b, load)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Associations)))
	for _, a := range r.Associations {
		if a.Receiver.Object > maxObject {
			return b[:at], fmt.Errorf("csp: receiver %#x has more than 56 bits", a.Receiver.Object)
		}
		if a.Duration < Unknown {
			return b[:at], fmt.Errorf("csp: an association of %d us", a.Duration)
		}
		d := uint64(noDuration)
		if a.Duration != Unknown {
			d = uint64(a.Duration)
		}
		b = binary.BigEndian.AppendUint64(b, a.Receiver.uint64())
		b = binary.BigEndian.AppendUint64(b, d)
		b = binary.BigEndian.AppendUint16(b, a.Flags)
		b = binary.BigEndian.AppendUint16(b, a.Protocol)
		b = binary.BigEndian.AppendUint32(b, a.PPID)
	}
	return b, nil
}

// Parse returns the report in b, which is all of b. Its texts may contain anything but zeros: who prints them to a terminal
// should quote what is not text.
func Parse(b []byte) (*Report, error) {
	if len(b) < headerSize {
		return nil, fmt.Errorf("csp: a report of %d bytes, less than %d", len(b), headerSize)
	}
	if b[0] != typeReport {
		return nil, fmt.Errorf("csp: message type %#x is not a report (1)", b[0])
	}
	if v := binary.BigEndian.Uint32(b[4:]); v != Version {
		return nil, fmt.Errorf("csp: version %#x is not %#x", v, Version)
	}
	n := int(binary.BigEndian.Uint16(b[offAssociations:]))
	if size := int(binary.BigEndian.Uint16(b[2:])); size != len(b) || size != headerSize+n*associationSize {
		return nil, fmt.Errorf("csp: length field %d and %d associations in a report of %d bytes", size, n, len(b))
	}
	uptime := binary.BigEndian.Uint64(b[16:])
	if uptime > math.MaxInt64/1000 {
		return nil, fmt.Errorf("csp: an uptime of %d us", uptime)
	}
	r := &Report{
		Final:    b[1]&flagFinal != 0,
		Sender:   parseID(binary.BigEndian.Uint64(b[8:])),
		Uptime:   time.Duration(uptime) * time.Microsecond,
		Interval: time.Duration(binary.BigEndian.Uint32(b[24:])) * time.Microsecond,
		Location: text(b[offLocation:offStatus]),
		Status:   text(b[offStatus:offWorkload]),
		Workload: Unknown,
	}
	if w := binary.BigEndian.Uint16(b[offWorkload:]); w != noWorkload {
		r.Workload = float64(w) / (noWorkload - 1)
	}
	for b = b[headerSize:]; len(b) > 0; b = b[associationSize:] {
		a := Association{Receiver: parseID(binary.BigEndian.Uint64(b)), Duration: Unknown, Flags: binary.BigEndian.Uint16(b[16:]),
			Protocol: binary.BigEndian.Uint16(b[18:]), PPID: binary.BigEndian.Uint32(b[20:])}
		if d := binary.BigEndian.Uint64(b[8:]); d <= math.MaxInt64 {
			a.Duration = int64(d)
		}
		r.Associations = append(r.Associations, a)
	}
	return r, nil
}

// text returns what is before the first zero, but for the last byte, which is one.
func text(b []byte) string {
	b = b[:len(b)-1]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
