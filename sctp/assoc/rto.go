// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// granularity is the clock granularity G of RFC 9260, Section 6.3.1, G1.
const granularity = time.Millisecond

// An rtoEstimator computes the retransmission timeout of a path (RFC 9260,
// Section 6.3.1), with RTO.Alpha = 1/8 and RTO.Beta = 1/4.
type rtoEstimator struct {
	srtt, rttvar time.Duration
	rto          time.Duration
	initial      time.Duration
	min, max     time.Duration
	samples      uint32        // measurements made
	least        time.Duration // RTT that was ever seen; 0: none was
}

func (e *rtoEstimator) init(c *Config) {
	// C1: "Until an RTT measurement has been made ..., set RTO to the protocol
	// parameter 'RTO.Initial'."
	*e = rtoEstimator{rto: c.RTOInitial, initial: c.RTOInitial, min: c.RTOMin, max: c.RTOMax}
}

func (e *rtoEstimator) measure(r time.Duration) {
	r = max(r, 0)
	e.see(r)
	e.samples++
	if e.srtt == 0 {
		// C2: "SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR"
		e.srtt, e.rttvar = max(r, 1), r/2
	} else {
		// C3: "RTTVAR = (1 - RTO.Beta) * RTTVAR + RTO.Beta * |SRTT - R'|;
		// SRTT = (1 - RTO.Alpha) * SRTT + RTO.Alpha * R'"
		diff := (e.srtt - r).Abs()
		e.rttvar += (diff - e.rttvar) / 4
		e.srtt += (r - e.srtt) / 8
		e.srtt = max(e.srtt, 1)
	}
	// G1: "Whenever RTTVAR is computed, if RTTVAR == 0, then adjust RTTVAR = G."
	if e.rttvar == 0 {
		e.rttvar = granularity
	}
	// C6, C7: not below RTO.Min, not above RTO.Max.
	e.rto = min(max(e.srtt+4*e.rttvar, e.min), e.max)
}

// backOff doubles the timeout. RFC 9260, Section 6.3.3, E2: "set RTO = RTO * 2
// ('back off the timer')".
func (e *rtoEstimator) backOff() { e.rto = min(2*e.rto, e.max) }

// see takes a round-trip time that is no measurement for the RTO.
func (e *rtoEstimator) see(r time.Duration) {
	if r = max(r, 1); e.least == 0 || r < e.least {
		e.least = r
	}
}
