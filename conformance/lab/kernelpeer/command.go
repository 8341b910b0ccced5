// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func readCommands() <-chan string {
	ch := make(chan string)
	go func() {
		s := bufio.NewScanner(os.Stdin)
		for s.Scan() {
			ch <- s.Text()
		}
	}()
	return ch
}

// command carries out one line of standard input and reports how it went.
func (c *conn) command(line string) {
	verb, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	done := func() { report("event=command command=%s ok=true", verb) }
	switch verb {
	case "":
		return
	case "shutdown":
		done() // first: the program may have ended when it is
		c.end("graceful")
		return
	case "abort":
		done()
		c.end("abort")
		return
	}
	if err := c.do(verb, arg); err != nil {
		report("event=command command=%s ok=false error=%q", verb, err)
		return
	}
	done()
}

func (c *conn) do(verb, arg string) error {
	switch verb {
	case "status":
		return c.status()
	case "reset", "resetin":
		id, err := strconv.ParseUint(arg, 10, 16)
		if err != nil {
			return err
		}
		direction := 2 // SCTP_STREAM_RESET_OUTGOING
		if verb == "resetin" {
			direction = 1
		}
		_, err = setsockopt(c.fd, optResetStreams, join(u32(0), u16(direction), u16(1), u16(int(id))))
		return err
	case "resetassoc":
		_, err := setsockopt(c.fd, optResetAssoc, u32(0))
		return err
	case "addstreams":
		var in, out int
		if _, err := fmt.Sscan(arg, &out, &in); err != nil {
			return err
		}
		_, err := setsockopt(c.fd, optAddStreams, join(u32(0), u16(in), u16(out)))
		return err
	}
	ip, err := netip.ParseAddr(arg)
	if err != nil {
		return fmt.Errorf("not a known command with an address: %w", err)
	}
	switch verb {
	case "add", "del":
		port, err := localPort(c.fd)
		if err != nil {
			return err
		}
		opt := optBindxAdd
		if verb == "del" {
			opt = optBindxRem
		}
		_, err = setsockopt(c.fd, opt, packed([]netip.Addr{ip}, port))
		return err
	case "primary":
		port, err := peerPort(c.fd)
		if err != nil {
			return err
		}
		_, err = setsockopt(c.fd, optPrimaryAddr, join(u32(0), storage(netip.AddrPortFrom(ip, port))))
		return err
	case "peerprimary":
		port, err := localPort(c.fd)
		if err != nil {
			return err
		}
		_, err = setsockopt(c.fd, optSetPeerPrimaryAddr, join(u32(0), storage(netip.AddrPortFrom(ip, port))))
		return err
	}
	return errors.New("unknown command")
}

func localPort(fd int) (uint16, error) {
	sa, err := unix.Getsockname(fd)
	return portOf(sa), err
}

func peerPort(fd int) (uint16, error) {
	sa, err := unix.Getpeername(fd)
	return portOf(sa), err
}

func portOf(sa unix.Sockaddr) uint16 {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return uint16(sa.Port)
	case *unix.SockaddrInet6:
		return uint16(sa.Port)
	}
	return 0
}

// status reports struct sctp_status.
func (c *conn) status() error {
	b := make([]byte, 176)
	if err := getsockopt(c.fd, optStatus, b); err != nil {
		return fmt.Errorf("SCTP_STATUS: %w", err)
	}
	ne := binary.NativeEndian
	report("event=status state=%d rwnd=%d unacked=%d pending=%d in=%d out=%d primary=%s cwnd=%d srtt=%d rto=%d mtu=%d",
		ne.Uint32(b[4:]), ne.Uint32(b[8:]), ne.Uint16(b[12:]), ne.Uint16(b[14:]), ne.Uint16(b[16:]), ne.Uint16(b[18:]),
		parseSockaddr(b[28:]).Addr(), ne.Uint32(b[160:]), ne.Uint32(b[164:]), ne.Uint32(b[168:]), ne.Uint32(b[172:]))
	return nil
}
