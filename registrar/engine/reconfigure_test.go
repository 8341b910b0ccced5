// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/stretchr/testify/require"
)

// reconfigure changes one thing or another in the configuration that newScene uses.
func (s *scene) reconfigure(change func(*Config)) {
	s.t.Helper()
	cfg := Config{ServerAnnounce: -1, KeepAliveInterval: -1}
	change(&cfg)
	require.NoError(s.t, s.e.Reconfigure(s.now, cfg))
}

// keepAlives counts those that are sent within a time. All are answered.
func (s *scene) keepAlives(d time.Duration) int {
	s.answer = func(uint32) bool { return true }
	before := s.e.Stats().KeepAlives
	s.advance(d)
	return int(s.e.Stats().KeepAlives - before)
}

func TestReconfigureKeepAlives(t *testing.T) {
	s := newScene(t, func(c *Config) { c.KeepAliveInterval = time.Hour })
	s.up(1, host("10.0.0.1"))
	for id := range uint32(10) {
		s.in(1, reg("A", id+1, "10.0.0.1"))
	}
	require.Zero(t, s.keepAlives(2*time.Minute))
	s.reconfigure(func(c *Config) { c.KeepAliveInterval = 10 * time.Second })
	asked := map[uint32]bool{}
	s.answer = func(id uint32) bool { asked[id] = true; return true }
	s.advance(15 * time.Second)
	require.Len(t, asked, 10, "each within 150 % of the interval")

	// Who has been asked and has not answered is found as before.
	s.answer = func(id uint32) bool { return id != 5 }
	for s.e.Stats().KeepAlives == s.e.Stats().KeepAliveAcks {
		s.next()
	}
	s.reconfigure(func(c *Config) {})
	s.advance(DefaultKeepAliveTimeout)
	require.Equal(t, 9, s.e.Stats().Elements)
	require.Zero(t, s.keepAlives(time.Minute), "there are none any more")

	s.reconfigure(func(c *Config) { c.KeepAliveInterval = 10 * time.Second })
	require.GreaterOrEqual(t, s.keepAlives(15*time.Second), 9)
}

// What is above a lower bound stays, and nothing is added to it.
func TestReconfigureBounds(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.2"))
	for id := range uint32(4) {
		s.in(1, reg("A", id+1, "10.0.0.1"))
		s.in(1, reg("B"+strings.Repeat("b", int(id)), 9, "10.0.0.1"))
	}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		full   *asap.Registration
	}{
		{"MaxElements", func(c *Config) { c.MaxElements = 3 }, reg("A", 10, "10.0.0.1")},
		{"MaxPools", func(c *Config) { c.MaxPools = 2 }, reg("C", 1, "10.0.0.1")},
		{"MaxElementsPerAssoc", func(c *Config) { c.MaxElementsPerAssoc = 3 }, reg("A", 10, "10.0.0.1")},
		{"MaxHandle", func(c *Config) { c.MaxHandle = 1 }, reg("BB", 10, "10.0.0.1")},
	} {
		s.reconfigure(tt.change)
		require.Equal(t, 8, s.e.Stats().Elements, tt.name)
		out := s.in(1, tt.full)
		require.Len(t, out, 1)
		m, _, err := asap.Parse(unhex(t, out[0]))
		require.NoError(t, err)
		require.True(t, m.(*asap.RegistrationResponse).Rejected, tt.name)
		s.reconfigure(func(*Config) {})
		require.Len(t, s.in(1, tt.full), 1)
		require.Equal(t, 9, s.e.Stats().Elements, tt.name)
		s.in(1, dereg(string(tt.full.PoolHandle), tt.full.PoolElement.ID))
	}

	s.reconfigure(func(c *Config) { c.MaxAssocs = 1 })
	require.False(t, s.e.HandleAssocUp(s.now, 3, ProtocolASAP, host("10.0.0.3")))
	require.Equal(t, 2, s.e.Stats().Associations)

	// Rates, of those that are there, too.
	ask := func() (answers int) {
		for range 100 {
			m, _, err := asap.Parse(unhex(t, s.in(2, resolve("A", 1))[0]))
			require.NoError(t, err)
			if len(m.(*asap.HandleResolutionResponse).Errors) == 0 {
				answers++
			}
		}
		return answers
	}
	require.Equal(t, 100, ask())
	s.reconfigure(func(c *Config) { c.MaxResolutionRate = 7 })
	s.advance(time.Second)
	require.Equal(t, 7, ask())
	s.reconfigure(func(c *Config) {})
	require.Equal(t, 100, ask())

	s.reconfigure(func(c *Config) { c.MaxResolutionItems = 2 })
	b := s.in(2, resolve("A", 0))
	m, _, err := asap.Parse(unhex(t, b[0]))
	require.NoError(t, err)
	require.Len(t, m.(*asap.HandleResolutionResponse).PoolElements, 2)
}

// What is wrong changes nothing; what cannot be changed stays.
func TestReconfigureRefuses(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ServerAnnounce = time.Hour })
	before := s.e.cfg
	for _, c := range []Config{
		{MaxElements: 5, MaxIncrement: 1, KeepAliveTimeout: -1},
		{MaxElements: 5, MaxResolutionItems: 129},
		{MaxElements: 5, ENRP: &ENRP{HeartbeatCycle: -1}},
		{MaxElements: 5, ENRP: &ENRP{Static: []Target{{}}}},
	} {
		err := s.e.Reconfigure(s.now, c)
		require.ErrorContains(t, err, "config: ")
		require.Equal(t, before, s.e.cfg)
	}
	require.NoError(t, s.e.Reconfigure(s.now, Config{
		ServerID: 7, Rand: rand.New(rand.NewPCG(1, 1)), Profile: ProfileRSPLIB, ServerAnnounce: -1, MaxIncrement: 5,
		ENRP: &ENRP{Self: target("10.0.0.7"), Sources: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.7:1")}, SuggestTakeover: true, MentorDiscovery: 1},
	}))
	now := s.e.cfg
	require.Equal(t, before.ServerID, now.ServerID)
	require.Same(t, before.Rand, now.Rand)
	require.Equal(t, []any{ProfileAuto, time.Hour, 0}, []any{now.Profile, now.ServerAnnounce, now.MaxIncrement})
	require.Equal(t, before.ENRP.Self, now.ENRP.Self)
	require.Empty(t, now.ENRP.Sources)
	require.False(t, now.ENRP.SuggestTakeover)
	require.Equal(t, DefaultMentorDiscovery, now.ENRP.MentorDiscovery)

	require.NoError(t, s.e.Reconfigure(s.now, Config{}), "ENRP goes on")
	require.NotNil(t, s.e.cfg.ENRP)
	alone := newScene(t, nil)
	require.NoError(t, alone.e.Reconfigure(s.now, Config{ENRP: &ENRP{}}))
	require.Nil(t, alone.e.cfg.ENRP)
}

func TestReconfigureAnnouncements(t *testing.T) {
	s := newScene(t, func(c *Config) {
		c.ServerAnnounce = time.Hour
		c.Announce = Announce{Sources: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.100:3863")}, Port: 3863}
	})
	require.Len(t, s.advance(10*time.Second), 1)
	s.reconfigure(func(c *Config) { c.ServerAnnounce = 10 * time.Second })
	require.InDelta(t, 10, len(s.advance(100*time.Second)), 2)
	s.reconfigure(func(c *Config) { c.ServerAnnounce = time.Hour })
	require.Len(t, s.advance(time.Minute), 1, "the one that was due")
}

// Peers that are listed now are looked for, and others not any more; those that are there stay.
func TestReconfigurePeers(t *testing.T) {
	s := newENRPScene(t, func(c *Config) { c.ENRP.Static = []Target{target("10.0.0.1"), target("10.0.0.2")} })
	require.Equal(t, []string{"connect ENRP", "connect ENRP"}, s.advance(0))
	s.connected(1, 101, registrarAt("10.0.0.1"))
	s.connectFailed(2)
	s.advance(time.Minute)
	s.join(lower, 101, "10.0.0.1")

	s.reconfigure(func(c *Config) {
		c.ENRP = &ENRP{Static: []Target{target("10.0.0.3"), target("10.0.0.1"), target("10.0.0.1")}}
	})
	require.Contains(t, s.advance(0), "connect ENRP")
	require.NotNil(t, s.e.scope.peer(lower))
	require.Equal(t, 3, len(s.e.scope.statics))
	require.Contains(t, s.log.String(), "to [10.0.0.3] port 9901")
	s.log.Reset()
	s.connectFailed(uint64(s.e.scope.pending[0].id))
	s.advance(time.Minute)
	require.NotContains(t, s.log.String(), "to [10.0.0.2] port 9901")

	// Heartbeats come as often as they shall now, soon.
	s.reconfigure(func(c *Config) { c.ENRP = &ENRP{HeartbeatCycle: time.Second} })
	beats := s.e.scope.beats
	s.advance(20 * time.Second)
	require.InDelta(t, 20, s.e.scope.beats-beats, 3)
	require.Empty(t, s.e.scope.statics)
}

// Updates to subscribers come as soon as they may now.
func TestReconfigureUpdateInterval(t *testing.T) {
	s := newScene(t, func(c *Config) { c.UpdateInterval = time.Hour })
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	m := resolve("A", 8)
	m.SendUpdates = true
	s.in(2, m)
	s.in(1, reg("A", 2, "10.0.0.1"))
	require.Empty(t, s.advance(time.Minute))
	s.reconfigure(func(c *Config) { c.UpdateInterval = time.Second })
	require.Len(t, s.advance(0), 1)
}
