// SPDX-License-Identifier: Apache-2.0

//go:build linux && interop

package lab

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab/stream"
)

func TestMain(m *testing.M) { Main(m) }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestNodeRunsAScript(t *testing.T) {
	l := New(t)
	n := l.Node(t, 2, `ip -4 -o addr show vec1; read x; echo "got $x"; exit 7`)
	require.Contains(t, n.WaitLine(within(t, time.Minute), "vec1.*")[0], "10.45.0.2/24")
	n.Input("a line")
	n.WaitLine(t.Context(), "^got a line$")
	require.Equal(t, 7, n.Wait(within(t, time.Minute)))
}

// Two kernels move traffic over two paths, both directions at once, and lose one path midway.
func TestKernelToKernel(t *testing.T) {
	l := New(t)
	l.BuildKernelPeer(t)
	spec := stream.Spec{Seed: 5, Bytes: 20_000_000, Streams: 10}
	want := stream.Expect(spec).Total()
	traffic := fmt.Sprintf("-role duplex -seed %d -bytes %d -streams %d -progress 5000000", spec.Seed, spec.Bytes, spec.Streams)

	cap := l.Capture(t, "kernel-to-kernel")
	// RTO.Min and the retransmission limit bound how long the cut path stalls the transfer.
	const quick = "sysctl -q -w net.sctp.path_max_retrans=1 net.sctp.rto_min=100 net.sctp.rto_initial=200 net.sctp.hb_interval=500\n"
	a := l.Node(t, 2, quick+"exec kernelpeer -listen -local 10.44.0.2,10.45.0.2 "+traffic)
	b := l.Node(t, 3, quick+"read go\nexec kernelpeer -dial -local 10.44.0.3,10.45.0.3 -remote 10.44.0.2,10.45.0.2 "+traffic)
	a.WaitLine(within(t, time.Minute), "event=listening")
	b.WaitUp(within(t, time.Minute))
	b.Input("go")
	b.WaitLine(within(t, time.Minute), "event=progress")
	l.Cut(t, 2, "A")
	b.WaitLine(within(t, time.Minute), "event=paddr addr=10.44.0.2 state=unreachable")
	l.Join(t, 2, "A")
	for _, n := range []*Node{a, b} {
		n.WaitLine(within(t, 2*time.Minute), "event=total dir=sent "+want.String())
		n.WaitLine(t.Context(), "event=total dir=rcvd "+want.String())
		require.Equal(t, 0, n.Wait(within(t, time.Minute)))
	}
	file := cap.Stop()
	l.CheckCapture(t, file)
	require.Greater(t, l.CountPackets(t, file, "sctp.chunk_type == 0 && ip.dst == 10.45.0.2"), 1000,
		"the second path took over")
}

func TestDropLosesEveryNth(t *testing.T) {
	l := New(t)
	l.Drop(t, 2, "A", 3)
	n := l.Node(t, 2, `bash -c 'for i in 1 2 3 4 5 6; do echo "datagram $i" >/dev/udp/10.44.0.1/7777; done'; read x`)
	conn, err := net.ListenPacket("udp4", "10.44.0.1:7777")
	require.NoError(t, err)
	defer conn.Close()
	n.WaitUp(within(t, time.Minute))
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	var got []string
	buf := make([]byte, 100)
	for range 4 {
		k, _, err := conn.ReadFrom(buf)
		require.NoError(t, err)
		got = append(got, strings.TrimSpace(string(buf[:k])))
	}
	require.Len(t, slices.Compact(got), 4)
	// The two that are missing lie three apart, whatever the node sent before.
	missing := 0
	for i := range 6 {
		if !slices.Contains(got, fmt.Sprint("datagram ", i+1)) {
			missing++
			require.False(t, slices.Contains(got, fmt.Sprint("datagram ", (i+3)%6+1)))
		}
	}
	require.Equal(t, 2, missing)
	l.Drop(t, 2, "A", 0)
}

func TestRegistrarEchoTerminalAndDump(t *testing.T) {
	l := New(t)
	cap := l.Capture(t, "rsplib")
	registrar := l.Node(t, 2, `exec rspregistrar -identifier=0x11111111 -asap=10.44.0.2:3863 -enrp=10.44.0.2:9901 -loglevel=3 -logcolor=off 2>&1`)
	server := l.Node(t, 3, `exec rspserver -echo -poolhandle=EchoPool -identifier=0xabcd -registrar=10.44.0.2:3863 \
		-local=10.44.0.3:7000 -loglevel=3 -logcolor=off 2>&1`)
	user := l.Node(t, 4, `read go; hsdump 10.44.0.2:9901 2>&1
		rspterminal -poolhandle=EchoPool -registrar=10.44.0.2:3863 2>&1`)
	registrar.WaitLine(within(t, time.Minute), "The registrar is ready!")
	server.WaitLine(within(t, time.Minute), "Connected to registrar")
	server.WaitLine(within(t, time.Minute), `Identifier +=? *\$0000abcd`)
	user.WaitUp(within(t, time.Minute))
	user.Input("go")
	user.WaitLine(within(t, 20*time.Second), `Pool "EchoPool", Policy "RoundRobin"`)
	user.WaitLine(within(t, 20*time.Second), `userT: \{10.44.0.3\} 7000/SCTP`)
	user.WaitLine(within(t, 20*time.Second), "Pool Handle = EchoPool")
	user.Input("one line")
	user.WaitLine(within(t, 20*time.Second), `from PE \$0000abcd> one line`)
	server.WaitLine(within(t, 20*time.Second), `Echo \d+ bytes on session 1`)
	l.CheckCapture(t, cap.Stop())
}

// The addresses of a running association change on command, and a command aborts it.
func TestKernelPeerCommandsAndAbort(t *testing.T) {
	l := New(t)
	l.BuildKernelPeer(t)
	a := l.Node(t, 2, "exec kernelpeer -listen -local 10.44.0.2,10.45.0.2 -role sink")
	b := l.Node(t, 3, `ip addr add 10.44.0.33/24 dev vec0
		read go
		exec kernelpeer -dial -local 10.44.0.3,10.45.0.3 -remote 10.44.0.2,10.45.0.2 -role source -close hold`)
	a.WaitLine(within(t, time.Minute), "event=listening")
	b.Input("go")
	b.WaitLine(within(t, time.Minute), "event=holding")
	for _, c := range []struct{ command, seen string }{
		{"add 10.44.0.33", "event=paddr addr=10.44.0.33 state=added"},
		{"peerprimary 10.45.0.3", "event=paddr addr=10.45.0.3 state=made_prim"},
		{"del 10.44.0.3", "event=paddr addr=10.44.0.3 state=removed"},
	} {
		b.Input(c.command)
		b.WaitLine(within(t, time.Minute), "event=command .* ok=true")
		a.WaitLine(within(t, time.Minute), c.seen)
	}
	b.Input("abort")
	a.WaitLine(within(t, time.Minute), "event=closed reason=abort")
	b.WaitLine(within(t, time.Minute), "event=closed reason=local_abort")
}
