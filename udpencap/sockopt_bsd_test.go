// SPDX-License-Identifier: Apache-2.0

//go:build darwin || freebsd

package udpencap

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// DF is set from the beginning.
func TestBSDDontFragment(t *testing.T) {
	for _, a := range loopbacks(t) {
		s := listen(t, Host(), a)
		level, opt := unix.IPPROTO_IP, unix.IP_DONTFRAG
		if a.Is6() {
			level, opt = unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG
		}
		df := func() (n int) {
			var err error
			require.NoError(t, s.raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), level, opt) }))
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
