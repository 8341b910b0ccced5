// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// A Config configures a Stack. The zero value of a field means its default; a
// negative value, where one is allowed, turns the thing off. Protocol
// parameters have their names of RFC 9260, Section 16. NewStack copies and
// validates it.
type Config struct {
	// Network is where the UDP sockets come from. Default: udpencap.Host().
	Network udpencap.Network
	// LocalAddrs are the local addresses to use. Default: all of Network. An
	// address listed here must be usable, one of the default may be missing.
	LocalAddrs []netip.Addr
	// EncapPort is the local UDP port (RFC 6951), the same on every local
	// address. 0: 9899, or any free port if that is in use. 1 to 65535: this
	// one and no other. -1: any free port.
	EncapPort int
	// FollowAddrs has a Stack on all addresses of Network follow them: it adds
	// those that come (AddAddr) and removes those that go (RemoveAddr). The
	// default, false, keeps those there are at the start, because a host's
	// addresses come and go that no peer should use. Network must be a
	// udpencap.Watcher, as udpencap.Host() is.
	FollowAddrs bool
	// Logger receives associations going up and down (Info), failed paths
	// (Warn) and odd packets (Debug). Default: nothing is logged.
	Logger *slog.Logger
	// Rand is where tags, initial TSNs and jitter come from; for tests. It
	// must not be used elsewhere. Default: seeded from the operating system.
	Rand *rand.Rand

	// Backlog is how many established associations may wait for
	// Listener.Accept; more are aborted. Default: 128.
	Backlog int
	// CloseTimeout is how long Conn.Close waits for a graceful shutdown
	// before it aborts. Default: 5 s. Negative: Close aborts at once.
	CloseTimeout time.Duration

	// RTOInitial is the retransmission timeout before the first round-trip
	// measurement (RTO.Initial). Default: 1 s.
	RTOInitial time.Duration
	// RTOMin is the least retransmission timeout (RTO.Min). Default: 1 s.
	RTOMin time.Duration
	// RTOMax is the greatest retransmission timeout (RTO.Max). Default: 60 s.
	RTOMax time.Duration
	// MaxBurst limits the packets sent at one opening of the congestion
	// window (Max.Burst). Default: 4. Negative: no limit.
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
	// MaxInboundStreams is how many inbound streams a peer may use, 1 to
	// 65535. Default: 65535.
	MaxInboundStreams int
	// SendBuffer bounds the bytes of user data (with a fixed cost per
	// message) queued and unacknowledged on one association. A single larger
	// message is accepted when the buffer is empty. It grows with the congestion
	// windows, up to MaxSendBuffer. Default: 4 MiB.
	SendBuffer int
	// MaxSendBuffer is how large the send buffer becomes. Default: 32 MiB, or
	// SendBuffer if that is set; a smaller value means SendBuffer.
	MaxSendBuffer int
	// RecvBuffer bounds the bytes kept on one association for messages
	// received but not read; what is left of it is advertised as a_rwnd. It grows
	// while more than half of it is read in a round trip, up to MaxRecvBuffer.
	// Default: 4 MiB, at least 1500 (RFC 9260, Section 3.3.2).
	RecvBuffer int
	// MaxRecvBuffer is how large the receive buffer becomes. Default: 32 MiB, or
	// RecvBuffer if that is set; a smaller value means RecvBuffer.
	MaxRecvBuffer int
	// MaxMessageSize is the largest message accepted for sending and the
	// largest one reassembled, in bytes. Default: 64 MiB, or a quarter of MaxMemory if
	// that is less.
	MaxMessageSize int
	// PartialDeliveryPoint lets messages be received in parts (RFC 9260, Section 6.9;
	// SCTP_PARTIAL_DELIVERY_POINT of RFC 6458, Section 8.1.21): as soon as so many bytes
	// are there and more is to come they are a Message, whose Part says so. All parts
	// but the last one have at least this size, unless beginnings fill the window (I-DATA). Messages may then be of any size;
	// MaxMessageSize bounds those that are sent. At most RecvBuffer and MaxMessageSize.
	// Default: off; messages are received whole.
	PartialDeliveryPoint int
	// MaxMemory bounds what all associations of the Stack together take for messages,
	// in bytes: in their send buffers, received and not read, and in parts, and for the
	// state of streams (some 20 bytes for each that is used, 40 with Interleaving). Above
	// that, peers are offered windows that shrink to a few KiB, Send waits for room, and new
	// associations are refused: those of peers with an ABORT for Out of Resource (RFC
	// 9260, Section 3.3.10.4), those of this side with ErrMemory. What arrives of a
	// message that has begun, or on new streams, may exceed it by an eighth; after that
	// such an association is aborted, for the same cause. Calls that go on at the same time may exceed it by a
	// message each. What remains unread of associations that have ended
	// does not count. Default: 1 GiB, eight associations that take all that one may, or
	// thousands that do not. Negative: no limit.
	MaxMemory int
	// MaxPaths is how many addresses of a peer are used. Default: 16.
	MaxPaths int
	// MaxAssociations is how many associations the Stack has at a time; peers
	// that want another are refused. Default: 65536.
	MaxAssociations int

	// MTU is the size in bytes of the largest IP packet sent on a path before
	// anything is known of it. Default: 1500, at least 576.
	MTU int
	// MaxMTU bounds the search for a larger path MTU (RFC 8899), in bytes of IP
	// packet. Default: what the interface carries, if that is known, else MTU.
	// Negative: no probes are sent, and the MTU is only lowered.
	MaxMTU int
	// AutoClose shuts an association down as Conn.Shutdown does when no user data has
	// been sent or received for so long (RFC 6458, Section 8.1.8). Default: never.
	AutoClose time.Duration
	// Interleaving announces user message interleaving (RFC 8260): with a peer
	// that does so, too, a large message does not hold up those of other streams,
	// if Scheduler is one that takes turns. Messages are received whole all the
	// same. Default: it is not announced, as RFC 8260, Section 2.2.1 demands; the
	// chunks are 4 bytes longer, which gains nothing with SchedulerFCFS.
	Interleaving bool
	// LinuxFSN numbers the fragments of interleaved messages as the Linux kernel
	// does, which contradicts RFC 8260 (docs/deviations.md): for a Stack whose peers
	// are such kernels. With others messages of more than a packet do not arrive, as
	// without it they do not arrive there, or without a part. Default: as the RFC.
	LinuxFSN bool
	// Scheduler chooses the stream to send from when several have messages (RFC
	// 8260, Section 3); Conn.SetScheduler changes it. Default: SchedulerFCFS.
	Scheduler Scheduler
	// NoPartialReliability does not announce partial reliability (RFC 3758):
	// messages of which something has been sent are reliable.
	NoPartialReliability bool
	// NoReconfig does not announce stream reconfiguration (RFC 6525):
	// Conn.ResetStreams and the like fail, for the peer as well.
	NoReconfig bool
	// DenyReconfig are the requests of peers to change the streams that are
	// denied. Default: none.
	DenyReconfig ReconfigRequest
	// ECN announces explicit congestion notification (RFC 3168): routers may mark
	// packets instead of dropping them. It needs sockets that read and write the marks
	// (udpencap.ECNSocket), those of the host on Linux, macOS, FreeBSD and
	// newer versions of Windows; with others it is not announced. Default: it is not announced, since usrsctp announces it over UDP
	// without reading the marks.
	ECN bool
	// CongestionControl is how the congestion windows of paths grow and shrink.
	// Default: CongestionStandard, that of RFC 9260.
	CongestionControl CongestionControl
	// LossDetection is how it is found out that something was lost. Default:
	// LossDetectionStandard, that of RFC 9260.
	LossDetection LossDetection
	// NoNagle sends small messages at once, also with data outstanding. The
	// default, false, bundles them as RFC 9260, Section 6.1 allows.
	NoNagle bool

	// NoAuth does without authenticated chunks (RFC 4895), and so without
	// ADD-IP. The default, false, offers both to every peer; a peer that knows
	// neither is served as before.
	NoAuth bool
	// AuthChunks are the chunk types that peers must authenticate, besides
	// those of ADD-IP. A peer that cannot is refused. Default: none.
	AuthChunks []ChunkType
	// AuthHMACs are the algorithms peers may use, the preferred first. SHA-1
	// must be among them (RFC 4895, Section 6.1). Default: SHA-256, SHA-1.
	AuthHMACs []HMACID
	// AuthKeys are the shared keys of new associations. Default: the null key,
	// which has the identifier 0 and protects from those only who have not
	// seen the handshake. If any is listed, the null key must be, too, to be
	// accepted.
	AuthKeys []AuthKey
	// AuthActiveKey is the identifier of the shared key for sending. Default: 0.
	AuthActiveKey uint16
	// NoAddIP does without the reconfiguration of addresses (RFC 5061): peers
	// are not told of AddAddr and RemoveAddr, and cannot change theirs.
	NoAddIP bool
	// BehindNAT keeps local addresses out of packets, because they mean nothing
	// beyond a translator of addresses (RFC 6951, Section 5.7). An association begins
	// with one, and peers that support ADD-IP learn the others, and changes, from the
	// addresses that packets come from; whoever can change those on their way can forge
	// them (RFC 5061, Section 6). Default: peers are told all local addresses.
	BehindNAT bool

	// NoZeroChecksum computes and checks the CRC32c of every packet also where
	// the Network is a udpencap.Protector, as that of sctp/dtlsnet. The default,
	// false, leaves it out there if the peer agrees (RFC 9653). Elsewhere,
	// over UDP, it is never left out.
	NoZeroChecksum bool
}

const (
	defaultBacklog      = 128
	defaultCloseTimeout = 5 * time.Second
)

// withDefaults returns a copy with every zero field of the shell filled in,
// and the engine's parameters, or an error that names the field.
func (c *Config) withDefaults() (Config, assoc.Config, error) {
	var r Config
	if c != nil {
		r = *c
	}
	p, err := r.params().WithDefaults()
	if err != nil {
		return r, p, err
	}
	if r.Network == nil {
		r.Network = udpencap.Host()
	}
	if r.Logger == nil {
		r.Logger = slog.New(slog.DiscardHandler)
	}
	if r.Backlog == 0 {
		r.Backlog = defaultBacklog
	}
	if r.CloseTimeout == 0 {
		r.CloseTimeout = defaultCloseTimeout
	}
	if r.Backlog < 0 {
		return r, p, configError("Backlog", "%d is negative", r.Backlog)
	}
	if r.EncapPort < -1 || r.EncapPort > 65535 {
		return r, p, configError("EncapPort", "%d is not within -1 to 65535", r.EncapPort)
	}
	if r.FollowAddrs {
		if _, ok := r.Network.(udpencap.Watcher); !ok {
			return r, p, configError("FollowAddrs", "Network does not tell of changes")
		}
		if len(r.LocalAddrs) > 0 {
			return r, p, configError("FollowAddrs", "LocalAddrs are given")
		}
	}
	addrs := make([]netip.Addr, 0, len(r.LocalAddrs))
	for _, a := range r.LocalAddrs {
		a = a.Unmap()
		if why := unusable(a); why != "" {
			return r, p, configError("LocalAddrs", "%v %s", a, why)
		}
		addrs = append(addrs, a)
	}
	r.LocalAddrs = addrs
	return r, p, nil
}

func configError(field, format string, args ...any) error {
	return fmt.Errorf("sctp: config: %s: %s", field, fmt.Sprintf(format, args...))
}

func cloneKeys(keys []AuthKey) []AuthKey {
	keys = slices.Clone(keys)
	for i := range keys {
		keys[i].Secret = slices.Clone(keys[i].Secret)
	}
	return keys
}

// params returns the engine's share.
func (c *Config) params() assoc.Config {
	p := assoc.Config{
		RTOInitial:            c.RTOInitial,
		RTOMin:                c.RTOMin,
		RTOMax:                c.RTOMax,
		MaxBurst:              c.MaxBurst,
		ValidCookieLife:       c.ValidCookieLife,
		AssociationMaxRetrans: c.AssociationMaxRetrans,
		PathMaxRetrans:        c.PathMaxRetrans,
		MaxInitRetransmits:    c.MaxInitRetransmits,
		HeartbeatInterval:     c.HeartbeatInterval,
		SackDelay:             c.SackDelay,
		OutboundStreams:       c.OutboundStreams,
		MaxInboundStreams:     c.MaxInboundStreams,
		SendBuffer:            c.SendBuffer,
		RecvBuffer:            c.RecvBuffer,
		MaxSendBuffer:         c.MaxSendBuffer,
		MaxRecvBuffer:         c.MaxRecvBuffer,
		MaxMessageSize:        c.MaxMessageSize,
		PartialDeliveryPoint:  c.PartialDeliveryPoint,
		MaxPaths:              c.MaxPaths,
		MaxMemory:             c.MaxMemory,
		MaxAssociations:       c.MaxAssociations,
		MTU:                   c.MTU,
		AutoClose:             c.AutoClose,
		Interleaving:          c.Interleaving,
		LinuxFSN:              c.LinuxFSN,
		Scheduler:             c.Scheduler,
		NoPartialReliability:  c.NoPartialReliability,
		NoReconfig:            c.NoReconfig,
		DenyReconfig:          c.DenyReconfig,
		CongestionControl:     c.CongestionControl,
		LossDetection:         c.LossDetection,
		NoNagle:               c.NoNagle,
		NoAuth:                c.NoAuth,
		AuthChunks:            slices.Clone(c.AuthChunks),
		AuthHMACs:             slices.Clone(c.AuthHMACs),
		AuthKeys:              cloneKeys(c.AuthKeys),
		AuthActiveKey:         c.AuthActiveKey,
		NoAddIP:               c.NoAddIP,
		BehindNAT:             c.BehindNAT,
		ErrorDetection:        c.errorDetection(),
	}
	c.pathParams(&p)
	return p
}

// errorDetection tells what the network does in place of the CRC32c. RFC 9653
// allows for this only what is known to protect as well.
func (c *Config) errorDetection() wire.ErrorDetectionMethod {
	if p, ok := c.Network.(udpencap.Protector); ok && !c.NoZeroChecksum {
		return wire.ErrorDetectionMethod(p.ErrorDetectionMethod())
	}
	return 0
}
