// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
			r := newRSPLIBRig(t, func(c *sctp.Config) { c.HeartbeatInterval, c.AssociationMaxRetrans = 30*time.Second, 20 })
			theirs := r.lab.Node(t, 2, fmt.Sprintf(`exec rspregistrar -identifier=%#x -asap=10.44.0.2:3863,10.45.0.2 `+
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
			here(10 * time.Second)
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
