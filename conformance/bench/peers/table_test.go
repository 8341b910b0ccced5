// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/bench/worker"
)

func TestRatio(t *testing.T) {
	require.Equal(t, 2.0, ratio([]float64{2, 4, 9}, []float64{1, 2, 3}))
	require.Equal(t, 3.0, ratio([]float64{2, 9}, []float64{0, 3}), "a failure is no figure to compare with")
	require.True(t, math.IsNaN(ratio([]float64{2}, []float64{0})))
	require.True(t, math.IsNaN(ratio([]float64{2}, nil)))
}

func TestFloors(t *testing.T) {
	named := make(map[string]row)
	for _, r := range rows {
		named[r.name] = r
	}
	for _, f := range floors {
		r, ok := named[f.row]
		require.True(t, ok, f.row)
		require.Contains(t, r.contenders, f.ours)
		require.Subset(t, r.contenders, f.of)
	}
	tab := newTable()
	tab.add("20 ms, 1 % lost", lossyName, map[string]float64{rate: 2})
	tab.add("20 ms, 1 % lost", pionName, map[string]float64{rate: 1})
	tab.add("20 ms, 1 % lost", quicName, map[string]float64{rate: 4})
	tab.add("one way, 1 KiB", oursName, map[string]float64{rate: 300, cpuByte: 1})
	tab.add("one way, 1 KiB", pionName, map[string]float64{rate: 100, cpuByte: 4})
	got := make(map[string]verdict)
	for _, f := range floors {
		if v, ok := f.judge(tab); ok {
			got[v.Row+v.Figure] = v
		}
	}
	require.Equal(t, map[string]verdict{
		"20 ms, 1 % lostMB/s":    {"20 ms, 1 % lost", rate, lossyName, quicName, 1, 0.5, false},
		"one way, 1 KiBMB/s":     {"one way, 1 KiB", rate, oursName, pionName, 3, 3, true},
		"one way, 1 KiBCPU-s/GB": {"one way, 1 KiB", cpuByte, oursName, pionName, 1.0 / 3, 0.25, true},
	}, got)
	var b bytes.Buffer
	require.NoError(t, tab.markdown(&b, rows))
	require.Contains(t, b.String(), "| one way, 1 KiB | MB/s | 300 |  |  |  |  | 100 (3.00) |  |  |\n")
	require.NoError(t, writeVerdicts(&b, []verdict{got["20 ms, 1 % lostMB/s"]}))
	require.Contains(t, b.String(), "| 20 ms, 1 % lost, MB/s: ours-lossy ≥ 1.00 × quic-go | 0.50 | **missed** |\n")
}

// What a worker is told is what it reads.
func TestCommandLine(t *testing.T) {
	for _, c := range []worker.Config{
		{Server: true, Test: worker.Setup, Size: 64, Time: 2e9, Local: 1, Remote: 2, Setups: 3},
		{Test: worker.Bulk, Size: 65536, Time: 5e8, Window: true, Local: 1, Remote: 65535, Setups: 3},
	} {
		got, err := worker.Parse(c.Args())
		require.NoError(t, err)
		require.Equal(t, c, *got)
	}
	_, err := worker.Parse([]string{"-size=1"})
	require.Error(t, err)
}
