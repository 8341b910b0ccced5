// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/conformance/lab/stream"
	"github.com/rserpool/rserpool/sctp"
)

// The programs of Debian's libusrsctp-examples, which others wrote with no thought of us.
const usrsctpPrograms = "/usr/lib/usrsctp/"

func TestUsrsctpEchoServer(t *testing.T) {
	const echoPort, largest = 7, 9000
	ctx := within(t, time.Minute)
	l := lab.New(t)
	rec := newCapture(t, "echo", 20_000, [2]string{"lo", "127.0.0.1"})
	lab.Start(t, usrsctpPrograms+"echo_server", fmt.Sprint(usrsctpUDP), "9899")
	stack := labStack(t, sctp.Config{Network: singly, RTOInitial: 100 * time.Millisecond}) // it may not listen yet
	var c *sctp.Conn
	require.Eventually(t, func() (ok bool) { // ICMP has it refused until then
		var err error
		c, err = stack.Dial(ctx, &sctp.Addr{IPs: labAddrs, Port: echoPort, EncapPort: usrsctpUDP})
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	traffic := stream.Spec{Seed: 1, Bytes: 1_000_000, Streams: 1, MaxMessage: largest}
	// Once it has seen a SHUTDOWN it can send nothing back.
	back := make(chan struct{})
	in := receive(ctx, c, func(_ sctp.Message, bytes int64) {
		if bytes == traffic.Bytes {
			close(back)
		}
	})
	require.NoError(t, send(ctx, c, traffic))
	select {
	case <-back:
	case <-in.done:
	}
	require.NoError(t, c.Shutdown(ctx))
	in.got(t, ctx, expect(traffic))
	rec.check(t, l)
}

// tsctp measures throughput: as a client it sends a number of equally large messages and shuts down.
func TestUsrsctpTsctp(t *testing.T) {
	const tsctpPort, messages, size = 5001, 2000, 10_000
	ctx := within(t, time.Minute)
	l := lab.New(t)
	rec := newCapture(t, "tsctp", 20_000, [2]string{"lo", "127.0.0.1"})
	ln, err := labStack(t, sctp.Config{Network: singly}).Listen(tsctpPort)
	require.NoError(t, err)
	p := lab.Start(t, usrsctpPrograms+"tsctp", "-n", fmt.Sprint(messages), "-l", fmt.Sprint(size),
		"-p", fmt.Sprint(tsctpPort), "-E", fmt.Sprint(usrsctpUDP), "-U", "9899", labAddrs[0].String())
	c, err := ln.Accept(ctx)
	require.NoError(t, err)
	var wrong int
	in := receive(ctx, c, func(m sctp.Message, _ int64) {
		if len(m.Data) != size {
			wrong++
		}
	})
	require.ErrorIs(t, in.end(t, ctx), io.EOF)
	require.Zero(t, wrong, "messages that are not of %d bytes", size)
	require.EqualValues(t, messages, in.digest.Total().Messages)
	require.Equal(t, 0, p.Wait(ctx))
	rec.check(t, l)
}
