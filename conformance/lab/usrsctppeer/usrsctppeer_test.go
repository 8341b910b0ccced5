// SPDX-License-Identifier: Apache-2.0

//go:build linux && interop

package usrsctppeer

import (
	"context"
	"flag"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/conformance/lab/stream"
)

var megabytes = flag.Int64("megabytes", 20, "traffic per test in MB")

func TestMain(m *testing.M) { lab.Main(m) }

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func traffic() stream.Spec {
	return stream.Spec{Seed: 11, Bytes: *megabytes * 1_000_000, Streams: 10}
}

func flags(spec stream.Spec, more string) []string {
	return strings.Fields(fmt.Sprintf("-seed %d -bytes %d -streams %d %s", spec.Seed, spec.Bytes, spec.Streams, more))
}

func TestTrafficIsTheSameInC(t *testing.T) {
	peer := Build(t)
	for _, spec := range []stream.Spec{
		{Bytes: 1, Streams: 1},
		{Seed: 1, Bytes: 100_000, Streams: 3},
		{Seed: 1 << 63, Bytes: 10_000_000, Streams: 65535, MaxMessage: 9000},
	} {
		out, err := exec.Command(peer, flags(spec, fmt.Sprintf("-vectors -max %d", spec.MaxMessage))...).Output()
		require.NoError(t, err)
		want := stream.Expect(spec)
		require.Contains(t, string(out), "event=total dir=sent "+want.Total().String()+" ")
		id := want.Streams()[len(want.Streams())-1]
		require.Contains(t, string(out), fmt.Sprintf("event=stream dir=sent stream=%d %s\n", id, want.Stream(id)))
	}
}

// finished waits for both ends to report that both directions arrived whole.
func finished(t *testing.T, want stream.StreamSum, peers ...*lab.Process) {
	t.Helper()
	for _, p := range peers {
		p.WaitLine(within(t, 3*time.Minute), "event=total dir=sent "+want.String())
		m := p.WaitLine(t.Context(), "event=total dir=rcvd "+want.String()+".* MBps=(.*)")
		t.Logf("%s MB/s in each direction", m[1])
		require.Equal(t, 0, p.Wait(within(t, time.Minute)))
	}
}

func TestUsrsctpToUsrsctp(t *testing.T) {
	lab.New(t)
	peer := Build(t)
	spec := traffic()
	const addrs = "10.44.0.1,10.45.0.1"
	a := Start(t, peer, flags(spec, "-role duplex -listen -local "+addrs+" -port 5001 -udp 9901 -encap 9902")...)
	a.WaitLine(within(t, 10*time.Second), "event=listening")
	b := Start(t, peer, flags(spec, "-role duplex -dial -local "+addrs+" -remote "+addrs+" -port 5001 -udp 9902 -encap 9901")...)
	finished(t, stream.Expect(spec).Total(), a, b)
}

func TestUsrsctpToKernel(t *testing.T) {
	l := lab.New(t)
	l.BuildKernelPeer(t)
	peer := Build(t)
	spec := traffic()
	want := stream.Expect(spec).Total()
	const here, there = "10.44.0.1,10.45.0.1", "10.44.0.2,10.45.0.2"
	kernel := "kernelpeer " + strings.Join(flags(spec, "-role duplex"), " ")

	cap := l.Capture(t, "usrsctp-to-kernel")
	k := l.Node(t, 2, kernel+" -listen -local "+there)
	k.WaitLine(within(t, time.Minute), "event=listening")
	u := Start(t, peer, flags(spec, "-role duplex -dial -local "+here+" -remote "+there)...)
	finished(t, want, u, k.Process)
	l.CheckCapture(t, cap.Stop())
}

func TestKernelToUsrsctp(t *testing.T) {
	l := lab.New(t)
	l.BuildKernelPeer(t)
	peer := Build(t)
	spec := traffic()
	want := stream.Expect(spec).Total()
	const here, there = "10.44.0.1,10.45.0.1", "10.44.0.2,10.45.0.2"
	kernel := "kernelpeer " + strings.Join(flags(spec, "-role duplex"), " ")

	u := Start(t, peer, flags(spec, "-role duplex -listen -local "+here)...)
	u.WaitLine(within(t, 10*time.Second), "event=listening")
	k := l.Node(t, 2, kernel+" -dial -local "+there+" -remote "+here)
	finished(t, want, u, k.Process)
}

// One datagram in fifty is lost on one path, in each direction, and everything still arrives.
func TestKernelToUsrsctpWithLoss(t *testing.T) {
	l := lab.New(t)
	l.BuildKernelPeer(t)
	peer := Build(t)
	spec := stream.Spec{Seed: 12, Bytes: 5_000_000, Streams: 10}
	const here, there = "10.44.0.1,10.45.0.1", "10.44.0.2,10.45.0.2"
	l.Drop(t, 2, "A", 50)
	defer l.Drop(t, 2, "A", 0)
	u := Start(t, peer, flags(spec, "-role sink -listen -local "+here)...)
	u.WaitLine(within(t, 10*time.Second), "event=listening")
	k := l.Node(t, 2, "sysctl -q -w net.sctp.rto_min=100\nkernelpeer "+
		strings.Join(flags(spec, "-role source -dial -local "+there+" -remote "+here), " "))
	u.WaitLine(within(t, 3*time.Minute), "event=total dir=rcvd "+stream.Expect(spec).Total().String())
	require.Equal(t, 0, u.Wait(within(t, time.Minute)))
	require.Equal(t, 0, k.Wait(within(t, time.Minute)))
}
