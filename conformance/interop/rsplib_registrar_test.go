// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// An element of ours finds RSPLIB's registrar by its announcements alone, stays through keep-alives and
// re-registrations, is seen by others, and leaves.
func TestRSPLIBRegistrarKeepsOurElement(t *testing.T) {
	r := newRSPLIBRig(t)
	// The registrar takes a random SCTP port for ASAP, which nothing but the source of its announcements tells.
	n := r.lab.Node(t, 2, `rspregistrar -identifier=0x11111111 -enrp=10.44.0.2:9901,10.45.0.2 \
		-endpointkeepalivetransmissioninterval=700`+rsplibLog+" &"+rsplibShell)
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	e := r.serve(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo, Interval: time.Second})
	up := time.Now()

	user := r.client()
	elements, err := user.ResolveFresh(r.ctx(rsplibSoon), "OurPool")
	require.NoError(t, err)
	require.Len(t, elements, 1)
	require.EqualValues(t, 0x0c0ffee1, elements[0].ID)
	require.EqualValues(t, 0x11111111, elements[0].HomeID)
	require.Equal(t, uint16(9899), elements[0].Addr().EncapPort)
	require.Equal(t, r.stack.Addrs(), elements[0].Addr().IPs)
	s, err := user.Dial(r.ctx(rsplibSoon), "OurPool")
	require.NoError(t, err)
	r.call(s, "through RSPLIB's registrar")
	require.NoError(t, s.Close())

	r.soon(rsplibSoon, func() bool { return time.Since(up) > 5*time.Second })
	require.Equal(t, pool.RegistrationUp, e.Registered().State())
	dump := rsplibDump(r, n)
	require.Regexp(t, `Pool "OurPool", Policy "RoundRobin"`, dump)
	require.Regexp(t, `(?i)\$0c0ffee1`, dump)

	e.stop()
	_, err = user.ResolveFresh(r.ctx(rsplibSoon), "OurPool")
	require.ErrorIs(t, err, pool.ErrPoolNotFound)
	require.NotContains(t, rsplibDump(r, n), "OurPool")

	file := r.finish()
	require.GreaterOrEqual(t, r.count(file, 1, rsplibOurs), 4, "registrations")
	require.GreaterOrEqual(t, r.count(file, 7, "ip.dst == 10.44.0.1 || ip.dst == 10.45.0.1"), 3, "keep-alives")
	require.GreaterOrEqual(t, r.count(file, 8, rsplibOurs), 3, "and their answers")
	require.Equal(t, 1, r.count(file, 2, rsplibOurs), "deregistration")
}

// rsplibRegistrars boots nodes with a registrar each, from node 2 on, and returns them by their server identifiers.
// Where RSPLIB is bound to fewer addresses than it announces itself from, its registrars lose each other.
func rsplibRegistrars(r *rsplibRig, n int) map[uint32]*lab.Node {
	nodes := map[uint32]*lab.Node{}
	for i := 2; i < 2+n; i++ {
		nodes[uint32(i)] = r.lab.Node(r.t, i, fmt.Sprintf(
			`rspregistrar -identifier=%d -enrp=10.44.0.%d:9901,10.45.0.%d`, i, i, i)+rsplibLog+" &"+rsplibShell)
	}
	for _, node := range nodes {
		node.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	}
	return nodes
}

// rsplibHome waits until an element alone is in its pool, at home at one of the registrars, and returns which. The
// registrar that the user asks may hear of it later than the element itself, or may have to be found.
func rsplibHome(r *rsplibRig, user *pool.Client, e *rsplibElement, registrars map[uint32]*lab.Node) (home uint32) {
	r.t.Helper()
	ctx := r.ctx(rsplibDead)
	r.soon(rsplibDead, func() bool {
		elements, err := user.ResolveFresh(ctx, e.Handle)
		if err != nil || len(elements) != 1 || elements[0].ID != e.ID || registrars[elements[0].HomeID] == nil {
			return false
		}
		home = elements[0].HomeID
		return true
	}, "element %#x is in the pool, at home at one of %d registrars", e.ID, len(registrars))
	return home
}

// When the home registrar of our element loses its power, another registrar of RSPLIB takes the element over: it sets
// up an association to the port the element had registered from, and tells it so by a keep-alive.
//
// RFC 5352, Section 2.2.7: "H (Home ENRP server) Flag: When set to '1', indicates that the ENRP server that sends this
// message wants to be the Home ENRP server of the receiver of this message."
func TestRSPLIBRegistrarTakesOurElementOver(t *testing.T) {
	// It must not be the element that notices first.
	r := newRSPLIBRig(t, func(c *sctp.Config) { c.HeartbeatInterval, c.AssociationMaxRetrans = 30*time.Second, 20 })
	registrars := rsplibRegistrars(r, 3)
	e := r.serve(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo, Interval: time.Minute})
	user := r.client()
	home := rsplibHome(r, user, e, registrars)

	registrars[home].Kill()
	died := time.Now()
	delete(registrars, home)
	up := pool.RegistrationEvent{State: pool.RegistrationUp}
	for _, want := range []pool.RegistrationEvent{up, up} { // at the first, and at the second
		got, err := e.Registered().NextEvent(r.ctx(rsplibDead))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	t.Logf("registered again after %v", time.Since(died))

	home = rsplibHome(r, user, e, registrars)
	require.Contains(t, rsplibDump(r, registrars[home]), fmt.Sprintf("home=$0000000%d", home))
	s, err := user.Dial(r.ctx(rsplibSoon), "OurPool")
	require.NoError(t, err)
	r.call(s, "after the takeover")
	require.NoError(t, s.Close())
	e.stop()
	_, err = user.ResolveFresh(r.ctx(rsplibSoon), "OurPool")
	require.ErrorIs(t, err, pool.ErrPoolNotFound)

	file := r.finish()
	require.NotZero(t, r.count(file, 7, "asap.message_flags == 1"), "the element was told by a keep-alive")
}

// RSPLIB never completes a takeover where there were but two registrars. There, an element of ours goes to the other one
// by itself.
//
// RFC 5352, Section 3.6: "when it fails to communicate with its Home ENRP server (i.e., timed out on an ENRP request), a
// PE or PU MUST establish a new Home ENRP server"
func TestRSPLIBOurElementFindsAnotherRegistrar(t *testing.T) {
	r := newRSPLIBRig(t)
	registrars := rsplibRegistrars(r, 2)
	// It notices by a re-registration without an answer; between two of them, heartbeats take longer.
	e := r.serve(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo, Interval: 5 * time.Second})
	user := r.client()
	home := rsplibHome(r, user, e, registrars)

	registrars[home].Kill()
	died := time.Now()
	delete(registrars, home)
	for _, want := range []pool.RegistrationState{pool.RegistrationUp, pool.RegistrationDown, pool.RegistrationUp} {
		got, err := e.Registered().NextEvent(r.ctx(rsplibDead))
		require.NoError(t, err)
		require.Equal(t, want, got.State)
	}
	t.Logf("registered again after %v", time.Since(died))
	home = rsplibHome(r, user, e, registrars)
	require.Contains(t, rsplibDump(r, registrars[home]), fmt.Sprintf("home=$0000000%d", home))
	r.finish()
}

// A session of ours goes on with another element of RSPLIB when the first loses its power, and the registrar of RSPLIB
// hears of it.
func TestRSPLIBElementsServeOurSession(t *testing.T) {
	r := newRSPLIBRig(t)
	// This registrar is bound to net A alone, but announces itself on net B, too, where nobody answers.
	n := r.lab.Node(t, 2, `rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863 -enrp=10.44.0.2:9901`+
		rsplibLog+" &"+rsplibShell)
	server := func(node, id int) *lab.Node {
		return r.lab.Node(t, node, fmt.Sprintf(`exec rspserver -echo -poolhandle=EchoPool -identifier=%#x \
			-registrar=10.44.0.2:3863 `, id)+rsplibLog)
	}
	servers := map[uint32]*lab.Node{0xaa03: server(3, 0xaa03), 0xaa04: server(4, 0xaa04)}
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	user := r.client()
	r.soon(rsplibBoot, func() bool {
		elements, err := user.ResolveFresh(r.ctx(rsplibSoon), "EchoPool")
		return err == nil && len(elements) == 2
	}, "both elements are registered")

	s, err := user.Dial(r.ctx(rsplibSoon), "EchoPool")
	require.NoError(t, err)
	first := s.Element()
	require.Contains(t, servers, first.ID)
	for i := range 20 {
		r.call(s, fmt.Sprintf("line %d of a session", i))
	}
	servers[first.ID].WaitLine(r.ctx(rsplibSoon), `Echo \d+ bytes on session 1`)

	servers[first.ID].Kill()
	require.NoError(t, s.Send(r.ctx(rsplibSoon), sctp.Message{Data: []byte("nobody reads this")}))
	start := time.Now()
	_, err = s.Recv(r.ctx(rsplibDead))
	var failover *pool.FailoverError
	require.ErrorAs(t, err, &failover)
	t.Logf("failover after %v: %v", time.Since(start), failover)
	require.Equal(t, first.ID, failover.From.ID)
	require.NotEqual(t, first.ID, failover.To.ID)
	require.Equal(t, failover.To.ID, s.Element().ID)
	r.call(s, "somebody reads this")
	servers[failover.To.ID].WaitLine(r.ctx(rsplibSoon), `Echo \d+ bytes on session 1`)
	require.NoError(t, s.Close())

	r.soon(rsplibDead, func() bool {
		elements, err := user.ResolveFresh(r.ctx(rsplibSoon), "EchoPool")
		return err == nil && len(elements) == 1 && elements[0].ID == failover.To.ID
	}, "the registrar forgets the dead element")
	file := r.finish()
	require.NotZero(t, r.count(file, 9, rsplibOurs), "the failure was reported")
}
