// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A fakeConn gives what a test lays down for it.
type fakeConn struct {
	reads  []error // those of the reads to come; nil and afterwards, a datagram
	writes []error // those of the writes to come
	sent   []string
	oob    [][]byte
}

var fakePeer = netip.MustParseAddrPort("192.0.2.1:9899")

func pop(errs *[]error) (err error) {
	if len(*errs) > 0 {
		err, *errs = (*errs)[0], (*errs)[1:]
	}
	return err
}

func (c *fakeConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	if err := pop(&c.reads); err != nil {
		return 0, netip.AddrPort{}, err
	}
	return copy(b, "arrived"), fakePeer, nil
}

func (c *fakeConn) ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	n, from, err = c.ReadFromUDPAddrPort(b)
	if err == nil && len(c.oob) > 0 {
		oobn, c.oob = copy(oob, c.oob[0]), c.oob[1:]
	}
	return n, oobn, 0, from, err
}

func (c *fakeConn) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	if err := pop(&c.writes); err != nil {
		return 0, err
	}
	c.sent = append(c.sent, string(b))
	return len(b), nil
}

func (c *fakeConn) WriteMsgUDPAddrPort(b, oob []byte, _ netip.AddrPort) (int, int, error) {
	if err := pop(&c.writes); err != nil {
		return 0, 0, err
	}
	c.sent = append(c.sent, string(b)+" marked "+string(rune('0'+oob[16])))
	return len(b), len(oob), nil
}

func netError(errno syscall.Errno) error {
	return &net.OpError{Op: "read", Net: "udp4", Err: os.NewSyscallError("wsarecvfrom", errno)}
}

// An ICMP message about something sent earlier makes reading fail on some systems, on
// Windows with ECONNRESET (port unreachable) or ENETRESET (time exceeded). Reading
// goes on, however often.
func TestICMPDoesNotEndReading(t *testing.T) {
	for _, ecn := range []bool{false, true} {
		for _, errno := range append(icmpErrnos, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ENETRESET,
			syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EMSGSIZE) {
			c := &fakeConn{}
			for range 1000 {
				c.reads = append(c.reads, netError(errno))
			}
			r := portableReceiver{conn: c}
			if ecn {
				ctl := ecnControls["windows, IPv4"]
				r.enableECN(&ctl)
				c.oob = [][]byte{ctl.mark(ECNCE)}
			}
			in := newBatch(1)
			n, err := r.read(in)
			require.NoError(t, err, "%d", errno)
			require.Equal(t, 1, n)
			require.Equal(t, "arrived", string(in[0].Data))
			require.Equal(t, fakePeer, in[0].Src)
			require.Equal(t, ecn, in[0].ECN == ECNCE)
			require.Empty(t, c.reads)
		}
	}
}

func TestPortableReadFails(t *testing.T) {
	r := portableReceiver{laddr: fakePeer}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{netError(syscall.EBADF), "udpencap: receive on 192.0.2.1:9899: " + syscall.EBADF.Error()},
		{io.ErrUnexpectedEOF, "udpencap: receive on 192.0.2.1:9899: unexpected EOF"},
		{&net.OpError{Op: "read", Err: net.ErrClosed}, "use of closed network connection"},
	} {
		r.conn = &fakeConn{reads: []error{tt.err}}
		_, err := r.read(newBatch(1))
		require.EqualError(t, err, tt.want)
	}
}

func TestPortableWrite(t *testing.T) {
	refused, tooBig, full := netError(syscall.ECONNREFUSED), netError(syscall.EMSGSIZE), netError(syscall.ENOBUFS)
	invalid := netError(syscall.EINVAL)
	ctl := ecnControls["linux, IPv4"]
	for _, tt := range []struct {
		name   string
		writes []error
		sent   []string
		n      int
		want   error
	}{
		{"well", nil, []string{"a marked 2", "b", "c marked 3"}, 3, nil},
		{"what another one left behind", []error{refused, refused}, []string{"a marked 2", "b", "c marked 3"}, 3, nil},
		{"too often", []error{refused, refused, refused}, []string{"b", "c marked 3"}, 3, nil},
		{"no room", []error{nil, full}, []string{"a marked 2", "c marked 3"}, 3, nil},
		{"too large", []error{nil, tooBig}, []string{"a marked 2"}, 1, syscall.EMSGSIZE},
		{"too large, marked", []error{tooBig}, nil, 0, syscall.EMSGSIZE},
		{"no such control message", []error{invalid}, []string{"a", "b", "c"}, 3, nil},
		{"something else is invalid", []error{invalid, invalid}, nil, 0, syscall.EINVAL},
		{"closed", []error{nil, &net.OpError{Op: "write", Err: net.ErrClosed}}, []string{"a marked 2"}, 1, net.ErrClosed},
	} {
		c := &fakeConn{writes: tt.writes}
		s := portableSender{conn: c, laddr: fakePeer}
		s.enableECN(&ctl)
		n, err := s.write([]Datagram{
			{Data: []byte("a"), Dst: fakePeer, ECN: ECNECT0},
			{Data: []byte("b"), Dst: fakePeer},
			{Data: []byte("c"), Dst: fakePeer, ECN: ECNCE},
		})
		require.Equal(t, tt.n, n, tt.name)
		require.ErrorIs(t, err, tt.want, tt.name)
		require.Equal(t, tt.sent, c.sent, tt.name)
		if mtuErr, ok := errors.AsType[*MTUError](err); ok {
			require.Equal(t, fakePeer, mtuErr.Dst)
		} else {
			require.NotEqual(t, syscall.EMSGSIZE, tt.want, tt.name)
		}
	}
}

// A datagram that IP may fragment goes out without DF, and the next ones with it.
func TestPortableMayFragment(t *testing.T) {
	c := &fakeConn{}
	var df []bool
	s := portableSender{conn: c, laddr: fakePeer, setDF: func(on bool) {
		df = append(df, on)
		c.sent = append(c.sent, map[bool]string{true: "DF", false: "no DF"}[on])
	}}
	_, err := s.write([]Datagram{
		{Data: []byte("abcde"), SegmentSize: 2, Dst: fakePeer, MayFragment: true},
		{Dst: fakePeer},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"no DF", "ab", "cd", "e", "DF", ""}, c.sent)
	require.Equal(t, []bool{false, true}, df)
}
