// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"fmt"
	"testing"

	"github.com/rserpool/rserpool/asap/param"
)

func response(n int) *HandleResolutionResponse {
	m := &HandleResolutionResponse{PoolHandle: "EchoPool", Policy: param.Policy{Type: param.LeastUsed}}
	for i := range n {
		pe := echo(0x11111111)
		pe.ID += uint32(i)
		pe.Policy = param.Policy{Type: param.LeastUsed, Load: uint32(i)}
		m.PoolElements = append(m.PoolElements, pe)
	}
	return m
}

func BenchmarkHandleResolutionResponseAppend(b *testing.B) {
	for _, n := range []int{1, 3, 128} {
		b.Run(fmt.Sprintf("pes=%d", n), func(b *testing.B) {
			m := response(n)
			buf, err := m.AppendBinary(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = m.AppendBinary(buf[:0])
			}
		})
	}
}

func BenchmarkHandleResolutionResponseParse(b *testing.B) {
	for _, n := range []int{1, 3, 128} {
		b.Run(fmt.Sprintf("pes=%d", n), func(b *testing.B) {
			buf, err := response(n).AppendBinary(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Parse(buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
