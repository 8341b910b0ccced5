// SPDX-License-Identifier: Apache-2.0

//go:build !udpencap_portable

package udpencap

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// setOption sets an option on the socket's own descriptor.
func setOption(t *testing.T, s *hostSocket, level, opt, value int) {
	var err error
	require.NoError(t, s.raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), level, opt, value) }))
	require.NoError(t, err)
}

func option(t *testing.T, s *hostSocket, level, opt int) (value int) {
	var err error
	require.NoError(t, s.raw.Control(func(fd uintptr) { value, err = unix.GetsockoptInt(int(fd), level, opt) }))
	require.NoError(t, err)
	return value
}

// allowOffload makes the test independent of the environment it is run in.
func allowOffload(t *testing.T) {
	t.Setenv("SCTP_DISABLE_GSO", "")
	t.Setenv("SCTP_DISABLE_GRO", "")
}

func TestSocketOptions(t *testing.T) {
	for _, a := range loopbacks(t) {
		s := listen(t, Host(), a)
		if a.Is4() {
			require.Equal(t, unix.IP_PMTUDISC_PROBE, option(t, s, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER))
		} else {
			require.Equal(t, unix.IPV6_PMTUDISC_PROBE, option(t, s, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER))
			require.Equal(t, 1, option(t, s, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY))
		}
		plain := listen(t, HostConfig{DisableGSO: true, DisableGRO: true, ReadBuffer: 64 << 10, WriteBuffer: -1}.Network(), a)
		require.False(t, plain.rx.gro)
		require.False(t, plain.tx.gso)
		require.Equal(t, 2*64<<10, option(t, plain, unix.SOL_SOCKET, unix.SO_RCVBUF), "Linux doubles what it is asked for")
		require.Greater(t, option(t, s, unix.SOL_SOCKET, unix.SO_RCVBUF), 2*64<<10)
	}
}

// One system call each way moves the whole run.
func TestRunArrivesAsRun(t *testing.T) {
	allowOffload(t)
	for _, a := range loopbacks(t) {
		x, y := listen(t, Host(), a), listen(t, Host(), a)
		require.True(t, x.tx.gso, "Linux 4.18 and newer")
		require.True(t, y.rx.gro, "Linux 5.0 and newer")
		_, err := x.WriteBatch([]Datagram{{Data: pattern(40*1400 - 7), SegmentSize: 1400, Dst: y.LocalAddr()}})
		require.NoError(t, err)
		in := newBatch(4)
		n, err := y.ReadBatch(in)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, 1400, in[0].SegmentSize)
		require.Equal(t, pattern(40*1400-7), in[0].Data)
	}
}

// What has arrived is read in one call. The kernel may deliver the last one late,
// so not every round need show it.
func TestBatchOfSingleDatagramsInOneRead(t *testing.T) {
	x, y := listen(t, Host(), loopbacks(t)[0]), listen(t, Host(), loopbacks(t)[0])
	whole := false
	for round := 0; round < 100 && !whole; round++ {
		for i := range 3 {
			_, err := x.WriteBatch([]Datagram{{Data: pattern(10 + i), Dst: y.LocalAddr()}})
			require.NoError(t, err)
		}
		for got := 0; got < 3; {
			in := newBatch(8)
			n, err := y.ReadBatch(in)
			require.NoError(t, err)
			for i, d := range in[:n] {
				require.Equal(t, Datagram{Data: pattern(10 + got + i), Src: x.LocalAddr()}, d)
			}
			got += n
			whole = n == 3
		}
	}
	require.True(t, whole, "three waiting datagrams in one ReadBatch")
}

// A socket for which the kernel refuses segmentation (here because UDP
// checksums are off: EINVAL) sends one by one from then on, and loses nothing.
func TestSegmentationRefused(t *testing.T) {
	x, y := listen(t, Host(), netip.MustParseAddr("127.0.0.1")), listen(t, Host(), netip.MustParseAddr("127.0.0.1"))
	setOption(t, x, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1)
	for range 2 {
		d := Datagram{Data: pattern(10*1000 + 1), SegmentSize: 1000, Dst: y.LocalAddr()}
		n, err := x.WriteBatch([]Datagram{d})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, segments(d), receive(t, y, 11, x.LocalAddr()))
		require.False(t, x.tx.gso, "off for good")
	}
}

// Segments larger than the path MTU are an *MTUError, and no reason to do
// without segmentation afterwards.
func TestSegmentsLargerThanPathMTU(t *testing.T) {
	allowOffload(t)
	for _, a := range loopbacks(t) {
		if a.Is4() {
			continue // only IPv6 lets a socket lower its MTU
		}
		x, y := listen(t, Host(), a), listen(t, Host(), a)
		setOption(t, x, unix.IPPROTO_IPV6, unix.IPV6_MTU, 1280)
		const fits = 1280 - 40 - 8
		for _, segment := range []int{0, fits + 1} {
			data := pattern(fits + 1)
			if segment > 0 {
				data = pattern(5 * segment)
			}
			n, err := x.WriteBatch([]Datagram{{Data: data, SegmentSize: segment, Dst: y.LocalAddr()}})
			require.Zero(t, n)
			mtuErr, ok := errors.AsType[*MTUError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, y.LocalAddr(), mtuErr.Dst)
			require.Equal(t, maxIPPacket, mtuErr.MTU, "what the loopback interface has")
		}
		require.True(t, x.tx.gso)
		whole := Datagram{Data: pattern(3 * fits), Dst: y.LocalAddr(), MayFragment: true}
		_, err := x.WriteBatch([]Datagram{whole})
		require.NoError(t, err, "what IP may fragment has no limit")
		require.Equal(t, segments(whole), receive(t, y, 1, x.LocalAddr()))
		d := Datagram{Data: pattern(5 * fits), SegmentSize: fits, Dst: y.LocalAddr()}
		_, err = x.WriteBatch([]Datagram{d})
		require.NoError(t, err)
		require.Equal(t, segments(d), receive(t, y, 5, x.LocalAddr()))
		require.True(t, x.tx.gso)
	}
}

func TestRunBytes(t *testing.T) {
	require.Equal(t, 64*100, runBytes(100), "64 segments")
	require.Equal(t, 46*1400, runBytes(1400), "within 65507 bytes")
	require.Equal(t, 65507, runBytes(65507))
	require.Equal(t, 70000, runBytes(70000), "one, which the kernel will refuse")
}

func TestZones(t *testing.T) {
	ifs, err := hostInterfaces()
	require.NoError(t, err)
	var r receiver
	var s sender
	for _, h := range ifs {
		require.Equal(t, h.Name, r.zoneName(uint32(h.Index)))
		require.Equal(t, uint32(h.Index), s.zoneID(h.Name))
	}
	require.Equal(t, "4000000000", r.zoneName(4000000000))
	require.Equal(t, uint32(4000000000), s.zoneID("4000000000"))
	require.Zero(t, s.zoneID("no such interface"))
	require.Zero(t, s.zoneID(""))
}

func TestGroupSocketHearsOnlyItsGroup(t *testing.T) {
	lo := netip.MustParseAddr("127.0.0.1")
	a, err := Host().ListenMulticast(t.Context(), netip.MustParseAddrPort("239.0.0.50:0"), []netip.Addr{lo})
	require.NoError(t, err)
	defer a.Close()
	port := a.LocalAddr().Port()
	b, err := Host().ListenMulticast(t.Context(), netip.AddrPortFrom(netip.MustParseAddr("239.0.0.51"), port), []netip.Addr{lo})
	require.NoError(t, err)
	defer b.Close()
	x := listen(t, Host(), lo)
	require.NoError(t, x.SetMulticast(lo, 1))
	_, err = x.WriteBatch([]Datagram{
		{Data: []byte("unicast"), Dst: netip.AddrPortFrom(lo, port)},
		{Data: []byte("to b"), Dst: b.LocalAddr()},
		{Data: []byte("to a"), Dst: a.LocalAddr()},
	})
	require.NoError(t, err)
	require.Equal(t, [][]byte{[]byte("to a")}, receive(t, a, 1, x.LocalAddr()))
	require.Equal(t, [][]byte{[]byte("to b")}, receive(t, b, 1, x.LocalAddr()))
}

// On interfaces other than loopback a host hears itself as well. With TTL 0
// nothing leaves it.
func TestMulticastOnOtherInterfaces(t *testing.T) {
	ifs, err := hostInterfaces()
	require.NoError(t, err)
	for _, h := range ifs {
		if h.Flags&net.FlagMulticast == 0 || h.Flags&net.FlagPointToPoint != 0 {
			continue
		}
		for _, local := range unicastAddrs([]hostInterface{h}) {
			groups := []string{"[ff02::50]:0", "[ff05::50]:0"}
			if local.Is4() {
				groups = []string{"239.0.0.50:0"}
			}
			for _, group := range groups {
				s, err := Host().ListenMulticast(t.Context(), netip.MustParseAddrPort(group), []netip.Addr{local})
				require.NoError(t, err)
				defer s.Close()
				x := listen(t, Host(), local)
				require.NoError(t, x.SetMulticast(local, 0))
				_, err = x.WriteBatch([]Datagram{{Data: []byte("announce"), Dst: s.LocalAddr()}})
				require.NoError(t, err)
				require.Equal(t, [][]byte{[]byte("announce")}, receive(t, s, 1, x.LocalAddr()))
			}
		}
	}
}
