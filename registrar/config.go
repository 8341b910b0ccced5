// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// A Profile says whose reading of the protocol counts where RFC and RSPLIB contradict each other; see docs/deviations.md.
type Profile = engine.Profile

// The profiles.
const (
	ProfileAuto   = engine.ProfileAuto
	ProfileRFC    = engine.ProfileRFC
	ProfileRSPLIB = engine.ProfileRSPLIB
)

// ParseProfile reads "auto", "rfc" or "rsplib".
func ParseProfile(s string) (Profile, error) { return engine.ParseProfile(s) }

const (
	// DefaultAnnounceTTL is RSPLIB's.
	DefaultAnnounceTTL = 30

	// DefaultSendTimeout is how long a client may refuse to read: T1-ENRPrequest of RFC 5352, Section 7.1. Who waits for
	// an answer has given up by then.
	DefaultSendTimeout = 15 * time.Second

	// DefaultStopTimeout is how long the associations may take to shut down.
	DefaultStopTimeout = 5 * time.Second

	// maxQueue bounds the bytes that wait for one association above what SCTP keeps for it, and so also the keep-alives
	// to someone who does not read: 65536 elements on one association are asked within it.
	maxQueue = 8 << 20

	// maxPeerQueue is maxQueue for another registrar, which is told of all pool elements that are taken over at once:
	// 100 000 take some 15 MB.
	maxPeerQueue = 64 << 20

	// A dead peer is found within some six seconds of something being sent to it, instead of the minutes of RFC 9260's
	// defaults. rtoMin is above the 200 ms for which others may delay their acknowledgements.
	rtoInitial, rtoMin, rtoMax            = 500 * time.Millisecond, 400 * time.Millisecond, time.Second
	heartbeatInterval                     = 5 * time.Second
	associationMaxRetrans, pathMaxRetrans = 6, 3

	// bufferSize is how much SCTP keeps for one association in each direction: several of the largest messages. The
	// default is for bulk data, and a registrar has many associations.
	bufferSize = 256 << 10

	// maxMessage is the largest ASAP message with its padding.
	maxMessage = 1 << 16
)

// DefaultAnnounceGroup is where announcements go by default: RSPLIB's group.
var DefaultAnnounceGroup = netip.AddrPortFrom(netip.MustParseAddr(asap.MulticastRSPLIB), asap.Port)

// DefaultPeerGroup is where registrars tell each other that they are there: RSPLIB's group. RFC 5353 assigns none.
var DefaultPeerGroup = netip.AddrPortFrom(netip.MustParseAddr(enrp.MulticastRSPLIB), enrp.Port)

// A Config configures a Server. The zero value of a field means its default; negative turns off what can be off.
type Config struct {
	// ServerID identifies the registrar. Default: random.
	ServerID uint32

	// Stack is the SCTP to listen on. Default: one of its own from the three fields below, which ends with the Server.
	// Its PartialDeliveryPoint must be 0.
	Stack *sctp.Stack
	// LocalAddrs are the local addresses, as in sctp.Config. Default: all.
	LocalAddrs []netip.Addr
	// EncapPort is the local UDP port of SCTP, as in sctp.Config: 0 is 9899, or any if that is in use; -1 is any.
	EncapPort int
	// Network is where sockets come from, those of announcements too; with Stack, its Network. Default: udpencap.Host().
	Network udpencap.Network

	// ASAPPort is the SCTP port for ASAP. Default: 3863. -1: any free one.
	ASAPPort int

	// TCPPort is the TCP port for ASAP with pool users that have no SCTP (RFC 5352, Section 3.3), on the addresses of the
	// SCTP; the number assigned is 3863. Default: none, there is no TCP. -1: any free one.
	TCPPort int
	// TCPListener takes these connections instead of TCPPort. It is not announced. Serve closes it.
	TCPListener net.Listener
	// TLSPort is the TCP port for ASAP over TLS (RFC 5352, Section 9.2, and RFC 5355), on the addresses of the SCTP; the number
	// assigned is 3864. It is not announced. Its connections count for MaxTCP, also before the handshake is complete, for
	// which TCPReadTimeout is the time. Default: none, there is no TLS. -1: any free one.
	TLSPort int
	// TLS has the certificate of the registrar, and says by ClientAuth and ClientCAs whether its pool users need one. If it
	// has GetConfigForClient, certificates can be changed while the registrar runs.
	TLS *tls.Config
	// MaxTCP bounds the TCP connections, a quarter of them from one address. Default: DefaultMaxTCP. Negative: no bound but
	// MaxAssocs, which they count for, too.
	MaxTCP int
	// TCPIdleTimeout is how long a TCP connection may be silent. Default: DefaultTCPIdleTimeout.
	TCPIdleTimeout time.Duration
	// TCPReadTimeout is how long a message may take to arrive over TCP. Default: DefaultTCPReadTimeout.
	TCPReadTimeout time.Duration

	// AnnounceGroup is the multicast group and UDP port of announcements. Default: DefaultAnnounceGroup. Addresses of the
	// other IP version announce to AnnounceTo only.
	AnnounceGroup netip.AddrPort
	// AnnounceInterval is T6-Serverannounce of RFC 5352. Default: 1 s. Negative: no announcements at all.
	AnnounceInterval time.Duration
	// AnnounceFrom are the local addresses to announce from. Default: all of the Stack.
	AnnounceFrom []netip.Addr
	// AnnounceTTL is the TTL or hop limit of multicast announcements, 1 to 255. Default: DefaultAnnounceTTL. Negative: no
	// multicast; announcements go to AnnounceTo only.
	AnnounceTTL int
	// AnnounceTo are addresses and UDP ports that get announcements in addition, where there is no multicast.
	AnnounceTo []netip.AddrPort

	// Standalone registrars do not speak ENRP: they know of no others, and none takes over from them. What follows about
	// peers does not count then.
	Standalone bool
	// ENRPPort is the SCTP port for ENRP. Default: 9901. -1: any free one.
	ENRPPort int
	// Peers are other registrars, by their addresses and SCTP ports for ENRP. Those that are heard in the PeerGroup, and
	// those that other registrars know, need not be listed.
	Peers []*sctp.Addr
	// PeerGroup is the multicast group and UDP port in which registrars find each other. Default: DefaultPeerGroup. It is
	// used if AnnounceTTL is not negative, with the addresses of AnnounceFrom.
	PeerGroup netip.AddrPort
	// PeerHeartbeatCycle, MaxTimeLastHeard, MaxTimeNoResponse, MentorDiscovery, TakeoverExpiry, SuggestTakeover and
	// MaxPeers are those of engine.ENRP.
	PeerHeartbeatCycle, MaxTimeLastHeard, MaxTimeNoResponse time.Duration
	MentorDiscovery, TakeoverExpiry                         time.Duration
	SuggestTakeover                                         bool
	MaxPeers                                                int

	// Profile decides where RFC and RSPLIB differ. Default: ProfileAuto.
	Profile Profile
	// Policies are the pool policies. Default: all of RFC 5356 and RSPLIB.
	Policies *policy.Registry

	// KeepAliveInterval, KeepAliveTimeout, MaxBadPEReport, MaxResolutionItems, MaxIncrement, MaxElements, MaxPools,
	// MaxElementsPerAssoc, MaxAssocs, MaxHandle, MaxResolutionRate and MaxReportRate are those of engine.Config.
	KeepAliveInterval, KeepAliveTimeout                   time.Duration
	MaxBadPEReport, MaxResolutionItems, MaxIncrement      int
	MaxElements, MaxPools, MaxElementsPerAssoc, MaxAssocs int
	MaxHandle, MaxResolutionRate, MaxReportRate           int
	// MaxSubscriptions and UpdateInterval are those of engine.Config.
	MaxSubscriptions int
	UpdateInterval   time.Duration

	// SendTimeout is how long a client may refuse to read before it is aborted. Default: DefaultSendTimeout.
	SendTimeout time.Duration
	// StopTimeout is how long Serve waits for associations to shut down when it ends. Default: DefaultStopTimeout.
	// Negative: it aborts them at once.
	StopTimeout time.Duration

	// Rand is where selections and jitter come from; for tests. It must not be used elsewhere. Default: seeded from the
	// operating system.
	Rand policy.Rand
	// Logger receives pool elements coming and going (Info), what was refused and who does not read (Warn), and what
	// cannot be parsed (Debug). Default: nothing is logged.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.ASAPPort == 0 {
		c.ASAPPort = asap.Port
	}
	if c.AnnounceGroup == (netip.AddrPort{}) {
		c.AnnounceGroup = DefaultAnnounceGroup
	}
	if c.ENRPPort == 0 {
		c.ENRPPort = enrp.Port
	}
	if c.PeerGroup == (netip.AddrPort{}) {
		c.PeerGroup = DefaultPeerGroup
	}
	if c.AnnounceTTL == 0 {
		c.AnnounceTTL = DefaultAnnounceTTL
	}
	if c.SendTimeout == 0 {
		c.SendTimeout = DefaultSendTimeout
	}
	if c.TCPIdleTimeout == 0 {
		c.TCPIdleTimeout = DefaultTCPIdleTimeout
	}
	if c.TCPReadTimeout == 0 {
		c.TCPReadTimeout = DefaultTCPReadTimeout
	}
	if c.MaxTCP == 0 {
		c.MaxTCP = DefaultMaxTCP
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = DefaultStopTimeout
	}
	if c.Network == nil {
		c.Network = udpencap.Host()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.ASAPPort < -1 || c.ASAPPort > 65535:
		return c, configError("ASAPPort", "is %d, not within -1 to 65535", c.ASAPPort)
	case c.ENRPPort < -1 || c.ENRPPort > 65535:
		return c, configError("ENRPPort", "is %d, not within -1 to 65535", c.ENRPPort)
	case c.ENRPPort == c.ASAPPort && c.ENRPPort > 0 && !c.Standalone:
		return c, configError("ENRPPort", "is %d, the port for ASAP", c.ENRPPort)
	case !c.PeerGroup.Addr().IsMulticast() || c.PeerGroup.Port() == 0:
		return c, configError("PeerGroup", "is %v, not a multicast group with a port", c.PeerGroup)
	case c.EncapPort < -1 || c.EncapPort > 65535:
		return c, configError("EncapPort", "is %d, not within -1 to 65535", c.EncapPort)
	case c.AnnounceTTL > 255:
		return c, configError("AnnounceTTL", "is %d, larger than 255", c.AnnounceTTL)
	case !c.AnnounceGroup.Addr().IsMulticast() || c.AnnounceGroup.Port() == 0:
		return c, configError("AnnounceGroup", "is %v, not a multicast group with a port", c.AnnounceGroup)
	case c.TCPPort < -1 || c.TCPPort > 65535:
		return c, configError("TCPPort", "is %d, not within -1 to 65535", c.TCPPort)
	case c.TCPPort != 0 && c.TCPListener != nil:
		return c, configError("TCPPort", "excludes TCPListener")
	case c.TLSPort < -1 || c.TLSPort > 65535:
		return c, configError("TLSPort", "is %d, not within -1 to 65535", c.TLSPort)
	case c.TLSPort > 0 && c.TLSPort == c.TCPPort:
		return c, configError("TLSPort", "is %d, the port for TCP", c.TLSPort)
	case c.TLSPort != 0 && !hasCertificate(c.TLS):
		return c, configError("TLS", "has no certificate")
	case c.TCPIdleTimeout < 0:
		return c, configError("TCPIdleTimeout", "is %v, negative", c.TCPIdleTimeout)
	case c.TCPReadTimeout < 0:
		return c, configError("TCPReadTimeout", "is %v, negative", c.TCPReadTimeout)
	case c.SendTimeout < 0:
		return c, configError("SendTimeout", "is %v, negative", c.SendTimeout)
	case c.Stack != nil && (len(c.LocalAddrs) > 0 || c.EncapPort != 0):
		return c, configError("Stack", "excludes LocalAddrs and EncapPort")
	}
	for _, p := range c.Peers {
		if p == nil || len(p.IPs) == 0 || p.Port == 0 {
			return c, configError("Peers", "has %v, not an address with a port", p)
		}
	}
	for _, a := range c.LocalAddrs {
		if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
			return c, configError("LocalAddrs", "has %v, not an address of a host", a)
		}
	}
	for _, to := range c.AnnounceTo {
		if !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified() || to.Addr().IsMulticast() {
			return c, configError("AnnounceTo", "has %v, not a unicast address with a port", to)
		}
	}
	return c, nil
}

// A ConfigError says which field of a Config is wrong, and why.
type ConfigError = engine.ConfigError

func configError(field, format string, args ...any) error {
	return fmt.Errorf("registrar: %w", &ConfigError{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// engine returns the engine's share.
func (c *Config) engine() engine.Config {
	return engine.Config{
		ServerID: c.ServerID, Rand: c.Rand, Profile: c.Profile, Policies: c.Policies,
		KeepAliveInterval: c.KeepAliveInterval, KeepAliveTimeout: c.KeepAliveTimeout,
		MaxBadPEReport: c.MaxBadPEReport, ServerAnnounce: c.AnnounceInterval,
		MaxResolutionItems: c.MaxResolutionItems, MaxIncrement: c.MaxIncrement,
		MaxElements: c.MaxElements, MaxPools: c.MaxPools, MaxElementsPerAssoc: c.MaxElementsPerAssoc, MaxAssocs: c.MaxAssocs,
		MaxHandle: c.MaxHandle, MaxResolutionRate: c.MaxResolutionRate, MaxReportRate: c.MaxReportRate,
		MaxSubscriptions: c.MaxSubscriptions, UpdateInterval: c.UpdateInterval,
	}
}
