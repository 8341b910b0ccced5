// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// peerFlags are those of the registrar that are about other registrars.
type peerFlags struct {
	peers []string
	group string
}

func (f *peerFlags) add(fl *pflag.FlagSet, c *registrar.Config) {
	fl.BoolVar(&c.Standalone, "standalone", false, "know no other registrars")
	fl.IntVar(&c.ENRPPort, "enrp-port", 9901, "SCTP `port` for ENRP; -1: any")
	fl.StringArrayVar(&f.peers, "peer", nil, "`address` of another registrar, such as 10.0.0.2,10.1.0.2:9901; may be repeated")
	fl.StringVar(&f.group, "peer-group", registrar.DefaultPeerGroup.String(), "multicast `group` and UDP port in which registrars find each other")
	fl.DurationVar(&c.PeerHeartbeatCycle, "peer-heartbeat-cycle", 0, "time between presences (default 2.444s, 30s with --profile rfc)")
	fl.DurationVar(&c.MaxTimeLastHeard, "max-time-last-heard", 0, "silence after which a peer is asked (default 5s, 61s with --profile rfc)")
	fl.DurationVar(&c.MaxTimeNoResponse, "max-time-no-response", 0, "time a peer has to answer (default 5s)")
	fl.DurationVar(&c.MentorDiscovery, "mentor-discovery", 0, "time to look for a mentor at the start (default 5s)")
	fl.DurationVar(&c.TakeoverExpiry, "takeover-expiry", 0, "time peers have to acknowledge a takeover (default 5s)")
	fl.BoolVar(&c.SuggestTakeover, "suggest-takeover", false, "spread pool elements over registrars")
	fl.IntVar(&c.MaxPeers, "max-peers", 0, "other registrars that are known at most (default 256)")
}

func (f *peerFlags) parse(c *registrar.Config) (err error) {
	for _, s := range f.peers {
		a, err := sctp.ParseAddr(s)
		if err != nil {
			return fmt.Errorf("--peer: %w", err)
		}
		c.Peers = append(c.Peers, a)
	}
	if c.PeerGroup, err = netip.ParseAddrPort(f.group); err != nil {
		return fmt.Errorf("--peer-group: %q is not a multicast group with a port", f.group)
	}
	return nil
}
