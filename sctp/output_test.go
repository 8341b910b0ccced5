// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
)

func TestOutputRuns(t *testing.T) {
	l1, l2 := netip.MustParseAddrPort("10.0.0.1:9899"), netip.MustParseAddrPort("10.1.0.1:9899")
	r1, r2 := netip.MustParseAddrPort("10.0.0.2:9899"), netip.MustParseAddrPort("10.1.0.2:9899")
	type dg struct{ len, segment int }
	for name, tt := range map[string]struct {
		packets []assoc.Transmit
		want    []dg
	}{
		"equal":         {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 100}, {Local: l1, Remote: r1, Len: 100}}, []dg{{200, 100}}},
		"shorter last":  {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 100}, {Local: l1, Remote: r1, Len: 40}, {Local: l1, Remote: r1, Len: 40}}, []dg{{140, 100}, {40, 0}}},
		"longer":        {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 40}, {Local: l1, Remote: r1, Len: 100}}, []dg{{40, 0}, {100, 0}}},
		"other remote":  {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 100}, {Local: l1, Remote: r2, Len: 100}}, []dg{{100, 0}, {100, 0}}},
		"other local":   {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 100}, {Local: l2, Remote: r1, Len: 100}}, []dg{{100, 0}, {100, 0}}},
		"oversize":      {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 100}, {Local: l1, Remote: r1, Len: 100, Oversize: true}, {Local: l1, Remote: r1, Len: 100}}, []dg{{100, 0}, {100, 0}, {100, 0}}},
		"more than UDP": {[]assoc.Transmit{{Local: l1, Remote: r1, Len: 40000}, {Local: l1, Remote: r1, Len: 25535}}, []dg{{40000, 0}, {25535, 0}}},
	} {
		o := getOutput()
		for _, p := range tt.packets {
			o.add(p)
		}
		var got []dg
		for _, d := range o.dgs {
			got = append(got, dg{len(d.Data), d.SegmentSize})
			require.Equal(t, name == "oversize" && len(got) == 2, d.MayFragment, name)
		}
		require.Equal(t, tt.want, got, name)
		putOutput(o)
	}
}
