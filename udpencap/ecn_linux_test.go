// SPDX-License-Identifier: Apache-2.0

//go:build !udpencap_portable

package udpencap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// ECN bits arrive as they were sent, of single datagrams and of runs, with and without
// segmentation by the kernel; sockets that do not care send none.
func TestECNBits(t *testing.T) {
	allowOffload(t)
	for _, n := range []Network{Host(), HostConfig{DisableGSO: true, DisableGRO: true}.Network()} {
		for _, a := range loopbacks(t) {
			x, y, plain := listen(t, n, a), listen(t, n, a), listen(t, n, a)
			require.NoError(t, x.EnableECN())
			require.NoError(t, y.EnableECN())
			read := func() (bits []ECN) {
				batch := newBatch(8)
				for left := 3; left > 0; {
					got, err := y.ReadBatch(batch)
					require.NoError(t, err)
					for _, d := range batch[:got] {
						for range segments(d) {
							bits = append(bits, d.ECN)
							left--
						}
					}
				}
				return bits
			}
			for _, ecn := range []ECN{ECNNotECT, ECNECT1, ECNECT0, ECNCE} {
				_, err := x.WriteBatch([]Datagram{
					{Data: make([]byte, 100), Dst: y.LocalAddr(), ECN: ecn},
					{Data: make([]byte, 300), SegmentSize: 200, Dst: y.LocalAddr(), ECN: ecn},
				})
				require.NoError(t, err)
				require.Equal(t, []ECN{ecn, ecn, ecn}, read())
				_, err = plain.WriteBatch([]Datagram{{Data: make([]byte, 300), SegmentSize: 100, Dst: y.LocalAddr(), ECN: ecn}})
				require.NoError(t, err)
				require.Equal(t, []ECN{0, 0, 0}, read())
			}
		}
	}
}
