// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// A Direction is one of the two of an association, or both (Outbound|Inbound).
type Direction uint8

// The directions.
const (
	Outbound Direction = 1 << iota // from here to the peer
	Inbound                        // from the peer
)

// A ReconfigError says that the peer has not done what was asked for (RFC 6525,
// Section 4.4).
type ReconfigError = assoc.ReconfigError

// A ReconfigRequest is what a peer may ask for; see Config.DenyReconfig.
type ReconfigRequest = assoc.ReconfigRequest

// The requests of a peer.
const (
	ReconfigIncomingReset = assoc.ReconfigIncomingReset // that our outbound streams be reset
	ReconfigOutgoingReset = assoc.ReconfigOutgoingReset // that its outbound streams be reset
	ReconfigAssociation   = assoc.ReconfigAssociation   // that all streams and TSNs be reset
	ReconfigAddIncoming   = assoc.ReconfigAddIncoming   // that we get more outbound streams
	ReconfigAddOutgoing   = assoc.ReconfigAddOutgoing   // that it gets more outbound streams
	ReconfigAny           = assoc.ReconfigAny           // all of them
)

// ResetStreams numbers the ordered messages of streams from 0 again (RFC 6525),
// so that a stream can be used for something new. Outbound streams, inbound
// ones, or both; no ids are all of them. Messages that were sent before are
// sent first; those sent meanwhile wait. It returns when the peer has answered.
// Both sides get an EventStreamReset for each direction, when all messages
// from before have been delivered.
//
// Errors: ErrNotSupported if the peer does not know RFC 6525,
// ErrRequestInProgress while another request is, *ReconfigError if the peer
// refuses, ErrInvalidStream; those of the association if it ends meanwhile, or
// the context's, when the request goes on.
func (c *Conn) ResetStreams(ctx context.Context, dir Direction, ids ...uint16) error {
	if dir == 0 || dir&^(Outbound|Inbound) != 0 {
		return fmt.Errorf("sctp: resetting streams: direction %d is none of the constants", dir)
	}
	return c.reconfigure(ctx, func(now time.Time) error {
		return c.a.ResetStreams(now, dir&Outbound != 0, dir&Inbound != 0, ids...)
	})
}

// ResetAssociation begins all streams and the numbering of packets anew in both
// directions (RFC 6525, the SSN/TSN reset), once all that was sent has been
// acknowledged. What the peer has on its way is lost. It returns when the peer
// has answered; both sides get an EventAssociationReset. Errors are those of
// ResetStreams.
func (c *Conn) ResetAssociation(ctx context.Context) error {
	return c.reconfigure(ctx, c.a.ResetAssociation)
}

// AddStreams adds outbound streams, inbound ones, or both, with identifiers
// that follow those of the present ones (RFC 6525). It returns when the peer
// has answered; both sides get an EventStreamChange. Errors are those of
// ResetStreams.
func (c *Conn) AddStreams(ctx context.Context, outbound, inbound int) error {
	if outbound == 0 && inbound == 0 {
		return nil
	}
	return c.reconfigure(ctx, func(now time.Time) error { return c.a.AddStreams(now, outbound, inbound) })
}

// reconfigure makes a request and waits for its answer.
func (c *Conn) reconfigure(ctx context.Context, ask func(now time.Time) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := c.enter()
	if c.isClosed {
		c.leave(now, false)
		return net.ErrClosed
	}
	answered := make(chan error, 1)
	before, _ := c.a.Reconfigured()
	err := ask(now)
	if err == nil {
		c.reconfig = reconfigWaiter{before: before, answered: answered}
	}
	c.leave(now, false)
	if err != nil {
		return err
	}
	select {
	case err := <-answered:
		return err
	case <-c.done:
		return c.result()
	case <-c.closed:
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A reconfigWaiter waits for the answer to a request: there is one at a time.
type reconfigWaiter struct {
	before   uint64
	answered chan error
}

func (w *reconfigWaiter) check(a *assoc.Association) {
	if w.answered == nil {
		return
	}
	if n, err := a.Reconfigured(); n != w.before {
		w.answered <- err
		w.answered = nil
	}
}
