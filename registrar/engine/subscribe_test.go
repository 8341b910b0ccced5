// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// subscribed is a handle resolution with the S bit.
func subscribed(pool string) *asap.HandleResolution {
	return &asap.HandleResolution{PoolHandle: param.PoolHandle(pool), Items: param.MaxPoolElements, SendUpdates: true}
}

// told returns what an association is told of pools, and lets so much time pass before. Keep-alives are off.
func (s *scene) told(assoc uint64, d time.Duration) (all []*asap.HandleResolutionResponse) {
	s.t.Helper()
	end := s.now.Add(d)
	for {
		at, ok := s.e.NextDeadline()
		if !ok || at.After(end) {
			break
		}
		s.now = later(s.now, at)
		s.e.HandleTimeout(s.now)
		for {
			m, ok := s.e.PollTransmit()
			if !ok {
				break
			}
			if m.Assoc != assoc {
				continue
			}
			r, _, err := asap.Parse(m.Data)
			require.NoError(s.t, err)
			all = append(all, r.(*asap.HandleResolutionResponse))
		}
		s.outputs()
	}
	s.now = end
	return all
}

func (s *scene) answer1(assoc uint64, m asap.Message) *asap.HandleResolutionResponse {
	s.t.Helper()
	out := s.in(assoc, m)
	require.Len(s.t, out, 1)
	r, _, err := asap.Parse(unhex(s.t, out[0]))
	require.NoError(s.t, err)
	return r.(*asap.HandleResolutionResponse)
}

func listed(r *asap.HandleResolutionResponse) (ids []uint32) {
	for _, pe := range r.PoolElements {
		ids = append(ids, pe.ID)
	}
	return ids
}

// newSubscription has a pool A with element 1 of association 1, and a subscriber, 7.
func newSubscription(t *testing.T, change func(*Config)) *scene {
	s := newScene(t, change)
	s.up(1, host("10.0.0.1"))
	s.up(7, host("10.0.0.7"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	require.True(t, s.answer1(7, subscribed("A")).AcceptUpdates)
	return s
}

// RFC 5352, Section 2.2.5: "The 'S' bit, if set to '1', requests the Home ENRP server to send updates to this Pool
// dynamically when the Pool changes for the lifetime of the SCTP association."
func TestUpdatesWhenThePoolChanges(t *testing.T) {
	s := newSubscription(t, nil)
	require.Empty(t, s.told(7, time.Minute), "nothing has changed")
	s.in(1, reg("A", 2, "10.0.0.1"))
	u := s.told(7, 0)
	require.Len(t, u, 1, "at once")
	require.True(t, u[0].AcceptUpdates)
	require.EqualValues(t, "A", u[0].PoolHandle)
	require.Equal(t, param.RoundRobin, u[0].Policy.Type)
	require.Equal(t, []uint32{1, 2}, listed(u[0]))
	require.Nil(t, u[0].PoolElements[0].ASAPTransport)
	require.Empty(t, s.told(7, time.Minute))
	s.in(1, dereg("A", 1))
	require.Equal(t, []uint32{2}, listed(s.told(7, 0)[0]))
	s.in(1, reg("B", 1, "10.0.0.1"))
	require.Empty(t, s.told(7, time.Minute), "another pool")
	require.EqualValues(t, 2, s.e.Stats().PoolUpdates)
}

// A re-registration is no change; another load, address or port is.
func TestWhatIsAChange(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1", "10.1.0.1"))
	s.up(7, host("10.0.0.7"))
	load := func(v uint32, addr string) *asap.Registration {
		return with(reg("A", 1, addr), func(pe *param.PoolElement) { pe.Policy = param.Policy{Type: param.LeastUsed, Load: v} })
	}
	s.in(1, load(5, "10.0.0.1"))
	s.answer1(7, subscribed("A"))
	s.in(1, load(5, "10.0.0.1"))
	s.in(1, with(load(5, "10.0.0.1"), func(pe *param.PoolElement) { pe.Life, pe.HomeID = 900, 7 }))
	require.Empty(t, s.told(7, time.Minute))
	s.in(1, load(6, "10.0.0.1"))
	require.EqualValues(t, 6, s.told(7, 0)[0].PoolElements[0].Policy.Load)
	s.told(7, time.Minute)
	s.in(1, load(6, "10.1.0.1"))
	require.Equal(t, host("10.1.0.1").Addrs, s.told(7, 0)[0].PoolElements[0].UserTransport.Addrs)
	s.told(7, time.Minute)
	s.in(1, with(load(6, "10.1.0.1"), func(pe *param.PoolElement) { pe.UserTransport.Port = 8 }))
	require.Len(t, s.told(7, time.Minute), 1)
	s.in(1, resolve("A", 1))
	s.in(1, report("A", 1))
	require.Empty(t, s.told(7, time.Second), "users of the pool do not change it")
}

// However often a pool changes, its subscribers are told twice a second at most, and in the end of what is.
func TestUpdatesAreBounded(t *testing.T) {
	s := newSubscription(t, nil)
	updates := 0
	for i := range 990 {
		s.in(1, with(reg("A", 1, "10.0.0.1"), func(pe *param.PoolElement) { pe.UserTransport.Port = uint16(i + 100) }))
		updates += len(s.told(7, 10*time.Millisecond))
	}
	last := s.told(7, time.Minute)
	require.Len(t, last, 1)
	require.EqualValues(t, 1089, last[0].PoolElements[0].UserTransport.Port)
	require.InDelta(t, 19, updates, 1)

	s = newSubscription(t, func(c *Config) { c.UpdateInterval = -1 })
	for i := range uint32(10) {
		s.in(1, reg("A", 2+i, "10.0.0.1"))
		require.Len(t, s.told(7, time.Millisecond), 1)
	}
}

// Nobody is told who has not asked, with the bit, and been answered that it will be.
func TestNoUpdatesToOthers(t *testing.T) {
	s := newSubscription(t, func(c *Config) { c.MaxSubscriptions = 1 })
	s.up(8, host("10.0.0.8"))
	require.False(t, s.answer1(8, resolve("A", 3)).AcceptUpdates)
	s.in(1, reg("B", 1, "10.0.0.1"))
	require.False(t, s.answer1(7, subscribed("B")).AcceptUpdates, "RFC 5352, Section 2.2.6: \"it has resource issues\"")
	require.True(t, s.answer1(7, subscribed("A")).AcceptUpdates, "it has this one")
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.in(1, reg("B", 2, "10.0.0.1"))
	s.e.HandleTimeout(s.now.Add(time.Second))
	m, ok := s.e.PollTransmit()
	require.True(t, ok)
	require.EqualValues(t, 7, m.Assoc)
	_, ok = s.e.PollTransmit()
	require.False(t, ok)

	s = newScene(t, func(c *Config) { c.MaxSubscriptions = -1 })
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	require.False(t, s.answer1(1, subscribed("A")).AcceptUpdates, "it is turned off")
}

// RFC 5352, Section 2.2.5: "If a negative response is returned, no further updates to the Pool (when it is created) will
// occur." So it is when the pool vanishes: that is told by a negative response.
func TestUpdatesEndWithThePool(t *testing.T) {
	s := newSubscription(t, nil)
	s.in(1, dereg("A", 1))
	u := s.told(7, time.Minute)
	require.Len(t, u, 1)
	require.False(t, u[0].AcceptUpdates)
	require.True(t, u[0].Errors.Has(param.CauseUnknownPoolHandle))
	s.in(1, reg("A", 1, "10.0.0.1"))
	require.Empty(t, s.told(7, time.Minute))
	require.Zero(t, s.e.Stats().Subscriptions)

	r := s.answer1(7, subscribed("None"))
	require.False(t, r.AcceptUpdates)
	require.True(t, r.Errors.Has(param.CauseUnknownPoolHandle))
	require.Zero(t, s.e.Stats().Subscriptions)

	// It vanishes and comes back before the next update: the one that there is now counts.
	require.True(t, s.answer1(7, subscribed("A")).AcceptUpdates)
	s.in(1, dereg("A", 1))
	s.in(1, reg("A", 3, "10.0.0.1"))
	u = s.told(7, time.Minute)
	require.Len(t, u, 1)
	require.Equal(t, []uint32{3}, listed(u[0]))
	require.Equal(t, 1, s.e.Stats().Subscriptions)
}

// A subscription ends with its association, and with a request that does not want it any more.
func TestSubscriptionEnds(t *testing.T) {
	s := newSubscription(t, nil)
	require.Empty(t, s.lost(7))
	s.in(1, reg("A", 2, "10.0.0.1"))
	require.Empty(t, s.told(7, time.Minute))
	require.Zero(t, s.e.Stats().Subscriptions)
	require.Empty(t, s.e.topics.byHandle)

	s.up(8, host("10.0.0.7"))
	s.answer1(8, subscribed("A"))
	s.in(1, reg("A", 3, "10.0.0.1")) // to be told, but then it is not wanted
	require.False(t, s.answer1(8, resolve("A", 3)).AcceptUpdates)
	require.Empty(t, s.told(8, time.Minute))
	require.Zero(t, s.e.Stats().Subscriptions)
}

// What other registrars tell changes pools as well; who their home is does not concern the users.
func TestUpdatesFromPeers(t *testing.T) {
	s := newENRPScene(t, nil).alone()
	s.join(higher, 102, "10.0.0.2")
	s.up(7, host("10.0.0.7"))
	s.enrp(102, add("A", ownedBy(higher, 1, "10.0.0.8")))
	require.True(t, s.answer1(7, subscribed("A")).AcceptUpdates)
	s.advance(time.Second)
	s.enrp(102, add("A", ownedBy(higher, 2, "10.0.0.8")))
	u := s.told(7, 0)
	require.Len(t, u, 1)
	require.Equal(t, []uint32{1, 2}, listed(u[0]))
	s.join(third, 103, "10.0.0.3")
	s.enrp(103, add("A", ownedBy(third, 2, "10.0.0.8")))
	require.EqualValues(t, third, s.home("A", 2))
	require.Empty(t, s.told(7, time.Second))
	s.enrp(103, del(third, "A", ownedBy(third, 2, "10.0.0.8")))
	require.Equal(t, []uint32{1}, listed(s.told(7, time.Second)[0]))
}

// A large pool is listed as far as it is wanted, those elements that the policy selects; a small one turns nobody.
func TestUpdateListsWhatIsWanted(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.up(7, host("10.0.0.7"))
	s.up(8, host("10.0.0.8"))
	for i := range uint32(4) {
		s.in(1, reg("A", i+1, "10.0.0.1"))
	}
	two := subscribed("A")
	two.Items = 2
	require.Equal(t, []uint32{1, 2}, listed(s.answer1(7, two)))
	s.in(1, reg("A", 5, "10.0.0.1"))
	u := s.told(7, time.Second)
	require.Len(t, u, 1)
	require.Len(t, u[0].PoolElements, 2)

	s.answer1(7, subscribed("A"))
	first := s.answer1(8, resolve("A", 1)).PoolElements[0].ID
	s.in(1, reg("A", 6, "10.0.0.1"))
	require.Equal(t, []uint32{1, 2, 3, 4, 5, 6}, listed(s.told(7, time.Second)[0]))
	require.NotEqual(t, first, s.answer1(8, resolve("A", 1)).PoolElements[0].ID)
}

// The subscribers of a pool are told in the order in which they subscribed, each once, whatever came in between.
func TestManySubscribers(t *testing.T) {
	s := newSubscription(t, nil)
	for i := range uint64(50) {
		s.up(100+i, host(fmt.Sprintf("10.1.0.%d", i)))
		s.answer1(100+i, subscribed("A"))
	}
	s.lost(110)
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.now = s.now.Add(time.Second)
	s.e.HandleTimeout(s.now)
	var got []uint64
	for {
		m, ok := s.e.PollTransmit()
		if !ok {
			break
		}
		got = append(got, m.Assoc)
	}
	require.Len(t, got, 50)
	require.EqualValues(t, 7, got[0])
	require.EqualValues(t, 109, got[10])
	require.EqualValues(t, 111, got[11])
}

// A pool user without SCTP may subscribe as well.
func TestSubscriptionOverTCP(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	p := host("10.0.0.7")
	p.TCP = true
	s.up(7, p)
	require.True(t, s.answer1(7, subscribed("A")).AcceptUpdates)
	s.in(1, reg("A", 2, "10.0.0.1"))
	require.Len(t, s.told(7, time.Second), 1)
}
