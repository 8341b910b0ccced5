// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"net/netip"
	"sync"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/udpencap"
)

const (
	// outSize is the memory for packets between two system calls; a run of
	// segments cannot be larger anyway (udpencap.MaxBatchBytes).
	outSize = 1 << 16
)

// An output collects packets until they are written. Packets of one size
// between the same two addresses become one Datagram, but those which IP may
// fragment, and probes of the path MTU, go alone.
type output struct {
	buf  []byte // outSize
	used int
	dgs  []udpencap.Datagram // Data are parts of buf
	from []netip.AddrPort    // local address of each Datagram
	open bool                // the last Datagram may grow

	mtus []refusal
	err  error // another error of write, the last one
}

// A refusal is a packet that was too large for the host.
type refusal struct {
	dst       netip.AddrPort
	size, mtu int // of the packet, and what the host says
}

var outputs = sync.Pool{New: func() any { return &output{buf: make([]byte, outSize)} }}

func getOutput() *output { return outputs.Get().(*output) }

func putOutput(o *output) {
	clear(o.dgs)
	o.dgs, o.from, o.mtus = o.dgs[:0], o.from[:0], o.mtus[:0]
	o.used, o.open, o.err = 0, false, nil
	outputs.Put(o)
}

// space is where the next packet goes.
func (o *output) space() []byte { return o.buf[o.used:] }

// add takes the packet which was written to space.
func (o *output) add(t assoc.Transmit) {
	p := o.buf[o.used : o.used+t.Len]
	o.used += t.Len
	ecn := udpencap.ECNNotECT
	if t.ECT {
		ecn = udpencap.ECNECT0
	}
	if o.open && !t.Oversize && !t.Probe {
		d := &o.dgs[len(o.dgs)-1]
		size := d.SegmentSize
		if size == 0 {
			size = len(d.Data)
		}
		if d.Dst == t.Remote && d.ECN == ecn && o.from[len(o.from)-1] == t.Local && t.Len <= size &&
			len(d.Data)+t.Len <= udpencap.MaxBatchBytes {
			d.Data = d.Data[:len(d.Data)+t.Len]
			d.SegmentSize = size
			o.open = t.Len == size // a shorter one ends the run
			return
		}
	}
	o.dgs = append(o.dgs, udpencap.Datagram{Data: p, Dst: t.Remote, MayFragment: t.Oversize, ECN: ecn})
	o.from = append(o.from, t.Local)
	o.open = !t.Oversize && !t.Probe
}

// write sends everything. What cannot be sent is lost, as in the network.
func (o *output) write(s *Stack) {
	for i := 0; i < len(o.dgs); {
		k := i + 1
		for k < len(o.dgs) && o.from[k] == o.from[i] {
			k++
		}
		sock := s.source(o.from[i])
		if sock == nil {
			o.err = assoc.ErrNoLocalAddress
			s.count.writeErrors.Add(uint64(k - i))
			i = k
			continue
		}
		for i < k {
			s.count.writes.Add(1)
			n, err := sock.WriteBatch(o.dgs[i:k])
			i += n
			if err == nil {
				i = k
				break
			}
			i++ // that one was not sent
			s.count.writeErrors.Add(1)
			if e, ok := errors.AsType[*udpencap.MTUError](err); ok {
				d := &o.dgs[i-1]
				size := d.SegmentSize
				if size == 0 {
					size = len(d.Data)
				}
				o.mtus = append(o.mtus, refusal{dst: e.Dst, size: size, mtu: e.MTU})
			} else {
				o.err = err
			}
		}
	}
}
