// SPDX-License-Identifier: Apache-2.0

//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package udpencap

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watchAddrs listens to a routing socket. It tells of routes as well, which
// costs a look at the addresses.
func watchAddrs(ctx context.Context, changed func()) error {
	fd, err := unix.Socket(unix.AF_ROUTE, unix.SOCK_RAW, unix.AF_UNSPEC)
	if err != nil {
		return fmt.Errorf("udpencap: watch addresses: %w", os.NewSyscallError("socket", err))
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return fmt.Errorf("udpencap: watch addresses: %w", os.NewSyscallError("fcntl", err))
	}
	f := os.NewFile(uintptr(fd), "route")
	defer f.Close()
	return readChanges(ctx, f, changed, func(err error) bool { return errors.Is(err, unix.ENOBUFS) })
}
