// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/perf"
)

func TestPerf(t *testing.T) {
	line, _, stop := startLines(t, 1, "perf", "server", "--local", "127.0.0.1", "--encap-port", "-1", "--port", "0")
	addr, ok := strings.CutPrefix(line, "serving at ")
	require.True(t, ok, line)
	defer stop()

	code, out, errs := run(t, "", "perf", "client", addr, "-n", "100K", "-l", "1k", "-i", "10", "--streams", "3", "--unordered", "--paths")
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `(?m)^messages of 1024 bytes from the client on 3 streams, unordered
 .* 102 kB .* client
 .* 102 kB .* server
    0 \* 127.0.0.1:\d+ +active +cwnd `, out)

	code, out, errs = run(t, "", "perf", "client", addr, "-n", "100K", "-R", "-P", "2", "--json", "--congestion", "cubic", "--rack")
	require.Equal(t, exitOK, code, errs)
	require.Empty(t, errs)
	var r perf.Result
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.EqualValues(t, 2*128<<10, r.Client.Bytes)
	require.Equal(t, r.Client.Bytes, r.Server.Bytes)
	require.Len(t, r.Paths, 2)

	code, out, errs = run(t, "", "perf", "client", addr, "--latency", "-t", "20ms")
	require.Equal(t, exitOK, code, errs)
	require.Regexp(t, `(?m)^round trips: \d+, mean `, out)
	require.Regexp(t, `(?m)^    99.9 % `, out)

	_, udp, _ := strings.Cut(addr, "/")
	code, _, errs = run(t, "", "perf", "client", "127.0.0.1:1/"+udp, "-t", "1")
	require.Equal(t, exitFailure, code, "nobody listens on that SCTP port")
	require.Equal(t, 1, strings.Count(errs, "\nrserpool: "), errs)
}

func TestPerfFlags(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "64k": 64 << 10, "2M": 2 << 20, "3G": 3 << 30} {
		var b byteSize
		require.NoError(t, b.Set(text))
		require.EqualValues(t, want, b)
	}
	for _, text := range []string{"", "0", "-1", "K", "1T", "9223372036854775807K", "1.5M"} {
		require.Error(t, new(byteSize).Set(text), text)
	}
	for text, want := range map[string]time.Duration{"1": time.Second, "0.5": time.Second / 2, "1m30s": 90 * time.Second} {
		var s seconds
		require.NoError(t, s.Set(text))
		require.EqualValues(t, want, s)
	}
	for _, text := range []string{"", "0", "-1", "x", "NaN", "1e300"} {
		require.Error(t, new(seconds).Set(text), text)
	}
}
