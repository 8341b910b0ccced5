// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// lists reports whether a pool resolves to a list that has the pool element.
func lists(t *conformance.T, pu *tester.Assoc, pool param.PoolHandle, id uint32) bool {
	return slices.Contains(conformance.Listed(t.Resolve(pu, pool)), id)
}

// checkListed resolves the pool and checks which elements are in it, in any order.
func checkListed(t *conformance.T, pu *tester.Assoc, pool param.PoolHandle, want ...uint32) *asap.HandleResolutionResponse {
	r := t.Resolve(pu, pool)
	got := conformance.Listed(r)
	slices.Sort(got)
	slices.Sort(want)
	t.Check(slices.Equal(got, want), "the pool elements registered, each once", "listed: %#x, registered: %#x, errors: %v", got, want, r.Errors)
	return r
}

// refused creates a pool by one registration and checks that another one, for the same pool, is refused and not listed.
func refused(t *conformance.T, first, second conformance.PEConfig) *asap.RegistrationResponse {
	a := t.RegisterPE(first)
	b := t.NewPE(second)
	r := b.Register()
	t.Check(r.Rejected, "R=1", "the registration was granted")
	checkListed(t, t.Dial(tester.Setup{}), a.Pool, a.Element.ID)
	return r
}

// tcp is a TCP user transport at the tester's address.
func tcp(t *conformance.T) *param.Transport {
	a := t.Endpoint().Addr(0).Addr()
	return &param.Transport{Protocol: param.TCP, Port: 4321, Addrs: []netip.Addr{a}}
}

// unknownMessage is an ASAP message of type 0x4f, whose highest bits ask for a report.
var unknownMessage = []byte{0x4f, 0, 0, 8, 1, 2, 3, 4}

// expectUnrecognizedMessage waits for the ASAP_ERROR about unknownMessage.
func expectUnrecognizedMessage(t *conformance.T, a *tester.Assoc) {
	e := tester.ExpectASAP[*asap.Error](a, nil)
	i := slices.IndexFunc(e.Errors, func(c param.Cause) bool { return c.Code == param.CauseUnrecognizedMessage })
	t.Check(i >= 0, "cause 0x2 (Unrecognized Message)", "%v", e.Errors)
	t.Check(bytes.Equal(e.Errors[i].Info, unknownMessage), "the message as cause-specific information", "%x, sent was %x", e.Errors[i].Info, unknownMessage)
}

// nextOfASAP waits for a message that begins like one of the type, whatever its PPID; that none comes is inconclusive.
func nextOfASAP(t *conformance.T, a *tester.Assoc, typ asap.MessageType) tester.Message {
	m, ok := a.NextMessage(t.Wait(), func(m tester.Message) bool { return len(m.Data) >= 4 && m.Data[0] == byte(typ) })
	if !ok {
		t.Inconclusive("no %v came; seen: %s", typ, a.SeenMessages())
	}
	return m
}

// gone waits until the pool no longer lists the element.
func gone(t *conformance.T, pu *tester.Assoc, pool param.PoolHandle, id uint32, d time.Duration) bool {
	for end := time.Now().Add(d); ; t.Sleep(2 * time.Second) {
		if !lists(t, pu, pool, id) {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// announced is how long a registrar may take to announce itself after its start, in which it looks for others: RFC 5353,
// Section 3.2.2.
const announced = 15 * time.Second

// announcements are those of S in the groups where they may be.
type announcements struct {
	t      *conformance.T
	groups []*tester.Group
}

// joinASAP listens for announcements in the group that RFC 5352, Section 8.4 assigns, and in RSPLIB's.
func joinASAP(t *conformance.T) *announcements {
	a := &announcements{t: t}
	for _, g := range []string{asap.MulticastIPv4, asap.MulticastRSPLIB} {
		a.groups = append(a.groups, t.Join(netip.AddrPortFrom(netip.MustParseAddr(g), asap.Port)))
	}
	return a
}

// next waits at most d for one.
func (a *announcements) next(d time.Duration) (tester.Datagram, bool) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, g := range a.groups {
			dg, ok := g.Next(50 * time.Millisecond)
			if ok && len(dg.Data) >= 4 && dg.Data[0] == byte(asap.TypeServerAnnounce) && slices.Contains(a.t.Target.Addrs, dg.Src.Addr().Unmap()) {
				return dg, true
			}
		}
	}
	return tester.Datagram{}, false
}
