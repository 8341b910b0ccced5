// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"encoding/binary"
	"fmt"
)

// PPID is the payload protocol identifier of the messages.
const PPID = 34

// A Type is the type of a Message.
type Type uint8

// The types of messages.
const (
	Request      Type = 1 // of the user: JobSize calculations are wanted
	Accept       Type = 2 // of the element: the job has begun, or goes on
	Reject       Type = 3 // of the element: it has too many jobs
	Abort        Type = 4 // of either: there is no such job, or it is not wanted any more
	Complete     Type = 5 // of the element: the job is done
	KeepAlive    Type = 6 // of either: is the job still there?
	KeepAliveAck Type = 7 // of either: yes
)

var typeNames = [...]string{
	Request: "request", Accept: "accept", Reject: "reject", Abort: "abort", Complete: "complete",
	KeepAlive: "keep-alive", KeepAliveAck: "keep-alive ack",
}

func (t Type) String() string {
	if t < Request || t > KeepAliveAck {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return typeNames[t]
}

// Sizes in bytes.
const (
	header      = 4
	jobSize     = 4 + 8 + 8
	messageSize = header + jobSize
)

// A Message is one of either side.
type Message struct {
	// Type says what it is.
	Type Type
	// JobID is the number that the user has given the job.
	JobID uint32
	// JobSize is how many calculations the job has: of Request and Complete, otherwise 0.
	JobSize uint64
	// Completed is how many of them are done: of Complete, otherwise 0.
	Completed uint64
}

// AppendBinary appends the 24 bytes of the message. It fails if there is no such type.
func (m Message) AppendBinary(b []byte) ([]byte, error) {
	if m.Type < Request || m.Type > KeepAliveAck {
		return b, fmt.Errorf("calcapp: message type %d is not within 1 to 7", uint8(m.Type))
	}
	b = append(b, byte(m.Type), 0, 0, messageSize)
	return appendJob(b, m.JobID, m.JobSize, m.Completed), nil
}

func appendJob(b []byte, id uint32, size, completed uint64) []byte {
	b = binary.BigEndian.AppendUint32(b, id)
	b = binary.BigEndian.AppendUint64(b, size)
	return binary.BigEndian.AppendUint64(b, completed)
}

// Parse returns the message in b, which is all of b.
func Parse(b []byte) (Message, error) {
	switch {
	case len(b) != messageSize:
		return Message{}, fmt.Errorf("calcapp: a message of %d bytes, not %d", len(b), messageSize)
	case binary.BigEndian.Uint16(b[2:]) != messageSize:
		return Message{}, fmt.Errorf("calcapp: length field %d in a message of %d bytes", binary.BigEndian.Uint16(b[2:]), len(b))
	case Type(b[0]) < Request || Type(b[0]) > KeepAliveAck:
		return Message{}, fmt.Errorf("calcapp: message type %d is not within 1 to 7", b[0])
	}
	m := Message{Type: Type(b[0])}
	m.JobID, m.JobSize, m.Completed = parseJob(b[header:])
	return m, nil
}

func parseJob(b []byte) (id uint32, size, completed uint64) {
	return binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:]), binary.BigEndian.Uint64(b[12:])
}
