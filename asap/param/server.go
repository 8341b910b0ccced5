// SPDX-License-Identifier: Apache-2.0

package param

import "encoding/binary"

// ServerInformation is the Server Information parameter, RFC 5354, Section 3.11: an ENRP server and where it is.
type ServerInformation struct {
	ID        uint32 // ENRP server identifier; RSPLIB lists servers with 0 that it does not know yet
	Transport Transport

	// EncapPort is the UDP encapsulation port (RFC 6951) of Transport; 0 means DefaultEncapPort.
	EncapPort uint16
}

// ServerInformation appends the Server Information parameter.
func (e *Encoder) ServerInformation(s *ServerInformation) {
	start := e.open(TypeServerInformation)
	e.Uint32(s.ID)
	// RFC 5354, Section 3.11: "This is an SCTP Transport Parameter"
	if s.Transport.Protocol != SCTP {
		e.Fail(TypeServerInformation, "transport is %v, not SCTP", s.Transport.Protocol)
	}
	e.Transport(s.Transport)
	e.EncapPort(s.EncapPort)
	e.close(start, TypeServerInformation)
}

// AppendBinary appends the parameter, without padding at its end. It implements encoding.BinaryAppender.
func (s *ServerInformation) AppendBinary(b []byte) ([]byte, error) {
	return appendParam(b, func(e *Encoder) { e.ServerInformation(s) })
}

// ServerInformation parses a Server Information parameter into s.
func (p Param) ServerInformation(s *ServerInformation) error {
	if len(p.Value) < 4 {
		return p.invalid("has no server ID")
	}
	*s = ServerInformation{ID: binary.BigEndian.Uint32(p.Value)}
	for d := p.nested(4); ; {
		q, ok, err := d.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch {
		case q.Type == TypeSCTPTransport && s.Transport.Protocol != 0:
			err = q.invalid("occurs twice in a Server Information")
		case q.Type == TypeSCTPTransport:
			s.Transport, err = q.Transport()
		case q.Type == TypeEncapsulationPort:
			s.EncapPort, err = q.EncapPort()
		default:
			err = d.Skip(q)
		}
		if err != nil {
			return err
		}
	}
	if s.Transport.Protocol == 0 {
		return p.invalid("has no SCTP Transport")
	}
	return nil
}
