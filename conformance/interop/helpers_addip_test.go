// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// Addresses that are ours for a test: one to begin with and one to move to.
var (
	oldAddr = netip.MustParseAddr("10.44.0.21")
	newAddr = netip.MustParseAddr("10.44.0.22")
)

// moreAddrs gives this host the two.
func moreAddrs(t *testing.T) {
	t.Helper()
	for _, ip := range []netip.Addr{oldAddr, newAddr} {
		ipAddr(t, "add", ip)
		t.Cleanup(func() { ipAddr(t, "del", ip) })
	}
}

// With a prefix of their own they are their own source, also to themselves.
func ipAddr(t *testing.T, verb string, ip netip.Addr) {
	out, err := exec.Command("ip", "addr", verb, ip.String()+"/32", "dev", "brA").CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// blackHole loses what comes to one of our addresses.
func blackHole(t *testing.T, ip netip.Addr) {
	t.Helper()
	nft := func(rules string) {
		out, err := exec.Command("nft", "table inet gone; delete table inet gone; "+rules).CombinedOutput()
		require.NoError(t, err, "nft: %s", out)
	}
	nft(fmt.Sprintf("table inet gone { chain in { type filter hook input priority 0; ip daddr %s udp dport 9899 drop; }; }", ip))
	t.Cleanup(func() { nft("") })
}

// movingStack is a stack at the old address.
func movingStack(t *testing.T, cfg sctp.Config, ips ...netip.Addr) *sctp.Stack {
	t.Helper()
	cfg.Network = singly
	cfg.LocalAddrs = ips
	cfg.EncapPort = udpencap.DefaultPort
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	stack, err := sctp.NewStack(&cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stack.Close() })
	return stack
}

// dialMoving dials the peer from the stack.
func dialMoving(t *testing.T, f *foreign, stack *sctp.Stack, options string) (*sctp.Conn, program) {
	t.Helper()
	ctx := within(t, 30*time.Second)
	p := f.start("-listen " + options + " -local " + addrText(f.addrs))
	p.WaitLine(ctx, "event=listening")
	c, err := stack.Dial(ctx, &sctp.Addr{IPs: f.addrs, Port: peerPort, EncapPort: f.udp})
	require.NoError(t, err)
	p.isUp(ctx)
	return c, p
}

// acceptMoving lets the peer dial the stack.
func acceptMoving(t *testing.T, f *foreign, stack *sctp.Stack, options string) (*sctp.Conn, program) {
	t.Helper()
	ctx := within(t, 30*time.Second)
	ln, err := stack.Listen(peerPort)
	require.NoError(t, err)
	defer ln.Close()
	p := f.start("-dial -remote " + addrText(stack.Addrs()) + " " + options + " -local " + addrText(f.addrs))
	c, err := ln.Accept(ctx)
	require.NoError(t, err)
	p.isUp(ctx)
	return c, p
}

func moving(t *testing.T, f *foreign, stack *sctp.Stack, who sets, options string) (*sctp.Conn, program) {
	t.Helper()
	if who == weDial {
		return dialMoving(t, f, stack, options)
	}
	return acceptMoving(t, f, stack, options)
}

// testWeMove moves from one address to another during a transfer each way: the new one is added and
// made primary before the old one is deleted.
func testWeMove(t *testing.T, f *foreign, who sets) {
	const bytes = 20_000_000
	ctx := within(t, 2*time.Minute)
	moreAddrs(t)
	stack := movingStack(t, quick, oldAddr)
	rec := f.capture(t, "move", 100_000)
	c, p := moving(t, f, stack, who, "-role duplex -progress 2000000 "+source(2, bytes))
	events := watch(t, c)
	in := receive(ctx, c, nil)
	sent := make(chan error, 1)
	go func() { sent <- send(ctx, c, spec(1, bytes)) }()
	p.WaitLine(ctx, "^event=progress dir=rcvd")

	require.NoError(t, stack.AddAddr(ctx, newAddr))
	waitEvent(t, ctx, events, func(e sctp.EventLocalAddr) bool { return e.Change == sctp.AddrAdded && e.Err == nil })
	p.SeenLine(ctx, fmt.Sprintf("^event=paddr addr=%s state=(confirmed|available)", newAddr))
	require.NoError(t, c.SetPeerPrimary(newAddr))
	waitEvent(t, ctx, events, func(e sctp.EventLocalAddr) bool { return e.Change == sctp.AddrPrimary && e.Err == nil })
	p.SeenLine(ctx, fmt.Sprintf("^event=paddr addr=%s state=made_prim", newAddr))
	require.NoError(t, stack.RemoveAddr(ctx, oldAddr))
	blackHole(t, oldAddr)
	waitEvent(t, ctx, events, func(e sctp.EventLocalAddr) bool { return e.Change == sctp.AddrRemoved && e.Err == nil })
	p.SeenLine(ctx, fmt.Sprintf("^event=paddr addr=%s state=removed", oldAddr))

	require.NoError(t, <-sent)
	in.got(t, ctx, expect(spec(2, bytes)))
	p.got(t, ctx, "sent", expect(spec(2, bytes)))
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	st := c.Stats()
	require.EqualValues(t, 3, st.AsconfsSent)
	require.Zero(t, st.AuthFailures)
	l := lab.New(t)
	file := rec.check(t, l)
	require.Equal(t, 3, l.CountPackets(t, file, "sctp.chunk_type == 0xc1 && sctp.chunk_type == 0x0f"), "all with AUTH")
	require.Equal(t, 3, l.CountPackets(t, file, "sctp.chunk_type == 0x80 && sctp.chunk_type == 0x0f"))
}

// testWeBreak loses our only address during a transfer each way, and has another one two seconds
// later.
func testWeBreak(t *testing.T, f *foreign, who sets) {
	const bytes = 20_000_000
	ctx := within(t, 2*time.Minute)
	moreAddrs(t)
	stack := movingStack(t, quick, oldAddr)
	rec := f.capture(t, "break", 100_000)
	c, p := moving(t, f, stack, who, "-role duplex -progress 2000000 "+source(2, bytes))
	in := receive(ctx, c, nil)
	sent := make(chan error, 1)
	go func() { sent <- send(ctx, c, spec(1, bytes)) }()
	p.WaitLine(ctx, "^event=progress dir=rcvd")

	blackHole(t, oldAddr)
	require.NoError(t, stack.RemoveAddr(ctx, oldAddr))
	time.Sleep(2 * time.Second)
	began := time.Now()
	require.NoError(t, stack.AddAddr(ctx, newAddr))
	t.Logf("the peer knows the new address after %v", time.Since(began).Round(time.Millisecond))
	require.NoError(t, <-sent)
	in.got(t, ctx, expect(spec(2, bytes)))
	p.got(t, ctx, "sent", expect(spec(2, bytes)))
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}

// testItMoves has the peer add, prefer and delete addresses during a transfer each way. It begins
// with the first of its addresses and deletes one of them, 0 or 1.
func testItMoves(t *testing.T, f *foreign, who sets, deletes int) {
	const bytes = 20_000_000
	ctx := within(t, 2*time.Minute)
	moreAddrs(t)
	all := f.addrs
	one := *f
	one.addrs = all[:1]
	stack := movingStack(t, quick, oldAddr)
	rec := f.capture(t, "itmoves", 100_000)
	c, p := moving(t, &one, stack, who, "-role duplex -progress 2000000 "+source(2, bytes))
	events := watch(t, c)
	in := receive(ctx, c, nil)
	sent := make(chan error, 1)
	go func() { sent <- send(ctx, c, spec(1, bytes)) }()
	p.WaitLine(ctx, "^event=progress dir=rcvd")

	change := func(ip netip.Addr, what sctp.AddrChange) {
		t.Helper()
		waitEvent(t, ctx, events, func(e sctp.EventPeerAddr) bool { return e.Remote.Addr() == ip && e.Change == what })
	}
	p.Input("add " + all[1].String())
	p.WaitLine(ctx, "^event=command command=add ok=true")
	change(all[1], sctp.AddrAdded)
	waitPath(t, ctx, events, all[1], sctp.PathActive)
	p.Input("peerprimary " + all[1].String())
	p.WaitLine(ctx, "^event=command command=peerprimary ok=true")
	change(all[1], sctp.AddrPrimary)
	p.Input("del " + all[deletes].String())
	p.WaitLine(ctx, "^event=command command=del ok=true")
	change(all[deletes], sctp.AddrRemoved)

	require.NoError(t, <-sent)
	in.got(t, ctx, expect(spec(2, bytes)))
	p.got(t, ctx, "sent", expect(spec(2, bytes)))
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	require.Zero(t, c.Stats().AuthFailures)
	l := lab.New(t)
	file := rec.check(t, l)
	require.NotZero(t, l.CountPackets(t, file, "sctp.chunk_type == 0xc1 && sctp.chunk_type == 0x0f"))
}

// testAuthenticated has the peer authenticate its data, acknowledgements and the setup with the null
// key.
func testAuthenticated(t *testing.T, f *foreign, who sets) {
	const bytes = 10_000_000
	ctx := within(t, 2*time.Minute)
	stack := labStack(t, sctp.Config{Network: singly, AuthChunks: []sctp.ChunkType{
		sctp.ChunkData, sctp.ChunkSack, sctp.ChunkHeartbeat, sctp.ChunkCookieEcho, sctp.ChunkShutdown, sctp.ChunkAbort,
	}})
	rec := f.capture(t, "auth", 100_000)
	c, p := f.connect(t, ctx, stack, who, "-role duplex "+source(2, bytes))
	in := receive(ctx, c, nil)
	require.NoError(t, send(ctx, c, spec(1, bytes)))
	in.got(t, ctx, expect(spec(2, bytes)))
	p.got(t, ctx, "sent", expect(spec(2, bytes)))
	p.got(t, ctx, "rcvd", expect(spec(1, bytes)))
	require.Equal(t, 0, p.exit(ctx))
	require.Zero(t, c.Stats().AuthFailures)
	require.Zero(t, c.Stats().Unauthenticated)
	l := lab.New(t)
	file := rec.check(t, l)
	require.Greater(t, l.CountPackets(t, file, "sctp.chunk_type == 0 && sctp.chunk_type == 0x0f && udp.dstport == 9899"), 1000)
}
