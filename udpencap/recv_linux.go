// SPDX-License-Identifier: Apache-2.0

//go:build linux && !udpencap_portable

package udpencap

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxReadBatch is the most messages one recvmmsg asks for; more than 32 gained
// nothing on loopback.
const maxReadBatch = 32

// A receiver reads batches with recvmmsg. It is the same speed as recvmsg where
// one message holds a long run of datagrams (3 million of 1400 bytes a second
// on loopback), 1.2 times faster with runs of 8, twice with no receive offload,
// and it enters the reader's caller less often. The system call needs memory
// which stays in place: it is kept here, so that reading allocates nothing.
type receiver struct {
	sock *hostSocket
	gro  bool
	ecn  bool
	msgs []mmsghdr
	bufs []msgBuffers

	// Argument and results of recv, which is made once because a closure
	// made for every call would be an allocation.
	recv  func(fd uintptr) bool
	want  int
	got   int
	errno syscall.Errno

	zone   uint32 // the zone zoneName is the name of
	zoneOf string
}

// canOffload: the receiver and the sender here know runs of datagrams.
const canOffload = true

// An mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// msgBuffers is what an mmsghdr points to. The control message comes before the
// name because it must be aligned.
type msgBuffers struct {
	iov  unix.Iovec
	oob  [oobSize]byte
	name unix.RawSockaddrInet6 // an IPv4 one fits as well
}

// oobSize has room for two control messages, UDP_GRO and IP_TOS or IPV6_TCLASS: at
// most 16 bytes of header, an int, and padding, each.
const oobSize = 96

func (r *receiver) init(s *hostSocket, opts offloads) {
	r.sock, r.gro, r.recv = s, opts.gro, r.recvmmsg
}

func (r *receiver) read(dgs []Datagram) (int, error) {
	r.prepare(dgs[:min(len(dgs), maxReadBatch)])
	defer r.release()
	for {
		r.got, r.errno = 0, 0
		if err := r.sock.raw.Read(r.recv); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return 0, net.ErrClosed
			}
			return 0, opError("receive on", r.sock.laddr, err)
		}
		if r.errno == 0 {
			break
		}
		if !transientRead(r.errno) {
			return 0, opError("receive on", r.sock.laddr, r.errno)
		}
	}
	for i := range r.got {
		d, m := &dgs[i], &r.msgs[i]
		n := min(int(m.n), cap(d.Data))
		d.Data = d.Data[:n]
		d.Src = r.addrPort(&r.bufs[i].name)
		d.SegmentSize, d.ECN = 0, 0
		if r.gro || r.ecn {
			seg, ecn := readControl(r.bufs[i].oob[:m.hdr.Controllen])
			if seg < n {
				d.SegmentSize = seg
			}
			d.ECN = ecn
		}
	}
	return r.got, nil
}

// prepare points the headers to the memory of dgs.
func (r *receiver) prepare(dgs []Datagram) {
	if len(dgs) > len(r.msgs) {
		r.msgs = make([]mmsghdr, len(dgs))
		r.bufs = make([]msgBuffers, len(dgs))
		for i := range r.msgs {
			h, b := &r.msgs[i].hdr, &r.bufs[i]
			h.Name = (*byte)(unsafe.Pointer(&b.name))
			h.Iov = &b.iov
			h.SetIovlen(1)
		}
	}
	for i := range dgs {
		data := dgs[i].Data[:cap(dgs[i].Data)]
		r.bufs[i].iov.Base = unsafe.SliceData(data)
		r.bufs[i].iov.SetLen(len(data))
	}
	r.want = len(dgs)
}

// release lets go of the caller's memory.
func (r *receiver) release() {
	for i := range r.want {
		r.bufs[i].iov.Base = nil
	}
}

// recvmmsg is called with the descriptor when it may be readable. It returns
// false to be called again when it is.
func (r *receiver) recvmmsg(fd uintptr) bool {
	for i := range r.want {
		h := &r.msgs[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		if r.gro || r.ecn {
			h.Control = &r.bufs[i].oob[0]
			h.SetControllen(len(r.bufs[i].oob))
		}
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd,
		uintptr(unsafe.Pointer(&r.msgs[0])), uintptr(r.want), unix.MSG_DONTWAIT, 0, 0)
	if errno == unix.EAGAIN {
		return false
	}
	if errno != 0 {
		r.errno = errno
		r.sock.icmp.drain(int(fd))
	} else {
		r.got = int(n)
	}
	return true
}

// addrPort is the Go form of a socket address of either IP version.
func (r *receiver) addrPort(sa *unix.RawSockaddrInet6) netip.AddrPort {
	if sa.Family == unix.AF_INET {
		sa4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(sa))
		return netip.AddrPortFrom(netip.AddrFrom4(sa4.Addr), networkOrder(&sa4.Port))
	}
	addr := netip.AddrFrom16(sa.Addr).Unmap()
	if sa.Scope_id != 0 && addr.Is6() {
		addr = addr.WithZone(r.zoneName(sa.Scope_id))
	}
	return netip.AddrPortFrom(addr, networkOrder(&sa.Port))
}

// networkOrder reads a port, which the system keeps in network byte order.
func networkOrder(port *uint16) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(port))[:])
}

// zoneName is the name of the interface with the given index, which is asked
// for again only when it changes.
func (r *receiver) zoneName(index uint32) string {
	if r.zone != index {
		r.zone, r.zoneOf = index, strconv.Itoa(int(index))
		if ifi, err := net.InterfaceByIndex(int(index)); err == nil {
			r.zoneOf = ifi.Name
		}
	}
	return r.zoneOf
}

// readControl returns the size of the datagrams in a run which the kernel put
// together, or 0 if it is a single one, and its ECN bits.
func readControl(oob []byte) (seg int, ecn ECN) {
	for len(oob) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		oob = rest
		switch {
		case h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(data) >= 4:
			seg = max(0, int(int32(binary.NativeEndian.Uint32(data))))
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TOS && len(data) >= 1:
			ecn = ECN(data[0] & 3)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_TCLASS && len(data) >= 4:
			ecn = ECN(binary.NativeEndian.Uint32(data) & 3)
		}
	}
	return seg, ecn
}
