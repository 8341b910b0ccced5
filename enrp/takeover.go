// SPDX-License-Identifier: Apache-2.0

package enrp

import "github.com/rserpool/rserpool/asap/param"

// InitTakeover is ENRP_INIT_TAKEOVER, RFC 5353, Section 2.7: the sender wants to take over from the target.
type InitTakeover struct {
	Header
	Target uint32 // Targeting Server's ID
}

// Type returns TypeInitTakeover.
func (m *InitTakeover) Type() MessageType { return TypeInitTakeover }

// AppendBinary appends the message.
func (m *InitTakeover) AppendBinary(b []byte) ([]byte, error) { return appendTarget(b, m, m.Target) }

func (m *InitTakeover) parse(_ uint8, d *param.Decoder) error { return parseTarget(d, &m.Target) }

// InitTakeoverAck is ENRP_INIT_TAKEOVER_ACK, RFC 5353, Section 2.8: the sender does not object.
type InitTakeoverAck struct {
	Header
	Target uint32 // Targeting Server's ID
}

// Type returns TypeInitTakeoverAck.
func (m *InitTakeoverAck) Type() MessageType { return TypeInitTakeoverAck }

// AppendBinary appends the message.
func (m *InitTakeoverAck) AppendBinary(b []byte) ([]byte, error) { return appendTarget(b, m, m.Target) }

func (m *InitTakeoverAck) parse(_ uint8, d *param.Decoder) error { return parseTarget(d, &m.Target) }

// TakeoverServer is ENRP_TAKEOVER_SERVER, RFC 5353, Section 2.9: the sender has taken over. RSPLIB means to send it,
// but it never arrives.
type TakeoverServer struct {
	Header
	Target uint32 // Targeting Server's ID
}

// Type returns TypeTakeoverServer.
func (m *TakeoverServer) Type() MessageType { return TypeTakeoverServer }

// AppendBinary appends the message.
func (m *TakeoverServer) AppendBinary(b []byte) ([]byte, error) { return appendTarget(b, m, m.Target) }

func (m *TakeoverServer) parse(_ uint8, d *param.Decoder) error { return parseTarget(d, &m.Target) }

func appendTarget(b []byte, m parser, target uint32) ([]byte, error) {
	e := begin(b, m, 0)
	e.Uint32(target)
	return finish(m, &e)
}

func parseTarget(d *param.Decoder, target *uint32) (err error) {
	if *target, err = d.Uint32("Targeting Server's ID"); err != nil {
		return err
	}
	return skipAll(d)
}
