// SPDX-License-Identifier: Apache-2.0

package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/shim"
)

// TestMain is the system under test, if the environment says so.
func TestMain(m *testing.M) {
	switch os.Getenv("CONTROL_TEST") {
	case "serve":
		ready := conformance.Args{"addr": "192.0.2.1,192.0.2.2", "udp": "9900", "port": "7", "caps": "echo,grant", "params": "Max.Init.Retransmits:3"}
		if err := shim.Serve(context.Background(), os.Stdin, os.Stdout, ready, []string{"send", "abort", "shutdown"}, system{}); err != nil {
			os.Exit(1)
		}
	case "silent":
		fmt.Println("# I am not ready")
		os.Exit(3)
	default:
		os.Exit(m.Run())
	}
}

type system struct{}

func (system) Has(act string) bool { return act != "shutdown" }

func (system) Do(_ context.Context, act string, args conformance.Args) error {
	switch {
	case act == "abort":
		os.Exit(3)
	case args["text"] == "never":
		select {}
	case args["text"] != "a b=c%\nd":
		return fmt.Errorf("text is %q\nin two lines", args["text"])
	}
	return nil
}

// self is the command line of this test as a system under test.
func self(t *testing.T, mode string) string {
	if os.PathSeparator == '\\' {
		return "set CONTROL_TEST=" + mode + "&& " + os.Args[0]
	}
	return "CONTROL_TEST=" + mode + " exec " + os.Args[0]
}

func TestProcess(t *testing.T) {
	p, err := Start(t.Context(), self(t, "serve"), os.Stderr)
	require.NoError(t, err)
	defer p.Close()
	require.True(t, p.Has("send"))
	require.False(t, p.Has("connect"))
	require.NoError(t, p.Do(t.Context(), "send", conformance.Args{"text": "a b=c%\nd"}))
	require.EqualError(t, p.Do(t.Context(), "send", conformance.Args{"text": "x"}), `text is "x" in two lines`)
	require.ErrorIs(t, p.Do(t.Context(), "shutdown", nil), conformance.ErrUnsupported)

	target := conformance.Target{Caps: map[string]bool{}, Params: map[string]int{}}
	require.NoError(t, p.Describe(&target))
	require.Len(t, target.Addrs, 2)
	require.EqualValues(t, 9900, target.EncapPort)
	require.EqualValues(t, 7, target.Port)
	require.True(t, target.Caps["grant"])
	require.Equal(t, 3, target.Params["Max.Init.Retransmits"])

	require.NoError(t, p.Err())
	require.False(t, p.Stuck())
	given, up := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, up)
	require.ErrorIs(t, p.Do(given, "send", conformance.Args{"text": "never"}), context.Canceled)
	require.True(t, p.Stuck())
}

func TestProcessEnds(t *testing.T) {
	p, err := Start(t.Context(), self(t, "serve"), os.Stderr)
	require.NoError(t, err)
	defer p.Close()
	require.ErrorIs(t, p.Do(t.Context(), "abort", nil), ErrEnded)
	require.ErrorIs(t, p.Err(), ErrEnded)
	require.ErrorIs(t, p.Do(t.Context(), "send", nil), ErrEnded)
}

// The end of its input ends the program.
func TestProcessClose(t *testing.T) {
	p, err := Start(t.Context(), self(t, "serve"), os.Stderr)
	require.NoError(t, err)
	p.Close()
	require.ErrorIs(t, p.Err(), ErrEnded)
}

func TestProcessThatIsNotOne(t *testing.T) {
	_, err := Start(t.Context(), self(t, "silent"), os.Stderr)
	require.ErrorIs(t, err, ErrEnded)
	require.ErrorContains(t, err, "3")
}

func TestCommands(t *testing.T) {
	var out bytes.Buffer
	c := Commands{Lines: map[string]string{"connect": "echo {host} {addr} {port}", "send": "exit 3"}, Output: &out}
	require.True(t, c.Has("connect"))
	require.False(t, c.Has("abort"))
	require.NoError(t, c.Do(t.Context(), "connect", conformance.Args{"addr": "192.0.2.1,192.0.2.2", "port": "5000"}))
	require.Equal(t, "192.0.2.1 192.0.2.1,192.0.2.2 5000", strings.TrimSpace(out.String()))
	require.ErrorContains(t, c.Do(t.Context(), "send", nil), "3")
	require.Error(t, c.Do(t.Context(), "abort", nil))
}

// A command that runs on is ended with its case.
func TestCommandRunsOn(t *testing.T) {
	if os.PathSeparator == '\\' {
		t.Skip("there is no sleep")
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := Commands{Lines: map[string]string{"connect": "sleep 60; exit 0"}}
	begin := time.Now()
	require.NoError(t, c.Do(ctx, "connect", nil))
	cancel()
	require.Less(t, time.Since(begin), 30*time.Second)
	require.True(t, errors.Is(ctx.Err(), context.Canceled))
}
