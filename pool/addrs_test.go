// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An element moves to other addresses: registrars hand out the new ones, sessions go on.
func TestElementMoves(t *testing.T) {
	for _, breakFirst := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.registrar(w.host(1), 1)
			h := w.host(2)
			e := w.echo(h, 0xa, nil)
			user := w.client(w.host(3), nil)
			known := func() []netip.Addr {
				elems, err := user.ResolveFresh(w.ctx, "EchoPool")
				require.NoError(t, err)
				require.Len(t, elems, 1)
				return elems[0].Transport.Addrs
			}
			require.Equal(t, []netip.Addr{ip(2)}, known())
			sess, err := user.Dial(w.ctx, "EchoPool")
			require.NoError(t, err)
			defer sess.Close()
			echo := func() {
				t.Helper()
				require.NoError(t, sess.Send(w.ctx, text("hello")))
				m, err := sess.Recv(w.ctx)
				require.NoError(t, err)
				require.Equal(t, "hello", string(m.Data))
			}
			echo()
			conn := sess.Conn()
			gone := func() {
				require.NoError(t, e.stack.RemoveAddr(w.ctx, ip(2)))
				h.RemoveAddr(ip(2))
			}
			if breakFirst {
				gone()
				time.Sleep(2 * time.Second)
			}
			require.NoError(t, h.AddAddr(ip(22)))
			require.NoError(t, e.stack.AddAddr(w.ctx, ip(22)))
			w.until("the new address is registered", func() bool { return slices.Contains(known(), ip(22)) })
			if !breakFirst {
				gone()
			}
			w.until("the old one is not", func() bool { return slices.Equal(known(), []netip.Addr{ip(22)}) })
			echo()
			require.Same(t, conn, sess.Conn(), "it has not failed over")
		})
	}
}
