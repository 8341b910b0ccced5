// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// A registrar dies while the two that survive cannot talk to each other for some seconds: each of them, ours and RSPLIB's,
// begins to take over, and hears of the other one's attempt when it has begun its own. One of them gives in, whoever has the
// lower identifier, and the element is at home at the other one.
//
// RFC 5353, Section 3.5.1 has the lower identifier give in; with the lower one winning, RSPLIB does the opposite, and what
// matters is that both sides do the same (docs/deviations.md).
func TestRSPLIBWantsToTakeOverAsWell(t *testing.T) {
	const victim = 0x33333333
	for name, rival := range map[string]uint32{"OursIsLower": 0x11111111, "OursIsHigher": 0x00000002} {
		t.Run(name, func(t *testing.T) {
			// Silence tells that the registrar is dead, to both at the same time, and not the association.
			// What they say to each other when they can again must be there before a takeover ends unopposed: RTOs are short.
			r := newRSPLIBRig(t, func(c *sctp.Config) {
				c.HeartbeatInterval, c.AssociationMaxRetrans = 30*time.Second, 40
				c.RTOMin, c.RTOInitial, c.RTOMax = 200*time.Millisecond, 300*time.Millisecond, 500*time.Millisecond
			})
			theirs := r.lab.Node(t, 2, fmt.Sprintf(`sysctl -q -w net.sctp.rto_min=200 net.sctp.rto_initial=300 net.sctp.rto_max=500 `+
				`net.sctp.association_max_retrans=40; exec rspregistrar -identifier=%#x -asap=10.44.0.2:3863,10.45.0.2 `+
				`-enrp=10.44.0.2:9901,10.45.0.2`, rival)+rsplibLog)
			dies := r.lab.Node(t, 3, fmt.Sprintf(`exec rspregistrar -identifier=%#x -asap=10.44.0.3:3863,10.45.0.3 `+
				`-enrp=10.44.0.3:9901,10.45.0.3`, victim)+rsplibLog)
			theirs.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
			dies.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
			// What was heard last is at most a cycle old when the registrar dies: RSPLIB begins 7.5 to 10 s later, ours 6.5 to
			// 9 s. By then they must have been cut off, and not for so long that they take each other for dead.
			srv := r.registrar(func(c *registrar.Config) { c.MaxTimeLastHeard = 4 * time.Second })
			rsplibEchoAt(r, 4, 0xaa04, "10.44.0.3:3863").WaitUp(r.ctx(rsplibBoot))
			atTheirs := r.clientAt("10.44.0.2,10.45.0.2:3863")
			r.soon(rsplibBoot, func() bool {
				return rsplibHomes(srv, "EchoPool")[0xaa04] == victim && home(r, atTheirs, "EchoPool") == victim
			}, "both know the element")
			rsplibAgree(r, srv, min(rival, victim), max(rival, victim))

			dies.Kill()
			died := time.Now()
			here := func(d time.Duration) { // so long after the death, it was known here all the time
				t.Helper()
				for time.Since(died) < d {
					require.Equal(t, []uint32{0xaa04}, rsplibElements(srv, "EchoPool"), "it is known all the time")
					time.Sleep(20 * time.Millisecond)
				}
			}
			here(4500 * time.Millisecond)
			r.lab.Cut(t, 2, "A")
			r.lab.Cut(t, 2, "B")
			here(10300 * time.Millisecond)
			r.lab.Join(t, 2, "A")
			r.lab.Join(t, 2, "B")
			winner := min(rival, ourID)
			r.soon(2*rsplibDead, func() bool {
				require.Equal(t, []uint32{0xaa04}, rsplibElements(srv, "EchoPool"), "it is known all the time")
				return rsplibHomes(srv, "EchoPool")[0xaa04] == winner &&
					home(r, atTheirs, "EchoPool") == winner
			}, "both say that it is at home at %#x", winner)
			t.Logf("settled after %v", time.Since(died))
			user := r.client()
			s, err := user.Dial(r.ctx(rsplibSoon), "EchoPool")
			require.NoError(t, err)
			r.call(s, "after the takeover")
			require.NoError(t, s.Close())
			rsplibAgree(r, srv, rival)
			file := r.finish()
			const wants = "enrp.message_type == 7 && ip.src == "
			require.NotZero(t, r.lab.CountPackets(t, file, wants+"10.44.0.1 || "+wants+"10.45.0.1"), "ours wanted to")
			require.NotZero(t, r.lab.CountPackets(t, file, wants+"10.44.0.2 || "+wants+"10.45.0.2"), "RSPLIB wanted to")
		})
	}
}

// The same, but the two cannot talk to each other until ours has completed its takeover, for want of anybody who could object:
// RSPLIB's hears of that only while it waits for acknowledgements of its own. One of them is the home in the end,
// for both, and the element is known here all the time.
func TestRSPLIBTakesOverAfterUs(t *testing.T) {
	const victim = 0x33333333
	for name, rival := range map[string]uint32{"OursIsLower": 0x11111111, "OursIsHigher": 0x00000002} {
		t.Run(name, func(t *testing.T) {
			r := newRSPLIBRig(t, func(c *sctp.Config) {
				c.HeartbeatInterval, c.AssociationMaxRetrans = 30*time.Second, 60
				c.RTOMin, c.RTOInitial, c.RTOMax = 200*time.Millisecond, 300*time.Millisecond, 500*time.Millisecond
			})
			theirs := r.lab.Node(t, 2, fmt.Sprintf(`sysctl -q -w net.sctp.rto_min=200 net.sctp.rto_initial=300 net.sctp.rto_max=500 `+
				`net.sctp.association_max_retrans=60; exec rspregistrar -identifier=%#x -asap=10.44.0.2:3863,10.45.0.2 `+
				`-enrp=10.44.0.2:9901,10.45.0.2`, rival)+rsplibLog)
			dies := r.lab.Node(t, 3, fmt.Sprintf(`exec rspregistrar -identifier=%#x -asap=10.44.0.3:3863,10.45.0.3 `+
				`-enrp=10.44.0.3:9901,10.45.0.3`, victim)+rsplibLog)
			theirs.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
			dies.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
			// RSPLIB's begins 7.5 to 10 s after the death, and waits for 5 s. Ours begins after 4.5 to 7 s, and waits for 5 s or
			// until it takes RSPLIB's for dead as well.
			srv := r.registrar(func(c *registrar.Config) { c.MaxTimeLastHeard, c.MaxTimeNoResponse = 3*time.Second, 4*time.Second })
			rsplibEchoAt(r, 4, 0xaa04, "10.44.0.3:3863").WaitUp(r.ctx(rsplibBoot))
			atTheirs := r.clientAt("10.44.0.2,10.45.0.2:3863")
			r.soon(rsplibBoot, func() bool {
				return rsplibHomes(srv, "EchoPool")[0xaa04] == victim && home(r, atTheirs, "EchoPool") == victim
			}, "both know the element")
			rsplibAgree(r, srv, min(rival, victim), max(rival, victim))

			dies.Kill()
			died := time.Now()
			known := func() {
				require.Equal(t, []uint32{0xaa04}, rsplibElements(srv, "EchoPool"), "it is known all the time")
			}
			for time.Since(died) < 3500*time.Millisecond {
				known()
				time.Sleep(20 * time.Millisecond)
			}
			r.lab.Cut(t, 2, "A")
			r.lab.Cut(t, 2, "B")
			for srv.Stats().TakeoversDone == 0 || time.Since(died) < 10200*time.Millisecond {
				known()
				require.Less(t, time.Since(died), rsplibSoon, "ours takes over")
				time.Sleep(5 * time.Millisecond)
			}
			t.Logf("taken over after %v", time.Since(died))
			r.lab.Join(t, 2, "A")
			r.lab.Join(t, 2, "B")
			// They agree for longer than a takeover lasts.
			var here, there uint32
			for since := time.Now(); time.Since(since) < 8*time.Second; time.Sleep(20 * time.Millisecond) {
				known()
				was := here
				here, there = rsplibHomes(srv, "EchoPool")[0xaa04], home(r, atTheirs, "EchoPool")
				peers := srv.Peers()
				if here != there || here != was || here != ourID && here != rival || len(peers) != 1 || !peers[0].Agrees() {
					since = time.Now()
				}
				require.Less(t, time.Since(died), 3*rsplibDead, "both say that it is at home at the same registrar: %#x, %#x", here, there)
			}
			t.Logf("settled %v after the death: at home at %#x", time.Since(died), here)
			user := r.client()
			s, err := user.Dial(r.ctx(rsplibSoon), "EchoPool")
			require.NoError(t, err)
			r.call(s, "after the takeover")
			require.NoError(t, s.Close())
			r.finish()
		})
	}
}

// resolves wants some elements of a pool from a registrar, and tells where they are at home.
func resolves(r *rsplibRig, user *pool.Client, handle string, ids ...uint32) map[uint32]uint32 {
	r.t.Helper()
	elements, err := user.ResolveFresh(r.ctx(rsplibSoon), handle)
	require.NoError(r.t, err, "%s can be resolved all the time", handle)
	homes := map[uint32]uint32{}
	for _, e := range elements {
		homes[e.ID] = e.HomeID
	}
	require.Equal(r.t, ids, slices.Sorted(maps.Keys(homes)), "nobody is lost")
	return homes
}

// Elements register with one of two registrars of ours, which suggests to the other one to be their home; they move there,
// one of RSPLIB and one of ours. Then that one dies, and they come back. At no time does a handle resolution fail, not even
// at a registrar of RSPLIB that looks on, and gets no suggestion though it would be a still better home. (Between two of
// RSPLIB, an element that moves is gone for up to 30 s.) Ours know each other by their capabilities, a message
// that RSPLIB discards.
func TestElementsMoveBetweenOurRegistrars(t *testing.T) {
	const first, better = 0x11111111, 0x22222222
	const theirs, ours = 0x10000001, 0x10000002 // the XOR with better is the larger one
	r := newRSPLIBRig(t)
	r.lab.BuildRSerPool(t)
	const flags = "--suggest-takeover"
	const looksOn = 0x62222222
	rserpoolNode(r, 2, first, flags).WaitLine(r.ctx(rsplibBoot), `msg=operational`)
	dies := rserpoolNode(r, 3, better, flags)
	dies.WaitLine(r.ctx(rsplibBoot), `msg=operational`)
	onlooker := r.lab.Node(t, 5, fmt.Sprintf("exec rspregistrar -identifier=%#x -asap=10.44.0.5:3863,10.45.0.5 "+
		"-enrp=10.44.0.5:9901,10.45.0.5", looksOn)+rsplibLog)
	onlooker.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	users := []*pool.Client{r.clientAt("10.44.0.2,10.45.0.2:3863"), r.clientAt("10.44.0.5,10.45.0.5:3863"),
		r.clientAt("10.44.0.3,10.45.0.3:3863")}
	rsplibEchoAt(r, 4, theirs, "10.44.0.2:3863")
	known := func(handle string) func() bool {
		return func() bool {
			return home(r, users[0], handle) != 0 && home(r, users[1], handle) != 0 && home(r, users[2], handle) != 0
		}
	}
	r.soon(rsplibBoot, known("EchoPool"), "RSPLIB's is known to all")
	r.serveAt(&pool.Server{Handle: "OurPool", ID: ours, Handler: pool.Echo}, "10.44.0.2,10.45.0.2:3863")
	r.soon(rsplibBoot, known("OurPool"), "ours is known to all")

	resolutions := 0
	at := func(home uint32, users ...*pool.Client) func() bool {
		return func() bool {
			all := true
			for _, u := range users {
				resolutions += 2
				all = resolves(r, u, "EchoPool", theirs)[theirs] == home && all
				all = resolves(r, u, "OurPool", ours)[ours] == home && all
			}
			return all
		}
	}
	r.soon(2*rsplibDead, at(better, users...), "both have moved")
	for began := time.Now(); time.Since(began) < 5*time.Second; { // what is said about who has moved comes later
		at(better, users...)()
	}
	require.NoError(t, users[2].Close())
	dies.Kill()
	died := time.Now()
	r.soon(2*rsplibDead, at(first, users[:2]...), "both have come back")
	t.Logf("back after %v; %d handle resolutions, none failed", time.Since(died), resolutions)
	s, err := users[0].Dial(r.ctx(rsplibSoon), "EchoPool")
	require.NoError(t, err)
	r.call(s, "hello")
	require.NoError(t, s.Close())
	r.finish()
}
