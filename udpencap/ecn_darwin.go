// SPDX-License-Identifier: Apache-2.0

package udpencap

import "golang.org/x/sys/unix"

// The message of IPv4 is a byte of one type on receipt and an int of another one
// on sending.
const (
	tosReceived = unix.IP_RECVTOS
	tosBytes    = 4
)
