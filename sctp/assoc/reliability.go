// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"math"
	"time"
)

// A PRPolicy says when a message is not worth sending any more (RFC 3758,
// Section 4; RFC 7496, Section 3).
type PRPolicy uint8

// The policies.
const (
	PRNone           PRPolicy = iota // never: the message is reliable
	PRLifetime                       // after a time: "timed reliability"
	PRRetransmission                 // after so many retransmissions
	PRPriority                       // when the send buffer is needed for a message of higher priority

	prPolicies = iota
)

func (p PRPolicy) String() string {
	switch p {
	case PRNone:
		return "none"
	case PRLifetime:
		return "lifetime"
	case PRRetransmission:
		return "retransmissions"
	case PRPriority:
		return "priority"
	}
	return "invalid"
}

// A Reliability is how much is done to deliver a message. The zero value is
// all there is: the message is reliable.
type Reliability struct {
	policy PRPolicy
	value  int64
}

// Policy tells which of the policies it is.
func (r Reliability) Policy() PRPolicy { return r.policy }

// Lifetime makes a message be abandoned when it has not been delivered within a
// time from Send, which is looked at before each transmission of it (RFC 3758,
// Section 4.1). With a peer that does not know the extension it is only
// abandoned if nothing of it has been sent (RFC 9260, Section 11.1.5). A time
// that is not positive has passed at once.
func Lifetime(d time.Duration) Reliability { return Reliability{PRLifetime, int64(d)} }

// MaxRetransmissions makes a message be abandoned when one of its DATA chunks
// would be retransmitted more than n times; 0 is never (RFC 7496, Section 3.1).
// With a peer that does not know the extension the message is reliable.
func MaxRetransmissions(n uint16) Reliability { return Reliability{PRRetransmission, int64(n)} }

// Priority makes a message be abandoned when the send buffer is full and a
// message is to be sent that is reliable or has a higher priority: 0 is the
// highest (RFC 7496, Section 3.2). The lowest priority goes first, of the same
// the oldest. With a peer that does not know the extension only messages of
// which nothing has been sent are.
func Priority(n uint32) Reliability { return Reliability{PRPriority, int64(n)} }

// expiry is when a message that is sent now expires.
func (a *Association) expiry(now time.Time, r Reliability) time.Duration {
	if r.policy != PRLifetime {
		return 0
	}
	at := a.since(now) + time.Duration(max(r.value, 0))
	if at < 0 {
		return math.MaxInt64
	}
	return at
}

// Abandoned counts messages that were abandoned (RFC 7496, Sections 4.3 and
// 4.4). Each is in one of the two.
type Abandoned struct {
	Unsent uint64 // before any part of it was sent
	Sent   uint64 // after some had been
}

func (n *Abandoned) add(sent bool) {
	if sent {
		n.Sent++
	} else {
		n.Unsent++
	}
}

// An abandonment counts by policy: for the association, and for each stream on
// which something was abandoned.
type abandonment struct {
	all      [prPolicies]Abandoned
	byStream map[uint16]*[prPolicies]Abandoned
}

// abandonedCost is what an entry of byStream takes, in bytes.
const abandonedCost = prPolicies*16 + 32

func (n *abandonment) add(m *outMessage, sent bool) {
	n.all[m.rel.policy].add(sent)
	s := n.byStream[m.stream]
	if s == nil {
		if n.byStream == nil {
			n.byStream = make(map[uint16]*[prPolicies]Abandoned)
		}
		s = new([prPolicies]Abandoned)
		n.byStream[m.stream] = s
	}
	s[m.rel.policy].add(sent)
}

func sumOf(by *[prPolicies]Abandoned, policy PRPolicy) (n Abandoned) {
	for p, x := range by {
		if policy == PRNone || PRPolicy(p) == policy {
			n.Unsent += x.Unsent
			n.Sent += x.Sent
		}
	}
	return n
}

// Abandoned is how many messages were abandoned by a policy; PRNone: by any.
func (a *Association) Abandoned(policy PRPolicy) Abandoned {
	return sumOf(&a.abandoned.all, policy)
}

// AbandonedOn is Abandoned for one outbound stream.
func (a *Association) AbandonedOn(stream uint16, policy PRPolicy) Abandoned {
	if s := a.abandoned.byStream[stream]; s != nil {
		return sumOf(s, policy)
	}
	return Abandoned{}
}
