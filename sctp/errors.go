// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"fmt"
	"io"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// An AbortError says that an association was aborted, by which side and why.
type AbortError = assoc.AbortError

// A LostError says that the peer did not answer any more, or never did. Its
// Timeout method returns true, unless the error is ErrRefused.
type LostError = assoc.LostError

// A RefusedError says that the peer has refused to change an address.
type RefusedError = assoc.RefusedError

// Errors besides those of the standard library (io.EOF, net.ErrClosed,
// os.ErrDeadlineExceeded and those of contexts).
var (
	// ErrInvalidStream: the stream is not below the negotiated number.
	ErrInvalidStream = assoc.ErrInvalidStream
	// ErrMessageTooLarge: the message is larger than Config.MaxMessageSize.
	ErrMessageTooLarge = assoc.ErrMessageTooLarge
	// ErrEmptyMessage: a message has at least one byte.
	ErrEmptyMessage = assoc.ErrEmptyMessage
	// ErrShutdown: a graceful shutdown has begun, by this side or the peer;
	// nothing more can be sent.
	ErrShutdown = assoc.ErrShutdown
	// ErrNoSuchPath: the address is none of the peer's.
	ErrNoSuchPath = assoc.ErrNoSuchPath
	// ErrNoSuchAddress: the address is none of the Stack's, or the association
	// does not have it.
	ErrNoSuchAddress = assoc.ErrNoSuchAddress
	// ErrNoAddIP: the peer does not support ADD-IP (RFC 5061).
	ErrNoAddIP = assoc.ErrNoAddIP
	// ErrPortInUse: another Listener of the Stack has the SCTP port.
	ErrPortInUse = assoc.ErrPortInUse
	// ErrNotSupported: the peer does not know the extension.
	ErrNotSupported = assoc.ErrNotSupported
	// ErrRequestInProgress: another request to change the streams has not been
	// answered yet.
	ErrRequestInProgress = assoc.ErrRequestInProgress
	// ErrAssociationExists: there is an association between these two ports of
	// the two hosts already.
	ErrAssociationExists = assoc.ErrAssociationExists
	// ErrRefused: the hosts at all addresses of the peer say that nobody has its
	// UDP port (ICMP). A LostError of Dial wraps it.
	ErrRefused = assoc.ErrRefused
	// ErrRestart is what an open Stream returns after the peer lost its state
	// and restarted the association: what was under way on it is lost.
	// Conn.Stream then gives a new view, and the Conn goes on.
	ErrRestart = errors.New("sctp: peer restarted the association")
)

// A ShortBufferError is returned by Conn.RecvBuf if the next message is larger
// than the buffer. The message stays queued. It matches io.ErrShortBuffer.
type ShortBufferError struct {
	// Size is that of the message in bytes.
	Size int
}

func (e *ShortBufferError) Error() string {
	return fmt.Sprintf("sctp: short buffer: next message has %d bytes", e.Size)
}

// Unwrap returns io.ErrShortBuffer.
func (e *ShortBufferError) Unwrap() error { return io.ErrShortBuffer }
