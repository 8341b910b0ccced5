// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

// HandleConnected answers a [Connect]: the association is up and speaks its protocol. Like HandleAssocUp it reports false
// if the association is to be aborted.
func (e *Engine) HandleConnected(now time.Time, connect uint64, assoc uint64, p Peer) bool {
	return false
}

// HandleConnectFailed answers a [Connect] that came to nothing.
func (e *Engine) HandleConnectFailed(now time.Time, connect uint64) {}

// HandleENRP handles a message that came over an association with the payload protocol identifier of ENRP. The bytes are
// not kept.
func (e *Engine) HandleENRP(now time.Time, assoc uint64, b []byte) {}

// HandleENRPDatagram handles a datagram that came to the multicast group of the ENRP servers: a presence.
func (e *Engine) HandleENRPDatagram(now time.Time, src netip.AddrPort, b []byte) {}

// A PeerState says what is thought of a peer.
type PeerState uint8

// The states of peers.
const (
	PeerNew       PeerState = iota // heard of, but not from, over an association
	PeerActive                     // alive
	PeerProbed                     // asked whether it is alive
	PeerTakeover                   // dead; its pool elements are being taken over by this registrar
	PeerNotActive                  // another registrar takes its pool elements over
)

func (s PeerState) String() string {
	names := [...]string{"new", "active", "probed", "being taken over", "not active"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// A PeerInfo says what is known of another registrar.
type PeerInfo struct {
	ID        uint32
	State     PeerState
	Target    Target    // where it is reached
	Assoc     uint64    // over which; 0 if over none
	LastHeard time.Time // "peer_last_heard"; zero if never
	Elements  int       // that it owns
	Checksum  param.PEChecksum
}

// Peers returns what is known of other registrars, in the order of their identifiers.
func (e *Engine) Peers() []PeerInfo { return nil }
