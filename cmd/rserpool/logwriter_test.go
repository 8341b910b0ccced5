// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A slowWriter writes when it is let.
type slowWriter struct {
	let    chan struct{}
	writes int
	bytes.Buffer
}

func (w *slowWriter) Write(b []byte) (int, error) {
	<-w.let
	w.writes++
	return w.Buffer.Write(b)
}

func TestLogWriterKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slowWriter{let: make(chan struct{})}
		l := newLogWriter(w)
		var all strings.Builder
		for i := range 1000 {
			line := fmt.Sprintf("line %d\n", i)
			all.WriteString(line)
			n, err := l.Write([]byte(line))
			require.NoError(t, err)
			require.Equal(t, len(line), n)
			if i == 0 {
				synctest.Wait()
			}
		}
		begun := time.Now()
		require.NoError(t, l.Close())
		require.Equal(t, lastWords, time.Since(begun), "nobody reads, but the program ends")
		close(w.let)
		require.NoError(t, l.Close())
		require.Equal(t, all.String(), w.String())
		require.Equal(t, 2, w.writes, "what waits is written together")
	})
}

func TestLogWriterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &slowWriter{let: make(chan struct{})}
		l := newLogWriter(w)
		line := append(bytes.Repeat([]byte("x"), 1023), '\n')
		for range 3000 {
			_, err := l.Write(line)
			require.NoError(t, err)
		}
		close(w.let)
		require.NoError(t, l.Close())
		lines := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
		last := lines[len(lines)-1]
		require.Contains(t, last, "left out")
		require.Contains(t, last, fmt.Sprintf("count=%d", 3000-(len(lines)-1)))
		require.LessOrEqual(t, len(lines), 1<<10+1<<10+1)
	})
}
