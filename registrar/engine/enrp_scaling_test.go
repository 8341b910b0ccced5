// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// pass carries messages between two engines over the ENRP association 100 until there are none, and returns how many.
func pass(a, b *Engine) (n int) {
	buf := []byte{}
	for {
		idle := true
		for _, way := range [][2]*Engine{{a, b}, {b, a}} {
			var msgs [][]byte
			for {
				m, ok := way[0].PollTransmit()
				if !ok {
					break
				}
				if m.Assoc == 100 {
					buf = append(buf[:0], m.Data...)
					msgs = append(msgs, append([]byte(nil), buf...))
				}
			}
			for _, m := range msgs {
				idle = false
				n++
				way[1].HandleENRP(start, 100, m)
			}
		}
		if idle {
			return n
		}
	}
}

// pairOfEngines returns a registrar with n elements and one that starts, and connects them.
func pairOfEngines(tb testing.TB, n int, profile Profile) (old, young *Engine, connect func() int) {
	s := newENRPScene(tb, func(c *Config) { c.Profile, c.MaxElementsPerAssoc = profile, -1 }).alone()
	s.e.HandleAssocUp(s.now, 1, ProtocolASAP, host("10.0.0.1"))
	for i := range n {
		b, err := reg(fmt.Sprintf("Pool%d", i/1000), uint32(i+1), "10.0.0.1").AppendBinary(nil)
		require.NoError(tb, err)
		s.e.HandleASAP(s.now, 1, b)
		drain(s.e)
	}
	cfg := Config{ServerID: higher, Rand: rand.New(rand.NewPCG(1, 1)), Profile: profile,
		ENRP: &ENRP{Self: target("10.0.0.101"), Static: []Target{target("10.0.0.100")}}}
	young, err := New(start, cfg)
	require.NoError(tb, err)
	young.HandleTimeout(start)
	return s.e, young, func() int {
		c, ok := young.PollConnect()
		require.True(tb, ok)
		require.True(tb, s.e.HandleAssocUp(start, 100, ProtocolENRP, registrarAt("10.0.0.101")))
		require.True(tb, young.HandleConnected(start, c.ID, 100, registrarAt("10.0.0.100")))
		return pass(s.e, young)
	}
}

// RFC 5353, Section 3.2.3, step 2: "the mentor peer MUST start a download session in which a copy of the current handlespace
// data maintained by the mentor peer is sent to the initiating server in one or more ENRP_HANDLE_TABLE_RESPONSE messages."
func TestDownloadOfManyElements(t *testing.T) {
	for _, profile := range []Profile{ProfileAuto, ProfileRFC} {
		t.Run(profile.String(), func(t *testing.T) {
			old, young, connect := pairOfEngines(t, 3000, profile)
			n := connect()
			require.True(t, young.Operational())
			require.Equal(t, 3000, young.Stats().Elements)
			require.Equal(t, old.Checksum(), young.Peers()[0].Checksum)
			require.Zero(t, young.Stats().Resyncs)
			t.Logf("%d messages", n)
		})
	}
}

// BenchmarkDownload measures the download of a handlespace by a new registrar, per element, on both sides together.
func BenchmarkDownload(b *testing.B) {
	for _, profile := range []Profile{ProfileAuto, ProfileRFC} {
		for _, n := range []int{1000, 100000} {
			b.Run(fmt.Sprintf("%v/PEs=%d", profile, n), func(b *testing.B) {
				msgs := 0
				for b.Loop() {
					b.StopTimer()
					_, _, connect := pairOfEngines(b, n, profile)
					b.StartTimer()
					msgs = connect()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/PE")
				b.ReportMetric(float64(msgs), "messages")
			})
		}
	}
}
