// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// defaultHold is how much later a reordered datagram leaves: some twenty full packets at 20 MB/s.
const defaultHold = 2 * time.Millisecond

// Config says what happens to the datagrams of one direction. The zero Config changes nothing.
type Config struct {
	Seed      uint64
	Loss      float64       // probability that a datagram disappears
	Duplicate float64       // probability that a datagram that does not disappear is sent twice
	Reorder   float64       // probability that a datagram is held back, so that later ones overtake it
	Hold      time.Duration // how long it is held back; 0 means 2 ms
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // further delay, uniform in [0, Jitter); it alone never reorders
}

// Validate reports a Config that makes no sense.
func (c Config) Validate() error {
	for _, p := range []struct {
		name  string
		value float64
	}{{"Loss", c.Loss}, {"Duplicate", c.Duplicate}, {"Reorder", c.Reorder}} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("relay: %s %v is not a probability", p.name, p.value)
		}
	}
	if c.Hold < 0 || c.Delay < 0 || c.Jitter < 0 {
		return fmt.Errorf("relay: negative duration in Hold %v, Delay %v, Jitter %v", c.Hold, c.Delay, c.Jitter)
	}
	return nil
}

// Impairment decides the fate of datagrams. It is not safe for concurrent use.
type Impairment struct {
	cfg  Config
	rng  *rand.Rand
	last time.Time // departure of the latest datagram that was not held back
}

// NewImpairment returns the Impairment of a valid Config.
func NewImpairment(cfg Config) *Impairment {
	if cfg.Hold == 0 {
		cfg.Hold = defaultHold
	}
	return &Impairment{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0))}
}

// Next appends to at the times at which the datagram that arrived now has to leave: none if it is
// lost, two if it is duplicated.
func (m *Impairment) Next(at []time.Time, now time.Time) []time.Time {
	// Every datagram takes the same five numbers, so that the fate of the i-th does not depend on
	// the fates before it.
	lost := m.rng.Float64() < m.cfg.Loss
	twice := m.rng.Float64() < m.cfg.Duplicate
	held := m.rng.Float64() < m.cfg.Reorder
	jitter := time.Duration(m.rng.Float64() * float64(m.cfg.Jitter))
	again := time.Duration(m.rng.Float64() * float64(m.cfg.Hold))
	if lost {
		return at
	}
	leave := now.Add(m.cfg.Delay + jitter)
	if held {
		leave = leave.Add(m.cfg.Hold)
	} else {
		if leave.Before(m.last) {
			leave = m.last
		}
		m.last = leave
	}
	at = append(at, leave)
	if twice {
		at = append(at, leave.Add(again))
	}
	return at
}
