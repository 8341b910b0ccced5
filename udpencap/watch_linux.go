// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watchAddrs listens for address and link changes of rtnetlink. What the
// messages say does not matter: the addresses are read anew.
func watchAddrs(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("udpencap: watch addresses: %w", os.NewSyscallError("socket", err))
	}
	f := os.NewFile(uintptr(fd), "netlink") // the poller's
	defer f.Close()
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return fmt.Errorf("udpencap: watch addresses: %w", os.NewSyscallError("bind", err))
	}
	return readChanges(ctx, f, changed, func(err error) bool {
		return errors.Is(err, unix.ENOBUFS) // some were lost: look
	})
}
