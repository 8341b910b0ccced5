// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rserpool/rserpool/pool/policy"
)

// A Config has the timers and thresholds of RFC 5352, Section 7, by their names. Zero values are those of the default
// profile. [RFC] returns those of the RFC.
//
// The default profile reacts within seconds, as RSPLIB does, where the RFC waits for half a minute. Both ends of a
// registration use these timers on their own, so profiles can be mixed.
type Config struct {
	// T1ENRPRequest is how long a registrar may take to resolve a handle. Default: 5 s. RFC: 15 s.
	T1ENRPRequest time.Duration
	// T2Registration is how long a registrar may take to answer a registration. Default: 5 s. RFC: 30 s.
	T2Registration time.Duration
	// T3Deregistration is the same for a deregistration. Default: 5 s. RFC: 30 s.
	T3Deregistration time.Duration
	// T4Reregistration is the interval of re-registrations. Default: 30 s. RFC: 10 min.
	T4Reregistration time.Duration
	// T5ServerHunt is how long registrars may take to accept an association, before others are tried. It doubles
	// each time, up to RetranMax. Default: 5 s. RFC: 10 s.
	T5ServerHunt time.Duration
	// T7ENRPOutdate is how long an announcement is valid. Default: 5 s, as in the RFC.
	T7ENRPOutdate time.Duration

	// MaxRegAttempt is how many registrations in a row may stay without an answer (MAX-REG-ATTEMPT) before the agent
	// reports the failure and stops. Default: 2. Negative: it reports each and never stops.
	MaxRegAttempt int
	// MaxRequestRetransmit is how often a handle resolution is sent again (MAX-REQUEST-RETRANSMIT). Default: 2.
	// Negative: never.
	MaxRequestRetransmit int
	// RetranMax limits the doubling of T5ServerHunt (RETRAN-MAX). Default: 60 s.
	RetranMax time.Duration

	// StaleCacheValue is how long a resolved pool element is used without asking again (stale_cache_value). Default:
	// 5 s. Negative: there is no cache.
	StaleCacheValue time.Duration
	// Items is how many pool elements a handle resolution asks for. Default: 8.
	Items uint32

	// LifeInSeconds says that the Registration Life is sent in seconds, as RFC 5354 has it. The default is
	// milliseconds, which is what RSPLIB reads: there, a life of 90 (seconds) would have ended after 0.09 seconds,
	// while a registrar that reads 90000 ms as seconds only keeps the entry of a crashed element a little longer, and
	// finds out by keep-alives anyway.
	LifeInSeconds bool

	// NoSCTP says that there is no SCTP: registrars are reached by TCP only, and pool elements cannot be registered.
	NoSCTP bool

	// Policies are the policies that elements are selected by. Default: all of RFC 5356 and RSPLIB. A pool of another
	// policy is used in the order of the registrar's answers.
	Policies *policy.Registry
	// Rand draws the order in which registrars are tried and elements selected. It is required.
	Rand *rand.Rand
}

// DefaultItems is the default of Config.Items.
const DefaultItems = 8

// RFC returns the configuration with the values that RFC 5352, Section 7, calls normal.
func RFC() Config {
	return Config{
		T1ENRPRequest:    15 * time.Second,
		T2Registration:   30 * time.Second,
		T3Deregistration: 30 * time.Second,
		T4Reregistration: 10 * time.Minute,
		T5ServerHunt:     10 * time.Second,
		T7ENRPOutdate:    5 * time.Second,

		MaxRegAttempt:        2,
		MaxRequestRetransmit: 2,
		RetranMax:            60 * time.Second,

		LifeInSeconds: true,
	}
}

const (
	// huntPause is the first pause after all registrars have refused. It doubles up to T5ServerHunt: a registrar that
	// is just being restarted is found soon, one that stays away is not bothered.
	huntPause = 250 * time.Millisecond

	// minReregistration keeps an expired or just updated registration from turning into a storm.
	minReregistration = 10 * time.Millisecond

	// lifeMargin is from RFC 5352, Section 7.1: "10 minutes or 20 seconds less than the Lifetime parameter".
	lifeMargin = 20 * time.Second

	defaultStaleCacheValue = 5 * time.Second

	// lifeFactor makes the default life from T4: two re-registrations may be missed. RSPLIB has the same.
	lifeFactor = 3
)

func (c Config) withDefaults() (Config, error) {
	if c.Rand == nil {
		return c, fmt.Errorf("agent: config: Rand is nil")
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
		off  bool
	}{
		{"T1ENRPRequest", &c.T1ENRPRequest, 5 * time.Second, false},
		{"T2Registration", &c.T2Registration, 5 * time.Second, false},
		{"T3Deregistration", &c.T3Deregistration, 5 * time.Second, false},
		{"T4Reregistration", &c.T4Reregistration, 30 * time.Second, false},
		{"T5ServerHunt", &c.T5ServerHunt, 5 * time.Second, false},
		{"T7ENRPOutdate", &c.T7ENRPOutdate, 5 * time.Second, false},
		{"RetranMax", &c.RetranMax, 60 * time.Second, false},
		{"StaleCacheValue", &c.StaleCacheValue, defaultStaleCacheValue, true},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < 0 && !d.off {
			return c, fmt.Errorf("agent: config: %s: %v is negative", d.name, *d.v)
		}
	}
	if c.T4Reregistration < minReregistration {
		return c, fmt.Errorf("agent: config: T4Reregistration: %v is less than %v", c.T4Reregistration, minReregistration)
	}
	if c.MaxRegAttempt == 0 {
		c.MaxRegAttempt = 2
	}
	if c.MaxRequestRetransmit == 0 {
		c.MaxRequestRetransmit = 2
	}
	if c.Policies == nil {
		c.Policies = policy.NewRegistry()
	}
	if c.Items == 0 {
		c.Items = DefaultItems
	}
	return c, nil
}
