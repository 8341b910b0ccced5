// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || freebsd

package udpencap

import (
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The tables are true of the system this runs on, and x/sys agrees.
func TestHostCmsgLayout(t *testing.T) {
	l := unixLayout()
	want, ok := cmsgLayouts[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		want, ok = cmsgLayouts[runtime.GOOS]
	}
	if ok {
		require.Equal(t, want, l)
	}
	for n := range 20 {
		require.Equal(t, unix.CmsgSpace(n), l.space(n), n)
		data := pattern(n)
		b := l.append(nil, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, data)
		ms, err := unix.ParseSocketControlMessage(b)
		require.NoError(t, err)
		require.Len(t, ms, 1)
		require.EqualValues(t, unix.IPPROTO_IPV6, ms[0].Header.Level)
		require.EqualValues(t, unix.IPV6_TCLASS, ms[0].Header.Type)
		require.EqualValues(t, unix.CmsgLen(n), ms[0].Header.Len)
		require.Equal(t, string(data), string(ms[0].Data[:n]))
	}
}

func TestHostECNControl(t *testing.T) {
	for _, a := range loopbacks(t) {
		s := listen(t, Host(), a)
		v := ", IPv4"
		if a.Is6() {
			v = ", IPv6"
		}
		c, err := hostECN(s.raw, a.Is6())
		require.NoError(t, err)
		want := ecnControls[runtime.GOOS+v]
		want.layout = unixLayout()
		require.Equal(t, want, *c)
		require.NoError(t, s.Close())
		_, err = hostECN(s.raw, a.Is6())
		require.Error(t, err)
	}
}

// The portable receiver and sender, on sockets of this system, with what it does to
// control messages that it does not know.
func TestPortableECN(t *testing.T) {
	for _, a := range loopbacks(t) {
		x, y := listen(t, Host(), a), listen(t, Host(), a)
		rx := portableReceiver{conn: y.conn, laddr: y.laddr}
		tx := portableSender{conn: x.conn, laddr: x.laddr}
		in := newBatch(1)
		send := func(ecn ECN) ECN {
			n, err := tx.write([]Datagram{{Data: []byte("marked"), Dst: y.LocalAddr(), ECN: ecn}})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			n, err = rx.read(in)
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, "marked", string(in[0].Data))
			require.Equal(t, x.LocalAddr(), in[0].Src)
			return in[0].ECN
		}
		require.Zero(t, send(ECNECT0), "nobody has asked for it")
		c, err := hostECN(y.raw, a.Is6())
		require.NoError(t, err)
		rx.enableECN(c)
		tx.enableECN(c)
		for ecn := ECNNotECT; ecn <= ECNCE; ecn++ {
			require.Equal(t, ecn, send(ecn))
		}
		out := []Datagram{{Data: []byte("x"), Dst: y.LocalAddr(), ECN: ECNECT0}}
		require.Zero(t, testing.AllocsPerRun(100, func() {
			_, _ = tx.write(out)
			_, _ = rx.read(in)
		}))

		for ecn := ECNECT1; ecn <= ECNCE; ecn++ { // of 3 bytes, which is neither a byte nor an int
			tx.marks[ecn] = c.layout.append(nil, c.level, c.send, []byte{byte(ecn), 0, 0})
		}
		_, _, err = x.conn.WriteMsgUDPAddrPort([]byte("x"), tx.marks[ECNECT0], y.LocalAddr())
		require.ErrorIs(t, err, syscall.EINVAL)
		require.Zero(t, send(ECNECT0))
		require.True(t, tx.unmarked.Load())
	}
}
