// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// A Reliability is how much is done to deliver a message: Message.Reliability.
// The zero value is all there is. What is given up is reported in
// EventSendFailed.
type Reliability = assoc.Reliability

// A PRPolicy says when a message is not worth sending any more (RFC 3758, RFC
// 7496).
type PRPolicy = assoc.PRPolicy

// The policies.
const (
	PRNone           = assoc.PRNone
	PRLifetime       = assoc.PRLifetime
	PRRetransmission = assoc.PRRetransmission
	PRPriority       = assoc.PRPriority
)

// Abandoned counts messages that were abandoned (RFC 7496, Section 4.3).
type Abandoned = assoc.Abandoned

// Lifetime makes a message be abandoned when it has not been delivered within a
// time from Send, which is looked at before each transmission of it (RFC 3758,
// Section 4.1). With a peer that does not know the extension it is only
// abandoned if nothing of it has been sent. A time that is not positive has
// passed at once.
func Lifetime(d time.Duration) Reliability { return assoc.Lifetime(d) }

// MaxRetransmissions makes a message be abandoned when a part of it would be
// retransmitted more than n times; 0 is never (RFC 7496, Section 3.1). With a
// peer that does not know the extension the message is reliable.
func MaxRetransmissions(n uint16) Reliability { return assoc.MaxRetransmissions(n) }

// Priority makes a message be abandoned when the send buffer is full and a
// message is to be sent that is reliable or has a higher priority: 0 is the
// highest (RFC 7496, Section 3.2). With a peer that does not know the extension
// only messages of which nothing has been sent are.
func Priority(n uint32) Reliability { return assoc.Priority(n) }

// Abandoned is how many messages were abandoned by a policy; PRNone: by any (RFC
// 7496, Section 4.4).
func (c *Conn) Abandoned(policy PRPolicy) Abandoned {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.Abandoned(policy)
}

// AbandonedOn is Abandoned for one outbound stream (RFC 7496, Section 4.3).
func (c *Conn) AbandonedOn(stream uint16, policy PRPolicy) Abandoned {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.a.AbandonedOn(stream, policy)
}
