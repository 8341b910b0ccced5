// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
)

// A session with pingpong of RSPLIB goes on with an element of ours when that loses its power, and with one of RSPLIB again
// when ours leaves: so does one of RSPLIB's user, and one of ours, at the same time. The reply numbers continue.
func TestRSPLIBPingPongContinues(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	serve := func(id int) string { return fmt.Sprintf("rspserver -pingpong -identifier=%#x", id) + rsplibLog }
	first := r.lab.Node(t, 2, "exec "+serve(0xaa02))
	theirs := r.lab.Node(t, 3, "read -r go\nexec pingpongclient -interval=1000"+rsplibLog)
	last := r.lab.Node(t, 4, "read -r go\nexec "+serve(0xaa04))
	first.WaitUp(r.ctx(rsplibBoot))
	theirs.WaitUp(r.ctx(rsplibBoot))
	last.WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibSoon, func() bool { return len(rsplibElements(srv, "PingPongPool")) == 1 }, "the first has registered")
	theirs.Input("go")

	user := r.client()
	s, err := user.Dial(r.ctx(rsplibSoon), "PingPongPool")
	require.NoError(t, err)
	p := service.NewPinger(s)
	ack := regexp.MustCompile(`Ack #\d+ from PE \$([0-9a-f]+) \(reply #(\d+)\)`)
	replies, theirReplies := uint64(0), uint64(0)
	// ping wants the next replies from this element, first of our user's, then of RSPLIB's user.
	ping := func(id uint32, failovers int) {
		t.Helper()
		for range 5 {
			pong, err := p.Ping(r.ctx(rsplibDead))
			for f, ok := errors.AsType[*pool.FailoverError](err); ok; f, ok = errors.AsType[*pool.FailoverError](err) {
				failovers--
				require.True(t, f.CookieEchoed)
				t.Logf("%v, silent for %v", f, f.Silent)
				pong, err = p.Ping(r.ctx(rsplibDead))
			}
			require.NoError(t, err)
			replies++
			require.Equal(t, replies, pong.MessageNo)
			require.Equal(t, replies, pong.ReplyNo)
			require.Equal(t, id, pong.Element.ID)
		}
		require.Zero(t, failovers)
		// Until one was just printed, and it was not the first one by this element.
		for n, fresh := 0, false; n < 3 || !fresh; {
			seen := len(ack.FindAllString(strings.Join(theirs.Lines(), "\n"), -1))
			m := theirs.WaitLine(r.ctx(rsplibDead), ack.String())
			fresh = uint64(seen) == theirReplies
			theirReplies++
			require.Equal(t, fmt.Sprint(theirReplies), m[2], m[0])
			if m[1] == fmt.Sprintf("%08x", id) {
				n++
			}
		}
		// The cookie follows the reply, and for RSPLIB after an acknowledgement that may be delayed by 200 ms. Without it, a
		// number comes twice.
		heard := time.Now()
		r.soon(rsplibSoon, func() bool { return time.Since(heard) > 500*time.Millisecond })
	}
	ping(0xaa02, 0)

	ours := rsplibService(r, "pingpong", "PingPongPool", 0x0c0ffee1)
	ping(0xaa02, 0)
	first.Kill()
	ping(0x0c0ffee1, 1)
	last.Input("go")
	r.soon(rsplibDead, func() bool {
		ids := rsplibElements(srv, "PingPongPool")
		return len(ids) == 2 && !slices.Contains(ids, 0xaa02)
	}, "the last has registered, and the first is gone")
	ping(0x0c0ffee1, 0)
	ours.stop()
	ping(0xaa04, 1)
	require.NoError(t, s.Close())
	file := r.finish()
	for _, filter := range []string{rsplibOurs, "ip.dst == 10.44.0.1 || ip.dst == 10.45.0.1"} {
		require.NotZero(t, r.lab.CountPackets(t, file, "pingpongprotocol.message_type == 1 && ("+filter+")"))
		require.NotZero(t, r.lab.CountPackets(t, file, "pingpongprotocol.message_type == 2 && ("+filter+")"))
		require.GreaterOrEqual(t, r.count(file, 12, filter), 1, "cookies were echoed to and by RSPLIB")
	}
	require.Zero(t, r.lab.CountPackets(t, file, "pingpongprotocol && _ws.malformed"))
}
