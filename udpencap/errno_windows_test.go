// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

// icmpErrnos are those that ICMP messages cause here only.
var icmpErrnos = []syscall.Errno{
	windows.WSAECONNRESET, windows.WSAENETRESET, windows.WSAECONNREFUSED, windows.WSAEHOSTUNREACH,
	windows.WSAENETUNREACH, windows.WSAEMSGSIZE, windows.ERROR_PORT_UNREACHABLE,
	windows.ERROR_HOST_UNREACHABLE, windows.ERROR_NETNAME_DELETED, windows.ERROR_MORE_DATA,
}

// DF is set from the beginning, or else the system has no such option.
func TestWindowsDontFragment(t *testing.T) {
	for _, a := range loopbacks(t) {
		s := listen(t, Host(), a)
		level, opt := windows.IPPROTO_IP, ipDontFragment
		if a.Is6() {
			level, opt = windows.IPPROTO_IPV6, ipv6DontFrag
		}
		df := func() (n int) {
			var err error
			require.NoError(t, s.raw.Control(func(fd uintptr) { n, err = windows.GetsockoptInt(windows.Handle(fd), level, opt) }))
			require.NoError(t, err)
			return n
		}
		require.NotZero(t, df())
		s.tx.setDF(false)
		require.Zero(t, df())
		s.tx.setDF(true)
		require.NotZero(t, df())
	}
}
