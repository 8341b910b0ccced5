// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package udpencap

import "syscall"

// icmpErrnos are those that ICMP messages cause here only: none.
var icmpErrnos []syscall.Errno
