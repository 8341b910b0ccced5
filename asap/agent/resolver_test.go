// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

func (h *harness) resolve(handle param.PoolHandle, o ResolveOptions) (id ResolveID) {
	h.t.Helper()
	h.step("resolve "+string(handle), func() {
		var err error
		id, err = h.a.Resolve(h.now, handle, o)
		require.NoError(h.t, err)
	})
	return id
}

// RFC 5352, Section 3.7.2: "When the T1-ENRPrequest timer expires, the ASAP Endpoint should re-send the original request to
// the ENRP server and restart the T1-ENRPrequest timer. In parallel, the ASAP Endpoint should begin the ENRP server hunt
// procedures [...] This should be repeated up to MAX-REQUEST-RETRANSMIT times. After that, an Error.Report notification
// should be generated to inform the ASAP User".
func TestUnansweredRequestIsRepeated(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.pass(time.Minute)
	h.golden()
}

// RFC 5352, Section 3.7.2: "if an alternate ENRP server responds, the ASAP Endpoint SHOULD adopt the responding ENRP server
// as its new Home ENRP server and re-send the request to the new Home ENRP server."
func TestAlternateRegistrarIsAdopted(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.pass(5 * time.Second)
	require.Len(t, h.connects, 1)
	l := h.up(h.connects[0].Link)
	h.recv(l, members(roundRobin, 1, 2))
	h.golden()
}

func TestSlowRegistrarIsKeptIfItAnswers(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.pass(5 * time.Second)
	require.Len(t, h.connects, 1)
	h.recv(l, members(roundRobin, 1))
	require.Empty(t, h.connects, "the hunt for another one was stopped")
	require.NoError(t, one[EventResolved](h).Err)
	home, _ := h.a.Home()
	require.Equal(t, l, home)
}

// RFC 5352, Section 3.7.1: "After finding a new Home ENRP server, the ASAP Endpoint should re-send the request."
func TestRequestsMoveToTheNewRegistrar(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.resolve("Other", ResolveOptions{})
	h.lost(l, nil)
	h.step("report", func() { h.a.ReportUnreachable(h.now, Key{"EchoPool", 9}) })
	h.take()
	h.pass(time.Second)
	h.up(h.connects[0].Link)
	var got []asap.MessageType
	for _, s := range h.take() {
		got = append(got, s.Message.Type())
	}
	require.Equal(t, []asap.MessageType{asap.TypeHandleResolution, asap.TypeHandleResolution, asap.TypeEndpointUnreachable}, got)
}

func TestResolveWithoutRegistrarFailsInTheEnd(t *testing.T) {
	h := newHarness(t, Config{})
	h.start("10.0.0.1:3863")
	h.lost(h.connects[0].Link, errRefused)
	h.resolve("EchoPool", ResolveOptions{})
	h.events = nil
	for range 3 {
		h.pass(5*time.Second - time.Millisecond)
		for len(h.connects) > 0 {
			h.lost(h.connects[0].Link, errRefused)
		}
		h.pass(time.Millisecond)
	}
	var answers []EventResolved
	for _, e := range h.events {
		if e, ok := e.(EventResolved); ok {
			answers = append(answers, e)
		}
	}
	require.Len(t, answers, 1)
	require.ErrorIs(t, answers[0].Err, ErrNoRegistrar)
	require.ErrorIs(t, answers[0].Err, errRefused)
}

// RFC 5352, Section 3.3, C4: "If the cache entry is NOT stale, the endpoint SHOULD NOT send a handle resolution request but
// instead SHOULD use the entry from the cache."
func TestCacheGoesStale(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 5 * time.Second})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, members(roundRobin, 1, 2, 3))
	require.Equal(t, "[0x1 0x2 0x3]", ids(one[EventResolved](h).Elements))
	h.take()
	for _, want := range []string{"[0x2 0x3 0x1]", "[0x3 0x1 0x2]", "[0x1 0x2 0x3]"} {
		h.pass(time.Second)
		h.resolve("EchoPool", ResolveOptions{})
		e := one[EventResolved](h)
		require.True(t, e.Cached)
		require.Equal(t, want, ids(e.Elements))
	}
	require.Empty(t, h.take())
	h.pass(2 * time.Second)
	h.resolve("EchoPool", ResolveOptions{})
	require.Len(t, h.take(), 1, "stale after 5 s")
	require.Empty(t, h.events)
}

// Each element has its own time: a response that does not list all of the pool does not outdate the others.
func TestElementsGoStaleOneByOne(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 10 * time.Second, Items: 2})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, members(roundRobin, 1, 2))
	h.pass(6 * time.Second)
	h.resolve("EchoPool", ResolveOptions{Fresh: true})
	h.recv(l, members(roundRobin, 2, 3))
	h.events = nil
	h.resolve("EchoPool", ResolveOptions{Items: 8})
	require.ElementsMatch(t, []uint32{1, 2, 3}, elementIDs(one[EventResolved](h)))
	h.pass(5 * time.Second)
	h.resolve("EchoPool", ResolveOptions{Items: 8})
	require.ElementsMatch(t, []uint32{2, 3}, elementIDs(one[EventResolved](h)))
	h.say("a response with fewer elements than asked for is all of the pool")
	h.resolve("EchoPool", ResolveOptions{Fresh: true})
	h.recv(l, members(roundRobin, 3))
	require.Equal(t, []uint32{3}, elementIDs(one[EventResolved](h)))
}

func elementIDs(e EventResolved) []uint32 {
	var id []uint32
	for _, pe := range e.Elements {
		id = append(id, pe.ID)
	}
	return id
}

// RFC 5352, Section 3.5: "the ASAP Endpoint SHOULD report the unavailability of the PE by sending an
// ASAP_ENDPOINT_UNREACHABLE message to any ENRP server."
func TestUnreachableElementIsReportedAndDropped(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, members(roundRobin, 1, 2))
	h.take()
	h.events = nil
	h.step("report", func() { h.a.ReportUnreachable(h.now, Key{"EchoPool", 1}) })
	sent := h.take()
	require.Len(t, sent, 1)
	require.Equal(t, &asap.EndpointUnreachable{PoolHandle: "EchoPool", PEID: 1}, sent[0].Message)
	h.resolve("EchoPool", ResolveOptions{})
	require.Equal(t, []uint32{2}, elementIDs(one[EventResolved](h)))
	h.step("drop", func() { h.a.Drop(Key{"EchoPool", 2}) })
	h.resolve("EchoPool", ResolveOptions{})
	require.Len(t, h.take(), 1, "nothing is left in the cache")
}

// Responses have no transaction identifier: one request per pool at a time serves all who ask.
func TestRequestsAreShared(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	a, b, c := h.resolve("EchoPool", ResolveOptions{}), h.resolve("EchoPool", ResolveOptions{}), h.resolve("EchoPool", ResolveOptions{})
	require.Len(t, h.take(), 1)
	h.a.Cancel(b)
	h.recv(l, members(roundRobin, 1, 2))
	var got []ResolveID
	var first []uint32
	for _, e := range h.events {
		if e, ok := e.(EventResolved); ok {
			got = append(got, e.ID)
			first = append(first, e.Elements[0].ID)
		}
	}
	require.Equal(t, []ResolveID{a, c}, got)
	require.Equal(t, []uint32{1, 2}, first, "they take turns")
}

func TestNegativeResponses(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, &asap.HandleResolutionResponse{PoolHandle: "EchoPool", Errors: param.OperationError{{Code: param.CauseUnknownPoolHandle}}})
	require.ErrorIs(t, one[EventResolved](h).Err, ErrPoolNotFound)

	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, &asap.HandleResolutionResponse{PoolHandle: "EchoPool", Errors: param.OperationError{{Code: param.CauseLackOfResources}}})
	err := one[EventResolved](h).Err
	require.NotErrorIs(t, err, ErrPoolNotFound)
	causes, ok := errors.AsType[param.OperationError](err)
	require.True(t, ok)
	require.True(t, causes.Has(param.CauseLackOfResources))

	h.resolve("EchoPool", ResolveOptions{})
	h.step("an empty response, as RSPLIB can send it", func() {
		h.a.HandleMessage(h.now, l, []byte{6, 0, 0, 24, 0, 9, 0, 12, 'E', 'c', 'h', 'o', 'P', 'o', 'o', 'l', 0, 8, 0, 8, 0, 0, 0, 1})
	})
	require.ErrorIs(t, one[EventResolved](h).Err, ErrNoElements)
}

// RFC 5352, Section 2.2.6: "any load policy parameter within a Pool Element parameter (if present) MUST be ignored, and MUST
// NOT be used to determine the overall pool member selection policy."
func TestElementsOfAnotherPolicyAreUsedAllTheSame(t *testing.T) {
	for _, overall := range []param.Policy{roundRobin, {Type: param.LeastUsed}, {Type: 0xb000ffff, Data: "x"}} {
		h := newHarness(t, Config{})
		l := h.home("10.0.0.1:3863")
		h.resolve("EchoPool", ResolveOptions{})
		m := members(param.Policy{Type: param.WeightedRoundRobin, Weight: 2}, 1, 2)
		m.Policy = overall
		h.recv(l, m)
		e := one[EventResolved](h)
		require.NoError(t, e.Err)
		require.ElementsMatch(t, []uint32{1, 2}, elementIDs(e))
		require.Equal(t, overall, e.Policy)
	}
}

func TestNoCache(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: -1})
	l := h.home("10.0.0.1:3863")
	for range 3 {
		h.resolve("EchoPool", ResolveOptions{Items: 1})
		h.recv(l, members(roundRobin, 2, 1))
		require.Equal(t, []uint32{2}, elementIDs(one[EventResolved](h)))
	}
	require.Len(t, h.take(), 3)
}

func TestStrangeMessagesAreDiscarded(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.take()
	for _, m := range []asap.Message{
		members(roundRobin, 1), accept(1), &asap.DeregistrationResponse{PoolHandle: "EchoPool", PEID: 1},
		&asap.EndpointKeepAliveAck{PoolHandle: "EchoPool", PEID: 1}, &asap.HandleResolution{PoolHandle: "EchoPool"},
	} {
		h.events = nil
		h.recv(l, m)
		require.Error(t, one[EventDiscarded](h).Err)
	}
	require.Empty(t, h.take())

	// RFC 5354, Section 4: "01 Stop processing this message and discard it, and report the unrecognized message".
	h.step("unknown message", func() { h.a.HandleMessage(h.now, l, []byte{0x5f, 0, 0, 4}) })
	require.IsType(t, &asap.Error{}, h.take()[0].Message)
	h.step("message on a link that is no more", func() { h.a.HandleMessage(h.now, 99, []byte{0x5f, 0, 0, 4}) })
	require.Empty(t, h.take())
	_, err := h.a.Resolve(h.now, "", ResolveOptions{})
	require.Error(t, err)
}

func TestCacheIsBounded(t *testing.T) {
	h := newHarness(t, Config{})
	for i := range maxCachedPools + 10 {
		h.a.cache.fill(h.now, param.PoolHandle(rune('a'+i)), roundRobin, members(roundRobin, 1).PoolElements, true)
	}
	require.Len(t, h.a.cache.pools, maxCachedPools)
}
