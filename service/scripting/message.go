// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"encoding/binary"
	"fmt"
)

// PPID is the payload protocol identifier of the messages.
const PPID = 35

// Limits in bytes.
const (
	MaxData = 16384 // of an Upload or Download
	MaxInfo = 64    // of a Ready or NotReady
)

// The first byte of messages.
const (
	typeNotReady     = 0
	typeReady        = 1
	typeUpload       = 2
	typeDownload     = 3
	typeKeepAlive    = 4
	typeKeepAliveAck = 5
	typeStatus       = 6
	typeEnvironment  = 7
)

// flagUploadNeeded is that of an Environment.
const flagUploadNeeded = 1

// A Reason says why an element is not ready.
type Reason uint32

// The reasons.
const (
	FullyLoaded    Reason = 1
	OutOfResources Reason = 2
)

func (r Reason) String() string {
	switch r {
	case FullyLoaded:
		return "fully loaded"
	case OutOfResources:
		return "out of resources"
	}
	return fmt.Sprintf("Reason(%d)", uint32(r))
}

// A Hash is the SHA-1 of an environment.
type Hash [20]byte

// A Message is a *NotReady, *Ready, *Upload, *Download, *KeepAlive, *KeepAliveAck, *Status or *Environment.
type Message interface {
	// AppendBinary appends the message. It fails if something is too long.
	AppendBinary(b []byte) ([]byte, error)
	name() string
}

// A NotReady is what an element says first if it does not serve the session.
type NotReady struct {
	// Reason says why.
	Reason Reason
	// Info is the name of the element's host, at most MaxInfo bytes.
	Info string
}

// A Ready is what an element says first if it serves the session.
type Ready struct {
	// Info is the name of the element's host, at most MaxInfo bytes.
	Info string
}

// An Upload is a part of the work package or of the environment, or the end of it if it has no data.
type Upload struct {
	// Data has at most MaxData bytes.
	Data []byte
}

// A Download is a part of the output, or the end of it if it has no data.
type Download struct {
	// Data has at most MaxData bytes.
	Data []byte
}

// A KeepAlive asks for a KeepAliveAck.
type KeepAlive struct{}

// A KeepAliveAck answers a KeepAlive.
type KeepAliveAck struct {
	// Status is that of an element: 0.
	Status uint32
	// Bare says that there is none, as users send it.
	Bare bool
}

// A Status is the exit status of the script, or 0 when it begins.
type Status struct {
	// Status is 0 if all went well.
	Status uint32
}

// An Environment asks for an environment, or answers that.
type Environment struct {
	// Hash is the SHA-1 of it.
	Hash Hash
	// UploadNeeded says in the answer that the element does not have it.
	UploadNeeded bool
}

func (*NotReady) name() string     { return "not-ready" }
func (*Ready) name() string        { return "ready" }
func (*Upload) name() string       { return "upload" }
func (*Download) name() string     { return "download" }
func (*KeepAlive) name() string    { return "keep-alive" }
func (*KeepAliveAck) name() string { return "keep-alive ack" }
func (*Status) name() string       { return "status" }
func (*Environment) name() string  { return "environment" }

// header is the size of the header.
const header = 4

// start appends a header and checks the size of the part of which there is a limit.
func start(b []byte, typ, flags byte, m Message, fixed, n, limit int) ([]byte, error) {
	if n > limit {
		return b, fmt.Errorf("scripting: %s: %d bytes, more than %d", m.name(), n, limit)
	}
	return binary.BigEndian.AppendUint16(append(b, typ, flags), uint16(header+fixed+n)), nil
}

// AppendBinary implements [Message].
func (m *NotReady) AppendBinary(b []byte) ([]byte, error) {
	b, err := start(b, typeNotReady, 0, m, 4, len(m.Info), MaxInfo)
	if err != nil {
		return b, err
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(m.Reason)), m.Info...), nil
}

// AppendBinary implements [Message].
func (m *Ready) AppendBinary(b []byte) ([]byte, error) {
	b, err := start(b, typeReady, 0, m, 0, len(m.Info), MaxInfo)
	if err != nil {
		return b, err
	}
	return append(b, m.Info...), nil
}

// AppendBinary implements [Message].
func (m *Upload) AppendBinary(b []byte) ([]byte, error) {
	b, err := start(b, typeUpload, 0, m, 0, len(m.Data), MaxData)
	if err != nil {
		return b, err
	}
	return append(b, m.Data...), nil
}

// AppendBinary implements [Message].
func (m *Download) AppendBinary(b []byte) ([]byte, error) {
	b, err := start(b, typeDownload, 0, m, 0, len(m.Data), MaxData)
	if err != nil {
		return b, err
	}
	return append(b, m.Data...), nil
}

// AppendBinary implements [Message].
func (m *KeepAlive) AppendBinary(b []byte) ([]byte, error) {
	return start(b, typeKeepAlive, 0, m, 0, 0, 0)
}

// AppendBinary implements [Message].
func (m *KeepAliveAck) AppendBinary(b []byte) ([]byte, error) {
	if m.Bare {
		return start(b, typeKeepAliveAck, 0, m, 0, 0, 0)
	}
	b, err := start(b, typeKeepAliveAck, 0, m, 4, 0, 0)
	return binary.BigEndian.AppendUint32(b, m.Status), err
}

// AppendBinary implements [Message].
func (m *Status) AppendBinary(b []byte) ([]byte, error) {
	b, err := start(b, typeStatus, 0, m, 4, 0, 0)
	return binary.BigEndian.AppendUint32(b, m.Status), err
}

// AppendBinary implements [Message].
func (m *Environment) AppendBinary(b []byte) ([]byte, error) {
	flags := byte(0)
	if m.UploadNeeded {
		flags = flagUploadNeeded
	}
	b, err := start(b, typeEnvironment, flags, m, len(m.Hash), 0, 0)
	return append(b, m.Hash[:]...), err
}
