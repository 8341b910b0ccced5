// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
)

// A PEConfig is how the tester registers as a pool element. The zero value of a field is a good default.
type PEConfig struct {
	Pool   param.PoolHandle // default: one of the case's own
	ID     uint32           // default: random
	Policy param.Policy     // default: Round Robin
	Life   uint32           // seconds; default: 300
	// Transport is the user transport; default: SCTP at the address and port of the association.
	Transport *param.Transport
	// Setup is that of the association.
	Setup tester.Setup
	// Change alters the registration before it is sent.
	Change func(*asap.Registration)
}

// A PESide is the tester as a pool element: an association with the registrar under test. It answers
// ASAP_ENDPOINT_KEEP_ALIVE while the case waits, unless Silent.
type PESide struct {
	*tester.Assoc
	Pool    param.PoolHandle
	Element param.PoolElement
	Silent  bool
}

// Pool is a pool handle of the case's own, with a suffix if there are several.
func (t *T) Pool(suffix ...string) param.PoolHandle {
	h := "conformance " + t.Case.ID
	for _, s := range suffix {
		h += " " + s
	}
	return param.PoolHandle(h)
}

// NewPE sets up the association and makes the registration, but does not send it.
func (t *T) NewPE(cfg PEConfig) *PESide {
	a := t.Dial(cfg.Setup)
	pe := &PESide{Assoc: a, Pool: cfg.Pool}
	if pe.Pool == "" {
		pe.Pool = t.Pool()
	}
	pe.Element = param.PoolElement{ID: cfg.ID, Life: cfg.Life, Policy: cfg.Policy}
	for pe.Element.ID == 0 {
		pe.Element.ID = t.Rand().Uint32()
	}
	if pe.Element.Life == 0 {
		pe.Element.Life = 300
	}
	if pe.Element.Policy.Type == 0 {
		pe.Element.Policy.Type = param.RoundRobin
	}
	if cfg.Transport != nil {
		pe.Element.UserTransport = *cfg.Transport
	} else {
		pe.Element.UserTransport = param.Transport{Protocol: param.SCTP, Port: a.Port, Addrs: []netip.Addr{a.Addr(a.From).Addr()}}
	}
	a.OnMessage = func(m tester.Message) {
		if m.PPID != asap.PPID || pe.Silent {
			return
		}
		if x, _, err := asap.Parse(m.Data); err == nil {
			if k, ok := x.(*asap.EndpointKeepAlive); ok {
				pe.SendASAP(&asap.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: pe.Element.ID})
			}
		}
	}
	return pe
}

// Register sends the registration and returns the response; that none comes is a failure.
func (pe *PESide) Register() *asap.RegistrationResponse {
	pe.SendASAP(&asap.Registration{PoolHandle: pe.Pool, PoolElement: pe.Element})
	return tester.ExpectASAP(pe.Assoc, func(r *asap.RegistrationResponse) bool { return r.PEID == pe.Element.ID })
}

// Deregister sends the deregistration and returns the response; that none comes is a failure.
func (pe *PESide) Deregister() *asap.DeregistrationResponse {
	pe.SendASAP(&asap.Deregistration{PoolHandle: pe.Pool, PEID: pe.Element.ID})
	return tester.ExpectASAP(pe.Assoc, func(r *asap.DeregistrationResponse) bool { return r.PEID == pe.Element.ID })
}

// RegisterPE registers the tester as a pool element. That it is refused makes the case inconclusive.
func (t *T) RegisterPE(cfg PEConfig) *PESide {
	pe := t.NewPE(cfg)
	if r := pe.Register(); r.Rejected {
		t.Inconclusive("the registration was refused: %v", r.Errors)
	}
	return pe
}

// Resolve asks for a pool and returns the response; that none comes is a failure.
func (t *T) Resolve(pu *tester.Assoc, pool param.PoolHandle) *asap.HandleResolutionResponse {
	pu.SendASAP(&asap.HandleResolution{PoolHandle: pool})
	return tester.ExpectASAP(pu, func(r *asap.HandleResolutionResponse) bool { return r.PoolHandle == pool })
}

// Listed are the PE Identifiers of a response in its order.
func Listed(r *asap.HandleResolutionResponse) (ids []uint32) {
	for _, pe := range r.PoolElements {
		ids = append(ids, pe.ID)
	}
	return ids
}

// ParamTypes are the types of the parameters in b, in their order, as far as there are whole ones.
func ParamTypes(b []byte) (types []param.Type) {
	for len(b) >= 4 {
		n := int(binary.BigEndian.Uint16(b[2:]))
		types = append(types, param.Type(binary.BigEndian.Uint16(b)))
		b = b[min((max(n, 4)+3)&^3, len(b)):]
	}
	return types
}

// A RegistrarSide is the tester as a registrar, with a pool element or pool user under test.
type RegistrarSide struct {
	*tester.Assoc
	ServerID uint32
	// Registered is the registration that has come.
	Registered *asap.Registration
}

// ListenRegistrar makes the tester a registrar at one of its addresses and SCTP port 3863, for one association that has
// not come. Where is what acts call it: their argument registrar.
func (t *T) ListenRegistrar(ep *tester.Endpoint, s tester.Setup) (r *RegistrarSide, where string) {
	if s.Port == 0 {
		s.Port = asap.Port
	}
	a := ep.Listen(s)
	r = &RegistrarSide{Assoc: a}
	for r.ServerID == 0 {
		r.ServerID = t.Rand().Uint32()
	}
	at := a.Addr(s.From)
	return r, fmt.Sprintf("%s/%d", netip.AddrPortFrom(at.Addr(), s.Port), at.Port())
}

// Registrar makes the pool element under test register with the tester, and grants the registration. args are those of
// the act register, but for registrar. That no registration comes makes the case inconclusive.
func (t *T) Registrar(args Args) *RegistrarSide {
	r, where := t.ListenRegistrar(t.Endpoint(), tester.Setup{})
	t.Do("register", args.With("registrar", where))
	r.Accept()
	reg, _, ok := tester.NextASAP[*asap.Registration](r.Assoc, t.Wait(), nil)
	if !ok {
		t.Inconclusive("the pool element did not register; seen: %s", r.SeenMessages())
	}
	r.Registered = reg
	r.Grant(reg)
	return r
}

// Grant answers a registration.
func (r *RegistrarSide) Grant(reg *asap.Registration) {
	r.SendASAP(&asap.RegistrationResponse{PoolHandle: reg.PoolHandle, PEID: reg.PoolElement.ID})
}

// With is a copy with one more argument.
func (a Args) With(name, value string) Args {
	b := Args{name: value}
	for k, v := range a {
		b[k] = v
	}
	return b
}

// A PeerSide is the tester as another registrar, which the one under test knows.
type PeerSide struct {
	*tester.Assoc
	ID uint32
	// Checksum is that of the tester's pool elements, in the presences that Present sends.
	Checksum param.PEChecksum
	// Pools are what ENRP_HANDLE_TABLE_REQUEST gets, whole, while the case waits; Silent answers nothing at all.
	Pools  []enrp.PoolEntry
	Silent bool
}

// Peer sets up an association for ENRP and makes the tester known by ENRP_PRESENCE. id 0 is a random one.
func (t *T) Peer(id uint32, s tester.Setup) *PeerSide {
	for id == 0 {
		id = t.Rand().Uint32()
	}
	p := &PeerSide{ID: id}
	p.Attach(t.DialENRP(s))
	p.Present(false)
	return p
}

// ListenPeer makes the tester a registrar that S may open an association for ENRP to, at SCTP port 9901 unless the setup
// says otherwise. Nothing has come yet; a.Accept takes it. Where is what "start" calls it: its argument peers.
func (t *T) ListenPeer(ep *tester.Endpoint, id uint32, s tester.Setup) (p *PeerSide, where string) {
	for id == 0 {
		id = t.Rand().Uint32()
	}
	if s.Port == 0 {
		s.Port = enrp.Port
	}
	p = &PeerSide{ID: id}
	p.Attach(ep.Listen(s))
	at := p.Addr(s.From)
	return p, fmt.Sprintf("%s/%d", netip.AddrPortFrom(at.Addr(), s.Port), at.Port())
}

// Attach makes an association that of the peer, which answers on it what comes while the case waits: presences that ask
// for one, and requests for the peer list and the handlespace.
func (p *PeerSide) Attach(a *tester.Assoc) {
	p.Assoc = a
	a.OnMessage = func(m tester.Message) {
		if m.PPID != enrp.PPID || p.Silent {
			return
		}
		x, _, err := enrp.Parse(m.Data)
		if err != nil {
			return
		}
		switch x := x.(type) {
		case *enrp.Presence:
			if x.ReplyRequired {
				p.Present(false)
			}
		case *enrp.ListRequest:
			p.SendENRP(&enrp.ListResponse{Header: p.HeaderTo(x.Sender)})
		case *enrp.HandleTableRequest:
			p.SendENRP(&enrp.HandleTableResponse{Header: p.HeaderTo(x.Sender), Pools: p.Pools})
		}
	}
}

// HeaderTo is the header of a message to a registrar, 0 for all.
func (p *PeerSide) HeaderTo(receiver uint32) enrp.Header {
	return enrp.Header{Sender: p.ID, Receiver: receiver}
}

// Info is the Server Information of the tester.
func (p *PeerSide) Info() *param.ServerInformation {
	at := p.Addr(p.From)
	return &param.ServerInformation{ID: p.ID, EncapPort: at.Port(), Transport: param.Transport{Protocol: param.SCTP, Port: p.Port, Addrs: []netip.Addr{at.Addr()}}}
}

// Present sends ENRP_PRESENCE.
func (p *PeerSide) Present(replyRequired bool) {
	sum := p.Checksum
	p.SendENRP(&enrp.Presence{Header: p.HeaderTo(0), ReplyRequired: replyRequired, Checksum: &sum, Server: p.Info()})
}
