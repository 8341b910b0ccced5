// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// A Config configures a Client. The zero value of a field means its default; a negative duration, where one is allowed,
// turns the thing off. NewClient copies and validates it.
type Config struct {
	// Registrars lists where registrars are, as sctp.ParseAddr reads it: "10.0.0.1,10.1.0.1:3863", with "/UDPPORT" if
	// the UDP port is not 9899, or as "tcp://10.0.0.1:3863" for one that is reached by TCP, or as
	// "tls://10.0.0.1:3864" by TLS over TCP (RFC 5352, Section 9.2). If one is reached by TLS all must be, and Announce is
	// "off": else who answers first, and need not prove who it is, would be taken. Pool users take whichever
	// answers first; pool elements need registrars that are reached by SCTP. Default: whoever announces itself by multicast, and if nobody does the registrar of
	// this host, 127.0.0.1:3863.
	Registrars []string
	// Announce is the multicast group and UDP port in which registrars announce themselves, such as
	// "224.0.1.185:3863", or "off". Default: the group of RFC 5352 and that of RSPLIB if there are no Registrars, or
	// else "off". A group that cannot be joined is logged, not an error, unless it is set here.
	Announce string

	// Stack is the SCTP stack to use. Default: one of the Client's own, made from the fields below.
	// Its PartialDeliveryPoint must be 0.
	Stack *sctp.Stack
	// SCTP configures the Client's own stack. What is zero in it is that of sctp.Config, but for timers and thresholds
	// with which a dead element is found within some ten seconds while something is sent to it, and within some forty
	// when nothing is, instead of minutes: RTOMax 2 s, RTOMin 500 ms, AssociationMaxRetrans 5, PathMaxRetrans 3,
	// HeartbeatInterval 5 s.
	SCTP sctp.Config
	// Port is the SCTP port that elements are registered from, that registrars take them over at, and that the first
	// Server listens to. Default: a free one.
	Port uint16
	// Network is where the sockets for announcements come from. Default: that of SCTP, or else udpencap.Host().
	Network udpencap.Network

	// NoSCTP is for pool users in Basic Mode that have no SCTP, not even its UDP socket: handles are resolved over TCP, and
	// elements that are reached by TCP or UDP dialled ([Element.DialContext]). Sessions, servers and registrations are not
	// possible. All Registrars must be those of TCP; without any, those that announce themselves are tried at the TCP port
	// that they tell or at 3863, and in the end that of this host. Stack, SCTP and Port do not count.
	NoSCTP bool
	// DialTCP makes the connections to registrars that are reached by TCP, as that of net.Dialer does. It is the place for
	// TLS or a proxy. Default: that of a net.Dialer with keep-alives every 5 s.
	DialTCP func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS is for registrars that are reached by TLS. Its RootCAs are who vouches for them, by default the authorities of the
	// host; a registrar must have a certificate for its IP address, or for ServerName if that is set; Certificates are for
	// registrars that want one of the pool user. It is over what DialTCP has made. Versions below TLS 1.2 are not spoken.
	TLS *tls.Config

	// ASAP has the timers and thresholds of RFC 5352, with defaults of seconds; RFCTimers are those of the RFC. Its
	// default for MaxRegAttempt is negative here: an element goes on trying to register until it is told otherwise.
	// Rand and NoSCTP need not be set.
	ASAP ASAPConfig
	// ConnectTimeout is how long a pool element may take to accept a session before the next one is tried. Default:
	// 5 s.
	ConnectTimeout time.Duration
	// FailoverTimeout is how long a session looks for another element after its own has failed, before it is given up.
	// Default: 30 s. Negative: for ever.
	FailoverTimeout time.Duration
	// RetryDelay is the pause before a session asks again, after no element of a pool could be reached. Default:
	// 250 ms.
	RetryDelay time.Duration

	// Logger receives registrars and registrations coming and going (Info), failures (Warn) and odd messages (Debug).
	// Default: nothing is logged.
	Logger *slog.Logger
}

// ASAPConfig has the timers and thresholds of ASAP.
type ASAPConfig = agent.Config

// RFCTimers returns the timers and thresholds with the values that RFC 5352, Section 7, calls normal, and the
// Registration Life in seconds on the wire, which RSPLIB does not understand.
func RFCTimers() ASAPConfig { return agent.RFC() }

// fallbackRegistrar is tried when nothing is configured and nobody announces itself.
var fallbackRegistrar = agent.Addr{IPs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, Port: asap.Port}

// defaultGroups are where announcements are expected.
var defaultGroups = []string{asap.MulticastIPv4, asap.MulticastRSPLIB, asap.MulticastIPv6}

// settings are a Config that was looked through.
type settings struct {
	Config
	registrars []agent.Addr
	groups     []netip.AddrPort
	mustJoin   bool // the group was set, so it is an error if it cannot be joined
}

func (c *Config) settings() (settings, error) {
	var s settings
	if c != nil {
		s.Config = *c
	}
	for i, r := range s.Registrars {
		addr, err := parseRegistrar(r)
		if err == nil && s.NoSCTP && !addr.TCP {
			err = fmt.Errorf("%q is reached by SCTP, which NoSCTP excludes", r)
		}
		if err != nil {
			return s, fmt.Errorf("pool: config: Registrars[%d]: %w", i, err)
		}
		s.registrars = append(s.registrars, addr)
	}
	if err := s.secureOnly(); err != nil {
		return s, err
	}
	s.ASAP.NoSCTP = s.NoSCTP
	if s.NoSCTP {
		s.Stack = nil
	}
	if s.DialTCP == nil {
		s.DialTCP = tcpDialer.DialContext
	}
	switch {
	case s.Announce == "off", s.Announce == "" && len(s.Registrars) > 0:
	case s.Announce == "":
		for _, g := range defaultGroups {
			s.groups = append(s.groups, netip.AddrPortFrom(netip.MustParseAddr(g), asap.Port))
		}
	default:
		g, err := netip.ParseAddrPort(s.Announce)
		if err != nil || !g.Addr().IsMulticast() || g.Port() == 0 {
			return s, fmt.Errorf("pool: config: Announce: %q is not a multicast address with a port, nor \"off\"", s.Announce)
		}
		s.groups, s.mustJoin = []netip.AddrPort{g}, true
	}
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
		off  bool
	}{
		{"ConnectTimeout", &s.ConnectTimeout, 5 * time.Second, false},
		{"FailoverTimeout", &s.FailoverTimeout, 30 * time.Second, true},
		{"RetryDelay", &s.RetryDelay, 250 * time.Millisecond, false},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		if *d.v < 0 && !d.off {
			return s, fmt.Errorf("pool: config: %s: %v is negative", d.name, *d.v)
		}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Network == nil {
		s.Network = s.SCTP.Network
	}
	if s.Network == nil {
		s.Network = udpencap.Host()
	}
	if s.ASAP.MaxRegAttempt == 0 {
		s.ASAP.MaxRegAttempt = -1
	}
	if s.ASAP.Rand == nil {
		s.ASAP.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return s, nil
}

// stackConfig is the configuration of the Client's own stack.
func (s *settings) stackConfig() *sctp.Config {
	c := s.SCTP
	def(&c.RTOMin, 500*time.Millisecond)
	def(&c.RTOMax, max(2*time.Second, c.RTOMin))
	def(&c.RTOInitial, min(time.Second, c.RTOMax))
	def(&c.HeartbeatInterval, 5*time.Second)
	def(&c.AssociationMaxRetrans, 5)
	def(&c.PathMaxRetrans, 3)
	if c.Logger == nil {
		c.Logger = s.Logger
	}
	c.PartialDeliveryPoint = 0 // messages of ASAP and of sessions are read whole
	return &c
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Validate says what is wrong with the configuration, as far as that can be told without sockets.
func (c *Config) Validate() error {
	s, err := c.settings()
	if err != nil {
		return err
	}
	if _, err := agent.New(s.ASAP); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	return nil
}
