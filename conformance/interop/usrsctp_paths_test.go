// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

func TestUsrsctpCutSending(t *testing.T)   { testCutSending(t, newUsrsctp(t, "-quick")) }
func TestUsrsctpCutReceiving(t *testing.T) { testCutReceiving(t, newUsrsctp(t, "-quick")) }
func TestUsrsctpLoss(t *testing.T)         { testLoss(t, newUsrsctp(t, "-quick")) }
func TestUsrsctpPrimary(t *testing.T)      { testPrimary(t, newUsrsctp(t)) }

// RFC 9260, Section 5.2: a peer that lost its state and sets the association up again, from the same
// ports, restarts it.
func TestUsrsctpRestart(t *testing.T) {
	ctx := within(t, time.Minute)
	f := newUsrsctp(t, "-lport 5001")
	rec := f.capture(t, "restart", 20_000)
	c, p := f.connect(t, ctx, labStack(t, sctp.Config{Network: singly, HeartbeatInterval: -1}), itDial, "-role sink -progress 1")
	events := watch(t, c)
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("before")}))
	p.WaitLine(ctx, "^event=progress dir=rcvd bytes=6$")
	p.Kill()
	p = f.start("-dial -role sink -remote " + addrText(labAddrs) + " -local " + addrText(f.addrs))
	waitEvent[sctp.EventRestart](t, ctx, events, nil)
	require.EqualValues(t, 1, c.Stats().Restarts)
	require.NoError(t, send(ctx, c, spec(2, fewBytes)))
	require.NoError(t, c.Shutdown(ctx))
	p.got(t, ctx, "rcvd", expect(spec(2, fewBytes)))
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}

// A peer that ends without a word is given up after Association.Max.Retrans retransmissions.
func TestUsrsctpGone(t *testing.T) {
	ctx := within(t, time.Minute)
	f := newUsrsctp(t)
	rec := f.capture(t, "gone", 20_000)
	cfg := quick
	cfg.AssociationMaxRetrans = 6
	c, p := f.connect(t, ctx, labStack(t, cfg), weDial, "-role sink")
	events := watch(t, c)
	primary(t, ctx, f, c)
	p.Kill()
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("after")}))
	failed := waitEvent[sctp.EventSendFailed](t, ctx, events, nil)
	require.Equal(t, "after", string(failed.Message.Data))
	var lost *sctp.LostError
	require.ErrorAs(t, waitLost(t, ctx, events), &lost)
	rec.check(t, lab.New(t))
}
