// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"fmt"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A Config holds the protocol parameters of a stack, by their names in RFC
// 9260, Section 16. The zero value of a field means its default; a negative
// value, where one is allowed, turns the thing off.
type Config struct {
	// RTOInitial is the retransmission timeout before the first round-trip
	// measurement (RTO.Initial). Default: 1 s.
	RTOInitial time.Duration
	// RTOMin is the least retransmission timeout (RTO.Min). Default: 1 s.
	RTOMin time.Duration
	// RTOMax is the greatest retransmission timeout (RTO.Max). Default: 60 s.
	RTOMax time.Duration
	// MaxBurst limits the packets of new data that may leave at once for each
	// SACK, or each second packet that it acknowledges (Max.Burst; RFC 9260,
	// Section 6.1, D). Where a round trip takes 2 ms or more the congestion window
	// is spread over it, by as many at a time. Default: 4. Negative: no limit, and 10
	// at a time.
	MaxBurst int
	// ValidCookieLife is how long a state cookie is good (Valid.Cookie.Life).
	// Default: 60 s; at most 1 h.
	ValidCookieLife time.Duration
	// AssociationMaxRetrans is how many consecutive retransmissions to a peer,
	// over all paths, end the association (Association.Max.Retrans).
	// Default: 10.
	AssociationMaxRetrans int
	// PathMaxRetrans is how many consecutive errors make a path inactive
	// (Path.Max.Retrans). Default: 5.
	PathMaxRetrans int
	// PotentiallyFailedMaxRetrans is how many consecutive errors a path may have
	// before it counts as potentially failed, which means that data avoids it and
	// HEARTBEATs are sent there once per RTO (PotentiallyFailed.Max.Retrans, PFMR;
	// RFC 7829, Section 3). Default: 0, the first timeout does it. Negative: there is
	// no such state, as with a value of PathMaxRetrans or more.
	PotentiallyFailedMaxRetrans int
	// HidePotentiallyFailed shows potentially failed paths as active in events and
	// PathInfo (RFC 7829, Section 7.3).
	HidePotentiallyFailed bool
	// PrimarySwitchover makes another path the primary one when that has more than
	// PrimarySwitchoverMaxRetrans consecutive errors: data does not come back when
	// it recovers (RFC 7829, Section 5). Default: it does.
	PrimarySwitchover bool
	// PrimarySwitchoverMaxRetrans is that number
	// (Primary.Switchover.Max.Retrans, PSMR), at least
	// PotentiallyFailedMaxRetrans or, if that is negative, PathMaxRetrans. Default:
	// this minimum.
	PrimarySwitchoverMaxRetrans int
	// MaxInitRetransmits is how often INIT and COOKIE ECHO are sent again
	// (Max.Init.Retransmits). Default: 8. Negative: never.
	MaxInitRetransmits int
	// HeartbeatInterval is the time added to RTO between HEARTBEATs on an
	// idle path (HB.interval). Default: 30 s. Negative: no HEARTBEATs but
	// those that confirm a path.
	HeartbeatInterval time.Duration
	// SackDelay bounds how long an acknowledgement may wait (RFC 9260,
	// Section 6.2). Default: 200 ms; at most 500 ms. Negative: never wait.
	SackDelay time.Duration

	// OutboundStreams is how many outbound streams are asked for, 1 to 65535.
	// Default: 1024.
	OutboundStreams int
	// MaxInboundStreams is how many inbound streams the peer may use, 1 to
	// 65535. Default: 65535.
	MaxInboundStreams int
	// SendBuffer bounds the bytes of user data (with a fixed cost per
	// message) queued and unacknowledged. A single larger message is
	// accepted when the buffer is empty. It grows with the congestion windows, up
	// to MaxSendBuffer. Default: 4 MiB.
	SendBuffer int
	// MaxSendBuffer is how large the send buffer becomes. Default: 32 MiB, or
	// SendBuffer if that is set; a smaller value means SendBuffer.
	MaxSendBuffer int
	// RecvBuffer bounds the bytes kept for messages received but not read;
	// what is left of it is advertised as a_rwnd. It grows while the user reads
	// more than half of it in a round trip, up to MaxRecvBuffer. Default: 4 MiB,
	// at least 1500 (RFC 9260, Section 3.3.2).
	RecvBuffer int
	// MaxRecvBuffer is how large the receive buffer becomes. Default: 32 MiB, or
	// RecvBuffer if that is set; a smaller value means RecvBuffer.
	MaxRecvBuffer int
	// MaxMessageSize is the largest message accepted for sending and the
	// largest one reassembled, in bytes. Default: 64 MiB, or a quarter of MaxMemory if
	// that is less.
	MaxMessageSize int
	// PartialDeliveryPoint lets messages be delivered in parts of at least so many bytes,
	// but for the last one, when that much is there and more is to come: see Part. They
	// may be of any size then: MaxMessageSize bounds what is sent. Default: off; messages
	// are delivered whole.
	PartialDeliveryPoint int
	// MaxMemory bounds what all associations of the stack together take for messages,
	// in bytes: in their send buffers, received and not read, and in parts, and for the
	// state of streams (some 20 bytes for each that is used, 40 with Interleaving). Whoever runs
	// the engine counts: see Association.SetRoom. When it is used up, windows are not
	// opened and messages not taken beyond a few KiB for each association, and new
	// associations are refused; an association in the middle of a message, or that
	// begins new streams, may exceed it by an eighth, and is aborted then. Default: 1 GiB, eight associations that use all
	// that one may, or thousands with the usual buffers full. Negative: no limit.
	MaxMemory int
	// MaxPaths is how many addresses of a peer are used; the rest of what
	// its INIT lists is ignored. Default: 16.
	MaxPaths int
	// MaxAssociations is how many associations a stack has at a time; peers
	// that want another are refused for want of resources. Default: 65536.
	MaxAssociations int

	// MTU is the size in bytes of the largest IP packet sent on a path before
	// anything is known of it. Default: 1500, at least 576.
	MTU int
	// MaxMTU bounds the search for a larger path MTU (RFC 8899), in bytes of IP
	// packet. Default: what the interface carries, if that is known, else MTU.
	// Negative: no probes are sent, and the MTU is only lowered.
	MaxMTU int
	// CongestionControl is how congestion windows grow and shrink. Default:
	// CongestionStandard.
	CongestionControl CongestionControl
	// LossDetection is how it is found out that something was lost. Default:
	// LossDetectionStandard.
	LossDetection LossDetection
	// NoNagle sends small messages at once, also with data outstanding
	// (SCTP_NODELAY of RFC 6458 is this). The default, false, bundles them
	// as RFC 9260, Section 6.1 allows.
	NoNagle bool

	// AutoClose shuts an association down, gracefully, on which no user data has been
	// sent or received for so long (RFC 6458, Section 8.1.8). Default: never.
	AutoClose time.Duration
	// Interleaving announces user message interleaving (RFC 8260): with a peer
	// that does so, too, messages of several streams can be under way at the same
	// time, in I-DATA chunks, as Scheduler chooses. Default: it is not announced
	// (RFC 8260, Section 2.2.1), since these chunks are 4 bytes longer, which gains
	// nothing while both sides serve what comes first.
	Interleaving bool
	// LinuxFSN numbers the fragments of interleaved messages as Linux does, on
	// both sides: the one behind the first has FSN 0, where RFC 8260, Section 2.1,
	// says 1. Default: as the RFC.
	LinuxFSN bool
	// Scheduler chooses the stream to send from. Default: SchedulerFCFS.
	Scheduler Scheduler

	// NoPartialReliability does not announce partial reliability (RFC 3758):
	// messages of which something has been sent are reliable.
	NoPartialReliability bool
	// NoReconfig does not announce stream reconfiguration (RFC 6525).
	NoReconfig bool
	// DenyReconfig are the requests of peers to change the streams that are
	// denied. Default: none.
	DenyReconfig ReconfigRequest

	// ECN announces explicit congestion notification (RFC 3168, and RFC 2960,
	// Appendix A): routers may mark packets instead of dropping them. Default: it is
	// not announced, since usrsctp announces it over UDP without reading the marks.
	ECN bool

	// NoAuth does without authenticated chunks (RFC 4895), and so without
	// address reconfiguration.
	NoAuth bool
	// AuthChunks are the chunk types that peers must authenticate, besides
	// ASCONF and ASCONF-ACK. A peer that cannot is refused. Default: none.
	AuthChunks []wire.ChunkType
	// AuthHMACs are the algorithms peers may use, the preferred first. SHA-1
	// must be among them. Default: SHA-256, SHA-1.
	AuthHMACs []wire.HMACID
	// AuthKeys are the endpoint pair shared keys of new associations. Default:
	// the null key, with the identifier 0. If any is listed there is no null
	// key, unless it is listed.
	AuthKeys []AuthKey
	// AuthActiveKey is the identifier of the key for sending. Default: 0.
	AuthActiveKey uint16
	// NoAddIP does without the reconfiguration of addresses (RFC 5061).
	NoAddIP bool
	// BehindNAT keeps the addresses of this side out of packets: they mean nothing
	// beyond a translator (RFC 6951, Section 5.7). An association begins with one, and
	// peers that support ADD-IP learn the others, and changes, from the addresses that
	// packets come from, which who can change them on their way can forge (RFC 5061,
	// Section 6).
	BehindNAT bool

	// ErrorDetection is what protects all packets below SCTP and makes their
	// CRC32c superfluous (RFC 9653). 0: nothing does.
	ErrorDetection wire.ErrorDetectionMethod

	// announced and auth follow from the fields above.
	announced extensions
	auth      authConfig
}

// extensions are those the stack announces.
func (c *Config) extensions() extensions { return c.announced }

const (
	maxSackDelay   = 500 * time.Millisecond // RFC 9260, Section 6.2: "MUST NOT raise it above 500 ms"
	minARwnd       = 1500                   // RFC 9260, Section 3.3.2: least a_rwnd of an INIT
	minMemory      = 64 << 10               // an eighth of it is some packets
	minMTU         = 576                    // below this a packet would not hold an INIT ACK
	maxMTU         = 65535
	ipv4UDPOverIP  = 20 + 8
	ipv6UDPOverIP  = 40 + 8
	maxPathsLimit  = 255
	perMessageCost = 128 // bytes a queued message costs besides its data
)

// WithDefaults returns the configuration with every zero field filled in, or
// an error that names the field which is out of range.
func (c Config) WithDefaults() (Config, error) {
	dur := func(v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
	}
	num := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	dur(&c.RTOInitial, time.Second)
	dur(&c.RTOMin, time.Second)
	dur(&c.RTOMax, 60*time.Second)
	num(&c.MaxBurst, 4)
	dur(&c.ValidCookieLife, 60*time.Second)
	num(&c.AssociationMaxRetrans, 10)
	num(&c.PathMaxRetrans, 5)
	num(&c.MaxInitRetransmits, 8)
	dur(&c.HeartbeatInterval, 30*time.Second)
	dur(&c.SackDelay, 200*time.Millisecond)
	num(&c.OutboundStreams, 1024)
	num(&c.MaxInboundStreams, 65535)
	tuned := func(n, most *int) {
		if *most == 0 && *n == 0 {
			*most = 32 << 20
		}
		num(n, 4<<20)
		*most = max(*most, *n)
	}
	tuned(&c.SendBuffer, &c.MaxSendBuffer)
	tuned(&c.RecvBuffer, &c.MaxRecvBuffer)
	num(&c.MaxMemory, 1<<30)
	if c.MaxMemory > 0 {
		num(&c.MaxMessageSize, min(64<<20, max(1, c.MaxMemory/4)))
	}
	num(&c.MaxMessageSize, 64<<20)
	num(&c.MaxPaths, 16)
	num(&c.MaxAssociations, 65536)
	num(&c.MTU, 1500)
	if !c.NoPartialReliability {
		c.announced |= extForwardTSN
	}
	c.announceInterleaving()
	if !c.NoReconfig {
		c.announced |= extReconfig
	}
	if c.ErrorDetection == wire.ErrorDetectionDTLS {
		c.announced |= extZeroChecksum
	}
	if c.ECN {
		c.announced |= extECN
	}
	if err := c.switchoverDefaults(); err != nil {
		return c, err
	}
	if c.RTOInitial < c.RTOMin {
		c.RTOInitial = c.RTOMin
	}

	switch {
	case c.RTOMin < 0 || c.RTOInitial < 0 || c.RTOMax < c.RTOMin:
		return c, configError("RTOMin, RTOInitial, RTOMax", "%v, %v, %v: must be positive and in this order", c.RTOMin, c.RTOInitial, c.RTOMax)
	case c.RTOInitial > c.RTOMax:
		return c, configError("RTOInitial", "%v is above RTOMax", c.RTOInitial)
	case c.ValidCookieLife < time.Second:
		return c, configError("ValidCookieLife", "%v is below 1 s", c.ValidCookieLife)
	case c.ValidCookieLife > secretLife:
		return c, configError("ValidCookieLife", "%v is above 1 h, when the secret of a cookie may be forgotten", c.ValidCookieLife)
	case c.AssociationMaxRetrans < 1:
		return c, configError("AssociationMaxRetrans", "%v is below 1", c.AssociationMaxRetrans)
	case c.PathMaxRetrans < 0:
		return c, configError("PathMaxRetrans", "%v is negative", c.PathMaxRetrans)
	case c.SackDelay > maxSackDelay:
		return c, configError("SackDelay", "%v is above 500 ms (RFC 9260, Section 6.2)", c.SackDelay)
	case c.OutboundStreams < 1 || c.OutboundStreams > 65535:
		return c, configError("OutboundStreams", "%v is not within 1 to 65535", c.OutboundStreams)
	case c.MaxInboundStreams < 1 || c.MaxInboundStreams > 65535:
		return c, configError("MaxInboundStreams", "%v is not within 1 to 65535", c.MaxInboundStreams)
	case c.SendBuffer < 1:
		return c, configError("SendBuffer", "%v is negative", c.SendBuffer)
	case c.RecvBuffer < minARwnd:
		return c, configError("RecvBuffer", "%v is below 1500 bytes (RFC 9260, Section 3.3.2)", c.RecvBuffer)
	case c.CongestionControl < CongestionStandard || c.CongestionControl > CongestionWestwood:
		return c, configError("CongestionControl", "%d is none of the constants", c.CongestionControl)
	case c.LossDetection < LossDetectionStandard || c.LossDetection > LossDetectionRACK:
		return c, configError("LossDetection", "%d is none of the constants", c.LossDetection)
	case c.AutoClose < 0:
		return c, configError("AutoClose", "%v is negative", c.AutoClose)
	case c.Scheduler < 0 || c.Scheduler >= schedulers:
		return c, configError("Scheduler", "%d is none of the constants", c.Scheduler)
	case c.MaxMessageSize < 1:
		return c, configError("MaxMessageSize", "%v is negative", c.MaxMessageSize)
	case c.PartialDeliveryPoint < 0 || c.PartialDeliveryPoint > min(c.RecvBuffer, c.MaxMessageSize):
		// RFC 6458, Section 8.1.21: "the call will fail if the user attempts to set this
		// value larger than the socket receive buffer size".
		return c, configError("PartialDeliveryPoint", "%v is not within 0 to RecvBuffer and MaxMessageSize", c.PartialDeliveryPoint)
	case c.MaxMemory > 0 && c.MaxMemory < max(minMemory, 16*c.MTU):
		return c, configError("MaxMemory", "%v is below 64 KiB or 16 packets", c.MaxMemory)
	case c.MaxMemory > 0 && c.MaxMemory < c.MaxMessageSize+perMessageCost:
		return c, configError("MaxMemory", "%v does not hold a message of MaxMessageSize, %v", c.MaxMemory, c.MaxMessageSize)
	case c.MaxAssociations < 1:
		return c, configError("MaxAssociations", "%v is negative", c.MaxAssociations)
	case c.MaxPaths < 1 || c.MaxPaths > maxPathsLimit:
		return c, configError("MaxPaths", "%v is not within 1 to 255", c.MaxPaths)
	case c.ErrorDetection > wire.ErrorDetectionDTLS:
		return c, configError("ErrorDetection", "%d is not known", c.ErrorDetection)
	case c.MaxMTU > 0 && (c.MaxMTU < c.MTU || c.MaxMTU > maxMTU):
		return c, configError("MaxMTU", "%v is not within MTU to 65535", c.MaxMTU)
	case c.MTU < minMTU || c.MTU > maxMTU:
		return c, configError("MTU", "%v is not within 576 to 65535", c.MTU)
	}
	if !c.NoAuth {
		c.announced |= extAuth
		if !c.NoAddIP {
			c.announced |= extAsconf
		}
	}
	c.auth = authConfig{}
	return c, c.setAuth()
}

// switchoverDefaults: RFC 7829, Section 5, 1: "For SCTP-PF implementations, the
// PSMR MUST be set greater than or equal to the PFMR value. For implementations
// of [RFC4960], the PSMR MUST be set greater than or equal to the PMR value.
// Implementations MUST reject any other values of PSMR." Without switchover PSMR
// becomes -1.
func (c *Config) switchoverDefaults() error {
	if !c.PrimarySwitchover {
		if c.PrimarySwitchoverMaxRetrans > 0 {
			return configError("PrimarySwitchoverMaxRetrans", "%v without PrimarySwitchover", c.PrimarySwitchoverMaxRetrans)
		}
		c.PrimarySwitchoverMaxRetrans = -1
		return nil
	}
	least := c.PotentiallyFailedMaxRetrans
	if least < 0 {
		least = c.PathMaxRetrans
	}
	if c.PrimarySwitchoverMaxRetrans == 0 {
		c.PrimarySwitchoverMaxRetrans = least
	}
	if c.PrimarySwitchoverMaxRetrans < least {
		return configError("PrimarySwitchoverMaxRetrans", "%v is below %v (RFC 7829, Section 5)", c.PrimarySwitchoverMaxRetrans, least)
	}
	return nil
}

func configError(field, format string, args ...any) error {
	return fmt.Errorf("sctp: config: %s: %s", field, fmt.Sprintf(format, args...))
}
