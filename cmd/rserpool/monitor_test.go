// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/service/csp"
)

func TestMonitorTellsWhatIsNew(t *testing.T) {
	m := &monitor{purge: 30 * time.Second, known: map[csp.ID]*component{}}
	now := time.Unix(0, 0)
	r := &csp.Report{Sender: csp.ID{Group: csp.GroupPoolElement, Object: 0xaa}, Location: "host: 10.0.0.1\x1b[2J", Status: "1 Session",
		Interval: time.Second, Workload: 0.5, Uptime: 90 * time.Second, Associations: []csp.Association{{Receiver: csp.ID{Group: 1, Object: 1}, PPID: 11}}}
	const line = `PE $000000aa [host: 10.0.0.1\x1b[2J] L=50% A=1 "1 Session" ->PR $00000001/11 U=1m30s`
	require.Equal(t, line, m.report(now, r))
	require.Empty(t, m.report(now.Add(5*time.Second), r))
	require.Empty(t, m.expire(now.Add(15*time.Second)))
	require.Equal(t, []string{"PE $000000aa is silent"}, m.expire(now.Add(16*time.Second)))
	require.Equal(t, line, m.report(now, r), "it is back")
	r.Final = true
	require.Equal(t, "PE $000000aa left", m.report(now, r))
	require.Empty(t, m.report(now, r))
	r.Final = false
	for i := range 2 * maxComponents {
		r.Sender.Object = uint64(i)
		m.report(now, r)
	}
	require.Len(t, m.known, maxComponents)
}

func TestCSPFlags(t *testing.T) {
	env := map[string]string{}
	getenv := func(name string) string { return env[name] }
	for _, c := range []struct {
		f              cspFlags
		server, ms     string
		want, mistaken string
		interval       time.Duration
	}{
		{},
		{f: cspFlags{server: "10.0.0.1"}, want: "10.0.0.1:2960", interval: 2 * time.Second},
		{f: cspFlags{server: "fd00::1", interval: time.Second}, want: "[fd00::1]:2960", interval: time.Second},
		{server: "10.0.0.1:3000", ms: "500", want: "10.0.0.1:3000", interval: 500 * time.Millisecond},
		{f: cspFlags{server: "10.0.0.2"}, server: "10.0.0.1", want: "10.0.0.2:2960", interval: 2 * time.Second},
		{server: "10.0.0.1", ms: "x", mistaken: "CSP_INTERVAL"},
		{server: ":", mistaken: "CSP_SERVER"},
		{f: cspFlags{server: "a", interval: time.Millisecond}, mistaken: "--csp-interval"},
	} {
		env["CSP_SERVER"], env["CSP_INTERVAL"] = c.server, c.ms
		server, interval, err := c.f.parse(getenv)
		if c.mistaken != "" {
			require.ErrorContains(t, err, c.mistaken)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, server)
		require.Equal(t, c.interval, interval)
	}
}
