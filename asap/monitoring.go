// SPDX-License-Identifier: Apache-2.0

package asap

import "github.com/rserpool/rserpool/asap/param"

// EndpointKeepAlive is ASAP_ENDPOINT_KEEP_ALIVE, RFC 5352, Section 2.2.7: is the pool element still there?
type EndpointKeepAlive struct {
	// Home is the H flag: the pool element shall adopt the sender as its home registrar.
	Home bool

	ServerID   uint32 // Server Identifier of the sender
	PoolHandle param.PoolHandle

	// PEID is the PE Identifier, which RSPLIB adds so that one association can serve several pool elements. It is not
	// sent if 0, and 0 if absent.
	PEID uint32
}

// Type returns TypeEndpointKeepAlive.
func (m *EndpointKeepAlive) Type() MessageType { return TypeEndpointKeepAlive }

// AppendBinary appends the message.
func (m *EndpointKeepAlive) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), flag(m.Home, flagHome))
	e.Uint32(m.ServerID)
	e.PoolHandle(m.PoolHandle)
	if m.PEID != 0 {
		e.PEIdentifier(m.PEID)
	}
	return finish(m, &e)
}

func (m *EndpointKeepAlive) parse(flags uint8, d *param.Decoder) (err error) {
	m.Home = flags&flagHome != 0
	if m.ServerID, err = d.Uint32("Server Identifier"); err != nil {
		return err
	}
	return common{handle: &m.PoolHandle, peID: &m.PEID}.parse(d)
}

// EndpointKeepAliveAck is ASAP_ENDPOINT_KEEP_ALIVE_ACK, RFC 5352, Section 2.2.8: it is.
type EndpointKeepAliveAck struct {
	PoolHandle param.PoolHandle
	PEID       uint32 // PE Identifier
}

// Type returns TypeEndpointKeepAliveAck.
func (m *EndpointKeepAliveAck) Type() MessageType { return TypeEndpointKeepAliveAck }

// AppendBinary appends the message.
func (m *EndpointKeepAliveAck) AppendBinary(b []byte) ([]byte, error) {
	return appendHandleAndID(b, m, m.PoolHandle, m.PEID)
}

func (m *EndpointKeepAliveAck) parse(_ uint8, d *param.Decoder) error {
	return common{handle: &m.PoolHandle, peID: &m.PEID, needID: true}.parse(d)
}

// EndpointUnreachable is ASAP_ENDPOINT_UNREACHABLE, RFC 5352, Section 2.2.9: somebody could not reach it.
type EndpointUnreachable struct {
	PoolHandle param.PoolHandle
	PEID       uint32 // PE Identifier
}

// Type returns TypeEndpointUnreachable.
func (m *EndpointUnreachable) Type() MessageType { return TypeEndpointUnreachable }

// AppendBinary appends the message.
func (m *EndpointUnreachable) AppendBinary(b []byte) ([]byte, error) {
	return appendHandleAndID(b, m, m.PoolHandle, m.PEID)
}

func (m *EndpointUnreachable) parse(_ uint8, d *param.Decoder) error {
	return common{handle: &m.PoolHandle, peID: &m.PEID, needID: true}.parse(d)
}

// ServerAnnounce is ASAP_SERVER_ANNOUNCE, RFC 5352, Section 2.2.10: a registrar tells where it is.
type ServerAnnounce struct {
	ServerID uint32 // Server Identifier

	// Transports are SCTP or TCP. RSPLIB sends none: there, the source address and source port of the datagram are
	// the registrar's SCTP address, also if transports are present.
	Transports []param.Transport

	// EncapPort is the UDP encapsulation port (RFC 6951) of the SCTP transports; 0 means param.DefaultEncapPort.
	EncapPort uint16
}

// Type returns TypeServerAnnounce.
func (m *ServerAnnounce) Type() MessageType { return TypeServerAnnounce }

// AppendBinary appends the message.
func (m *ServerAnnounce) AppendBinary(b []byte) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.Uint32(m.ServerID)
	for _, t := range m.Transports {
		// RFC 5352, Section 2.2.10: "Only SCTP and TCP Transport parameters are allowed for use within the
		// SERVER_ANNOUNCE message."
		if t.Protocol != param.SCTP && t.Protocol != param.TCP {
			e.Fail(param.Type(t.Protocol), "is not allowed in a server announcement")
		}
		e.Transport(t)
	}
	e.EncapPort(m.EncapPort)
	return finish(m, &e)
}

func (m *ServerAnnounce) parse(_ uint8, d *param.Decoder) (err error) {
	if m.ServerID, err = d.Uint32("Server Identifier"); err != nil {
		return err
	}
	return common{other: func(p param.Param) (_ bool, err error) {
		switch p.Type {
		case param.TypeSCTPTransport, param.TypeTCPTransport:
			var t param.Transport
			t, err = p.Transport()
			m.Transports = append(m.Transports, t)
		case param.TypeEncapsulationPort:
			m.EncapPort, err = p.EncapPort()
		default:
			if p.IsTransport() {
				err = p.Invalid("is not allowed in a server announcement")
			}
			return false, err
		}
		return true, err
	}}.parse(d)
}
