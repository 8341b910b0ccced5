// SPDX-License-Identifier: Apache-2.0

//go:build linux && !udpencap_portable

package udpencap

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxSegments is the most datagrams the kernel cuts a buffer into
// (UDP_MAX_SEGMENTS, which newer kernels have raised to 128).
const maxSegments = 64

// A sender writes with sendmsg on the descriptor itself. Package net's writes
// wait for room in the send buffer, which a neighbour who does not answer ARP
// can fill: with a small buffer one write was seen to take 3 s, and with it
// every association on the socket. This one lost the datagram in 0.2 ms. Where
// there is room both take the same time, also with a reader that does not read.
// sendmmsg would gain no more than a fifth.
type sender struct {
	sock *hostSocket

	mu          sync.Mutex // writers take turns; none of them waits in the kernel
	gso         bool
	sa4         unix.SockaddrInet4
	sa6         unix.SockaddrInet6
	oob         []byte // a UDP_SEGMENT control message, and one for ECN
	ecn, marked bool

	// Argument and results of send, which is made once because a closure
	// made for every call would be an allocation.
	send func(fd uintptr)
	dgs  []Datagram
	n    int
	err  error

	zone   string // the zone zoneID is the index of
	zoneOf uint32
}

func (t *sender) init(s *hostSocket, opts offloads) {
	t.sock, t.gso, t.send = s, opts.gso, t.sendAll
	seg := unix.CmsgSpace(2)
	t.oob = make([]byte, seg+unix.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&t.oob[0]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	h = (*unix.Cmsghdr)(unsafe.Pointer(&t.oob[seg]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_TOS
	if s.laddr.Addr().Is6() {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
	}
	h.SetLen(unix.CmsgLen(4))
}

func (t *sender) write(dgs []Datagram) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dgs, t.n, t.err = dgs, 0, nil
	err := t.sock.raw.Control(t.send)
	t.dgs = nil // the caller's
	switch {
	case errors.Is(err, net.ErrClosed):
		return 0, net.ErrClosed
	case err != nil:
		return 0, opError("send from", t.sock.laddr, err)
	case t.err != nil:
		return t.n, sendError(t.sock.laddr, dgs[t.n].Dst, t.err)
	}
	return t.n, nil
}

// sendAll sends dgs until one fails.
func (t *sender) sendAll(fd uintptr) {
	for ; t.n < len(t.dgs); t.n++ {
		if t.err = t.sendDatagram(int(fd), &t.dgs[t.n]); t.err != nil {
			return
		}
	}
}

func (t *sender) sendDatagram(fd int, d *Datagram) error {
	to, err := t.sockaddr(d.Dst)
	if err != nil {
		return err
	}
	data := d.Data
	t.setECN(d.ECN)
	if d.MayFragment {
		v6 := t.sock.laddr.Addr().Is6()
		if err := dontFragment(uintptr(fd), v6, false); err != nil {
			return err
		}
		defer dontFragment(uintptr(fd), v6, true)
	}
	if d.SegmentSize <= 0 || len(data) <= d.SegmentSize {
		return t.sendOne(fd, data, to)
	}
	for len(data) > 0 {
		run := data[:min(len(data), runBytes(d.SegmentSize))]
		data = data[len(run):]
		if err := t.sendRun(fd, run, d.SegmentSize, to); err != nil {
			return err
		}
	}
	return nil
}

// runBytes is the most bytes of segments of the given size one call may send.
func runBytes(segment int) int {
	return segment * max(1, min(maxSegments, MaxBatchBytes/segment))
}

// sendRun sends datagrams of the same size, the last of which may be shorter.
func (t *sender) sendRun(fd int, data []byte, segment int, to unix.Sockaddr) error {
	if !t.gso || len(data) <= segment || segment > MaxBatchBytes {
		return t.sendEach(fd, data, segment, to)
	}
	binary.NativeEndian.PutUint16(t.oob[unix.CmsgLen(0):], uint16(segment))
	errno := t.sendmsg(fd, data, t.control(true), to)
	switch errno {
	case unix.EIO, unix.EINVAL:
		// EIO: the network card or a tunnel cannot compute the checksums.
		// EINVAL: this kernel cannot for this socket; or the segments
		// are larger than the MTU, which sending them one by one will
		// tell, and which is no reason to do without for good.
		err := t.sendEach(fd, data, segment, to)
		if err == nil {
			t.gso = false
		}
		return err
	}
	return asError(errno)
}

// setECN puts the ECN bits of what is sent next into the control message.
func (t *sender) setECN(ecn ECN) {
	t.marked = t.ecn && ecn != 0
	if t.marked {
		binary.NativeEndian.PutUint32(t.oob[unix.CmsgSpace(2)+unix.CmsgLen(0):], uint32(ecn&3))
	}
}

// control is what goes with a datagram or a run.
func (t *sender) control(run bool) []byte {
	switch seg := unix.CmsgSpace(2); {
	case run && t.marked:
		return t.oob
	case run:
		return t.oob[:seg]
	case t.marked:
		return t.oob[seg:]
	}
	return nil
}

func (t *sender) sendEach(fd int, data []byte, segment int, to unix.Sockaddr) error {
	for len(data) > 0 {
		n := min(segment, len(data))
		if err := t.sendOne(fd, data[:n], to); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (t *sender) sendOne(fd int, data []byte, to unix.Sockaddr) error {
	return asError(t.sendmsg(fd, data, t.control(false), to))
}

// sendmsg sends, or loses, and returns 0, or says why it could do neither.
func (t *sender) sendmsg(fd int, data, oob []byte, to unix.Sockaddr) syscall.Errno {
	for try := range maxSendTries {
		_, err := unix.SendmsgN(fd, data, oob, to, unix.MSG_DONTWAIT)
		if err == nil {
			return 0
		}
		errno, _ := err.(syscall.Errno)
		if leftBehind(errno) {
			t.sock.icmp.drain(fd)
			if try == 0 {
				continue // it may have been another datagram's
			}
		}
		switch judgeSend(errno) {
		case sendLost:
			return 0
		case sendFailed:
			return errno
		}
	}
	return 0 // lost
}

// asError avoids the error interface holding a zero number.
func asError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// sockaddr is the system's form of dst, in memory which is used again.
func (t *sender) sockaddr(dst netip.AddrPort) (unix.Sockaddr, error) {
	dst = unmap(dst)
	if !sameFamily(t.sock.laddr.Addr(), dst.Addr()) {
		return nil, errFamily
	}
	if dst.Addr().Is4() {
		t.sa4.Addr, t.sa4.Port = dst.Addr().As4(), int(dst.Port())
		return &t.sa4, nil
	}
	t.sa6.Addr, t.sa6.Port = dst.Addr().As16(), int(dst.Port())
	t.sa6.ZoneId = t.zoneID(dst.Addr().Zone())
	return &t.sa6, nil
}

// zoneID is the index of the interface with the given name or number, which is
// looked up only when it changes.
func (t *sender) zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if t.zone != zone {
		t.zone, t.zoneOf = zone, 0
		if ifi, err := net.InterfaceByName(zone); err == nil {
			t.zoneOf = uint32(ifi.Index)
		} else if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
			t.zoneOf = uint32(n)
		}
	}
	return t.zoneOf
}
