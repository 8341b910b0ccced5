// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/binary"
	"fmt"
)

const (
	// LargestMessage is the size in bytes of the largest message a Source makes. 64 KiB is what
	// every peer takes with its default buffers, and needs 45 fragments of a 1500-byte path.
	LargestMessage = 64 << 10

	// BasePPID is the payload protocol identifier of message 0; message i has BasePPID + i mod 256.
	BasePPID = 0x4c414200

	offsets    = 1 << 18
	offsetStep = 4099 // odd, so that the first 2^18 messages all begin at different offsets
)

// sizes cycle. They sit on both sides of what fills a packet, of powers of two, and of nothing.
var sizes = [...]int{
	1, 65536, 2, 1452, 3, 16384, 4, 1453, 5, 100, 4096, 1200, 63, 9000, 32768, 452,
}

// Spec says which messages a [Source] makes.
type Spec struct {
	Seed       uint64 // of the content
	Bytes      int64  // total payload; the last message is cut to meet it
	Streams    int    // streams 0 to Streams-1 are used in turn; 0 means 1, at most 65535
	MaxMessage int    // larger messages are cut to it; 0 means LargestMessage
}

// Validate reports a Spec that no peer could carry out.
func (s Spec) Validate() error {
	switch {
	case s.Bytes < 0:
		return fmt.Errorf("stream: Bytes %d is negative", s.Bytes)
	case s.Streams < 0 || s.Streams > 65535:
		return fmt.Errorf("stream: Streams %d is not in 0..65535", s.Streams)
	case s.MaxMessage < 0 || s.MaxMessage > LargestMessage:
		return fmt.Errorf("stream: MaxMessage %d is not in 0..%d", s.MaxMessage, LargestMessage)
	}
	return nil
}

// Message is one SCTP user message. Data is a view into its Source and must not be changed.
type Message struct {
	Stream uint16
	PPID   uint32
	Data   []byte
}

// Source makes the messages of a Spec in order.
type Source struct {
	spec  Spec
	block []byte
	next  int64
	left  int64
}

// NewSource returns the Source of a valid Spec, at its first message.
func NewSource(spec Spec) *Source {
	if spec.Streams == 0 {
		spec.Streams = 1
	}
	if spec.MaxMessage == 0 {
		spec.MaxMessage = LargestMessage
	}
	s := &Source{spec: spec, left: spec.Bytes, block: make([]byte, offsets+LargestMessage)}
	// SplitMix64: any seed, zero too, gives a full-period sequence.
	x := spec.Seed
	for i := 0; i < len(s.block); i += 8 {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		binary.LittleEndian.PutUint64(s.block[i:], z^z>>31)
	}
	return s
}

// Next returns the next message, or false after the last.
func (s *Source) Next() (Message, bool) {
	if s.left == 0 {
		return Message{}, false
	}
	i := s.next
	s.next++
	size := min(sizes[i%int64(len(sizes))], s.spec.MaxMessage)
	size = int(min(int64(size), s.left))
	s.left -= int64(size)
	off := int(i * offsetStep % offsets)
	return Message{
		// A turn of the sizes moves on by one stream, so that every stream gets every size.
		Stream: uint16((i + i/int64(len(sizes))) % int64(s.spec.Streams)),
		PPID:   BasePPID + uint32(i%256),
		Data:   s.block[off : off+size : off+size],
	}, true
}
