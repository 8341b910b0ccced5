// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// pushed is an answer or an update with the A bit.
func pushed(id ...uint32) *asap.HandleResolutionResponse {
	m := members(roundRobin, id...)
	m.AcceptUpdates = true
	return m
}

func unknownPool() *asap.HandleResolutionResponse {
	return &asap.HandleResolutionResponse{PoolHandle: "EchoPool", Errors: param.OperationError{{Code: param.CauseUnknownPoolHandle}}}
}

func (h *harness) subscribe(pool string) {
	h.t.Helper()
	h.step("subscribe to "+pool, func() { require.NoError(h.t, h.a.Subscribe(h.now, param.PoolHandle(pool))) })
}

func (h *harness) unsubscribe(pool string) {
	h.step("unsubscribe from "+pool, func() { h.a.Unsubscribe(h.now, param.PoolHandle(pool)) })
}

// requests returns what was sent since, which are handle resolutions.
func requests(h *harness) (all []asap.HandleResolution) {
	h.t.Helper()
	for _, s := range h.take() {
		all = append(all, *s.Message.(*asap.HandleResolution))
	}
	return all
}

var (
	withUpdates    = asap.HandleResolution{PoolHandle: "EchoPool", Items: param.MaxPoolElements, SendUpdates: true}
	withoutUpdates = asap.HandleResolution{PoolHandle: "EchoPool", Items: DefaultItems}
)

// RFC 5352, Section 2.2.5: "The 'S' bit, if set to '1', requests the Home ENRP server to send updates to this Pool
// dynamically when the Pool changes for the lifetime of the SCTP association."
func TestSubscription(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 5 * time.Second})
	l := h.home("10.0.0.1:3863")
	h.events = nil
	h.subscribe("EchoPool")
	require.Equal(t, []asap.HandleResolution{withUpdates}, requests(h))
	h.recv(l, pushed(2, 1))
	e := one[EventPool](h)
	require.Equal(t, "[0x1 0x2]", ids(e.Elements))
	require.True(t, e.Pushed)
	h.say("as long as the registrar tells, nothing goes stale, and nobody is asked")
	h.pass(time.Hour)
	h.resolve("EchoPool", ResolveOptions{})
	require.True(t, one[EventResolved](h).Cached)
	h.resolve("EchoPool", ResolveOptions{StaleCacheValue: time.Millisecond})
	require.True(t, one[EventResolved](h).Cached)
	require.Empty(t, h.take())
	h.say("an update")
	h.recv(l, pushed(2, 3))
	require.Equal(t, "[0x2 0x3]", ids(one[EventPool](h).Elements))
	h.resolve("EchoPool", ResolveOptions{})
	require.ElementsMatch(t, []uint32{2, 3}, elementIDs(one[EventResolved](h)))
	h.recv(l, pushed(3, 2))
	require.Empty(t, h.events, "nothing new")
	h.say("who wants to know it from the registrar does not end the subscription")
	h.resolve("EchoPool", ResolveOptions{Fresh: true, Items: 1})
	require.Equal(t, []asap.HandleResolution{withUpdates}, requests(h))
	h.recv(l, pushed(2, 3, 4))
	require.Len(t, h.events, 2)
	h.events = nil
	h.say("nobody wants to know any more")
	h.unsubscribe("EchoPool")
	require.Equal(t, []asap.HandleResolution{withoutUpdates}, requests(h))
	h.recv(l, members(roundRobin, 2, 3, 4))
	require.Empty(t, h.events)
	h.pass(5 * time.Second)
	h.resolve("EchoPool", ResolveOptions{})
	require.Len(t, requests(h), 1, "stale")
	h.golden()
}

// RFC 5352, Section 2.2.5: "upon change of Home ENRP server, the PU will need to re-send an ASAP_HANDLE_RESOLUTION message
// with the 'S' bit set to '1'."
func TestSubscriptionMovesToTheNewRegistrar(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 5 * time.Second})
	l := h.home("10.0.0.1:3863", "10.0.0.2:3863")
	h.subscribe("EchoPool")
	h.recv(l, pushed(1))
	h.take()
	h.events = nil
	h.lost(l, errRefused)
	require.Empty(t, requests(h), "there is nobody to ask")
	h.pass(4 * time.Second)
	h.resolve("EchoPool", ResolveOptions{})
	require.True(t, one[EventResolved](h).Cached, "it begins to go stale")
	h.take()
	require.NotEmpty(t, h.connects)
	l = h.up(h.connects[0].Link)
	require.Equal(t, []asap.HandleResolution{withUpdates}, requests(h))
	h.events = nil
	h.recv(l, pushed(1))
	require.Empty(t, h.events, "nothing new")
	h.pass(time.Hour)
	h.recv(l, pushed(1, 2))
	require.Len(t, one[EventPool](h).Elements, 2)
}

// RFC 5352, Section 2.2.6: "If this bit is set to '0', either the ENRP server does NOT support automatic updates, it has
// resource issues and cannot supply this feature, or the user did not request it." Then it is asked again and again.
func TestRegistrarWithoutUpdatesIsPolled(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 3 * time.Second})
	l := h.home("10.0.0.1:3863")
	h.events = nil
	h.subscribe("EchoPool")
	h.recv(l, members(roundRobin, 1, 2))
	require.False(t, one[EventPool](h).Pushed)
	h.take()
	for i := range uint32(5) {
		h.pass(3 * time.Second)
		require.Equal(t, []asap.HandleResolution{withUpdates}, requests(h))
		h.recv(l, members(roundRobin, 2, 1))
		require.Empty(t, h.events, "nothing new")
		h.pass(3 * time.Second)
		h.take()
		h.recv(l, members(roundRobin, 1, 2, i+3))
		require.Len(t, one[EventPool](h).Elements, 3)
		h.pass(3 * time.Second)
		h.take()
		h.recv(l, members(roundRobin, 1, 2))
		h.events = nil
	}
	h.say("it has learnt it")
	h.pass(3 * time.Second)
	h.recv(l, pushed(1, 2))
	require.True(t, one[EventPool](h).Pushed)
	h.take()
	h.pass(time.Hour)
	require.Empty(t, h.take())
}

// RFC 5352, Section 2.2.5: "If a negative response is returned, no further updates to the Pool (when it is created) will
// occur." So the registrar is asked until there is the pool.
func TestSubscriptionToAPoolThatIsNotThere(t *testing.T) {
	h := newHarness(t, Config{StaleCacheValue: 2 * time.Second})
	l := h.home("10.0.0.1:3863")
	h.events = nil
	h.subscribe("EchoPool")
	h.recv(l, unknownPool())
	require.ErrorIs(t, one[EventPool](h).Err, ErrPoolNotFound)
	h.take()
	h.pass(2 * time.Second)
	require.Len(t, requests(h), 1)
	h.recv(l, unknownPool())
	require.Empty(t, h.events)
	h.pass(2 * time.Second)
	h.recv(l, pushed(7))
	require.NoError(t, one[EventPool](h).Err)
	h.take()
	h.say("it goes")
	h.recv(l, unknownPool())
	e := one[EventPool](h)
	require.ErrorIs(t, e.Err, ErrPoolNotFound)
	require.Empty(t, e.Elements)
	h.resolve("EchoPool", ResolveOptions{})
	require.Len(t, requests(h), 1, "the cache does not have it")
	h.recv(l, pushed(8))
	require.Equal(t, "[0x8]", ids(one[EventPool](h).Elements))
}

// A registrar that does not answer is replaced, and the user told what the matter is, once.
func TestSubscriptionWithoutAnswer(t *testing.T) {
	h := newHarness(t, Config{MaxRequestRetransmit: -1})
	h.home("10.0.0.1:3863")
	h.events = nil
	h.subscribe("EchoPool")
	h.pass(6 * time.Second)
	timeouts := 0
	for _, e := range h.events {
		if e, ok := e.(EventPool); ok {
			timeouts++
			require.ErrorAs(t, e.Err, new(*TimeoutError))
		}
	}
	require.Equal(t, 1, timeouts)
	h.take()
	h.pass(5 * time.Second)
	require.NotEmpty(t, requests(h), "it is asked again")
}

// Several users of a pool have one subscription.
func TestSubscriptionsAreShared(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.subscribe("EchoPool")
	h.subscribe("EchoPool")
	require.Len(t, requests(h), 1)
	h.events = nil
	h.recv(l, pushed(1))
	one[EventPool](h)
	h.subscribe("EchoPool")
	require.Empty(t, h.events)
	h.unsubscribe("EchoPool")
	h.unsubscribe("EchoPool")
	require.Empty(t, requests(h))
	h.unsubscribe("EchoPool")
	require.Len(t, requests(h), 1)
	h.unsubscribe("EchoPool")
	require.Empty(t, requests(h))
	h.recv(l, members(roundRobin, 1))
	h.events = nil
	h.recv(l, pushed(2))
	require.ErrorContains(t, one[EventDiscarded](h).Err, "which nobody asked for")
}

// Updates about what was not subscribed to, and from registrars that are not the home, are not used.
func TestUpdatesThatNobodyAskedFor(t *testing.T) {
	h := newHarness(t, Config{})
	h.home("10.0.0.1:3863")
	h.subscribe("EchoPool")
	h.take()
	h.events = nil
	var other LinkID
	h.step("another registrar comes", func() { other = h.a.HandleInbound(addr("10.0.0.2:3863")) })
	h.recv(other, pushed(6))
	one[EventDiscarded](h)
	h.step("odd handles", func() {
		require.Error(t, h.a.Subscribe(h.now, ""))
		require.Error(t, h.a.Subscribe(h.now, param.PoolHandle(make([]byte, 1<<17))))
	})
	for i := range maxSubscriptions - 1 {
		h.subscribe(fmt.Sprint(i))
	}
	require.Error(t, h.a.Subscribe(h.now, "one too many"))
}
