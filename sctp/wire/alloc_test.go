// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	benchData = Data{Flags: DataBegin | DataEnd, TSN: 1, Stream: 2, SSN: 3, PPID: 4, Payload: make([]byte, 1421)}
	benchSack = Sack{CumTSNAck: 1, ARwnd: 1 << 17, Gaps: []GapAckBlock{{2, 3}, {5, 9}, {11, 11}}, Dups: []TSN{1, 1}}
)

func TestDataPathDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 2048)
	data := benchData.Append(nil)
	sack := benchSack.Append(nil)
	idata := (&IData{Payload: benchData.Payload}).Append(nil)
	packet := append((&Header{}).Append(nil), data...)
	var s Sack
	for name, f := range map[string]func(){
		"Data.Append":  func() { buf = benchData.Append(buf[:0]) },
		"Sack.Append":  func() { buf = benchSack.Append(buf[:0]) },
		"IData.Append": func() { buf = (&IData{Payload: benchData.Payload}).Append(buf[:0]) },
		"ParseData": func() {
			c, _, _ := NextChunk(data)
			_, err := ParseData(c)
			require.NoError(t, err)
		},
		"ParseIData": func() {
			c, _, _ := NextChunk(idata)
			_, err := ParseIData(c)
			require.NoError(t, err)
		},
		"ParseSack": func() {
			c, _, _ := NextChunk(sack)
			require.NoError(t, ParseSack(c, &s))
		},
		"SetChecksum": func() { SetChecksum(packet) },
		"ChecksumOK":  func() { ChecksumOK(packet) },
		"Header":      func() { buf = (&Header{Tag: 1}).Append(buf[:0]) },
		"Chunks": func() {
			for _, err := range Chunks(packet[HeaderLen:]) {
				require.NoError(t, err)
			}
		},
	} {
		require.Zero(t, testing.AllocsPerRun(100, f), name)
	}
}

func BenchmarkDataAppend(b *testing.B) {
	buf := make([]byte, 0, 2048)
	b.SetBytes(int64(len(benchData.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		buf = benchData.Append(buf[:0])
	}
}

func BenchmarkDataParse(b *testing.B) {
	p := benchData.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		c, _, _ := NextChunk(p)
		if _, err := ParseData(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSackAppend(b *testing.B) {
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buf = benchSack.Append(buf[:0])
	}
}

func BenchmarkSackParse(b *testing.B) {
	p := benchSack.Append(nil)
	var s Sack
	b.ReportAllocs()
	for b.Loop() {
		c, _, _ := NextChunk(p)
		if err := ParseSack(c, &s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkChecksum(b *testing.B) {
	p := benchData.Append((&Header{}).Append(nil))
	b.Run("Set", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		b.ReportAllocs()
		for b.Loop() {
			SetChecksum(p)
		}
	})
	b.Run("OK", func(b *testing.B) {
		b.SetBytes(int64(len(p)))
		b.ReportAllocs()
		for b.Loop() {
			if !ChecksumOK(p) {
				b.Fatal("bad checksum")
			}
		}
	})
}
