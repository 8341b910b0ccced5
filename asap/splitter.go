// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrNotASAP is matched by the error of a stream in which no message begins where one should: its Message Length is less
// than the 4 bytes of the header. Nobody can tell where the next message begins.
var ErrNotASAP = errors.New("asap: no message begins here")

// A Splitter cuts a byte stream, such as that of a TCP connection, into messages. Its zero value is ready. Read into
// [Splitter.Space], tell how much came with [Splitter.Fill], and take messages with [Splitter.Next] until there are none.
// It never holds more than one message of the largest size and what was read with it.
//
// RFC 5354, Section 4: "The total length of a message (including Type, Length, and Value fields) MUST be a multiple of 4
// bytes. If the length of the message is not a multiple of 4 bytes, the sender MUST pad the message with all zero bytes
// and this padding is not included in the Message Length field." The next message begins behind the padding.
type Splitter struct {
	buf      []byte
	from, to int // what has come and was not taken
	err      error
}

const (
	// splitterFirst is the memory for a peer that sends what most do: handle resolutions, some tens of bytes each.
	splitterFirst = 512
	// MaxStreamMessage is the largest message with its padding, in bytes.
	MaxStreamMessage = 1 << 16
)

// Space returns memory to read into, at least one byte. It is valid until the next call of Space, and what Next has
// returned is valid no longer.
func (s *Splitter) Space() []byte {
	if s.from == s.to {
		s.from, s.to = 0, 0
		if len(s.buf) > splitterFirst<<4 {
			s.buf = nil // the last message was a large one; most who wait for the next for long have a small one
		}
	}
	if s.from > 0 {
		s.to = copy(s.buf, s.buf[s.from:s.to])
		s.from = 0
	}
	if s.to == len(s.buf) {
		// Memory grows with what has come, not with what a header promises. All of a message fits: Next takes it then.
		grown := make([]byte, max(splitterFirst, min(2*len(s.buf), MaxStreamMessage)))
		copy(grown, s.buf[:s.to])
		s.buf = grown
	}
	return s.buf[s.to:]
}

// Fill says how many bytes were read into what Space has returned.
func (s *Splitter) Fill(n int) { s.to += n }

// Next returns the next message with its padding, or nil if more has to be read first. The error matches ErrNotASAP and
// comes again and again.
func (s *Splitter) Next() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	b := s.buf[s.from:s.to]
	if len(b) < 4 {
		return nil, nil
	}
	n := MessageLength(b)
	if n == 0 {
		s.err = fmt.Errorf("%w: Message Length is %d", ErrNotASAP, binary.BigEndian.Uint16(b[2:]))
		return nil, s.err
	}
	if len(b) < n {
		return nil, nil
	}
	s.from += n
	return b[:n:n], nil
}

// Pending reports whether a part of a message has come.
func (s *Splitter) Pending() bool { return s.from < s.to }
