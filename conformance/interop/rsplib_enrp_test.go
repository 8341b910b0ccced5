// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// ourID is the identifier of our registrar in the rig.
const ourID = 0x01020304

// rsplibHomes returns who is at home where in our registrar's handlespace.
func rsplibHomes(srv *registrar.Server, handle string) map[uint32]uint32 {
	homes := map[uint32]uint32{}
	for _, p := range srv.Snapshot().Pools {
		if string(p.Handle) == handle {
			for _, e := range p.Elements {
				homes[e.ID] = e.HomeID
			}
		}
	}
	return homes
}

// rsplibAgree waits until our registrar has the identifiers of the peers, and the checksum each of them tells is that of
// what is known to be theirs.
func rsplibAgree(r *rsplibRig, srv *registrar.Server, peers ...uint32) {
	r.t.Helper()
	r.soon(rsplibDead, func() bool {
		var ids []uint32
		for _, p := range srv.Peers() {
			if p.Agrees() {
				ids = append(ids, p.ID)
			}
		}
		slices.Sort(ids)
		return slices.Equal(ids, peers)
	}, "registrars %#x agree with ours", peers)
}

// rsplibEchoAt is a node with an element of RSPLIB that asks a list of registrars, or whoever announces himself.
func rsplibEchoAt(r *rsplibRig, node int, id uint32, registrars ...string) *lab.Node {
	script := fmt.Sprintf(`exec rspserver -echo -poolhandle=EchoPool -identifier=%#x`, id)
	for _, reg := range registrars {
		script += " -registrar=" + reg
	}
	if len(registrars) > 0 {
		script += " -asapannounce=off"
	}
	return r.lab.Node(r.t, node, script+rsplibLog)
}

// Our registrar joins a scope of RSPLIB: it finds the registrar by its presence, downloads its handlespace, tells what
// registers here, and hears what registers there.
//
// RFC 5353, Section 3.2.3: "the initiating ENRP server MUST send an ENRP_HANDLE_TABLE_REQUEST message to the mentor peer"
func TestRSPLIBPeersShareTheHandlespace(t *testing.T) {
	r := newRSPLIBRig(t)
	n := r.lab.Node(t, 2, `rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863,10.45.0.2 \
		-enrp=10.44.0.2:9901,10.45.0.2`+rsplibLog+" &"+rsplibShell)
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	rsplibEchoAt(r, 3, 0xaa03, "10.44.0.2:3863").WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibSoon, func() bool {
		return len(rsplibLines(rsplibDump(r, n), `\$0000aa03`)) > 0
	}, "the element is registered")

	srv := r.registrar()
	r.soon(rsplibSoon, func() bool { return rsplibHomes(srv, "EchoPool")[0xaa03] == 0x11111111 }, "it was downloaded")
	e := r.serveAt(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo}, "10.44.0.1,10.45.0.1:3863")
	r.soon(rsplibSoon, func() bool { return len(rsplibLines(rsplibDump(r, n), `(?i)\$0c0ffee1`)) > 0 }, "it was told")
	rsplibAgree(r, srv, 0x11111111)
	require.NotEmpty(t, rsplibLines(rsplibDump(r, n), `(?i)\$01020304`), "it knows us as a peer")

	// Theirs that comes later is heard of by an update.
	late := rsplibEchoAt(r, 4, 0xaa04, "10.44.0.2:3863")
	r.soon(rsplibBoot, func() bool { return rsplibHomes(srv, "EchoPool")[0xaa04] == 0x11111111 }, "the update was heard")
	late.Kill()
	r.soon(rsplibDead, func() bool { return len(rsplibElements(srv, "EchoPool")) == 1 }, "the removal was heard")
	e.stop()
	r.soon(rsplibSoon, func() bool { return len(rsplibLines(rsplibDump(r, n), `(?i)\$0c0ffee1`)) == 0 }, "the removal was told")
	rsplibAgree(r, srv, 0x11111111)
	r.finish()
}

// RSPLIB's hsdump shows the handlespace of our registrar, which it takes for one of its own.
func TestRSPLIBDumpsOurHandlespace(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	r.serveAt(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo}, "10.44.0.1,10.45.0.1:3863")
	rsplibEchoAt(r, 3, 0xaa03).WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibBoot, func() bool { return srv.Stats().Elements == 2 }, "both are registered")
	n := r.lab.Node(t, 2, rsplibShell)
	n.WaitUp(r.ctx(rsplibBoot))
	n.Input(`hsdump 10.44.0.1:9901 2>&1; echo "dump ends"`)
	n.WaitLine(r.ctx(rsplibSoon), "^dump ends")
	dump := fmt.Sprint(n.Lines())
	require.Regexp(t, `Pool "OurPool", Policy "RoundRobin"`, dump)
	require.Regexp(t, `(?i)\$0c0ffee1`, dump)
	require.Regexp(t, `Pool "EchoPool", Policy "RoundRobin"`, dump)
	require.Regexp(t, `(?i)\$0000aa03`, dump)
	r.finish()
}

// In a scope of two, RSPLIB's registrar dies: ours takes its elements over without waiting for them to register again,
// and they can be resolved all the time. (The converse is RSPLIB's: alone, it never completes a takeover.)
//
// RFC 5353, Section 3.5: "the ENRP server MUST consider the peer as dead and may take over"
func TestRSPLIBElementsAreTakenOverByOurRegistrar(t *testing.T) {
	r := newRSPLIBRig(t)
	n := r.lab.Node(t, 2, `exec rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863,10.45.0.2 `+
		`-enrp=10.44.0.2:9901,10.45.0.2`+rsplibLog)
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	rsplibEchoAt(r, 3, 0xaa03, "10.44.0.2:3863").WaitUp(r.ctx(rsplibBoot))
	srv := r.registrar()
	r.soon(rsplibBoot, func() bool { return rsplibHomes(srv, "EchoPool")[0xaa03] == 0x11111111 }, "it is known here")

	n.Kill()
	died := time.Now()
	user := r.client()
	r.soon(rsplibDead, func() bool {
		elements, err := user.ResolveFresh(r.ctx(rsplibSoon), "EchoPool")
		require.NoError(t, err, "it can be resolved all the time")
		require.Len(t, elements, 1)
		return elements[0].HomeID == ourID
	}, "it was taken over")
	t.Logf("taken over after %v", time.Since(died))
	require.LessOrEqual(t, time.Since(died), 10*time.Second)
	r.soon(rsplibDead, func() bool { return srv.Stats().Reregistrations+srv.Stats().Registrations > 0 }, "it has registered here")
	s, err := user.Dial(r.ctx(rsplibSoon), "EchoPool")
	require.NoError(t, err)
	r.call(s, "after the takeover")
	require.NoError(t, s.Close())
	r.finish()
}

// rsplibScope boots registrars of RSPLIB at nodes 2 and 3, and returns them, and users of theirs. Nobody asks them by
// hsdump: they take that for a registrar, which then does not acknowledge a takeover.
func rsplibScope(r *rsplibRig) (nodes map[uint32]*lab.Node, users map[uint32]*pool.Client) {
	nodes, users = map[uint32]*lab.Node{}, map[uint32]*pool.Client{}
	for i := uint32(2); i < 4; i++ {
		nodes[i] = r.lab.Node(r.t, int(i), fmt.Sprintf(
			`exec rspregistrar -identifier=%d -asap=10.44.0.%d:3863,10.45.0.%d -enrp=10.44.0.%d:9901,10.45.0.%d`, i, i, i, i, i)+rsplibLog)
	}
	for i, n := range nodes {
		n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
		users[i] = r.clientAt(fmt.Sprintf("10.44.0.%d,10.45.0.%d:3863", i, i))
	}
	return nodes, users
}

// home asks a user where the element of a pool is at home; 0 if there is none.
func home(r *rsplibRig, user *pool.Client, handle string) uint32 {
	elements, err := user.ResolveFresh(r.ctx(rsplibSoon), handle)
	if err != nil || len(elements) != 1 {
		return 0
	}
	return elements[0].HomeID
}

// Two registrars of RSPLIB and ours are a scope. Each of RSPLIB's is killed in turn; the elements can be resolved at ours
// all the time, and end up at home somewhere alive.
func TestRSPLIBRegistrarsAreKilledInTurn(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	registrars, users := rsplibScope(r)
	for i := uint32(2); i < 4; i++ { // an element that knows no other one
		rsplibEchoAt(r, int(i)+2, 0xaa00+i, fmt.Sprintf("10.44.0.%d:3863", i))
	}
	all := []uint32{0xaa02, 0xaa03}
	r.soon(rsplibBoot, func() bool { return slices.Equal(rsplibElements(srv, "EchoPool"), all) }, "all are known here")
	require.Equal(t, map[uint32]uint32{0xaa02: 2, 0xaa03: 3}, rsplibHomes(srv, "EchoPool"))
	rsplibAgree(r, srv, 2, 3)
	for _, u := range users {
		elements, err := u.ResolveFresh(r.ctx(rsplibSoon), "EchoPool")
		require.NoError(t, err)
		require.Len(t, elements, 2)
		require.NoError(t, u.Close())
	}

	for victim := uint32(2); victim < 4; victim++ {
		registrars[victim].Kill()
		died := time.Now()
		r.soon(2*rsplibDead, func() bool {
			require.Equal(t, all, rsplibElements(srv, "EchoPool"), "nobody is lost")
			for _, home := range rsplibHomes(srv, "EchoPool") {
				if home == victim {
					return false
				}
			}
			return true
		}, "what was at home at %d is somewhere else", victim)
		t.Logf("registrar %d was replaced after %v: %v", victim, time.Since(died), rsplibHomes(srv, "EchoPool"))
		if victim == 2 {
			rsplibAgree(r, srv, 3)
		}
	}
	require.Equal(t, map[uint32]uint32{0xaa02: ourID, 0xaa03: ourID}, rsplibHomes(srv, "EchoPool"))
	user := r.client()
	s, err := user.Dial(r.ctx(rsplibSoon), "EchoPool")
	require.NoError(t, err)
	r.call(s, "all is well")
	require.NoError(t, s.Close())
	r.finish()
}

// Our registrar dies beside two of RSPLIB: one of them takes its elements over, RSPLIB's and ours.
func TestRSPLIBTakesOverFromOurRegistrar(t *testing.T) {
	// It must not be the element that notices first.
	r := newRSPLIBRig(t, func(c *sctp.Config) { c.HeartbeatInterval, c.AssociationMaxRetrans = 30*time.Second, 20 })
	r.lab.BuildRSerPool(t)
	_, users := rsplibScope(r)
	ours := rserpoolNode(r, 4, ourID, "")
	ours.WaitLine(r.ctx(rsplibBoot), `msg=operational`)
	r.serveAt(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo, Interval: time.Minute}, "10.44.0.4,10.45.0.4:3863")
	rsplibEchoAt(r, 5, 0xaa05, "10.44.0.4:3863")
	ours.WaitLine(r.ctx(rsplibBoot), `registered.*0x0000aa05`)
	for _, u := range users {
		r.soon(rsplibSoon, func() bool { return home(r, u, "EchoPool") == ourID && home(r, u, "OurPool") == ourID }, "both are known")
	}

	ours.Kill()
	died := time.Now()
	var homes map[uint32]bool
	r.soon(2*rsplibDead, func() bool {
		homes = map[uint32]bool{}
		for _, u := range users {
			homes[home(r, u, "EchoPool")], homes[home(r, u, "OurPool")] = true, true
		}
		return len(homes) == 1 && (homes[2] || homes[3])
	}, "one of RSPLIB's registrars has taken all over: %v", homes)
	t.Logf("taken over by %v after %v", homes, time.Since(died))
	r.finish()
}

// A path between the registrars fails and comes back: they stay in step, and set up nothing anew.
func TestRSPLIBPeersSurviveAPath(t *testing.T) {
	r := newRSPLIBRig(t)
	n := r.lab.Node(t, 2, `rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863,10.45.0.2 \
		-enrp=10.44.0.2:9901,10.45.0.2`+rsplibLog+" &"+rsplibShell)
	n.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	srv := r.registrar()
	rsplibAgree(r, srv, 0x11111111)
	assoc := srv.Peers()[0].Assoc
	r.lab.Cut(t, 2, "B")
	e := r.serveAt(&pool.Server{Handle: "OurPool", ID: 0x0c0ffee1, Handler: pool.Echo}, "10.44.0.1,10.45.0.1:3863")
	r.soon(rsplibDead, func() bool { return len(rsplibLines(rsplibDump(r, n), `(?i)\$0c0ffee1`)) > 0 }, "told over the other path")
	r.lab.Join(t, 2, "B")
	e.stop()
	r.soon(rsplibDead, func() bool { return len(rsplibLines(rsplibDump(r, n), `(?i)\$0c0ffee1`)) == 0 }, "and its removal")
	rsplibAgree(r, srv, 0x11111111)
	require.Equal(t, assoc, srv.Peers()[0].Assoc, "there was no need for another association")
	r.finish()
}
