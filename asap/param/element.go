// SPDX-License-Identifier: Apache-2.0

package param

import "encoding/binary"

// PoolElement is the Pool Element parameter, RFC 5354, Section 3.10.
type PoolElement struct {
	ID     uint32 // PE Identifier; RSPLIB rejects 0
	HomeID uint32 // Home ENRP Server Identifier; 0 if undetermined

	// Life is the Registration Life as it is on the wire. For RFC 5354 it is in seconds, and LifeInfinite (-1) never
	// ends. For RSPLIB it is in milliseconds. Which of them is for the reader to decide; forward it unchanged.
	Life uint32

	UserTransport Transport
	Policy        Policy

	// ASAPTransport is where the registrar reaches the pool element: an SCTP transport. In ENRP it is mandatory, in
	// ASAP optional; nil if absent.
	ASAPTransport *Transport

	// EncapPort is the UDP encapsulation port (RFC 6951) of the SCTP transports above; 0 means DefaultEncapPort.
	EncapPort uint16
}

// PoolElement appends the Pool Element parameter.
func (e *Encoder) PoolElement(pe *PoolElement) {
	start := e.open(TypePoolElement)
	e.Uint32(pe.ID)
	e.Uint32(pe.HomeID)
	e.Uint32(pe.Life)
	e.Transport(pe.UserTransport)
	e.Policy(pe.Policy)
	if pe.ASAPTransport != nil {
		// RFC 5354, Section 3.10: "MUST be an SCTP type transport parameter"
		if pe.ASAPTransport.Protocol != SCTP {
			e.Fail(TypePoolElement, "ASAP transport is %v, not SCTP", pe.ASAPTransport.Protocol)
		}
		e.Transport(*pe.ASAPTransport)
	}
	e.EncapPort(pe.EncapPort) // last, where a receiver that counts parameters has stopped counting
	e.close(start, TypePoolElement)
}

// AppendBinary appends the parameter, without padding at its end. It implements encoding.BinaryAppender.
func (pe *PoolElement) AppendBinary(b []byte) ([]byte, error) {
	return appendParam(b, func(e *Encoder) { e.PoolElement(pe) })
}

// PoolElement parses a Pool Element parameter into pe. The first transport in it is the User Transport, the second
// the ASAP Transport.
func (p Param) PoolElement(pe *PoolElement) error {
	if len(p.Value) < 12 {
		return p.invalid("has no room for its fixed fields")
	}
	*pe = PoolElement{
		ID:     binary.BigEndian.Uint32(p.Value),
		HomeID: binary.BigEndian.Uint32(p.Value[4:]),
		Life:   binary.BigEndian.Uint32(p.Value[8:]),
	}
	for d := p.nested(12); ; {
		q, ok, err := d.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch {
		case q.IsTransport():
			err = pe.addTransport(q)
		case q.Type == TypePolicy && pe.Policy.Type != 0:
			err = q.invalid("occurs twice in a Pool Element")
		case q.Type == TypePolicy:
			pe.Policy, err = q.Policy()
		case q.Type == TypeEncapsulationPort:
			pe.EncapPort, err = q.EncapPort()
		default:
			err = d.Skip(q)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case pe.UserTransport.Protocol == 0:
		// RFC 5354, Section 3.10: "A PE MUST have one and only one User Transport."
		return p.invalid("has no User Transport")
	case pe.Policy.Type == 0:
		return p.invalid("has no Pool Member Selection Policy")
	}
	return nil
}

func (pe *PoolElement) addTransport(q Param) error {
	t, err := q.Transport()
	switch {
	case err != nil:
		return err
	case pe.UserTransport.Protocol == 0:
		pe.UserTransport = t
	case pe.ASAPTransport != nil:
		return q.invalid("is the third transport in a Pool Element")
	case t.Protocol != SCTP:
		return q.invalid("ASAP transport is not SCTP")
	default:
		pe.ASAPTransport = new(t) // a copy, so that t itself need not be allocated for every User Transport
	}
	return nil
}
