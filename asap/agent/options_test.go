// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// RFC 5352, Section 7.2: "stale_cache_value - A threshold variable that indicates how long a cache entry is valid for." It
// may be less for one who needs to know better.
func TestStaleCacheValueOfOneResolution(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	h.recv(l, members(roundRobin, 1, 2))
	h.take()
	h.pass(2 * time.Second)
	h.resolve("EchoPool", ResolveOptions{StaleCacheValue: 3 * time.Second})
	require.Empty(t, h.take(), "what is known is 2 s old")
	h.resolve("EchoPool", ResolveOptions{StaleCacheValue: 2 * time.Second})
	require.Len(t, h.take(), 1)
	h.recv(l, members(roundRobin, 1, 2))
	h.resolve("EchoPool", ResolveOptions{StaleCacheValue: time.Hour})
	h.pass(5 * time.Second)
	h.take()
	h.resolve("EchoPool", ResolveOptions{StaleCacheValue: time.Hour})
	require.Len(t, h.take(), 1, "more than that of the Config is not kept")
}

// RFC 5352, Section 6.5.2: "A PE can also change its Policy Value whenever it desires, by re-registering itself with the
// handlespace with a new Policy Value."
func TestNotedPolicyIsToldWithTheNextRegistration(t *testing.T) {
	h := newHarness(t, Config{})
	l := h.home("10.0.0.1:3863")
	r := echo(1)
	r.Policy.Type = param.LeastUsed
	h.registered(l, r)
	h.take()
	noted := param.Policy{Type: param.LeastUsed, Load: 7}
	h.step("note", func() { require.NoError(t, h.a.NotePolicy(r.Key, noted)) })
	require.Empty(t, h.take())
	h.pass(30 * time.Second)
	sent := h.take()
	require.Len(t, sent, 1)
	require.Equal(t, noted, sent[0].Message.(*asap.Registration).PoolElement.Policy)
	require.Error(t, h.a.NotePolicy(Key{"EchoPool", 99}, noted))
}

// A pool user that knows the rule of a new policy selects by it.
func TestPoliciesOfTheConfigSelect(t *testing.T) {
	const own param.PolicyType = 0xb0000001
	policies := policy.NewRegistry()
	require.NoError(t, policies.Add(policy.Rule{
		Type: own, Name: "Lowest", Value: func(p param.Policy, _ uint64) uint64 { return uint64(p.Data[0]) },
	}))
	h := newHarness(t, Config{Policies: policies})
	l := h.home("10.0.0.1:3863")
	h.resolve("EchoPool", ResolveOptions{})
	m := members(param.Policy{Type: own}, 1, 2, 3)
	for i, data := range []string{"c\x00\x00\x00", "a\x00\x00\x00", "b\x00\x00\x00"} {
		m.PoolElements[i].Policy = param.Policy{Type: own, Data: data}
	}
	h.recv(l, m)
	var got []uint32
	for _, e := range one[EventResolved](h).Elements {
		got = append(got, e.ID)
	}
	require.Equal(t, []uint32{2, 3, 1}, got)
}
