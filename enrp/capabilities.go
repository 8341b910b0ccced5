// SPDX-License-Identifier: Apache-2.0

package enrp

import "github.com/rserpool/rserpool/asap/param"

// Capabilities is a message of this project's own: what the sender can do that RFC 5353 leaves open and RSPLIB cannot. Who
// does not know it discards it without a word.
//
// RFC 5354, Section 4, of the two highest bits of the type: "00 Stop processing this message and discard it."
type Capabilities struct {
	Header
	Can Capability
}

// A Capability is one, or a set of them. Bits that are not named here are for later.
type Capability uint32

// The capabilities.
const (
	// LongHandles: pool handles of more than param.MaxHandleRSPLIB bytes, and messages of any size.
	LongHandles Capability = 1 << iota
	// TakeoverSuggestions: the server follows suggestions of takeovers, and an element that moves is never gone.
	TakeoverSuggestions
)

// Type returns TypeCapabilities.
func (m *Capabilities) Type() MessageType { return TypeCapabilities }

// AppendBinary appends the message.
func (m *Capabilities) AppendBinary(b []byte) ([]byte, error) {
	e := begin(b, m, 0)
	e.Uint32(uint32(m.Can))
	return finish(m, &e)
}

func (m *Capabilities) parse(_ uint8, d *param.Decoder) error {
	v, err := d.Uint32("Capabilities")
	if err != nil {
		return err
	}
	m.Can = Capability(v)
	return skipAll(d)
}
