// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// resolve --watch shows a pool whenever it changes, until it is stopped.
func TestResolveWatches(t *testing.T) {
	addr := startRegistrar(t)
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		var errs strings.Builder
		code := execute(ctx, local(addr, "resolve", "EchoPool", "--watch", "-o", "json"), strings.NewReader(""), w, &errs)
		w.Close()
		done <- code
	}()
	lines := bufio.NewScanner(r)
	next := func(n int) (s stateJSON) {
		t.Helper()
		for {
			require.True(t, lines.Scan())
			s = stateJSON{}
			require.NoError(t, json.Unmarshal(lines.Bytes(), &s))
			if len(s.Elements) == n {
				return s
			}
		}
	}
	require.Empty(t, next(0).Error, "there is no such pool, which is no error")
	_, stop := start(t, local(addr, "serve", "echo", "--id", "0x11", "--log-level", "off")...)
	require.Equal(t, "0x00000011", next(1).Elements[0].ID)
	stop()
	next(0)
	cancel()
	go io.Copy(io.Discard, r)
	require.Equal(t, exitOK, <-done)
}
