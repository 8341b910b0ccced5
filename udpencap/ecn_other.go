// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !freebsd && !windows

package udpencap

import (
	"errors"
	"syscall"
)

// hostECN: nothing is known of these systems.
func hostECN(syscall.RawConn, bool) (*ecnControl, error) { return nil, errors.ErrUnsupported }
