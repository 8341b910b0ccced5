// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"

	pion "github.com/pion/sctp"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// What we send to Pion is well-formed: set-up in both roles, data both ways, both kinds of ends.
func TestPionCapture(t *testing.T) {
	l := lab.New(t)
	for _, role := range pionRoles {
		for _, abort := range []bool{false, true} {
			name := role.name + ", graceful"
			if abort {
				name = role.name + ", abort"
			}
			t.Run(name, func(t *testing.T) {
				ctx := pionContext(t)
				c := newCapture(t, "pion", 20000, [2]string{"lo", labAddrs[0].String()})
				p := role.connect(t, ctx, sctp.Config{
					LocalAddrs: labAddrs[:1], EncapPort: udpencap.DefaultPort, Network: singly,
				})
				streams := make([]*pion.Stream, pionStreams)
				for i := range streams {
					streams[i] = p.open(t, uint16(i), false)
				}
				there := stream.Spec{Seed: 1, Bytes: 2e6, Streams: pionStreams}
				back := stream.Spec{Seed: 2, Bytes: 2e6, Streams: pionStreams}
				var atOurs stream.Digest
				atPion := make([]stream.Digest, pionStreams)
				wantOurs, wantPion := stream.Expect(back), stream.Expect(there)
				work := []func() error{
					func() error { return sendOurs(ctx, p.ours, there, false) },
					func() error { return sendPion(ctx, streams, back) },
					func() error { return recvOurs(ctx, p.ours, &atOurs, wantOurs.Total().Messages, false) },
				}
				for i, s := range streams {
					n := wantPion.Stream(uint16(i)).Messages
					work = append(work, func() error { return recvPion(s, &atPion[i], n) })
				}
				concurrently(t, ctx, p, work)
				for i := range uint16(pionStreams) {
					requireSum(t, false, wantOurs.Stream(i), atOurs.Stream(i), "pion to us, stream %d", i)
					requireSum(t, false, wantPion.Stream(i), atPion[i].Stream(i), "us to pion, stream %d", i)
				}
				if abort {
					require.NoError(t, p.ours.Abort("enough of this"))
				} else {
					require.NoError(t, p.ours.Shutdown(ctx))
				}
				c.check(t, l)
			})
		}
	}
}
