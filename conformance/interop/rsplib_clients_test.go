// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/registrar/engine"
)

// rsplibElements returns the identifiers of the elements in a pool, in order.
func rsplibElements(srv *registrar.Server, handle string) (ids []uint32) {
	for _, p := range srv.Snapshot().Pools {
		if string(p.Handle) == handle {
			for _, e := range p.Elements {
				ids = append(ids, e.ID)
			}
		}
	}
	return ids
}

// Elements of RSPLIB with each policy that its rspserver has find our registrar by its announcements alone, register, register again, answer
// keep-alives, and leave when they are stopped.
func TestRSPLIBElementsOfEveryPolicyRegister(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	policies := []struct {
		arg  string
		want param.Policy
	}{
		{"RoundRobin", param.Policy{Type: param.RoundRobin}},
		{"WeightedRoundRobin:3", param.Policy{Type: param.WeightedRoundRobin, Weight: 3}},
		{"Random", param.Policy{Type: param.Random}},
		{"WeightedRandom:7", param.Policy{Type: param.WeightedRandom, Weight: 7}},
		{"Priority:5", param.Policy{Type: param.Priority, Priority: 5}},
		{"LeastUsed", param.Policy{Type: param.LeastUsed}},
		{"LeastUsedDegradation:0.25", param.Policy{Type: param.LeastUsedDegradation, LoadDegradation: 1 << 30}},
		{"PriorityLeastUsed:0.25", param.Policy{Type: param.PriorityLeastUsed, LoadDegradation: 1 << 30}},
		{"RandomizedLeastUsed", param.Policy{Type: param.RandomizedLeastUsed}},
		{"RandomizedPriorityLeastUsed", param.Policy{Type: param.RandomizedPriorityLeastUsed}},
		{"PriorityLeastUsedDegradation:0.25", param.Policy{Type: param.PriorityLeastUsedDegradation, LoadDegradation: 1 << 30}},
		{"WeightedRandomDPF:7:0.5", param.Policy{Type: param.WeightedRandomDPF, Weight: 7, WeightDPF: 1 << 31}},
		{"LeastUsedDPF:0.5", param.Policy{Type: param.LeastUsedDPF, LoadDPF: 1 << 31}},
		{"LeastUsedDegradationDPF:0.25:0.5",
			param.Policy{Type: param.LeastUsedDegradationDPF, LoadDegradation: 1 << 30, LoadDPF: 1 << 31}},
	}
	rereg := []uint32{1500, 30_000} // milliseconds
	var script strings.Builder
	for i, p := range policies {
		// A registration is as good as an answer to a keep-alive: who registers often is not asked.
		fmt.Fprintf(&script, "rspserver -echo -poolhandle=Pool%02d -identifier=%#x -policy=%s -rereginterval=%d >/tmp/%d"+
			rsplibLog+" &\n", i, 0xbb00+i, p.arg, rereg[i%2], i)
	}
	n := r.lab.Node(t, 2, script.String()+rsplibShell)
	n.WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibSoon, func() bool { return len(srv.Snapshot().Pools) == len(policies) }, "all have registered")
	for i, p := range srv.Snapshot().Pools {
		require.Equal(t, fmt.Sprintf("Pool%02d", i), string(p.Handle))
		require.Equal(t, param.SCTP, p.Protocol)
		require.Equal(t, param.DataPlusControl, p.Use)
		require.Len(t, p.Elements, 1)
		e := p.Elements[0]
		require.EqualValues(t, 0xbb00+i, e.ID)
		require.EqualValues(t, 0x01020304, e.HomeID)
		require.Equal(t, policies[i].want, e.Policy, policies[i].arg)
		require.Equal(t, 3*rereg[i%2], e.Life, "three re-registrations, in milliseconds")
	}
	r.soon(rsplibSoon, func() bool { return srv.Stats().Reregistrations >= 6 }, "they register again")
	r.soon(rsplibSoon, func() bool { return srv.Stats().KeepAliveAcks >= 4 }, "they answer keep-alives")
	require.Len(t, srv.Snapshot().Pools, len(policies))

	stopped := time.Now()
	n.Input("pkill -INT rspserver; wait; echo all stopped")
	n.WaitLine(r.ctx(rsplibSoon), "^all stopped")
	require.Empty(t, srv.Snapshot().Pools)
	t.Logf("removed after %v", time.Since(stopped))
	stats := srv.Stats()
	// Now and then, one of RSPLIB shuts its association down without having deregistered.
	deregistered, left := stats.Removed[engine.ReasonDeregistered], stats.Removed[engine.ReasonAssocLost]
	require.EqualValues(t, len(policies), deregistered+left, "%+v", stats)
	require.NotZero(t, deregistered)
	require.Equal(t, deregistered, stats.Deregistrations)
	require.Zero(t, stats.Rejections)
	file := r.finish()
	require.EqualValues(t, deregistered, r.count(file, 2, "ip.src == 10.44.0.2 || ip.src == 10.45.0.2"), "none was overlooked")
}

// rsplibTerminals is a node that runs rspterminal on pools; lines written to file descriptor 3 go to the first one's
// session, to 4 to the second's.
func rsplibTerminals(r *rsplibRig, node int, pools ...string) *lab.Node {
	var script strings.Builder
	for i, p := range pools {
		fmt.Fprintf(&script, "mkfifo /tmp/%d; rspterminal -poolhandle=%s </tmp/%d"+rsplibLog+" & exec %d>/tmp/%d\n", i, p, i, i+3, i)
	}
	return r.lab.Node(r.t, node, "read -r go\n"+script.String()+rsplibShell)
}

// A user of RSPLIB finds our registrar by its announcements and elements by it, RSPLIB's and ours. When an element
// loses its power, the registrar notices.
func TestRSPLIBUserAtOurRegistrar(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	n := r.lab.Node(t, 2, `exec rspserver -echo -poolhandle=TheirPool -identifier=0xcc02`+rsplibLog)
	user := rsplibTerminals(r, 3, "TheirPool", "OurPool")
	r.serve(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo})
	user.WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibSoon, func() bool { return len(srv.Snapshot().Pools) == 2 }, "both have registered")
	user.Input("go")
	for i := range 3 {
		user.Input(fmt.Sprintf("echo 'line %d for RSPLIB' >&3", i))
		user.WaitLine(r.ctx(rsplibSoon), fmt.Sprintf(`from PE \$0000cc02> line %d for RSPLIB`, i))
		user.Input(fmt.Sprintf("echo 'line %d for us' >&4", i))
		user.WaitLine(r.ctx(rsplibSoon), fmt.Sprintf(`from PE \$0c0ffee1> line %d for us`, i))
	}
	n.WaitLine(r.ctx(rsplibSoon), `Echo \d+ bytes on session 1`)

	n.Kill()
	died := time.Now()
	r.soon(rsplibDead, func() bool { return len(rsplibElements(srv, "TheirPool")) == 0 }, "the dead element is removed")
	t.Logf("removed after %v", time.Since(died))
	require.LessOrEqual(t, time.Since(died), 13*time.Second, "half again the interval of keep-alives, and the time for an answer")
	require.Equal(t, []uint32{0x0c0ffee1}, rsplibElements(srv, "OurPool"))
	stats := srv.Stats()
	require.EqualValues(t, 1, stats.Removed[engine.ReasonNoAnswer]+stats.Removed[engine.ReasonAssocLost])
	r.finish()
}

// An element of RSPLIB and one of ours are a pool: both are handed out in turn, and a session of RSPLIB's user goes
// from ours to the other when ours leaves.
func TestRSPLIBAndOurElementInOnePool(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	n := r.lab.Node(t, 2, `exec rspserver -echo -poolhandle=MixedPool -identifier=0xdd02`+rsplibLog)
	terminal := rsplibTerminals(r, 3, "MixedPool", "MixedPool")
	ours := r.serve(&pool.Server{Handle: "MixedPool", ID: 0x0c0ffee1, Handler: pool.Echo})
	terminal.WaitUp(r.ctx(rsplibBoot))
	want := []uint32{0xdd02, 0x0c0ffee1}
	r.soon(rsplibSoon, func() bool { return len(rsplibElements(srv, "MixedPool")) == 2 }, "both have registered")

	user := r.client()
	var got []uint32
	for range 10 {
		elements, err := user.ResolveFresh(r.ctx(rsplibSoon), "MixedPool")
		require.NoError(t, err)
		require.Len(t, elements, 2)
		got = append(got, elements[0].ID)
	}
	for i := range got {
		require.Equal(t, want[(i+slices.Index(want, got[0]))%2], got[i], "in turn: %#x", got)
	}
	seen := map[uint32]int{}
	for i := range 6 {
		s, err := user.Dial(r.ctx(rsplibSoon), "MixedPool")
		require.NoError(t, err)
		r.call(s, fmt.Sprintf("session %d", i))
		seen[s.Element().ID]++
		require.NoError(t, s.Close())
	}
	require.Equal(t, map[uint32]int{0xdd02: 3, 0x0c0ffee1: 3}, seen)
	for range 3 {
		n.WaitLine(r.ctx(rsplibSoon), `Echo 9 bytes on session`)
	}

	terminal.Input("go")
	ids := map[string]int{}
	for fd := 3; fd <= 4; fd++ {
		terminal.Input(fmt.Sprintf("echo 'hello %d' >&%d", fd, fd))
		m := terminal.WaitLine(r.ctx(rsplibSoon), fmt.Sprintf(`from PE \$([0-9a-f]+)> hello %d`, fd))
		ids[m[1]] = fd
	}
	require.Len(t, ids, 2, "each terminal has another one")

	ours.stop()
	require.Equal(t, []uint32{0xdd02}, rsplibElements(srv, "MixedPool"))
	terminal.WaitLine(r.ctx(rsplibSoon), "FAILOVER")
	fd := ids["0c0ffee1"]
	terminal.Input(fmt.Sprintf("echo 'again %d' >&%d", fd, fd))
	terminal.WaitLine(r.ctx(rsplibSoon), fmt.Sprintf(`from PE \$0000dd02> again %d`, fd))
	r.finish()
}
