// SPDX-License-Identifier: Apache-2.0

package csp

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Reports of RSPLIB's registrar: when it begins, and with an association with hsdump.
//
//go:embed testdata/rsplib-registrar.hex
var rsplib string

func vectors(t testing.TB) (all [][]byte) {
	for _, line := range strings.Fields(rsplib) {
		b, err := hex.DecodeString(line)
		require.NoError(t, err)
		all = append(all, b)
	}
	require.Len(t, all, 2)
	return all
}

func TestReportsOfRSPLIB(t *testing.T) {
	want := []*Report{
		{Sender: ID{GroupRegistrar, 0x11111111}, Uptime: 21 * time.Microsecond, Interval: 2 * time.Second, Workload: Unknown,
			Location: "node3: 10.44.0.3:3863", Status: "0[0] PEs in 0 Pools, 0 Peers"},
		{Sender: ID{GroupRegistrar, 0x11111111}, Uptime: 0x084ac5a3 * time.Microsecond, Interval: 2 * time.Second, Workload: Unknown,
			Location: "node3: 10.44.0.3:3863", Status: "22[22] PEs in 20 Pools, 1 Peer",
			Associations: []Association{{Receiver: ID{GroupRegistrar, 0x3f6d6daf}, Duration: Unknown, Protocol: 132, PPID: 12}}},
	}
	for i, b := range vectors(t) {
		r, err := Parse(b)
		require.NoError(t, err)
		require.Equal(t, want[i], r)
		again, err := r.AppendBinary([]byte("before"))
		require.NoError(t, err)
		require.Equal(t, append([]byte("before"), b...), again)
	}
}

func TestWorkload(t *testing.T) {
	for _, w := range []float64{Unknown, 0, 0.25, 1} {
		b, err := (&Report{Final: true, Sender: ID{GroupPoolElement, maxObject}, Workload: w}).AppendBinary(nil)
		require.NoError(t, err)
		r, err := Parse(b)
		require.NoError(t, err)
		require.True(t, r.Final)
		require.InDelta(t, w, r.Workload, 1e-4)
		require.Equal(t, "PE $ffffffffffffff", r.Sender.String())
	}
}

func TestReportsThatCannotBeSent(t *testing.T) {
	for name, r := range map[string]*Report{
		"sender":       {Sender: ID{Object: maxObject + 1}},
		"uptime":       {Uptime: -1},
		"interval":     {Interval: (math.MaxUint32 + 1) * time.Microsecond},
		"past":         {Interval: -time.Second},
		"workload":     {Workload: 1.01},
		"no number":    {Workload: math.NaN()},
		"location":     {Location: strings.Repeat("x", TextSize)},
		"zero":         {Status: "a\x00b"},
		"associations": {Associations: make([]Association, MaxAssociations+1)},
		"receiver":     {Associations: []Association{{Receiver: ID{Object: maxObject + 1}}}},
		"duration":     {Associations: []Association{{Duration: -2}}},
	} {
		b, err := r.AppendBinary([]byte("before"))
		require.Error(t, err, name)
		require.Equal(t, "before", string(b), name)
	}
	b, err := (&Report{Associations: make([]Association, MaxAssociations)}).AppendBinary(nil)
	require.NoError(t, err)
	require.Len(t, b, MaxSize)
	r, err := Parse(b)
	require.NoError(t, err)
	require.Len(t, r.Associations, MaxAssociations)
}

func TestBadReports(t *testing.T) {
	good := vectors(t)[1]
	for name, at := range map[string]int{"type": 0, "length": 3, "version": 7, "uptime": 16, "associations": 287} {
		b := bytes.Clone(good)
		b[at] ^= 0x80
		_, err := Parse(b)
		require.Error(t, err, name)
	}
	for n := range good {
		_, err := Parse(good[:n])
		require.Error(t, err, n)
	}
	_, err := Parse(append(bytes.Clone(good), 0))
	require.Error(t, err)
}

func FuzzParse(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			return
		}
		again, err := r.AppendBinary(nil)
		require.NoError(t, err)
		require.Len(t, again, len(b))
		r2, err := Parse(again)
		require.NoError(t, err)
		require.Equal(t, r, r2)
	})
}
