// SPDX-License-Identifier: Apache-2.0

package rfc5352

import (
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// Section 3.5, Unreachable Endpoints.
var section3_5 = []conformance.Case{
	{ID: "5352/3.5/1", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		// A registrar may ask now and then for reasons of its own: but hardly twice just then.
		for range 2 {
			_, ok := reported(t, pu, pe)
			t.Check(ok, "ASAP_ENDPOINT_KEEP_ALIVE at once", "none within %v; seen: %s", t.Quiet(), pe.SeenMessages())
			t.Sleep(t.Quiet()) // the answer arrives: one keep-alive would serve for two reports before that
		}
	}},
	{ID: "5352/3.5/2", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		k, ok := reported(t, t.Dial(tester.Setup{}), pe)
		if !ok {
			t.Inconclusive("no ASAP_ENDPOINT_KEEP_ALIVE came; seen: %s", pe.SeenMessages())
		}
		t.Check(!k.Home, "H=0", "H=1")
	}},
	{ID: "5352/3.5/3", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{Life: 3600}) // which does not expire meanwhile
		pu := t.NewEndpoint(tester.EndpointConfig{}).Dial(tester.Setup{}, t.Target.Port)
		checkListed(t, pu, pe.Pool, pe.Element.ID)
		pe.Endpoint.Close()
		report(pu, pe)
		// How long that takes is up to S's SCTP. RFC 9260, Section 16: 10 retransmissions at up to 60 s.
		t.Check(gone(t, pu, pe.Pool, pe.Element.ID, 10*time.Minute), "the pool element is removed when the keep-alive has failed", "it is still listed after ten minutes")
	}},
	{ID: "5352/3.5/4", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		report(pu, pe)
		t.Sleep(2 * t.Wait()) // the keep-alive is answered meanwhile
		t.Check(lists(t, pu, pe.Pool, pe.Element.ID), "the pool element is still listed", "it is not")
	}},
	{ID: "5352/3.5/5", Run: func(t *conformance.T) {
		pe := t.RegisterPE(conformance.PEConfig{})
		pu := t.Dial(tester.Setup{})
		for n := t.Param("MAX-BAD-PE-REPORT", 3); n >= 0; n-- {
			checkListed(t, pu, pe.Pool, pe.Element.ID)
			report(pu, pe)
			// The last one is removed and may get no keep-alive.
			tester.NextASAP[*asap.EndpointKeepAlive](pe.Assoc, t.Quiet(), nil)
			t.Sleep(100 * time.Millisecond)
		}
		t.Check(!lists(t, pu, pe.Pool, pe.Element.ID), "the pool element is removed", "it is still listed")
	}},
	{ID: "5352/3.5/6", Run: func(t *conformance.T) {
		s := startService(t, 2, param.DataOnly)
		s.refuse(s.elements[0])
		tester.ExpectASAP(s.r.Assoc, s.unreachable(s.elements[0]))
	}},
	{ID: "5352/3.5/7", Run: func(t *conformance.T) {
		s := startService(t, 2, param.DataOnly)
		bad := s.elements[0]
		s.request(bad)
		s.fail(bad)
		if _, _, ok := tester.NextASAP(s.r.Assoc, t.Wait(), s.unreachable(bad)); !ok {
			t.Inconclusive("no ASAP_ENDPOINT_UNREACHABLE came; seen: %s", s.r.SeenMessages())
		}
		tester.ExpectNoASAP(s.r.Assoc, s.unreachable(bad))
	}},
}

// report says that a pool element is unreachable.
func report(pu *tester.Assoc, pe *conformance.PESide) {
	pu.SendASAP(&asap.EndpointUnreachable{PoolHandle: pe.Pool, PEID: pe.Element.ID})
}

// reported says that a pool element is unreachable, and returns the keep-alive that it then gets at once.
func reported(t *conformance.T, pu *tester.Assoc, pe *conformance.PESide) (*asap.EndpointKeepAlive, bool) {
	for {
		if _, _, old := tester.NextASAP[*asap.EndpointKeepAlive](pe.Assoc, 0, nil); !old {
			break
		}
	}
	report(pu, pe)
	k, _, ok := tester.NextASAP(pe.Assoc, t.Quiet(), func(m *asap.EndpointKeepAlive) bool { return m.PoolHandle == pe.Pool })
	return k, ok
}
