// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rserpool/rserpool/conformance/lab/stream"
)

const (
	cmsgSndInfo = 2
	cmsgRcvInfo = 3
	cmsgPRInfo  = 5

	policyRtx = 0x20 // SCTP_PR_SCTP_RTX

	msgNotification = 0x8000
	flagUnordered   = 1

	// recvSize holds the largest message of the traffic; larger ones come in pieces without MSG_EOR.
	recvSize = 128 << 10
)

// abortPoll is how often a blocked reader or writer looks whether it should leave: a one-to-one
// style socket is aborted by its last close, with SO_LINGER at zero seconds.
var abortPoll = unix.Timeval{Usec: 100_000}

// A partKey is where the pieces of a message belong.
type partKey struct {
	stream    uint16
	unordered bool
}

var errAborting = errors.New("the association is being aborted")

type conn struct {
	cfg     *config
	fd      int
	start   time.Time
	sent    stream.Digest
	rcvd    stream.Digest
	partial map[partKey][]byte // messages of which the end has not come

	closing  atomic.Bool // this side asked for the end
	aborting atomic.Bool // … at once
}

func newConn(cfg *config, fd int) *conn {
	return &conn{cfg: cfg, fd: fd, start: time.Now(), partial: map[partKey][]byte{}}
}

// run plays the role until the association is gone, and reports the sums.
func (c *conn) run(commands <-chan string) error {
	defer unix.Close(c.fd)
	for _, opt := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, opt, &abortPoll); err != nil {
			return fmt.Errorf("setting a timeout: %w", err)
		}
	}
	if sa, err := unix.Getpeername(c.fd); err == nil {
		if sa, ok := sa.(*unix.SockaddrInet4); ok {
			report("event=connected peer=%d.%d.%d.%d port=%d", sa.Addr[0], sa.Addr[1], sa.Addr[2], sa.Addr[3], sa.Port)
		}
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case line := <-commands:
				c.command(line)
			case <-done:
				return
			}
		}
	}()

	sending := make(chan error, 1)
	if c.cfg.role == "source" || c.cfg.role == "duplex" {
		go func() { sending <- c.source() }()
	} else {
		sending <- nil
	}
	received := make(chan error, 1)
	enough := make(chan struct{})
	go func() { received <- c.receive(enough) }()

	err := <-sending
	switch {
	case err != nil, c.aborting.Load():
	case c.cfg.role == "source":
		c.finish()
	case c.cfg.until > 0:
		select {
		case <-enough:
			c.finish()
		case e := <-received:
			received <- e
		}
	}
	end := <-received
	if c.aborting.Load() {
		if e := unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); e != nil {
			return fmt.Errorf("setting SO_LINGER: %w", e)
		}
		report("event=closed reason=local_abort")
	}
	c.results()
	if c.aborting.Load() {
		err, end = nil, nil // a send may have been cut short
	}
	if err == nil && !c.closing.Load() && c.cfg.until > 0 && c.rcvd.Total().Bytes < c.cfg.until {
		err = fmt.Errorf("the association ended after %d of %d bytes", c.rcvd.Total().Bytes, c.cfg.until)
	}
	if err != nil {
		return err
	}
	return end
}

func (c *conn) results() {
	seconds := time.Since(c.start).Seconds()
	for _, d := range []struct {
		name   string
		digest *stream.Digest
	}{{"sent", &c.sent}, {"rcvd", &c.rcvd}} {
		for _, id := range d.digest.Streams() {
			report("event=stream dir=%s stream=%d %s", d.name, id, d.digest.Stream(id))
		}
		t := d.digest.Total()
		if t.Messages == 0 {
			continue
		}
		report("event=total dir=%s %s seconds=%.3f MBps=%.1f", d.name, t, seconds, float64(t.Bytes)/1e6/seconds)
	}
}

// finish ends the association as -close says.
func (c *conn) finish() {
	if c.cfg.close != "hold" {
		c.end(c.cfg.close)
	} else {
		report("event=holding")
	}
}

func (c *conn) end(how string) {
	c.closing.Store(true)
	if how == "graceful" {
		if err := unix.Shutdown(c.fd, unix.SHUT_WR); err != nil {
			report("event=error error=%q", fmt.Errorf("shutdown: %w", err))
		}
		return
	}
	c.aborting.Store(true) // run closes the socket when nobody uses it any more
}

// source sends the traffic.
func (c *conn) source() error {
	s := stream.NewSource(c.cfg.spec)
	var bytes, mark int64
	for m, ok := s.Next(); ok; m, ok = s.Next() {
		if err := c.send(m); err != nil {
			return fmt.Errorf("sending after %d bytes: %w", bytes, err)
		}
		bytes += int64(len(m.Data))
		c.sent.Add(m.Stream, m.PPID, m.Data)
		if c.cfg.progress > 0 && bytes-mark >= c.cfg.progress {
			mark = bytes
			report("event=progress dir=sent bytes=%d", bytes)
		}
	}
	report("event=queued bytes=%d", bytes)
	return nil
}

func (c *conn) send(m stream.Message) error {
	flags := 0
	if c.cfg.unordered {
		flags = flagUnordered
	}
	info := join(u16(int(m.Stream)), u16(flags), binary.BigEndian.AppendUint32(nil, m.PPID), u32(0), u32(0))
	control := cmsg(cmsgSndInfo, info)
	if c.cfg.rtx >= 0 {
		// struct sctp_prinfo
		control = append(control, cmsg(cmsgPRInfo, join(u16(policyRtx), u16(0), u32(c.cfg.rtx)))...)
	}
	for {
		if c.aborting.Load() {
			return errAborting
		}
		_, err := unix.SendmsgN(c.fd, m.Data, control, nil, unix.MSG_NOSIGNAL)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}

func cmsg(typ int32, data []byte) []byte {
	b := make([]byte, unix.CmsgSpace(len(data)))
	ne := binary.NativeEndian
	ne.PutUint64(b, uint64(unix.CmsgLen(len(data))))
	ne.PutUint32(b[8:], solSCTP)
	ne.PutUint32(b[12:], uint32(typ))
	copy(b[unix.CmsgLen(0):], data)
	return b
}

// receive reads messages and notifications until the association is gone; enough is closed when
// -until bytes have come.
func (c *conn) receive(enough chan<- struct{}) error {
	buf := make([]byte, recvSize)
	oob := make([]byte, 256)
	var bytes, mark int64
	for {
		if c.aborting.Load() {
			return nil
		}
		n, oobn, flags, _, err := unix.Recvmsg(c.fd, buf, oob, 0)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOTCONN):
			report("event=closed reason=eof")
			return nil
		case errors.Is(err, unix.ECONNRESET):
			report("event=closed reason=abort")
			return nil
		case err != nil:
			report("event=closed reason=error")
			return fmt.Errorf("receiving after %d bytes: %w", bytes, err)
		case flags&msgNotification != 0:
			note := notification(buf[:n])
			report("%s", note)
			continue
		case n == 0:
			report("event=closed reason=eof")
			return nil
		}
		m := stream.Message{Data: buf[:n]}
		var key partKey // without interleaving the pieces of one message follow each other
		m.Stream, m.PPID, key.unordered = rcvInfo(oob[:oobn])
		if c.cfg.interleave {
			key.stream = m.Stream
		} else {
			key.unordered = false
		}
		if part := c.partial[key]; flags&unix.MSG_EOR == 0 || len(part) > 0 {
			m.Data = append(part, m.Data...)
			if flags&unix.MSG_EOR == 0 {
				c.partial[key] = m.Data
				continue
			}
		}
		if c.cfg.verbose {
			report("event=message stream=%d ppid=%d size=%d", m.Stream, m.PPID, len(m.Data))
		}
		before := bytes
		bytes += int64(len(m.Data))
		c.rcvd.Add(m.Stream, m.PPID, m.Data)
		if c.cfg.progress > 0 && bytes-mark >= c.cfg.progress {
			mark = bytes
			report("event=progress dir=rcvd bytes=%d", bytes)
		}
		if c.cfg.role == "echo" {
			if err := c.send(m); err != nil {
				return fmt.Errorf("echoing after %d bytes: %w", bytes, err)
			}
			c.sent.Add(m.Stream, m.PPID, m.Data)
		}
		if part, ok := c.partial[key]; ok {
			c.partial[key] = part[:0]
		}
		if c.cfg.until > 0 && before < c.cfg.until && bytes >= c.cfg.until {
			close(enough)
		}
	}
}

// rcvInfo finds struct sctp_rcvinfo among the control messages.
func rcvInfo(oob []byte) (id uint16, ppid uint32, unordered bool) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, 0, false
	}
	for _, m := range msgs {
		if m.Header.Level == solSCTP && m.Header.Type == cmsgRcvInfo && len(m.Data) >= 12 {
			ne := binary.NativeEndian
			return ne.Uint16(m.Data), binary.BigEndian.Uint32(m.Data[8:]), ne.Uint16(m.Data[4:])&flagUnordered != 0
		}
	}
	return 0, 0, false
}
