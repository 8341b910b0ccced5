// SPDX-License-Identifier: Apache-2.0

//go:build !udpencap_portable

package udpencap

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A datagram to a port that nobody has comes back as ICMP, with its beginning; what
// is sent to others meanwhile is not lost.
func TestPortUnreachableIsTold(t *testing.T) {
	for _, a := range loopbacks(t) {
		x, y := listen(t, Host(), a), listen(t, Host(), a)
		gone := listen(t, Host(), a)
		nobody := gone.LocalAddr()
		require.NoError(t, gone.Close())
		told := make(chan ICMPError, 100)
		require.NoError(t, x.OnICMP(func(e ICMPError) { told <- e }))
		go func() { // until Close
			for {
				if _, err := x.ReadBatch(newBatch(1)); err != nil {
					return
				}
			}
		}()
		for range 10 {
			n, err := x.WriteBatch([]Datagram{
				{Data: []byte("nobody is there, and this is too long to be looked at: " + string(make([]byte, 100))), Dst: nobody},
				{Data: []byte("somebody"), Dst: y.LocalAddr()},
			})
			require.NoError(t, err)
			require.Equal(t, 2, n)
		}
		for _, b := range receive(t, y, 10, x.LocalAddr()) {
			require.Equal(t, "somebody", string(b))
		}
		select {
		case e := <-told:
			require.Equal(t, ICMPPortUnreachable, e.Kind)
			require.Equal(t, nobody, e.Dst)
			require.Regexp(t, "^nobody is there", string(e.Data))
			require.LessOrEqual(t, len(e.Data), maxQuoted)
		case <-time.After(10 * time.Second):
			require.Fail(t, "no ICMP message")
		}
	}
}

// The kinds, from struct sock_extended_err.
func TestParseICMP(t *testing.T) {
	cmsg := func(v6 bool, origin, typ, code byte, info byte) []byte {
		level, opt := byte(0), byte(11)
		if v6 {
			level, opt = 41, 25
		}
		return []byte{32, 0, 0, 0, 0, 0, 0, 0, level, 0, 0, 0, opt, 0, 0, 0,
			111, 0, 0, 0, origin, typ, code, 0, 0, info, 0, 0, 0, 0, 0, 0}
	}
	for _, tt := range []struct {
		name string
		oob  []byte
		want ICMPError
		ok   bool
	}{
		{"port", cmsg(false, 2, 3, 3, 0), ICMPError{Kind: ICMPPortUnreachable}, true},
		{"host", cmsg(false, 2, 3, 1, 0), ICMPError{Kind: ICMPUnreachable}, true},
		{"too big", cmsg(false, 2, 3, 4, 5), ICMPError{Kind: ICMPTooBig, MTU: 1280}, true},
		{"time exceeded", cmsg(false, 2, 11, 0, 0), ICMPError{}, false},
		{"local", cmsg(false, 1, 0, 0, 5), ICMPError{}, false},
		{"port, IPv6", cmsg(true, 3, 1, 4, 0), ICMPError{Kind: ICMPPortUnreachable}, true},
		{"address, IPv6", cmsg(true, 3, 1, 3, 0), ICMPError{Kind: ICMPUnreachable}, true},
		{"too big, IPv6", cmsg(true, 3, 2, 0, 5), ICMPError{Kind: ICMPTooBig, MTU: 1280}, true},
		{"parameter problem, IPv6", cmsg(true, 3, 4, 1, 0), ICMPError{}, false},
		{"short", cmsg(false, 2, 3, 3, 0)[:28], ICMPError{}, false},
		{"nothing", nil, ICMPError{}, false},
	} {
		got, ok := parseICMP(tt.oob)
		require.Equal(t, tt.ok, ok, tt.name)
		if ok {
			require.Equal(t, tt.want, got, tt.name)
		}
	}
}
