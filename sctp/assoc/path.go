// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// A path is a destination transport address of the peer and all that is known
// about it. It changes only itself.
type path struct {
	index  int
	remote netip.AddrPort // address and UDP encapsulation port
	local  netip.AddrPort // where packets to it are sent from
	tried  netip.AddrPort // where what wants an answer was sent from last
	state  PathState
	told   PathState // what the user knows

	rto        rtoEstimator
	cc         congestion
	pace       pacer
	mtu        int
	errorCount int
	flightSize int    // bytes of DATA chunks, headers and padding included
	timeouts   int    // of T3-rtx, since data was acknowledged
	resent     uint64 // DATA chunks sent there again
	solo       bool   // one packet in flight, since T3-rtx expired
	t3RTX      time.Time

	// One RTT measurement at a time (RFC 9260, Section 6.3.1, C4).
	rttTSN     wire.TSN
	rttStart   time.Time
	rttPending bool

	rack   *rack         // nil: LossDetectionStandard
	reoWnd time.Duration // RACK.reo_wnd, of the SACK being processed

	hb heartbeat
	pm pmtud

	// What ICMP said about an INIT sent there.
	refused, unreachable bool

	sack pathSack // of the SACK being processed
}

func newPath(index int, remote, local netip.AddrPort, c *Config) *path {
	p := &path{index: index, remote: remote, local: local}
	p.rto.init(c)
	p.setMTU(c.MTU)
	p.cc.init(c.CongestionControl, p.ipv6())
	if c.LossDetection == LossDetectionRACK {
		p.rack = new(rack)
	}
	return p
}

func (p *path) ipv6() bool { return p.remote.Addr().Is6() }

// maxPacket is the largest SCTP packet: the MTU without IP and UDP headers.
func (p *path) maxPacket() int { return maxPacket(p.mtu, p.remote.Addr()) }

func maxPacket(mtu int, dst netip.Addr) int {
	if dst.Is6() {
		return (mtu - ipv6UDPOverIP) &^ 3
	}
	return (mtu - ipv4UDPOverIP) &^ 3
}

func (p *path) setMTU(mtu int) {
	p.mtu = mtu
	p.cc.pmdcs = p.maxPacket() - wire.HeaderLen
}

// usable tells whether data may be sent there at all.
func (p *path) usable() bool { return p.state == PathActive }

// mayAdd tells whether another packet of DATA chunks may be sent there. RFC
// 9260, Section 7.2.1, after a retransmission timeout: "only one packet is
// allowed to be in flight until successful acknowledgement."
func (p *path) mayAdd() bool {
	return p.cc.mayAddTo(p.flightSize) && !(p.solo && p.flightSize > 0)
}

// startT3 implements RFC 9260, Section 6.3.2, R1: "if the T3-rtx timer of that
// address is not running, start it running so that it will expire after the
// RTO of that address".
func (p *path) startT3(now time.Time) {
	if p.t3RTX.IsZero() {
		p.t3RTX = now.Add(p.rto.rto)
	}
}

func (p *path) restartT3(now time.Time) { p.t3RTX = now.Add(p.rto.rto) }
func (p *path) stopT3()                 { p.t3RTX = time.Time{} }

// startRTT begins a measurement with a chunk that is sent for the first time,
// unless one is under way.
func (p *path) startRTT(now time.Time, tsn wire.TSN) {
	if !p.rttPending {
		p.rttPending, p.rttTSN, p.rttStart = true, tsn, now
	}
}

// onAcked ends a measurement when its chunk is acknowledged.
func (p *path) onAcked(now time.Time, tsn wire.TSN) {
	if p.rttPending && p.rttTSN == tsn {
		p.rttPending = false
		p.rto.measure(now.Sub(p.rttStart))
	}
}

// onRetransmit gives a measurement up. RFC 9260, Section 6.3.1, C5: "RTT
// measurements SHOULD only be made using a DATA chunk with TSN r if no DATA
// chunk with TSN less than or equal to r was retransmitted since".
func (p *path) onRetransmit(tsn wire.TSN) {
	if p.rttPending && tsn.LessEq(p.rttTSN) {
		p.rttPending = false
	}
}
