// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

func (h *harness) register(r Registration) {
	h.t.Helper()
	h.step("register", func() { require.NoError(h.t, h.a.Register(h.now, r)) })
}

// registered brings an element to the state of that name.
func (h *harness) registered(link LinkID, r Registration) {
	h.t.Helper()
	h.register(r)
	h.recv(link, &asap.RegistrationResponse{PoolHandle: r.Handle, PEID: r.ID})
	h.take()
	h.events = nil
}

// RFC 5352, Section 3.1: "After successful registration, the PE MUST start a T4-reregistration timer. At its expiration, a
// re-registration SHOULD be made starting at step R1, including (at completion) restarting the T4-reregistration timer."
func TestRegistrationIsRepeated(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.register(echo(1))
	h.recv(l, accept(1))
	h.pass(31 * time.Second)
	h.recv(l, accept(1))
	h.pass(30 * time.Second)
	h.golden()
}

// RFC 5352, Section 3.1: "After establishing a new Home ENRP server, the PE SHOULD restart the registration procedure."
func TestLostRegistrarIsReplacedAndToldAtOnce(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.registered(l, echo(1))
	h.pass(10 * time.Second)
	h.lost(l, errors.New("no answer"))
	h.say("the registration is on its way as soon as the association is up")
	h.pass(20 * time.Millisecond)
	l = h.up(h.connects[0].Link)
	require.IsType(t, &asap.Registration{}, h.take()[0].Message)
	h.recv(l, accept(1))
	require.True(t, one[EventRegistered](h).First)
	h.golden()
}

func TestLossDuringReregistrationIsTold(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.registered(l, echo(1))
	h.pass(31 * time.Second)
	h.lost(l, errRefused)
	require.ErrorIs(t, one[EventUnregistered](h).Err, errRefused)
}

// RFC 5352, Section 3.1: "If the T2-registration timer expires before receiving an ASAP_REGISTRATION_RESPONSE message, [...]
// the PE shall start the Server Hunt procedure". And: "If repeated registration timeouts or failures occurs and the local
// count exceeds the Threshold 'MAX-REG-ATTEMPT', the implementation SHOULD report the error to its upper layer and stop
// attempting registration."
func TestUnansweredRegistrationStopsAfterMaxRegAttempt(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.register(echo(1))
	for range 3 {
		h.pass(5 * time.Second)
		h.up(h.connects[0].Link)
	}
	h.pass(time.Hour)
	h.golden()
	require.Len(t, h.take(), 3, "MAX-REG-ATTEMPT is 2, and the count has exceeded it")
}

func TestUnansweredRegistrationGoesOnForEver(t *testing.T) {
	h := newHarness(t, Config{MaxRegAttempt: -1})
	h.home("10.0.0.1:3863")
	h.register(echo(1))
	for range 20 {
		h.pass(5 * time.Second)
		require.False(t, one[EventUnregistered](h).Final)
		h.up(h.connects[0].Link)
	}
	require.Len(t, h.take(), 21)
}

// RFC 5352, Section 3.1: "The PE MUST NOT re-attempt registration without correcting the error condition."
func TestRejectedRegistrationIsNotRepeated(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.register(echo(1))
	h.take()
	reject := accept(1)
	reject.Rejected = true
	reject.Errors = param.OperationError{param.InconsistentPolicy(param.Policy{Type: param.Random})}
	h.recv(l, reject)
	e := one[EventUnregistered](h)
	require.True(t, e.Final)
	rejected, ok := errors.AsType[*RejectedError](e.Err)
	require.True(t, ok)
	require.True(t, rejected.Causes.Has(param.CauseInconsistentPolicy))
	require.Contains(t, e.Err.Error(), `registration of element 0x00000001 in pool "EchoPool" rejected: Inconsistent Pooling Policy`)
	h.lost(l, errRefused)
	h.up(h.connects[0].Link)
	h.pass(time.Hour)
	require.Empty(t, h.take())

	r := echo(1)
	r.Policy.Type = param.Random
	h.register(r)
	require.Len(t, h.take(), 1, "the error condition was corrected")
}

// RSPLIB sends its own cause when it does not like the addresses of the association; another registrar may.
func TestRejectionForAddressesIsTriedElsewhere(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.register(echo(1))
	reject := accept(1)
	reject.Rejected = true
	reject.Errors = param.OperationError{{Code: param.CauseRSPLIBNoUserAddresses}}
	h.recv(l, reject)
	require.False(t, one[EventUnregistered](h).Final)
	require.NotEmpty(t, h.connects)
	h.take()
	h.up(h.connects[0].Link)
	require.Len(t, h.take(), 1)
}

// RSPLIB answers a registration with an unknown policy with a bare ASAP_ERROR.
func TestBareErrorRejectsTheOldestRequest(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.register(echo(1))
	h.now = h.now.Add(time.Millisecond)
	h.step("resolve", func() {
		_, err := h.a.Resolve(h.now, "EchoPool", ResolveOptions{})
		require.NoError(t, err)
	})
	h.recv(l, &asap.Error{Errors: param.OperationError{{Code: param.CauseUnrecognizedParameter, Info: []byte{0xc0, 0, 0, 4}}}})
	for _, e := range h.events {
		_, ended := e.(EventUnregistered)
		require.False(t, ended, "it was only a remark")
	}
	h.recv(l, &asap.Error{Errors: param.OperationError{{Code: param.CauseRSPLIBUnsupportedPolicy}}})
	require.True(t, one[EventUnregistered](h).Final)
	h.recv(l, &asap.Error{Errors: param.OperationError{{Code: param.CauseRSPLIBInvalidValue}}})
	_, ok := errors.AsType[*RejectedError](one[EventResolved](h).Err)
	require.True(t, ok)
}

// Updates while a registration is under way become one registration after it: responses cannot be told apart.
func TestUpdatesAreCoalesced(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	r := echo(1)
	r.Policy.Type = param.LeastUsed
	h.register(r)
	for load := range uint32(5) {
		h.step("load", func() {
			require.NoError(t, h.a.UpdatePolicy(h.now, r.Key, param.Policy{Type: param.LeastUsed, Load: 1 + load}))
		})
	}
	require.Len(t, h.take(), 1)
	h.recv(l, accept(1))
	sent := h.take()
	require.Len(t, sent, 1)
	require.Equal(t, uint32(5), sent[0].Message.(*asap.Registration).PoolElement.Policy.Load)
	h.recv(l, accept(1))
	require.Empty(t, h.take())
}

func TestDeregistration(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.registered(l, echo(1))
	h.step("deregister", func() { h.a.Deregister(h.now, Key{"EchoPool", 1}) })
	h.say(`RFC 5352, Section 3.2: "the PE's ASAP Endpoint shall start the ENRP Server Hunt procedure [...] in an attempt to get` +
		"\n# service from another ENRP server. After establishing a new Home ENRP server, the ASAP Endpoint SHOULD restart the" +
		"\n# de-registration procedure.\"")
	h.pass(5 * time.Second)
	l = h.up(h.connects[0].Link)
	h.recv(l, &asap.DeregistrationResponse{PoolHandle: "EchoPool", PEID: 1})
	h.pass(time.Hour)
	h.golden()
}

func TestDeregistrationOfNothing(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("10.0.0.1:3863")
	h.register(echo(1)) // waits for a registrar
	h.step("deregister", func() { h.a.Deregister(h.now, Key{"EchoPool", 1}) })
	require.NoError(t, one[EventDeregistered](h).Err)
	h.step("deregister", func() { h.a.Deregister(h.now, Key{"Other", 2}) })
	require.NoError(t, one[EventDeregistered](h).Err)
	h.up(h.connects[0].Link)
	require.Empty(t, h.take())
}

// RFC 5352, Section 2.2.4: "or due to the expiration of the registration life of the PE in the pool."
func TestExpiredRegistrationIsRenewed(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.registered(l, echo(1))
	h.recv(l, &asap.DeregistrationResponse{PoolHandle: "EchoPool", PEID: 1})
	require.False(t, one[EventUnregistered](h).Final)
	h.pass(time.Second)
	require.Len(t, h.take(), 1)
}

// RFC 5352, Section 3.4, KA1: "If the Pool Handle does not match, the PE MUST silently discard the message."
// Section 2.2.7: "Regardless of the setting of the 'H' bit, an ASAP Endpoint MUST respond with an
// ASAP_ENDPOINT_KEEP_ALIVE_ACK".
func TestKeepAlives(t *testing.T) {
	for _, c := range []struct {
		name string
		m    asap.EndpointKeepAlive
		want []uint32 // acknowledged
	}{
		{"for one element", asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 2}, []uint32{2}},
		{"as the RFC has it", asap.EndpointKeepAlive{PoolHandle: "EchoPool"}, []uint32{1, 2}},
		{"wrong handle", asap.EndpointKeepAlive{PoolHandle: "Echo"}, nil},
		{"wrong handle, right element", asap.EndpointKeepAlive{PoolHandle: "Other", PEID: 1}, nil},
		{"wrong element", asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 4}, nil},
	} {
		for _, home := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				h := newHarness(t, Config{})
				l := h.home("10.0.0.1:3863")
				other := echo(3)
				other.Handle = "Other"
				for _, r := range []Registration{echo(1), echo(2), other} {
					h.registered(l, r)
				}
				m := c.m
				m.Home, m.ServerID = home, 0x1111
				h.recv(l, &m)
				var got []uint32
				for _, s := range h.take() {
					ack := s.Message.(*asap.EndpointKeepAliveAck)
					require.Equal(t, l, s.Link)
					require.Equal(t, m.PoolHandle, ack.PoolHandle)
					got = append(got, ack.PEID)
				}
				require.Equal(t, c.want, got)
				now, _ := h.a.Home()
				require.Equal(t, l, now, "it is the home registrar already")
			})
		}
	}
}

// RFC 5352, Section 3.4, KA2.4: "If the H flag in the received ASAP_ENDPOINT_KEEP_ALIVE message is set, and the Server
// Identifier in the message is NOT the identity of your Home ENRP server (or it is not set, e.g., you have a no Home ENRP
// server) adopt the sender of the ASAP_ENDPOINT_KEEP_ALIVE message as the new Home ENRP server."
func TestKeepAliveWithHomeFlagIsAdopted(t *testing.T) {
	h := newHarness(t, Config{})
	old := h.home("10.0.0.1:3863")
	h.registered(old, echo(1))
	h.recv(old, &asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 1, ServerID: 0x1111})
	var l LinkID
	h.step("another registrar sets up an association", func() { l = h.a.HandleInbound(addr("10.0.0.2:3863")) })
	h.say("without the flag it is only answered")
	h.recv(l, &asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 1, ServerID: 0x2222})
	h.recv(l, &asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 1, ServerID: 0x2222, Home: true})
	h.recv(l, accept(1))
	home, _ := h.a.Home()
	require.Equal(t, l, home)
	h.say("the adopted one is lost in turn")
	h.lost(l, errRefused)
	h.golden()
}

func TestKeepAliveIsAdoptedWithoutHome(t *testing.T) {
	h := newHarness(t, Config{})
	old := h.home("10.0.0.1:3863")
	h.registered(old, echo(1))
	h.lost(old, errRefused)
	l := h.a.HandleInbound(addr("10.0.0.2:3863"))
	h.recv(l, &asap.EndpointKeepAlive{PoolHandle: "EchoPool", ServerID: 0x2222, Home: true})
	home, ok := h.a.Home()
	require.True(t, ok)
	require.Equal(t, l, home)
	require.Empty(t, h.connects, "the hunt is over")
	require.Len(t, h.take(), 2, "acknowledged and registered")
}

// RFC 5352, Section 7.1: "This timer is normally set to 10 minutes or 20 seconds less than the Lifetime parameter used in
// the registration request (whichever is less)."
func TestLifeAndInterval(t *testing.T) {
	rfc := RFC()
	for _, c := range []struct {
		name           string
		cfg            Config
		interval, life time.Duration
		t4             time.Duration
		wire           uint32
	}{
		{"default, which is RSPLIB's", Config{}, 0, 0, 30 * time.Second, 90000},
		{"default, own interval", Config{}, 10 * time.Second, 0, 10 * time.Second, 30000},
		{"default, own life", Config{}, 0, time.Minute, 30 * time.Second, 60000},
		{"default, short life", Config{}, 0, 3 * time.Second, time.Second, 3000},
		{"default, for ever", Config{}, 0, -1, 30 * time.Second, param.LifeInfinite},
		{"RFC", rfc, 0, 0, 10 * time.Minute, 1800},
		{"RFC, life of 5 minutes", rfc, 0, 5 * time.Minute, 280 * time.Second, 300},
		{"RFC, rounded up", rfc, time.Second, 1500 * time.Millisecond, time.Second, 2},
		{"RFC, very long", rfc, 0, 100 * 365 * 24 * time.Hour, 10 * time.Minute, 0x7fffffff},
		{"RFC, for ever", rfc, 0, -1, 10 * time.Minute, 0xffffffff},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, c.cfg)
			r := echo(1)
			r.Interval, r.Life = c.interval, c.life
			t4, life := r.timing(&h.a.cfg)
			require.Equal(t, c.t4, t4)
			require.Equal(t, c.wire, life)
		})
	}
}

// RFC 5352, Section 2.2.1: "the IP address(es) of the PE that is registered within the Pool Element parameter MUST be a
// subset of the IP address(es) used in the SCTP association".
func TestLoopbackAddressesAreRegisteredOnLoopbackOnly(t *testing.T) {
	for registrar, want := range map[string]int{"10.0.0.1:3863": 1, "127.0.0.1:3863": 2} {
		h := newHarness(t, Config{})
		r := echo(1)
		r.Transport.Addrs = addrs("127.0.0.1", "10.0.0.9", "::1")
		h.home(registrar)
		h.register(r)
		require.Len(t, h.take()[0].Message.(*asap.Registration).PoolElement.UserTransport.Addrs, want, registrar)
	}
}

// The same rule: a registrar without IPv6 has no IPv6 address of ours in the association.
func TestAddressFamiliesOfTheAssociationAreRegistered(t *testing.T) {
	for _, c := range []struct {
		registrar  string
		peer, want []netip.Addr
	}{
		{"10.0.0.1:3863", nil, addrs("10.0.0.9")},
		{"10.0.0.1:3863", addrs("10.0.0.1", "10.1.0.1"), addrs("10.0.0.9")},
		{"10.0.0.1:3863", addrs("10.0.0.1", "fd00::1"), addrs("10.0.0.9", "fd00::9")},
		{"127.0.0.1:3863", addrs("127.0.0.1"), addrs("127.0.0.1", "10.0.0.9")},
		{"127.0.0.1:3863", addrs("127.0.0.1", "fd00::1"), addrs("127.0.0.1", "10.0.0.9", "::1", "fd00::9")},
		{"[fd00::1]:3863", addrs("fd00::1"), addrs("fd00::9")},
	} {
		h := newHarness(t, Config{})
		r := echo(1)
		r.Transport.Addrs = addrs("127.0.0.1", "10.0.0.9", "::1", "fd00::9")
		h.start(c.registrar)
		h.step("up", func() { h.a.HandleConnected(h.now, h.connects[0].Link, c.peer) })
		h.register(r)
		require.Equal(t, c.want, h.take()[0].Message.(*asap.Registration).PoolElement.UserTransport.Addrs, "%v", c)

		// The next home registrar has other addresses.
		var l LinkID
		h.step("another registrar takes over", func() { l = h.a.HandleInbound(addr("[fd00::2]:3863")) })
		h.recv(l, &asap.EndpointKeepAlive{PoolHandle: "EchoPool", PEID: 1, ServerID: 0x2222, Home: true})
		sent := h.take()
		require.Equal(t, addrs("fd00::9"), sent[len(sent)-1].Message.(*asap.Registration).PoolElement.UserTransport.Addrs, "%v", c)
	}
}

// A rejection says in words what the registrar quotes.
func TestRejectionNamesWhatIsQuoted(t *testing.T) {
	tlv, err := echo(1).Transport.AppendBinary(nil)
	require.NoError(t, err)
	for _, c := range []struct {
		cause param.Cause
		want  string
	}{
		{param.InvalidValues(tlv), "Invalid Values: transport SCTP 10.0.0.9:7000 (DATA plus CONTROL)"},
		{param.InconsistentPolicy(roundRobin), "Inconsistent Pooling Policy: policy " + param.RoundRobin.String()},
		{param.Cause{Code: param.CauseUnknownPoolHandle}, "Unknown Pool Handle"},
		{param.Cause{Code: param.CauseInvalidValues, Info: []byte{1, 2, 3}}, "Invalid Values [01 02 03]"},
		{param.InvalidValues(tlv[:len(tlv)-1]), "Invalid Values [" + fmt.Sprintf("% x", tlv[:len(tlv)-1]) + "]"},
	} {
		err := &RejectedError{Op: "registration", Handle: "P", PEID: 1, Causes: param.OperationError{c.cause}}
		require.Equal(t, `registration of element 0x00000001 in pool "P" rejected: `+c.want, err.Error())
	}
}

func TestRegistrationIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Registration){
		"PE Identifier is 0":   func(r *Registration) { r.ID = 0 },
		"Pool Handle":          func(r *Registration) { r.Handle = "" },
		"policy type 0":        func(r *Registration) { r.Policy = param.Policy{} },
		"has no address":       func(r *Registration) { r.Transport.Addrs = nil },
		"has no port":          func(r *Registration) { r.Transport.Port = 0 },
		"interval":             func(r *Registration) { r.Interval = -1 },
		"is longer than 65535": func(r *Registration) { r.Handle = param.PoolHandle(make([]byte, 65530)) },
	} {
		h := newHarness(t, Config{})
		r := echo(1)
		change(&r)
		require.ErrorContains(t, h.a.Register(h.now, r), name)
	}
}
