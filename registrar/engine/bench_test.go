// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// BenchmarkHandleResolution answers requests for one element (as RSPLIB's sessions do) and for the default of three:
// bytes in, bytes out.
func BenchmarkHandleResolution(b *testing.B) {
	for _, p := range benchmarked {
		for _, n := range []int{10, 1000, 100000} {
			s := benchmarkScene(b, p, n)
			for _, items := range []uint32{1, 3} {
				req, err := resolve("BenchmarkPool", items).AppendBinary(nil)
				require.NoError(b, err)
				b.Run(fmt.Sprintf("%s/PEs=%d/items=%d", p.Short(), n, items), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						s.e.HandleASAP(s.now, 1, req)
						drain(s.e)
					}
				})
			}
		}
	}
}

// BenchmarkReregistration gives an element of a pool a new load.
func BenchmarkReregistration(b *testing.B) {
	for _, n := range []int{10, 1000, 100000} {
		s := newScene(b, func(c *Config) { c.MaxElementsPerAssoc, c.KeepAliveInterval = -1, 0 })
		s.e.HandleAssocUp(s.now, 1, ProtocolASAP, host("10.0.0.1"))
		var msgs [][]byte
		for i := range uint32(n) {
			m := with(reg("BenchmarkPool", i+1, "10.0.0.1"), func(pe *param.PoolElement) {
				pe.Policy = param.Policy{Type: param.LeastUsed, Load: i * 7919}
			})
			enc, err := m.AppendBinary(nil)
			require.NoError(b, err)
			msgs = append(msgs, enc)
			s.e.HandleASAP(s.now, 1, enc)
			drain(s.e)
		}
		b.Run(fmt.Sprintf("PEs=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.e.HandleASAP(s.now, 1, msgs[i%len(msgs)])
				drain(s.e)
			}
		})
	}
}

func drain(e *Engine) {
	for ok := true; ok; _, ok = e.PollTransmit() {
	}
	for ok := true; ok; _, ok = e.PollEvent() {
	}
}
