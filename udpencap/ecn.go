// SPDX-License-Identifier: Apache-2.0

package udpencap

import "encoding/binary"

// An ecnControl is how a system tells of the ECN bits of one IP version in control
// messages: with those of the whole traffic class, or alone.
type ecnControl struct {
	layout cmsgLayout
	level  int
	option int // the socket option that asks for them on receipt
	recv   int // the type of the message that comes with a datagram
	send   int // the type of the message that goes with one
	size   int // the bytes of data of the latter: 1 or 4
}

// mark is the control message that marks a datagram.
func (c *ecnControl) mark(ecn ECN) []byte {
	data := make([]byte, c.size)
	if c.size == 4 {
		binary.NativeEndian.PutUint32(data, uint32(ecn&3))
	} else {
		data[0] = byte(ecn & 3)
	}
	return c.layout.append(nil, c.level, c.send, data)
}

// read finds the ECN bits among what came with a datagram. Systems differ in
// whether they are in a byte or an int, and one of them does so by the direction.
func (c *ecnControl) read(oob []byte) ECN {
	for {
		level, typ, data, rest, ok := c.layout.next(oob)
		switch {
		case !ok:
			return ECNNotECT
		case level != c.level || typ != c.recv:
		case len(data) >= 4:
			return ECN(binary.NativeEndian.Uint32(data) & 3)
		case len(data) >= 1:
			return ECN(data[0] & 3)
		}
		oob = rest
	}
}
