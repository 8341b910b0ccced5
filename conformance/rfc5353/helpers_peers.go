// SPDX-License-Identifier: Apache-2.0

package rfc5353

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp/wire"
)

// settled is how long a registrar may take to find out that it is alone, and so to serve its peers.
const settled = 15 * time.Second

// secondPort is the SCTP port of a second registrar at the tester's address.
const secondPort = enrp.Port + 10

// unknownPeer is an association for ENRP that nothing has been sent on.
func unknownPeer(t *conformance.T, port uint16) *conformance.PeerSide {
	p := &conformance.PeerSide{}
	for p.ID == 0 {
		p.ID = t.Rand().Uint32()
	}
	p.Attach(t.DialENRP(tester.Setup{Port: port}))
	return p
}

// serverID is the identifier of the registrar under test, which answers a presence.
func serverID(t *conformance.T, p *conformance.PeerSide) uint32 {
	return presence(t, p).Sender
}

// presence asks for a presence.
func presence(t *conformance.T, p *conformance.PeerSide) *enrp.Presence {
	drop[*enrp.Presence](p) // those that came before
	p.Present(true)
	m, _, ok := tester.NextENRP[*enrp.Presence](p.Assoc, t.Wait(), nil)
	if !ok {
		t.Inconclusive("no ENRP_PRESENCE came; seen: %s", p.SeenMessages())
	}
	return m
}

// owned is a pool element that a peer owns, at the tester's address.
func owned(t *conformance.T, p *conformance.PeerSide, policy param.Policy) param.PoolElement {
	at := p.Addr(p.From)
	pe := param.PoolElement{
		HomeID: p.ID, Life: 300, EncapPort: at.Port(), Policy: policy,
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 5001, Addrs: []netip.Addr{at.Addr()}},
		ASAPTransport: &param.Transport{Protocol: param.SCTP, Port: 5002, Addrs: []netip.Addr{at.Addr()}},
	}
	for pe.ID == 0 {
		pe.ID = t.Rand().Uint32()
	}
	return pe
}

var (
	roundRobin = param.Policy{Type: param.RoundRobin}
	weight3    = param.Policy{Type: param.WeightedRoundRobin, Weight: 3}
	weight7    = param.Policy{Type: param.WeightedRoundRobin, Weight: 7}
)

// update tells S of a pool element of the peer, and keeps what the peer would list and its checksum as they should be.
func update(p *conformance.PeerSide, action enrp.UpdateAction, pool param.PoolHandle, pe param.PoolElement) {
	list(p, action, pool, pe)
	p.SendENRP(&enrp.HandleUpdate{Header: p.HeaderTo(0), Action: action, PoolHandle: pool, PoolElement: pe})
}

// list changes what the peer would list, and its checksum.
func list(p *conformance.PeerSide, action enrp.UpdateAction, pool param.PoolHandle, pe param.PoolElement) {
	i := slices.IndexFunc(p.Pools, func(e enrp.PoolEntry) bool { return e.PoolHandle == pool })
	if i < 0 {
		p.Pools = append(p.Pools, enrp.PoolEntry{PoolHandle: pool})
		i = len(p.Pools) - 1
	}
	e := &p.Pools[i]
	e.PoolElements = slices.DeleteFunc(slices.Clone(e.PoolElements), func(x param.PoolElement) bool { return x.ID == pe.ID })
	if action == enrp.AddPE {
		e.PoolElements = append(e.PoolElements, pe)
	}
	if len(e.PoolElements) == 0 {
		p.Pools = slices.Delete(p.Pools, i, i+1)
	}
	var sum uint32
	for _, e := range p.Pools {
		for _, pe := range e.PoolElements {
			sum = add(sum, e.PoolHandle, pe.ID)
		}
	}
	p.Checksum = param.PEChecksum(^uint16(sum))
}

// add adds the byte block of a pool element to a sum of RFC 1071, which is not complemented.
func add(sum uint32, pool param.PoolHandle, id uint32) uint32 {
	b := []byte(pool)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum += id>>16 + id&0xffff; sum > 0xffff; {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

// same reports whether two checksums are the same number in ones' complement, where 0 has two forms.
func same(a, b param.PEChecksum) bool { return a%0xffff == b%0xffff }

// resolves waits until the pool has these elements, and fails if it never does.
func resolves(t *conformance.T, pu *tester.Assoc, pool param.PoolHandle, want ...param.PoolElement) []param.PoolElement {
	var ids []uint32
	for _, pe := range want {
		ids = append(ids, pe.ID)
	}
	slices.Sort(ids)
	for end := time.Now().Add(t.Wait()); ; t.Sleep(100 * time.Millisecond) {
		r := t.Resolve(pu, pool)
		got := conformance.Listed(r)
		slices.Sort(got)
		if slices.Equal(got, ids) {
			return r.PoolElements
		}
		t.Check(time.Now().Before(end), "the pool elements that were told of, each once", "%#x, told were %#x; errors %v", got, ids, r.Errors)
	}
}

// resolvesLike is resolves, until the one element has the policy, too.
func resolvesLike(t *conformance.T, pu *tester.Assoc, pool param.PoolHandle, want param.PoolElement) {
	for end := time.Now().Add(t.Wait()); ; t.Sleep(100 * time.Millisecond) {
		got := resolves(t, pu, pool, want)[0]
		if got.Policy == want.Policy && got.UserTransport.Equal(want.UserTransport) {
			return
		}
		t.Check(time.Now().Before(end), "the new values", "%+v, told was %+v", got, want)
	}
}

// answer has the peer answer some messages otherwise: f reports whether it has.
func answer(p *conformance.PeerSide, f func(enrp.Message) bool) {
	others := p.OnMessage
	p.OnMessage = func(m tester.Message) {
		if m.PPID == enrp.PPID {
			if x, _, err := enrp.Parse(m.Data); err == nil && f(x) {
				return
			}
		}
		others(m)
	}
}

// turned is how long S may take to turn to a mentor: it may listen to announcements first.
func turned(t *conformance.T) time.Duration { return 6 * t.Wait() }

// mentor starts S with the tester as its mentor, set up by prepare, and takes the association.
func mentor(t *conformance.T, prepare func(p *conformance.PeerSide)) *conformance.PeerSide {
	p, where := t.ListenPeer(t.Endpoint(), 0, tester.Setup{})
	if prepare != nil {
		prepare(p)
	}
	t.Do("start", conformance.Args{"peers": where})
	if p.Next(turned(t), tester.Is(wire.ChunkInit)) == nil {
		t.Inconclusive("no INIT came to SCTP port %d within %v", p.Port, turned(t))
	}
	p.AcceptInit()
	return p
}

// dead makes a peer known that then falls silent, and waits until S, by another peer, announces the takeover. The
// identifier of that other one is S's plus more. The silent one owns a pool element: else there is nothing to take over.
func dead(t *conformance.T, more uint32) (t1, t2 *conformance.PeerSide) {
	t1 = t.Peer(0, tester.Setup{})
	t2 = unknownPeer(t, secondPort)
	t2.ID = serverID(t, t1) + more
	t2.Present(false)
	update(t1, enrp.AddPE, t.Pool(), owned(t, t1, roundRobin))
	t.Sleep(time.Second)
	t1.Silent = true
	d := deadAfter(t)
	if _, _, ok := tester.NextENRP(t2.Assoc, d, func(m *enrp.InitTakeover) bool { return m.Target == t1.ID }); !ok {
		t.Inconclusive("no takeover within %v; seen: %s", d, t2.SeenMessages())
	}
	return t1, t2
}

// deadAfter is how long S may take to begin the takeover from a silent peer.
func deadAfter(t *conformance.T) time.Duration {
	d := t.Param("MAX-TIME-LAST-HEARD", 61) + t.Param("MAX-TIME-NO-RESPONSE", 5)
	d += t.Param("PEER-HEARTBEAT-CYCLE", 30) // S may look for dead peers as often only
	return time.Duration(d)*time.Second + 2*t.Wait()
}
