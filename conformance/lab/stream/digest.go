// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// StreamSum is what arrived on one stream, or on all.
type StreamSum struct {
	Messages int64
	Bytes    int64
	Hash     uint64 // of the messages in order
	Set      uint64 // of the messages in any order
}

// String is the form in which every peer prints it: "messages=2 bytes=65537 hash=… set=…".
func (s StreamSum) String() string {
	return fmt.Sprintf("messages=%d bytes=%d hash=%016x set=%016x", s.Messages, s.Bytes, s.Hash, s.Set)
}

// Digest judges a sequence of messages. The zero value is an empty one. It is not safe for
// concurrent use.
type Digest struct {
	streams map[uint16]*StreamSum
}

// Expect returns the Digest of everything a Spec makes.
func Expect(spec Spec) *Digest {
	d := &Digest{}
	s := NewSource(spec)
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		d.Add(m.Stream, m.PPID, m.Data)
	}
	return d
}

// Add appends a message to its stream.
func (d *Digest) Add(stream uint16, ppid uint32, data []byte) {
	if d.streams == nil {
		d.streams = make(map[uint16]*StreamSum)
	}
	s := d.streams[stream]
	if s == nil {
		s = &StreamSum{}
		d.streams[stream] = s
	}
	h := messageHash(stream, ppid, data)
	s.Messages++
	s.Bytes += int64(len(data))
	s.Hash = mix(s.Hash, h)
	s.Set += h
}

// Streams returns the streams that carried a message, in ascending order.
func (d *Digest) Streams() []uint16 { return slices.Sorted(maps.Keys(d.streams)) }

// Stream returns the sum of one stream.
func (d *Digest) Stream(id uint16) StreamSum {
	if s := d.streams[id]; s != nil {
		return *s
	}
	return StreamSum{}
}

// Total returns the sum over all streams. Its Hash does not depend on how the streams interleaved.
func (d *Digest) Total() StreamSum {
	var t StreamSum
	for _, id := range d.Streams() {
		s := d.streams[id]
		t.Messages += s.Messages
		t.Bytes += s.Bytes
		t.Hash = mix(mix(t.Hash, uint64(id)), s.Hash)
		t.Set += s.Set
	}
	return t
}

func mix(h, word uint64) uint64 {
	h = (h ^ word) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// messageHash takes eight bytes a step, little-endian, the last step filled up with zeros; the
// length goes in first, so that zeros at the end count.
func messageHash(stream uint16, ppid uint32, data []byte) uint64 {
	h := mix(uint64(len(data)), uint64(stream)<<32|uint64(ppid))
	for ; len(data) >= 8; data = data[8:] {
		h = mix(h, binary.LittleEndian.Uint64(data))
	}
	if len(data) > 0 {
		var last [8]byte
		copy(last[:], data)
		h = mix(h, binary.LittleEndian.Uint64(last[:]))
	}
	return h
}
