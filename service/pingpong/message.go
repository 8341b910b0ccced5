// SPDX-License-Identifier: Apache-2.0

package pingpong

import (
	"encoding/binary"
	"fmt"
)

// PPID is the payload protocol identifier of the messages.
const PPID = 33

// MaxData is the most data of a Ping in bytes: the length field has 16 bits, and the Pong must take it as well.
const MaxData = 65535 - pongHeader

// The first byte of messages.
const (
	typePing = 1
	typePong = 2
)

// Sizes in bytes.
const (
	header     = 4
	pingHeader = header + 8
	pongHeader = header + 16
)

// A Message is a *Ping or a *Pong.
type Message interface {
	// AppendBinary appends the message. It fails if the data is too long.
	AppendBinary(b []byte) ([]byte, error)
}

// A Ping is sent by a pool user.
type Ping struct {
	// MessageNo counts the messages of the user, from 1.
	MessageNo uint64
	// Data comes back in the Pong, at most MaxData bytes.
	Data []byte
}

// A Pong is the answer of a pool element.
type Pong struct {
	// MessageNo is that of the Ping.
	MessageNo uint64
	// ReplyNo counts the answers of all elements that have served the user, from 1.
	ReplyNo uint64
	// Data is that of the Ping.
	Data []byte
}

// AppendBinary implements [Message].
func (m *Ping) AppendBinary(b []byte) ([]byte, error) {
	if len(m.Data) > MaxData {
		return b, fmt.Errorf("pingpong: ping %d: %d bytes of data, more than %d", m.MessageNo, len(m.Data), MaxData)
	}
	b = append(b, typePing, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(pingHeader+len(m.Data)))
	b = binary.BigEndian.AppendUint64(b, m.MessageNo)
	return append(b, m.Data...), nil
}

// AppendBinary implements [Message].
func (m *Pong) AppendBinary(b []byte) ([]byte, error) {
	if len(m.Data) > MaxData {
		return b, fmt.Errorf("pingpong: pong %d: %d bytes of data, more than %d", m.MessageNo, len(m.Data), MaxData)
	}
	b = append(b, typePong, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(pongHeader+len(m.Data)))
	b = binary.BigEndian.AppendUint64(b, m.MessageNo)
	b = binary.BigEndian.AppendUint64(b, m.ReplyNo)
	return append(b, m.Data...), nil
}

// Parse returns the message in b, which is all of b. Its Data is a part of b.
func Parse(b []byte) (Message, error) {
	if len(b) < header {
		return nil, fmt.Errorf("pingpong: a message of %d bytes, less than the %d of its header", len(b), header)
	}
	size, name := 0, ""
	switch b[0] {
	case typePing:
		size, name = pingHeader, "ping"
	case typePong:
		size, name = pongHeader, "pong"
	default:
		return nil, fmt.Errorf("pingpong: message type %#x is neither ping (1) nor pong (2)", b[0])
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) {
		return nil, fmt.Errorf("pingpong: %s: length field %d in a message of %d bytes", name, n, len(b))
	}
	data := len(b) - size
	switch {
	case data < 0:
		return nil, fmt.Errorf("pingpong: %s: %d bytes, less than %d", name, len(b), size)
	case data > MaxData:
		return nil, fmt.Errorf("pingpong: %s: %d bytes of data, more than %d", name, data, MaxData)
	case b[0] == typePing:
		return &Ping{MessageNo: binary.BigEndian.Uint64(b[4:]), Data: b[size:]}, nil
	}
	return &Pong{MessageNo: binary.BigEndian.Uint64(b[4:]), ReplyNo: binary.BigEndian.Uint64(b[12:]), Data: b[size:]}, nil
}
