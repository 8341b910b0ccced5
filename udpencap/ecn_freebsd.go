// SPDX-License-Identifier: Apache-2.0

package udpencap

import "golang.org/x/sys/unix"

// The message of IPv4 is a byte in both directions, of two types.
const (
	tosReceived = unix.IP_RECVTOS
	tosBytes    = 1
)
