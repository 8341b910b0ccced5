// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"time"
)

// ENRP configures the part of a registrar that other registrars see (RFC 5353). Zero durations mean the defaults of the
// profile.
type ENRP struct {
	// Self is where this registrar is reached for ENRP; it is what its Server Information says.
	Self Target
	// Sources are the local addresses and UDP ports that presences are multicast from; none: there is no multicast.
	Sources []netip.AddrPort
	// Static are peers that are looked for without being heard of.
	Static []Target

	// HeartbeatCycle is PEER-HEARTBEAT-CYCLE, MaxTimeLastHeard MAX-TIME-LAST-HEARD and MaxTimeNoResponse
	// MAX-TIME-NO-RESPONSE of RFC 5353, Section 4.2: 30 s, 61 s and 5 s with ProfileRFC, else RSPLIB's 2.444 s, 5 s, 5 s.
	HeartbeatCycle, MaxTimeLastHeard, MaxTimeNoResponse time.Duration
	// MentorDiscovery is how long a new registrar looks for a mentor before it goes alone. Default: 5 s.
	MentorDiscovery time.Duration
	// TakeoverExpiry is how long acknowledgements of a takeover are waited for. Default: 5 s.
	TakeoverExpiry time.Duration
	// SuggestTakeover tells peers which pool elements they would be the better home for, and takes such suggestions.
	SuggestTakeover bool
	// MaxPeers bounds the peers that are known; 0 for DefaultMaxPeers.
	MaxPeers int
}
