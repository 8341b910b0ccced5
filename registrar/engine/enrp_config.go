// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

// Defaults and bounds of [ENRP].
const (
	// DefaultHeartbeatCycle, DefaultMaxTimeLastHeard and DefaultMaxTimeNoResponse are RSPLIB's, whose registrars give a
	// peer up that is silent for ten seconds.
	DefaultHeartbeatCycle    = 2444 * time.Millisecond
	DefaultMaxTimeLastHeard  = 5 * time.Second
	DefaultMaxTimeNoResponse = 5 * time.Second

	// RFCHeartbeatCycle, RFCMaxTimeLastHeard and RFCMaxTimeNoResponse are those of RFC 5353, Section 4.2.
	RFCHeartbeatCycle    = 30 * time.Second
	RFCMaxTimeLastHeard  = 61 * time.Second
	RFCMaxTimeNoResponse = 5 * time.Second

	// DefaultMentorDiscovery and DefaultTakeoverExpiry are RSPLIB's; RFC 5353 leaves them open.
	DefaultMentorDiscovery = 5 * time.Second
	DefaultTakeoverExpiry  = 5 * time.Second

	// DefaultMaxPeers bounds the peers: a scope has a handful of registrars, and each costs a message per heartbeat.
	DefaultMaxPeers = 256

	// DefaultDistanceStep is RSPLIB's.
	DefaultDistanceStep = 50 * time.Millisecond
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
	// SuggestTakeover tells peers which pool elements they would be the better home for, and takes such suggestions. Peers
	// that do not follow them get none: RSPLIB's, and those of ours without it.
	SuggestTakeover bool
	// MaxPeers bounds the peers that are known; 0 for DefaultMaxPeers.
	MaxPeers int
}

func (c ENRP) withDefaults(p Profile) (ENRP, error) {
	cycle, lastHeard, noResponse := DefaultHeartbeatCycle, DefaultMaxTimeLastHeard, DefaultMaxTimeNoResponse
	if p == ProfileRFC {
		cycle, lastHeard, noResponse = RFCHeartbeatCycle, RFCMaxTimeLastHeard, RFCMaxTimeNoResponse
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"HeartbeatCycle", &c.HeartbeatCycle, cycle},
		{"MaxTimeLastHeard", &c.MaxTimeLastHeard, lastHeard},
		{"MaxTimeNoResponse", &c.MaxTimeNoResponse, noResponse},
		{"MentorDiscovery", &c.MentorDiscovery, DefaultMentorDiscovery},
		{"TakeoverExpiry", &c.TakeoverExpiry, DefaultTakeoverExpiry},
	} {
		if *d.v < 0 {
			return c, configError("ENRP."+d.name, "is %v, negative", *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.MaxPeers == 0 {
		c.MaxPeers = DefaultMaxPeers
	}
	switch {
	case c.MaxPeers < 0:
		return c, configError("ENRP.MaxPeers", "is %d, negative", c.MaxPeers)
	case len(c.Self.Addrs) == 0 || c.Self.Port == 0:
		return c, configError("ENRP.Self", "has no address or no port")
	case len(c.Self.Addrs) > param.MaxAddrs:
		return c, configError("ENRP.Self", "has %d addresses, more than %d", len(c.Self.Addrs), param.MaxAddrs)
	}
	for _, t := range c.Static {
		if len(t.Addrs) == 0 || t.Port == 0 {
			return c, configError("ENRP.Static", "has a peer without address or port")
		}
	}
	c.Self.Addrs = slices.Clone(c.Self.Addrs)
	c.Static = slices.Clone(c.Static)
	return c, nil
}
