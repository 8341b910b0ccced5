// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An Association is one SCTP association: the TCB of RFC 9260, Section 14.2,
// as a set of sub-machines. Its methods need one caller at a time.
type Association struct {
	id  uint64
	cfg *Config
	jar *cookieJar
	rng *rand.Rand

	localPort, remotePort uint16
	local                 []netip.AddrPort
	localMTU              map[netip.Addr]int
	myTag, peerTag        uint32
	state                 State
	up                    bool  // EventCommUp has been reported
	err                   error // why it closed
	identityChanged       bool
	indexed               index // of the Stack

	// Setting up.
	t1           retryTimer // T1-init in COOKIE-WAIT, T1-cookie in COOKIE-ECHOED
	cookie       []byte     // to echo
	initTSN      wire.TSN   // of the INIT or INIT ACK we sent
	ext          extensions // that both sides have
	auth         authState
	outboundWant int
	staleRetries int
	preserve     uint32 // Cookie Preservative to ask for, in milliseconds
	cookieEchoed time.Time

	// Paths.
	paths           []*path
	primary         *path
	primaryWanted   *path // asked for by the peer, when it is confirmed
	errorCount      int   // consecutive errors over all paths (Section 8.1)
	amdcsCache      int   // AMDCS, or 0 if a path has changed
	dataPathCurrent *path
	ecn             ecnState
	acked           int // bytes of DATA chunks, up to searchAfter

	// Receiving.
	tracker    tsnTracker
	reassembly reassembler
	ack        ackState

	// Sending.
	queue            sendQueue
	scheduling       scheduling
	out              outstanding
	outbound         int // streams
	peerArwnd        int
	budget           budget
	tuning           tuning
	fastRecovery     bool
	fastRecoveryExit wire.TSN
	reducedAt        wire.TSN // the TSN that was next when fast recovery began
	tlp              lossProbe
	begun            time.Time // see since
	lastUserData     time.Time // see autoClose
	retransmitFrom   wire.TSN  // no chunk below is marked
	mayExceedCwnd    bool      // one packet of retransmissions is free of cwnd
	nagle            time.Time
	nagleOver        bool
	probe            windowProbe
	sackSinceProbe   bool

	reconfig  reconfig
	forward   forwarder
	abandoned abandonment
	asconf    asconfState

	// Shutting down.
	t2              retryTimer
	t5ShutdownGuard time.Time
	shutdownWanted  bool // before ESTABLISHED

	replies    []outReply
	replied    int // bytes of answers to the packet being handled
	events     []Event
	stats      Stats
	gapScratch []tsnRange
	sackIn     wire.Sack
	forwardIn  wire.ForwardTSN
	iforwardIn wire.IForwardTSN
	sackOut    wire.Sack
}

// ID is unique among the associations of a stack.
func (a *Association) ID() uint64 { return a.id }

// LocalPort and PeerPort are the SCTP ports.
func (a *Association) LocalPort() uint16 { return a.localPort }

// PeerPort is the SCTP port of the peer.
func (a *Association) PeerPort() uint16 { return a.remotePort }

// State is the state of RFC 9260, Section 4.
func (a *Association) State() State { return a.state }

// Err says why the association closed: nil while it has not, or if it was
// shut down gracefully.
func (a *Association) Err() error { return a.err }

// Closed tells whether nothing is left to do but to poll what remains.
func (a *Association) Closed() bool { return a.state == StateClosed && len(a.replies) == 0 }

// IdentityChanged tells whether Stack.Sync must be called, before the next
// packet is sent: what it provokes may come from an address that is new.
func (a *Association) IdentityChanged() bool { return a.identityChanged }

// Streams returns the numbers of streams negotiated.
func (a *Association) Streams() (outbound, inbound int) {
	return a.outbound, a.reassembly.limit
}

// PollEvent returns the next event.
func (a *Association) PollEvent() (Event, bool) {
	if len(a.events) == 0 {
		return nil, false
	}
	e := a.events[0]
	a.events[0] = nil
	a.events = a.events[1:]
	if len(a.events) == 0 {
		a.events = nil
	}
	return e, true
}

func (a *Association) event(e Event) { a.events = append(a.events, e) }

// maxPeerErrors bounds the events that wait when an EventPeerError is added:
// ERROR chunks are the only ones a peer can send as many of as it likes.
const maxPeerErrors = 64

func (a *Association) peerError(causes []byte) {
	if len(a.events) < maxPeerErrors {
		a.event(EventPeerError{Causes: bytes.Clone(causes)})
	}
}

// PollMessage returns the next message received. Its Data belongs to the
// caller, who may give it back with Recycle. It counts as unread until
// Consumed.
func (a *Association) PollMessage() (Message, bool) { return a.reassembly.ready.pop() }

// Recycle gives the Data of a received message back.
func (a *Association) Recycle(data []byte) { a.reassembly.pool.put(data) }

// Consumed tells that the user has read messages, which opens the receive
// window. RFC 9260, Section 6.2: "send a window update only if the window can
// be increased by at least a quarter of the receive buffer size".
func (a *Association) Consumed(now time.Time, messages, bytes int) {
	a.reassembly.unread -= bytes
	a.reassembly.unreadMessages -= messages
	a.tuneRecv(now, bytes+messages*perUnreadCost)
	if a.state.mayReceiveData() && a.arwnd()-a.ack.advertised >= a.inData(a.recvBuffer())/4 {
		a.ack.due = true
	}
}

// Send queues a message and copies its data (RFC 9260, Section 11.1.5).
func (a *Association) Send(now time.Time, m Message) error {
	switch {
	case len(m.Data) == 0:
		return ErrEmptyMessage
	case len(m.Data) > a.cfg.MaxMessageSize:
		return fmt.Errorf("%w: %d bytes, limit %d", ErrMessageTooLarge, len(m.Data), a.cfg.MaxMessageSize)
	case a.state == StateClosed && a.err != nil:
		return a.err
	case !a.state.acceptsUserData():
		return ErrShutdown
	case int(m.Stream) >= a.outbound:
		return fmt.Errorf("%w: %d of %d", ErrInvalidStream, m.Stream, a.outbound)
	}
	if !a.sendFits(len(m.Data)) {
		if a.makeRoom(now, len(m.Data), m.Reliability); !a.sendFits(len(m.Data)) {
			return ErrWouldBlock
		}
	}
	a.queue.push(&m, a.expiry(now, m.Reliability))
	a.userData(now)
	a.stats.MessagesSent++
	a.stats.BytesSent += uint64(len(m.Data))
	a.dataPath().cc.openBurst(0, a.cfg.MaxBurst)
	return nil
}

func (a *Association) sendFits(n int) bool {
	if a.Lacks(n) {
		return false
	}
	return a.queue.bytes == 0 || a.queue.bytes+n+perMessageCost <= a.sendBuffer()
}

// SendSpace is how many bytes of a message Send would take now, or 0.
func (a *Association) SendSpace() int {
	n := a.cfg.MaxMessageSize
	if a.queue.bytes > 0 {
		n = a.sendBuffer() - a.queue.bytes - perMessageCost
	}
	if a.budget.limited {
		n = min(n, a.sendRoom()-perMessageCost)
	}
	return max(0, n)
}

// Outstanding is how many bytes of user data are in flight.
func (a *Association) Outstanding() int { return a.out.bytes }

// SetPrimary chooses the path that data takes unless it is inactive (RFC 9260,
// Section 11.1.3).
func (a *Association) SetPrimary(remote netip.Addr) error {
	p := a.pathTo(remote.Unmap())
	if p == nil {
		return fmt.Errorf("%w: %v", ErrNoSuchPath, remote)
	}
	if p.state == PathUnconfirmed {
		return fmt.Errorf("sctp: peer address %v is not confirmed", remote)
	}
	a.primary, a.dataPathCurrent = p, nil
	return nil
}

// RequestHeartbeat sends a HEARTBEAT to an address now (RFC 9260, Section
// 11.1.8).
func (a *Association) RequestHeartbeat(now time.Time, remote netip.Addr) error {
	p := a.pathTo(remote.Unmap())
	if p == nil {
		return fmt.Errorf("%w: %v", ErrNoSuchPath, remote)
	}
	if !a.mayHeartbeat() {
		return ErrShutdown
	}
	p.hb.asked = true
	return nil
}

// Paths appends a snapshot of every path to dst.
func (a *Association) Paths(dst []PathInfo) []PathInfo {
	for _, p := range a.paths {
		dst = append(dst, PathInfo{
			Local: p.local, Remote: p.remote, State: a.shown(p), Primary: p == a.primary,
			SRTT: p.rto.srtt, RTTVAR: p.rto.rttvar, RTO: p.rto.rto, ErrorCount: p.errorCount,
			CongestionWindow: p.cc.cwnd, SlowStartThreshold: p.cc.ssthresh, FlightSize: p.flightSize, MTU: p.mtu, MTUState: p.pm.state,
			Retransmissions: p.resent,
		})
	}
	return dst
}

// Stats returns the counters.
func (a *Association) Stats() Stats {
	s := a.stats
	s.SendQueueBytes, s.RecvQueueBytes = a.queue.bytes, a.reassembly.unread+a.reassembly.held
	s.MessagesReceived, s.BytesReceived = a.reassembly.delivered, a.reassembly.deliveredBytes
	s.ARwnd, s.PeerARwnd, s.OutstandingBytes = a.arwnd(), a.peerArwnd, a.out.bytes
	s.OutboundStreams, s.InboundStreams = a.Streams()
	s.Paths = len(a.paths)
	n := a.Abandoned(PRNone)
	s.AbandonedUnsent, s.AbandonedSent = n.Unsent, n.Sent
	return s
}

// close ends the association. What was not acknowledged is reported.
func (a *Association) close(err error) {
	if a.state == StateClosed {
		return
	}
	a.releaseAtEnd() // it has been acknowledged
	a.reassembly.cutAll(false)
	a.failUnacknowledged()
	a.state, a.err = StateClosed, err
	a.identityChanged = true
	a.stopTimers()
	a.asconf = asconfState{}
	a.dropBundled()
	a.event(EventCommLost{Err: err})
}

// stopTimers: of several that expire together, the first may end the association.
func (a *Association) stopTimers() {
	a.t1.stop()
	a.t2.stop()
	a.asconf.t4.stop()
	a.tlp.timer, a.reconfig.timer, a.ack.delay, a.nagle = nilTime, nilTime, nilTime, nilTime
	a.probe.deadline, a.t5ShutdownGuard = nilTime, nilTime
	for _, p := range a.paths {
		p.stopT3()
		p.hb.stop()
		p.pm.disable()
		if p.rack != nil {
			p.rack.timer = nilTime
		}
	}
}

// failUnacknowledged reports messages that were given up (RFC 9260, Section
// 11.2.2), oldest first.
func (a *Association) failUnacknowledged() {
	for tsn := a.out.cumAck.Add(1); tsn != a.out.next; tsn = tsn.Add(1) {
		if m := a.out.at(tsn).msg; m != nil && !m.reported && !m.abandoned {
			m.reported = true
			a.event(EventSendFailed{Message: m.message(), Sent: true})
		}
	}
	for _, m := range a.queue.list() {
		if !m.reported {
			a.event(EventSendFailed{Message: m.message(), Sent: m.cut > 0 || m.tried})
		}
		a.queue.n--
		a.queue.unsent -= len(m.data) - m.cut
	}
	a.queue.rebuild(nil)
}

func (m *outMessage) message() Message {
	return Message{Stream: m.stream, PPID: m.ppid, Unordered: m.unordered, Data: m.data, Reliability: m.rel}
}
