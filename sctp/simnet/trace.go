// SPDX-License-Identifier: Apache-2.0

package simnet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/netip"
	"time"
)

// A Kind says what happened to a datagram.
type Kind uint8

const (
	Send    Kind = iota + 1 // handed to the network
	Deliver                 // handed to its receiver
	Drop                    // lost on the way, or nobody there to receive it
)

func (k Kind) String() string {
	switch k {
	case Send:
		return "send"
	case Deliver:
		return "deliver"
	case Drop:
		return "drop"
	}
	return "invalid"
}

// An Event is what an observer is told.
type Event struct {
	At       time.Time
	Kind     Kind
	Src, Dst netip.AddrPort
	Data     []byte // valid during the call
	Why      string // the reason of a Drop: down, loss, mtu, queue, no route, no receiver, buffer
}

// trace hashes and reports events.
type trace struct {
	start   time.Time
	hash    uint64
	observe func(Event)
}

// FNV-1a, 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (t *trace) init(start time.Time) { t.start, t.hash = start, fnvOffset }

func (t *trace) add(at time.Time, k Kind, src, dst netip.AddrPort, data []byte, why string) {
	var b [64]byte
	h := binary.BigEndian.AppendUint64(b[:0], uint64(at.Sub(t.start)))
	h = append(h, byte(k))
	for _, a := range [...]netip.AddrPort{src, dst} {
		a16 := a.Addr().As16()
		h = append(h, a16[:]...)
		h = binary.BigEndian.AppendUint16(h, a.Port())
	}
	h = binary.BigEndian.AppendUint32(h, crc32.Checksum(data, castagnoli))
	h = binary.BigEndian.AppendUint32(h, uint32(len(data)))
	for _, c := range h {
		t.hash = (t.hash ^ uint64(c)) * fnvPrime
	}
	if t.observe != nil {
		t.observe(Event{At: at, Kind: k, Src: src, Dst: dst, Data: data, Why: why})
	}
}

// Observe has fn called for everything that happens to a datagram from now
// on, in place of an observer set before; nil ends it. fn must not call into
// the network.
func (f *fabric) Observe(fn func(Event)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trace.observe = fn
}

// Trace writes a line to w for everything that happens to a datagram: the
// time since the start, what happened, addresses, length and reason. It is an
// observer (see Observe).
func (f *fabric) Trace(w io.Writer) {
	start := f.trace.start
	f.Observe(func(e Event) {
		fmt.Fprintf(w, "%12.6f %-7v %v > %v len %d crc %08x %s\n", e.At.Sub(start).Seconds(), e.Kind,
			e.Src, e.Dst, len(e.Data), crc32.Checksum(e.Data, castagnoli), e.Why)
	})
}
