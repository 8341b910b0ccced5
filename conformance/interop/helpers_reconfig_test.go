// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

// testReconfig changes the streams of an association from either side (RFC 6525). Between the changes
// messages go there and back on them: an SSN that one side has reset and the other has not would hold
// them up for ever.
func testReconfig(t *testing.T, f *foreign, who sets) { reconfig(t, f, who, sctp.Config{}, "") }

// reconfig is testReconfig with some configuration, and options of the peer.
func reconfig(t *testing.T, f *foreign, who sets, cfg sctp.Config, options string) {
	ctx := within(t, time.Minute)
	cfg.Network, cfg.OutboundStreams, cfg.SackDelay = singly, 20, -1
	stack := labStack(t, cfg)
	rec := f.capture(t, "reconfig", 20_000)
	c, p := f.connect(t, ctx, stack, who, "-role echo -out 20 "+options)
	events := watch(t, c)
	sent := 0
	exchange := func(stream uint16) {
		t.Helper()
		for range 3 {
			sent++
			data := fmt.Sprintf("message %d", sent)
			require.NoError(t, c.Send(ctx, sctp.Message{Stream: stream, Data: []byte(data)}))
			m, err := c.Recv(ctx)
			require.NoError(t, err)
			require.Equal(t, data, string(m.Data))
			require.Equal(t, stream, m.Stream)
		}
	}
	asks := func(command, verb string) {
		for ok := false; !ok; { // a peer refuses while it waits for an acknowledgement
			p.Input(command)
			ok = p.WaitLine(ctx, "^event=command command="+verb+" ok=(true|false)")[1] == "true"
		}
	}
	exchange(3)
	require.NoError(t, c.ResetStreams(ctx, sctp.Outbound, 3))
	exchange(3)
	require.NoError(t, c.ResetStreams(ctx, sctp.Inbound, 3))
	exchange(3)
	require.NoError(t, c.ResetStreams(ctx, sctp.Outbound|sctp.Inbound, 3))
	exchange(3)
	exchange(4)
	asks("reset 3", "reset")
	waitEvent(t, ctx, events, func(e sctp.EventStreamReset) bool { return e.Inbound && len(e.Streams) == 1 })
	exchange(3)
	asks("resetin 4", "resetin")
	waitEvent(t, ctx, events, func(e sctp.EventStreamReset) bool {
		return !e.Inbound && len(e.Streams) == 1 && e.Streams[0] == 4
	})
	exchange(4)

	out, in := streamsOf(c)
	require.NoError(t, c.AddStreams(ctx, 5, 5))
	nowOut, nowIn := streamsOf(c)
	require.Equal(t, []int{out + 5, in + 5}, []int{nowOut, nowIn})
	exchange(uint16(out + 4))
	asks("addstreams 2 2", "addstreams")
	waitEvent(t, ctx, events, func(e sctp.EventStreamChange) bool {
		return e.OutboundStreams == out+7 && e.InboundStreams == in+7
	})
	exchange(uint16(out + 6))

	require.NoError(t, c.ResetAssociation(ctx))
	exchange(3)
	asks("resetassoc", "resetassoc")
	waitEvent[sctp.EventAssociationReset](t, ctx, events, nil)
	waitEvent[sctp.EventAssociationReset](t, ctx, events, nil)
	exchange(3)
	require.NoError(t, c.Shutdown(ctx))
	require.Equal(t, 0, p.exit(ctx))
	rec.check(t, lab.New(t))
}

func streamsOf(c *sctp.Conn) (out, in int) {
	s := c.Stats()
	return s.OutboundStreams, s.InboundStreams
}
