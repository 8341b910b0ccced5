// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// How the systems tell of ECN bits, by the numbers in their headers.
var ecnControls = map[string]ecnControl{
	"darwin, IPv4":  {cmsgLayouts["darwin"], 0, 27, 27, 3, 4},
	"darwin, IPv6":  {cmsgLayouts["darwin"], 41, 35, 36, 36, 4},
	"freebsd, IPv4": {cmsgLayouts["freebsd/amd64"], 0, 68, 68, 3, 1},
	"freebsd, IPv6": {cmsgLayouts["freebsd/amd64"], 41, 57, 61, 61, 4},
	"linux, IPv4":   {cmsgLayouts["linux/amd64"], 0, 13, 1, 1, 1},
	"linux, IPv6":   {cmsgLayouts["linux/amd64"], 41, 66, 67, 67, 4},
	"windows, IPv4": {cmsgLayouts["windows/amd64"], 0, 50, 50, 50, 4},
	"windows, IPv6": {cmsgLayouts["windows/amd64"], 41, 50, 50, 50, 4},
}

func TestECNMark(t *testing.T) {
	for name, want := range map[string][]byte{
		"darwin, IPv4":  native(4, 16, 4, 0, 4, 3, 4, 2),
		"darwin, IPv6":  native(4, 16, 4, 41, 4, 36, 4, 2),
		"freebsd, IPv4": native(4, 17, 4, 0, 4, 3, 4, 0, 1, 2, 1, 0, 1, 0, 1, 0, 4, 0),
		"freebsd, IPv6": native(4, 20, 4, 41, 4, 61, 4, 0, 4, 2, 4, 0),
		"linux, IPv4":   native(8, 17, 4, 0, 4, 1, 1, 2, 1, 0, 1, 0, 1, 0, 4, 0),
		"windows, IPv4": native(8, 20, 4, 0, 4, 50, 4, 2, 4, 0),
		"windows, IPv6": native(8, 20, 4, 41, 4, 50, 4, 2, 4, 0),
	} {
		c := ecnControls[name]
		require.Equal(t, want, c.mark(ECNECT0), name)
	}
}

// RFC 3168, Section 5: the ECN field is the low two bits of the octet; the others,
// the DSCP, do not matter.
func TestECNRead(t *testing.T) {
	for name, c := range ecnControls {
		require.Equal(t, ECNNotECT, c.read(nil), name)
		for want := ECNNotECT; want <= ECNCE; want++ {
			tos := 0xb8 | int(want)
			require.Equal(t, want, c.read(c.layout.append(nil, c.level, c.recv, []byte{byte(tos)})), "%s, a byte", name)
			require.Equal(t, want, c.read(c.layout.append(nil, c.level, c.recv, native(4, tos))), "%s, an int", name)

			// Among others.
			b := c.layout.append(nil, 41-c.level, c.recv, native(4, 3-int(want)))
			b = c.layout.append(b, c.level, c.recv+1, native(4, 3-int(want)))
			b = c.layout.append(b, c.level, c.recv, nil)
			b = c.layout.append(b, c.level, c.recv, native(4, tos))
			require.Equal(t, want, c.read(b), "%s, among others", name)
			if want != ECNNotECT {
				require.Equal(t, ECNNotECT, c.read(b[:len(b)-c.layout.space(4)]), "%s, cut off", name)
			}
		}
	}
}

// ECN bits arrive as they were sent, of single datagrams and of runs; sockets that do
// not care send none. Where the system cannot (Windows before build 20348, and Wine),
// enabling says so and the socket goes on without.
func TestECNBits(t *testing.T) {
	t.Setenv("SCTP_DISABLE_GSO", "")
	t.Setenv("SCTP_DISABLE_GRO", "")
	for _, n := range []Network{Host(), HostConfig{DisableGSO: true, DisableGRO: true}.Network()} {
		for _, a := range loopbacks(t) {
			x, y, plain := listen(t, n, a), listen(t, n, a), listen(t, n, a)
			able := x.EnableECN() == nil
			require.Equal(t, able, y.EnableECN() == nil)
			if runtime.GOOS != "windows" {
				require.True(t, able)
			}
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
				if able {
					require.Equal(t, []ECN{ecn, ecn, ecn}, read())
				} else {
					require.Equal(t, []ECN{0, 0, 0}, read())
				}
				_, err = plain.WriteBatch([]Datagram{{Data: make([]byte, 300), SegmentSize: 100, Dst: y.LocalAddr(), ECN: ecn}})
				require.NoError(t, err)
				require.Equal(t, []ECN{0, 0, 0}, read())
			}
		}
	}
}
