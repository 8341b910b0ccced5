// SPDX-License-Identifier: Apache-2.0

package udpencap

import "golang.org/x/sys/unix"

// The message of IPv4 is a byte on receipt and, on sending, either a byte or an
// int, of the same type.
const (
	tosReceived = unix.IP_TOS
	tosBytes    = 1
)
