// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

// The layout is that of the system: what comes with a datagram, here its address of
// destination (IP_PKTINFO), can be read.
func TestWindowsCmsgLayout(t *testing.T) {
	l := windowsLayout()
	require.Equal(t, cmsgLayouts["windows/"+runtime.GOARCH], l)
	s := listen(t, Host(), loopbacks(t)[0])
	var err error
	require.NoError(t, s.raw.Control(func(fd uintptr) {
		err = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_IP, windows.IP_PKTINFO, 1)
	}))
	require.NoError(t, err)
	_, err = s.conn.WriteToUDPAddrPort([]byte("x"), s.laddr)
	require.NoError(t, err)
	oob := make([]byte, oobBytes)
	n, oobn, _, from, err := s.conn.ReadMsgUDPAddrPort(make([]byte, 10), oob)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, s.laddr, unmap(from))
	level, typ, data, rest, ok := l.next(oob[:oobn])
	require.True(t, ok)
	require.EqualValues(t, windows.IPPROTO_IP, level)
	require.EqualValues(t, windows.IP_PKTINFO, typ)
	require.Len(t, data, 8) // struct in_pktinfo
	require.Equal(t, s.laddr.Addr().AsSlice(), data[:4])
	require.Empty(t, rest)
	require.Equal(t, oob[:oobn], l.append(nil, level, typ, data))
}
