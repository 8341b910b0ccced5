// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// powerCut boots a node with a program that dials us, moves some data, and ends the node.
func powerCut(t *testing.T, cfg sctp.Config) (c *sctp.Conn, events *eventLog, ln *sctp.Listener, rec *capture, again string) {
	t.Helper()
	l := lab.New(t)
	l.BuildKernelPeer(t)
	ctx := within(t, time.Minute)
	ln, err := labStack(t, cfg).Listen(peerPort)
	require.NoError(t, err)
	rec = newCapture(t, "restart", 20_000, [2]string{"brA", "10.44.0.255"}, [2]string{"brB", "10.45.0.255"})
	again = fmt.Sprintf("kernelpeer -dial -port %d -lport 5001 -remote %s -local %s -role sink -progress 1",
		peerPort, addrText(labAddrs), addrText(kernelAddrs))
	node := l.Node(t, kernelNode, again)
	c, err = ln.Accept(ctx)
	require.NoError(t, err)
	events = watch(t, c)
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("before")}))
	node.WaitLine(ctx, "^event=progress dir=rcvd bytes=6$")
	node.Kill()
	return c, events, ln, rec, again
}

// RFC 9260, Section 5.2: a peer that lost its state and sets the association up again, from the same
// ports, restarts it. Our Conn goes on, is told so, and no second one is accepted.
func TestKernelRestart(t *testing.T) {
	// A HEARTBEAT, or DATA sent again, would meet a kernel that has booted and not dialled yet.
	c, events, ln, rec, again := powerCut(t, sctp.Config{
		Network: singly, HeartbeatInterval: -1, RTOInitial: time.Minute, RTOMin: time.Minute,
	})
	l := lab.New(t)
	ctx := within(t, 2*time.Minute)
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("lost")}))
	node := l.Node(t, kernelNode, again)
	failed := waitEvent[sctp.EventSendFailed](t, ctx, events, nil)
	require.Equal(t, "lost", string(failed.Message.Data))
	waitEvent[sctp.EventRestart](t, ctx, events, nil)
	require.EqualValues(t, 1, c.Stats().Restarts)
	require.NoError(t, send(ctx, c, spec(2, fewBytes)))
	require.NoError(t, c.Shutdown(ctx))
	program{Process: node.Process}.got(t, ctx, "rcvd", expect(spec(2, fewBytes)))
	require.Equal(t, 0, node.Wait(ctx))
	require.NoError(t, ln.Close())
	_, err := ln.Accept(ctx)
	require.Error(t, err, "a second association")
	rec.check(t, l)
}

// RFC 9260, Section 8.4: a kernel that does not know the association answers what we send with an
// ABORT with the T bit, and that ends it (Section 8.5.1).
func TestKernelForgot(t *testing.T) {
	c, events, _, rec, _ := powerCut(t, sctp.Config{Network: singly, HeartbeatInterval: -1})
	l := lab.New(t)
	ctx := within(t, 2*time.Minute)
	node := l.Node(t, kernelNode, "read x")
	node.WaitUp(ctx)
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("after")}))
	failed := waitEvent[sctp.EventSendFailed](t, ctx, events, nil)
	require.Equal(t, "after", string(failed.Message.Data))
	err := waitLost(t, ctx, events)
	var abort *sctp.AbortError
	require.ErrorAs(t, err, &abort)
	require.True(t, abort.Peer)
	file := rec.check(t, l)
	require.Positive(t, l.CountPackets(t, file, "ip.src == 10.44.0.2 && sctp.chunk_type == 6 && sctp.abort_t_bit == 1"))
}

// RFC 9260, Section 8.1: a peer that does not answer any more is given up after
// Association.Max.Retrans retransmissions.
func TestKernelGone(t *testing.T) {
	cfg := quick
	cfg.AssociationMaxRetrans = 6
	c, events, _, rec, _ := powerCut(t, cfg)
	ctx := within(t, time.Minute)
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("after")}))
	var inactive []netip.Addr
	for range kernelAddrs {
		e := waitEvent(t, ctx, events, func(e sctp.EventPathChange) bool { return e.State == sctp.PathInactive })
		inactive = append(inactive, e.Remote.Addr())
	}
	require.ElementsMatch(t, kernelAddrs, inactive)
	failed := waitEvent[sctp.EventSendFailed](t, ctx, events, nil)
	require.Equal(t, "after", string(failed.Message.Data))
	var lost *sctp.LostError
	require.ErrorAs(t, waitLost(t, ctx, events), &lost)
	rec.check(t, lab.New(t))
}
