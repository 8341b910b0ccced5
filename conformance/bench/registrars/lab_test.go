// SPDX-License-Identifier: Apache-2.0

//go:build interop

package registrars

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/sctp"
)

var (
	rounds = flag.Int("rounds", 3, "how many times the registrars take turns")
	slice  = flag.Duration("slice", time.Second, "how long a load lasts")
	sizes  = flag.String("sizes", "10,1000,10000,100000", "pool elements")
)

func TestMain(m *testing.M) {
	if os.Getenv("LAB_MEM") == "" {
		os.Setenv("LAB_MEM", "1G") // a node has 256 MiB otherwise
	}
	lab.Main(m)
}

// A contender is a registrar in a node.
type contender struct {
	name  string
	node  *lab.Node
	users *Users
	peer  *Peer
}

// BenchmarkRegistrars has RSPLIB's registrar and ours, in two nodes of one kind, work on the same loads in turn, with more
// and more pool elements in one pool. It reports rates, and the processor time that a node takes for each answer, its
// kernel, network and all; the medians of the rounds, and those of the rounds' ratios.
func BenchmarkRegistrars(b *testing.B) {
	l := lab.New(b)
	l.BuildRSerPool(b)
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	all := []*contender{
		{name: "rspregistrar", node: l.Node(b, 2, "exec rspregistrar -identifier=0x22222222 -asap=10.44.0.2:3863 -enrp=10.44.0.2:9901 "+
			"-asapannounce=off -enrpannounce=off -endpointkeepalivetransmissioninterval=300000 -peerheartbeatcycle=300000 "+
			"-peermaxtimelastheard=300000 -mentordiscoverytimeout=1000 -loglevel=3 -logcolor=off 2>&1")},
		{name: "rserpool registrar", node: l.Node(b, 3, lab.FreeEncapPort+"exec rserpool registrar --id 0x33333333 --local 10.44.0.3 "+
			"--announce off --keep-alive-interval -1s --peer-heartbeat-cycle 5m --max-time-last-heard 5m --mentor-discovery 1s 2>&1")},
	}
	stack := loadStack(b, netip.MustParseAddr("10.44.0.1"), 9899)
	ready := []string{"The registrar is ready!", "^registrar "}
	for i, c := range all {
		c.node.WaitLine(ctx, ready[i])
		var err error
		c.users, err = DialUsers(ctx, stack, addr(b, fmt.Sprintf("10.44.0.%d:3863", c.node.N)), 8)
		require.NoError(b, err, c.name)
		c.peer, err = DialPeer(ctx, stack, peerPort, addr(b, fmt.Sprintf("10.44.0.%d:9901", c.node.N)))
		require.NoError(b, err, c.name)
	}
	b.ReportMetric(0, "ns/op")
	t := newTable(all)
	for b.Loop() {
		for s := range strings.SplitSeq(*sizes, ",") {
			n, err := strconv.ParseUint(s, 10, 32)
			require.NoError(b, err)
			for _, c := range all {
				cpu := c.node.CPUTime()
				load, err := c.users.Fill(ctx, uint32(n))
				require.NoError(b, err, c.name)
				if load.Count >= 900 {
					t.add(b, key{"fill", int(n)}, c, load, c.node.CPUTime()-cpu)
				}
			}
			for range *rounds {
				for _, op := range []struct {
					name string
					run  func(*contender, context.Context, time.Duration) (Load, error)
				}{
					{"register, deregister", func(c *contender, ctx context.Context, d time.Duration) (Load, error) {
						return c.users.Registrations(ctx, d)
					}},
					{"re-register", func(c *contender, ctx context.Context, d time.Duration) (Load, error) {
						return c.users.Reregistrations(ctx, d)
					}},
					{"resolve", func(c *contender, ctx context.Context, d time.Duration) (Load, error) {
						return c.users.Resolutions(ctx, d)
					}},
					{"ENRP update", func(c *contender, ctx context.Context, d time.Duration) (Load, error) { return c.peer.Updates(ctx, d) }},
				} {
					for _, c := range all {
						cpu := c.node.CPUTime()
						load, err := op.run(c, ctx, *slice)
						require.NoError(b, err, "%s, %s, %d elements", c.name, op.name, n)
						t.add(b, key{op.name, int(n)}, c, load, c.node.CPUTime()-cpu)
					}
				}
			}
		}
	}
	b.Logf("n = %d\n%s", *rounds, t)
	for _, c := range all {
		c.peer.Close()
		c.users.Close()
	}
}

func addr(b *testing.B, s string) *sctp.Addr {
	a, err := sctp.ParseAddr(s)
	require.NoError(b, err)
	return a
}

// A table has what was measured: rates and microseconds of processor time, of each contender in each round.
type (
	key struct {
		op       string
		elements int
	}
	table struct {
		all       []*contender
		keys      []key
		rate, cpu map[key]map[*contender][]float64
	}
)

func newTable(all []*contender) *table {
	return &table{all: all, rate: map[key]map[*contender][]float64{}, cpu: map[key]map[*contender][]float64{}}
}

func (t *table) add(b *testing.B, k key, c *contender, l Load, cpu time.Duration) {
	if t.rate[k] == nil {
		t.keys = append(t.keys, k)
		t.rate[k], t.cpu[k] = map[*contender][]float64{}, map[*contender][]float64{}
	}
	each := cpu.Seconds() * 1e6 / float64(l.Count)
	t.rate[k][c] = append(t.rate[k][c], l.PerSecond())
	t.cpu[k][c] = append(t.cpu[k][c], each)
	b.Logf("%-22s %6d elements %-20s %8.0f/s %7.1f CPU-µs, %d of %d sent again", k.op, k.elements, c.name, l.PerSecond(), each, l.Resent, l.Count)
}

func (t *table) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "| | elements | %s, %s per second | ratio | CPU-µs each | ratio |\n|---|---|---|---|---|---|\n", t.all[1].name, t.all[0].name)
	slices.SortStableFunc(t.keys, func(a, b key) int { return cmp.Compare(a.op, b.op) })
	for _, k := range t.keys {
		theirs, ours := t.all[0], t.all[1]
		fmt.Fprintf(&s, "| %s | %d | %.0f, %.0f | %.2f | %.0f, %.0f | %.2f |\n", k.op, k.elements,
			median(t.rate[k][ours]), median(t.rate[k][theirs]), ratio(t.rate[k][ours], t.rate[k][theirs]),
			median(t.cpu[k][ours]), median(t.cpu[k][theirs]), ratio(t.cpu[k][ours], t.cpu[k][theirs]))
	}
	return s.String()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func ratio(a, b []float64) float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return median(r)
}
