// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// A packetConn is what the portable receiver and sender need of a *net.UDPConn.
type packetConn interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error)
	WriteMsgUDPAddrPort(b, oob []byte, to netip.AddrPort) (n, oobn int, err error)
}

// A portableReceiver reads one datagram at a time, with what every system has.
type portableReceiver struct {
	conn  packetConn
	laddr netip.AddrPort
	ecn   *ecnControl // nil if nobody asks for ECN
	oob   []byte
}

// oobBytes has room for the control messages of ECN, and for more.
const oobBytes = 128

func (r *portableReceiver) enableECN(c *ecnControl) { r.ecn, r.oob = c, make([]byte, oobBytes) }

// read waits for a datagram. What ICMP messages have left behind is no reason to
// stop: on Windows WSAECONNRESET and WSAENETRESET, which package net asks not to
// be told of; elsewhere at most that of a socket which is connected, as these are
// not.
func (r *portableReceiver) read(dgs []Datagram) (int, error) {
	d := &dgs[0]
	for {
		buf := d.Data[:cap(d.Data)]
		n, src, ecn, err := r.receive(buf)
		if err == nil {
			d.Data, d.Src, d.SegmentSize, d.ECN = buf[:n], unmap(src), 0, ecn
			return 1, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if errno, ok := errors.AsType[syscall.Errno](err); !ok || !transientRead(errno) {
			return 0, opError("receive on", r.laddr, err)
		}
	}
}

func (r *portableReceiver) receive(buf []byte) (n int, src netip.AddrPort, ecn ECN, err error) {
	if r.ecn == nil {
		n, src, err = r.conn.ReadFromUDPAddrPort(buf)
		return n, src, 0, err
	}
	n, oobn, _, src, err := r.conn.ReadMsgUDPAddrPort(buf, r.oob)
	if err != nil {
		return 0, netip.AddrPort{}, 0, err
	}
	return n, src, r.ecn.read(r.oob[:min(oobn, len(r.oob))]), nil
}

// A portableSender writes one datagram at a time, with what every system has.
type portableSender struct {
	conn  packetConn
	laddr netip.AddrPort
	setDF func(on bool) // changes the DF bit of the socket

	marks    [4][]byte // the control messages, by the ECN bits; nil for none
	unmarked atomic.Bool
}

func (t *portableSender) enableECN(c *ecnControl) {
	for ecn := ECNECT1; ecn <= ECNCE; ecn++ {
		t.marks[ecn] = c.mark(ecn)
	}
}

func (t *portableSender) write(dgs []Datagram) (int, error) {
	for i := range dgs {
		if err := t.sendDatagram(&dgs[i]); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return i, net.ErrClosed
			}
			return i, sendError(t.laddr, dgs[i].Dst, err)
		}
	}
	return len(dgs), nil
}

func (t *portableSender) sendDatagram(d *Datagram) error {
	if !sameFamily(t.laddr.Addr(), d.Dst.Addr()) {
		return errFamily
	}
	if d.MayFragment {
		// A writer who comes between sends without DF, which does no harm.
		t.setDF(false)
		defer t.setDF(true)
	}
	data, segment := d.Data, d.SegmentSize
	if segment <= 0 {
		segment = max(1, len(data))
	}
	for {
		n := min(segment, len(data))
		if err := t.sendOne(data[:n], d); err != nil {
			return err
		}
		if data = data[n:]; len(data) == 0 {
			return nil
		}
	}
}

// sendOne sends, or loses, or says why it could do neither. A system which takes
// the option but not the control message gets no more of them: what is not marked
// may be dropped where it would have been marked, which is no worse than having
// no ECN.
func (t *portableSender) sendOne(data []byte, d *Datagram) error {
	mark := t.marks[d.ECN&3]
	if mark == nil || t.unmarked.Load() {
		return t.transmit(data, nil, d.Dst)
	}
	err := t.transmit(data, mark, d.Dst)
	if errno, ok := err.(syscall.Errno); !ok || !refusesControl(errno) {
		return err
	}
	if err = t.transmit(data, nil, d.Dst); err == nil {
		t.unmarked.Store(true)
	}
	return err
}

func (t *portableSender) transmit(data, oob []byte, dst netip.AddrPort) error {
	for range maxSendTries {
		var err error
		if oob == nil {
			_, err = t.conn.WriteToUDPAddrPort(data, unmap(dst))
		} else {
			_, _, err = t.conn.WriteMsgUDPAddrPort(data, oob, unmap(dst))
		}
		if err == nil {
			return nil
		}
		errno, ok := errors.AsType[syscall.Errno](err)
		if !ok {
			return err
		}
		switch judgeSend(errno) {
		case sendLost:
			return nil
		case sendFailed:
			return errno
		}
	}
	return nil // lost
}
