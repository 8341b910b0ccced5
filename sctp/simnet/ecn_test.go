// SPDX-License-Identifier: Apache-2.0

package simnet_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

// A link marks what is ECN-capable, and nothing else.
func TestSimMarks(t *testing.T) {
	s := simnet.NewSim(1, time.Unix(0, 0))
	seg := s.Segment("10.1.0.0/24")
	a, b := netip.AddrPortFrom(seg.Addr(1), 1), netip.AddrPortFrom(seg.Addr(2), 2)
	var got []udpencap.ECN
	s.Handle(b.Addr(), func(_, _ netip.AddrPort, _ []byte) { got = append(got, s.ECN()) })
	for _, mark := range []float64{0, 1} {
		seg.Set(simnet.Settings{Mark: mark})
		for _, ecn := range []udpencap.ECN{0, udpencap.ECNECT1, udpencap.ECNECT0, udpencap.ECNCE} {
			require.NoError(t, s.SendECN(a, b, []byte("x"), ecn))
		}
		require.NoError(t, s.Send(a, b, []byte("x")))
		s.RunIdle()
	}
	require.Equal(t, []udpencap.ECN{0, 1, 2, 3, 0, 0, 3, 3, 3, 0}, got)
	require.Zero(t, s.ECN())
}
