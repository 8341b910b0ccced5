// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A registrar shows itself by HTTP where it says, until it stops.
func TestAdmin(t *testing.T) {
	_, rest, stop := startLines(t, 3, "registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1",
		"--enrp-port", "-1", "--tcp-port", "off", "--announce", "off", "--admin", ":0", "--log-level", "off")
	require.Regexp(t, `^it is shown at http://127\.0\.0\.1:\d+/$`, rest[1])
	url := rest[1][len("it is shown at "):]
	resp, err := http.Get(url + "metrics")
	require.NoError(t, err)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, string(b), "rserpool_registrar_pools 0\n")
	http.DefaultClient.CloseIdleConnections()
	stop()
	_, err = http.Get(url)
	require.Error(t, err)
}
