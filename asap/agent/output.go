// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// An Addr is where a registrar is: an SCTP endpoint, or a TCP port that is reached at any of the IPs.
type Addr struct {
	TCP       bool
	TLS       bool // over TCP, which is set, too
	IPs       []netip.Addr
	Port      uint16
	EncapPort uint16 // UDP port (RFC 6951) of SCTP; 0 is 9899
}

// String returns for example "10.0.0.1,10.1.0.1:3863", with "/UDPPORT" unless that is 9899, or "tcp://10.0.0.1:3863",
// or "tls://10.0.0.1:3864".
func (a Addr) String() string {
	ips := make([]string, len(a.IPs))
	for i, ip := range a.IPs {
		ips[i] = ip.String()
		if ip.Is6() {
			ips[i] = "[" + ips[i] + "]"
		}
	}
	s := fmt.Sprintf("%s:%d", strings.Join(ips, ","), a.Port)
	switch {
	case a.TLS:
		return "tls://" + s
	case a.TCP:
		return "tcp://" + s
	}
	if p := a.encapPort(); p != param.DefaultEncapPort {
		s += fmt.Sprintf("/%d", p)
	}
	return s
}

func (a Addr) encapPort() uint16 {
	if a.EncapPort == 0 {
		return param.DefaultEncapPort
	}
	return a.EncapPort
}

func (a Addr) equal(b Addr) bool {
	return a.TCP == b.TCP && a.TLS == b.TLS && a.Port == b.Port && a.encapPort() == b.encapPort() && slices.Equal(a.IPs, b.IPs)
}

// isLoopback reports whether the address is on this host only.
func (a Addr) isLoopback() bool {
	return len(a.IPs) > 0 && !slices.ContainsFunc(a.IPs, func(ip netip.Addr) bool { return !ip.IsLoopback() })
}

// A LinkID names an association with a registrar. It is never used again.
type LinkID uint64

// An Action is what the shell has to do, in the order of PollAction: [Connect], [Send] or [Disconnect].
type Action interface{ action() }

// Connect asks for an association with a registrar, from the registration port, or for a TCP connection if Addr says so. It is answered by HandleConnected or
// HandleLost, unless a Disconnect comes first.
type Connect struct {
	Link LinkID
	Addr Addr
}

// Send asks to send a message on a link, with asap.PPID on stream 0 if it is an association.
type Send struct {
	Link    LinkID
	Message asap.Message
	Data    []byte // the encoded message
}

// Disconnect asks to end a link, or the attempt to connect it. Nothing need be reported about it any more.
type Disconnect struct {
	Link LinkID
	// Reason says why, for the peer and the log.
	Reason string
}

func (Connect) action()    {}
func (Send) action()       {}
func (Disconnect) action() {}

// An Event is what the user is told, in the order of PollEvent. It is one of the types below.
type Event interface{ event() }

// EventHome reports a new home registrar.
type EventHome struct {
	Link LinkID
	Addr Addr
	// ServerID is its identifier, 0 if it is not known yet.
	ServerID uint32
	// Adopted says that it asked to be the home registrar with a keep-alive.
	Adopted bool
}

// EventHomeLost reports that the home registrar is gone. A hunt for another one has begun.
type EventHomeLost struct {
	Addr Addr
	Err  error
}

// EventHuntFailed reports that no registrar could be reached. The hunt goes on.
type EventHuntFailed struct {
	Err error // a *HuntError
}

// EventRegistered reports that a registrar has accepted a registration.
type EventRegistered struct {
	Key
	// First says that the element was not registered before, or not with this registrar.
	First bool
	// Warnings are what the registrar remarked, or nil.
	Warnings param.OperationError
}

// EventUnregistered reports that an element is not registered, or that it is not known to be.
type EventUnregistered struct {
	Key
	// Err is a *RejectedError, a *TimeoutError, or what ended the link with the home registrar.
	Err error
	// Final says that the agent does not try again.
	Final bool
}

// EventDeregistered reports the end of a deregistration.
type EventDeregistered struct {
	Key
	Err error // nil, *RejectedError or *TimeoutError
}

// EventResolved is the answer to Resolve.
type EventResolved struct {
	ID     ResolveID
	Handle param.PoolHandle
	// Elements are in the order of preference. There is at least one, unless there is an error.
	Elements []param.PoolElement
	Policy   param.Policy // of the pool
	// Cached says that no registrar was asked.
	Cached bool
	Err    error
}

// EventDiscarded reports a message that was not used, for the log.
type EventDiscarded struct {
	Link LinkID
	Err  error
}

func (EventHome) event()         {}
func (EventHomeLost) event()     {}
func (EventHuntFailed) event()   {}
func (EventRegistered) event()   {}
func (EventUnregistered) event() {}
func (EventDeregistered) event() {}
func (EventResolved) event()     {}
func (EventDiscarded) event()    {}
