// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rserpool/rserpool/sctp/wire"
)

// Errors of the commands.
var (
	// ErrWouldBlock: the send buffer has no room for the message now.
	ErrWouldBlock = errors.New("sctp: send buffer is full")
	// ErrInvalidStream: the stream is not below the negotiated number.
	ErrInvalidStream = errors.New("sctp: invalid stream identifier")
	// ErrMessageTooLarge: the message is larger than Config.MaxMessageSize.
	ErrMessageTooLarge = errors.New("sctp: message too large")
	// ErrEmptyMessage: a message has at least one byte (RFC 9260, Section 6.2).
	ErrEmptyMessage = errors.New("sctp: empty message")
	// ErrShutdown: a shutdown has begun, nothing more can be sent.
	ErrShutdown = errors.New("sctp: association is shutting down")
	// ErrNoSuchPath: the address is none of the peer's.
	ErrNoSuchPath = errors.New("sctp: no such peer address")
	// ErrNoSuchAddress: the address is none of ours, or not of the association.
	ErrNoSuchAddress = errors.New("sctp: no such local address")
	// ErrPortInUse: another listener has the SCTP port.
	ErrPortInUse = errors.New("sctp: port in use")
	// ErrAssociationExists: there is an association between the two ports
	// already.
	ErrAssociationExists = errors.New("sctp: association exists")
	// ErrNoLocalAddress: the stack has no address from which the peer's could
	// be reached.
	ErrNoLocalAddress = errors.New("sctp: no suitable local address")
	// ErrRefused: the hosts at all addresses of the peer say that nobody has its
	// UDP port.
	ErrRefused = errors.New("sctp: UDP port unreachable")
)

// An AbortError says that an association was aborted (RFC 9260, Section 9.1).
type AbortError struct {
	// Peer tells whether the peer aborted it, or this side.
	Peer bool
	// Causes holds the raw error causes of the ABORT chunk (wire.NextCause).
	Causes []byte
	// Reason is the Upper Layer Abort Reason, or the reason of this side.
	Reason string
}

func (e *AbortError) Error() string {
	var b strings.Builder
	b.WriteString("sctp: association aborted")
	if e.Peer {
		b.WriteString(" by peer")
	}
	rest := e.Causes
	for len(rest) > 0 {
		c, r, err := wire.NextCause(rest)
		if err != nil {
			break
		}
		fmt.Fprintf(&b, ": %v", c.Code)
		rest = r
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	return b.String()
}

// A LostError says that the peer was not reachable any more, or never
// (COMMUNICATION LOST; RFC 9260, Sections 8.1 and 11.2.4).
type LostError struct {
	Reason string
	Err    error // ErrRefused or nil
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

func (e *LostError) Error() string { return "sctp: association lost: " + e.Reason }

// Timeout makes a LostError a net.Error's timeout, unless the peer's host has
// refused.
func (e *LostError) Timeout() bool { return e.Err == nil }

// Temporary is false: a new association is needed.
func (e *LostError) Temporary() bool { return false }
