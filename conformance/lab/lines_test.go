// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWaitFollowsTheOutput(t *testing.T) {
	r, w := io.Pipe()
	l := newLines()
	go l.read(r)
	go func() {
		_, _ = io.WriteString(w, "event=a n=1\r\nnoise\nevent=a n=2\nevent=b\n")
		w.Close()
	}()
	re := regexp.MustCompile(`event=a n=(\d)`)
	for _, want := range []string{"1", "2"} {
		m, err := l.wait(t.Context(), re)
		require.NoError(t, err)
		require.Equal(t, want, m[1])
	}
	_, err := l.wait(t.Context(), re)
	require.ErrorIs(t, err, errEnded, "both matches are consumed")
	m, err := l.wait(t.Context(), regexp.MustCompile("event=b"))
	require.NoError(t, err, "a wait that failed consumed nothing")
	require.Equal(t, []string{"event=b"}, m)
	require.Equal(t, []string{"event=a n=1", "noise", "event=a n=2", "event=b"}, l.snapshot())
}

func TestSeenPassesNothing(t *testing.T) {
	l := newLines()
	l.read(strings.NewReader("event=holding\nevent=up\n"))
	up, holding := regexp.MustCompile("=up"), regexp.MustCompile("=holding")
	require.NoError(t, l.seen(t.Context(), up))
	_, err := l.wait(t.Context(), holding)
	require.NoError(t, err, "a line before the one seen")
	_, err = l.wait(t.Context(), up)
	require.NoError(t, err)
	require.ErrorIs(t, l.seen(t.Context(), holding), errEnded, "of a program that ran before, maybe")
}

func TestWaitEndsWithItsContext(t *testing.T) {
	l := newLines()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.wait(ctx, regexp.MustCompile("never"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestLineTooLongDoesNotBlockThePeer(t *testing.T) {
	l := newLines()
	l.read(strings.NewReader("first\n" + strings.Repeat("x", maxLine+10) + "\nlast\n"))
	_, err := l.wait(t.Context(), regexp.MustCompile("last"))
	require.ErrorIs(t, err, errEnded)
	require.Equal(t, "\tfirst", l.tail(5))
}

func TestProcess(t *testing.T) {
	p := Start(t, "sh", "-c", `echo ready; read x; echo "got $x" >&2; exit 3`)
	p.WaitLine(t.Context(), "ready")
	p.Input("this")
	require.Equal(t, "this", p.WaitErrLine(t.Context(), "got (.*)")[1])
	require.Equal(t, 3, p.Wait(t.Context()))

	p = Start(t, "sleep", "1000")
	p.Kill()
	require.Equal(t, -1, p.Wait(t.Context()), "ended by a signal")
}
