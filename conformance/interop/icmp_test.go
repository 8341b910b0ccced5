// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
)

// A peer's process is killed, and its host says that nobody has the UDP port: the path is potentially
// failed before a timeout, the association goes on, and another one is refused at once.
func TestUsrsctpKilled(t *testing.T) {
	ctx := within(t, time.Minute)
	f := newUsrsctp(t)
	cfg := sctp.Config{Network: singly, RTOMin: 5 * time.Second, RTOInitial: 5 * time.Second}
	stack := labStack(t, cfg)
	c, p := f.connect(t, ctx, stack, weDial, "-role sink")
	events := watch(t, c)
	net := primary(t, ctx, f, c)
	p.Kill()
	begin := time.Now()
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("after")}))
	waitPath(t, ctx, events, f.addrs[net], sctp.PathPotentiallyFailed)
	took := time.Since(begin)
	t.Logf("potentially failed after %v", took)
	require.Less(t, took, 4*time.Second)
	begin = time.Now()
	_, err := stack.Dial(ctx, &sctp.Addr{IPs: f.addrs, Port: peerPort, EncapPort: f.udp})
	require.ErrorIs(t, err, sctp.ErrRefused)
	t.Logf("refused after %v", time.Since(begin))
	require.NoError(t, c.Send(ctx, sctp.Message{Data: []byte("it goes on")}))
}
