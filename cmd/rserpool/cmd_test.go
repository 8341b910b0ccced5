// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// asCommand is set for the processes that are the command.
const asCommand = "RUN_AS_RSERPOOL"

// TestMain fails if a goroutine of this module outlives the tests, and keeps the environment out of them.
func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "RSERPOOL_") {
			os.Unsetenv(name)
		}
	}
	code := m.Run()
	if left := leaked(5 * time.Second); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

func leaked(limit time.Duration) string {
	var left []string
	for end := time.Now().Add(limit); time.Now().Before(end); runtime.Gosched() {
		left = left[:0]
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for i, g := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(g, "rserpool/") && !strings.Contains(g, "readLines") {
				left = append(left, g)
			}
		}
		if len(left) == 0 {
			return ""
		}
	}
	return strings.Join(left, "\n\n")
}

// run runs a command line to its end.
func run(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, errs lockedBuffer
	code = execute(ctx, args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// A lockedBuffer is written to by a command and by those who log for it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a command line in the background until the test ends, and returns its first line.
func start(t *testing.T, args ...string) (line string, stop func()) {
	t.Helper()
	line, _, stop = startLines(t, 1, args...)
	return line, stop
}

// startLines is start that waits for more than one line.
func startLines(t *testing.T, n int, args ...string) (line string, rest []string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan struct{})
	var stderr bytes.Buffer
	go func() {
		defer close(done)
		if code := execute(ctx, args, strings.NewReader(""), w, &stderr); code != exitOK {
			t.Errorf("%v: exit code %d: %s", args, code, stderr.String())
		}
		w.Close()
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	s := bufio.NewScanner(r)
	require.True(t, s.Scan(), args)
	line = s.Text()
	for range n - 1 {
		require.True(t, s.Scan(), args)
		rest = append(rest, s.Text())
	}
	go io.Copy(io.Discard, r)
	return line, rest, stop
}

// startRegistrar returns where it is.
func startRegistrar(t *testing.T) string {
	t.Helper()
	line, _ := start(t, "registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1",
		"--tcp-port", "off", "--announce", "off", "--log-level", "off", "--stop-timeout", "1s")
	m := regexp.MustCompile(`at (127\.0\.0\.1:\d+/\d+)`).FindStringSubmatch(line)
	require.NotNil(t, m, line)
	return m[1]
}

func local(registrar string, args ...string) []string {
	return append(args, "--registrar", registrar, "--local", "127.0.0.1", "--encap-port", "-1")
}

// resolved waits until the pool has n elements.
func resolved(t *testing.T, registrar string, n int) []elementJSON {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		var elems []elementJSON
		code, out, _ := run(t, "", local(registrar, "resolve", "EchoPool", "-o", "json")...)
		if code == exitOK {
			require.NoError(t, json.Unmarshal([]byte(out), &elems))
		}
		if len(elems) == n {
			return elems
		}
		require.True(t, time.Now().Before(end), "%d elements, not %d", len(elems), n)
	}
}

func TestServeCallResolve(t *testing.T) {
	addr := startRegistrar(t)
	_, stop := start(t, local(addr, "serve", "echo", "--id", "0xa", "--policy", "LeastUsed", "--log-level", "off")...)
	start(t, local(addr, "serve", "echo", "--id", "11", "--policy", "LeastUsed", "--log-level", "off")...)
	elems := resolved(t, addr, 2)
	require.ElementsMatch(t, []string{"0x0000000a", "0x0000000b"}, []string{elems[0].ID, elems[1].ID})
	require.Equal(t, "LeastUsed", elems[0].Policy)
	require.Zero(t, *elems[0].Load)
	require.Equal(t, []string{"127.0.0.1"}, elems[0].Addresses)

	code, out, errs := run(t, "one\n\nthree", local(addr, "call", "EchoPool")...)
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, "one\n\nthree\n", out)
	require.Regexp(t, `^connected to 0x0000000[ab] at 127\.0\.0\.1:\d+/\d+\n$`, errs)

	code, out, errs = run(t, "a\r\n\x00b\r\n"+strings.Repeat("y", maxLine)+"\n"+strings.Repeat("z", maxLine+1)+"\nc\n", local(addr, "call", "EchoPool")...)
	require.Equal(t, exitFailure, code, errs)
	require.Equal(t, "a\r\n\x00b\r\n"+strings.Repeat("y", maxLine)+"\n", out, "what came before is answered")
	require.Contains(t, errs, "\nrserpool: read the input: line 4 is longer than 1048576 bytes\n")

	many := strings.Repeat(strings.Repeat("x", 9999)+"\n", 300)
	code, out, errs = run(t, many, local(addr, "call", "EchoPool")...)
	require.Equal(t, exitOK, code, errs)
	require.Equal(t, many, out)

	stop() // drains and deregisters
	resolved(t, addr, 1)
	code, out, _ = run(t, "", local(addr, "resolve", "EchoPool")...)
	require.Equal(t, exitOK, code)
	require.Regexp(t, `^ELEMENT +HOME +POLICY +LOAD +TRANSPORT\n0x0000000b +0x[0-9a-f]{8} +LeastUsed +0\.0% +SCTP 127\.0\.0\.1:\d+/\d+\n$`, out)
}

func TestCallFailsOver(t *testing.T) {
	addr := startRegistrar(t)
	stops := make(map[string]func())
	for _, id := range []string{"0x0000000a", "0x0000000b"} {
		_, stops[id] = start(t, local(addr, "serve", "echo", "--id", id, "--log-level", "off")...)
	}
	resolved(t, addr, 2)
	in, lines := io.Pipe()
	out, replies := io.Pipe()
	errs, notices := io.Pipe()
	done := make(chan int)
	go func() {
		code := execute(t.Context(), local(addr, "call", "EchoPool"), in, replies, notices)
		replies.Close()
		notices.Close()
		done <- code
	}()
	stdout, stderr := bufio.NewScanner(out), bufio.NewScanner(errs)
	require.True(t, stderr.Scan())
	first := regexp.MustCompile(`connected to (0x\w+)`).FindStringSubmatch(stderr.Text())[1]
	fmt.Fprintln(lines, "one")
	require.True(t, stdout.Scan())
	require.Equal(t, "one", stdout.Text())
	go stops[first]()
	require.True(t, stderr.Scan())
	require.Regexp(t, `^failover #1: element `+first+` left; connected to 0x0000000[ab] at \S+ in \S+; 0 lines sent again$`, stderr.Text())
	fmt.Fprintln(lines, "two")
	require.True(t, stdout.Scan())
	require.Equal(t, "two", stdout.Text())
	lines.Close()
	require.Equal(t, exitOK, <-done)
}

// A wrong command line gets one clear line and exit code 2.
func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"fly", `unknown command "fly" for "rserpool"`},
		{"resolve", "resolve needs a POOL"},
		{"call A B", "call takes one POOL, not 2"},
		{"serve echo now", `unknown command "now"`},
		{"demo now", `unknown command "now" for "rserpool demo"`},
		{"--fly", "unknown flag: --fly"},
		{"serve echo --policy Best", `--policy: policy "Best" is unknown`},
		{"serve echo --policy WeightedRoundRobin", "WeightedRoundRobin:weight"},
		{"serve echo --id 0", `--id: "0" is not a number from 1 to 0xffffffff`},
		{"serve echo --id 0x100000000", "--id"},
		{"serve echo --port 65536", "--port: 65536 is not within 0 to 65535"},
		{"serve echo --port x", `invalid argument "x" for "--port" flag: not a number`},
		{"serve", "serve what? calcapp, chargen, daytime, discard, echo, fractal, pingpong, scripting"},
		{"serve web", `serve knows no "web", only calcapp, chargen, daytime, discard, echo, fractal, pingpong`},
		{"help bogus", `there is no command "bogus"`},
		{"completion", "completion what? bash, fish, powershell, zsh"},
		{"completion foo", `completion knows no "foo"`},
		{"call P --registrar x", "rserpool: --registrar: "},
		{"call P --announce x", "rserpool: --announce: "},
		{"call P --local=", `--local: "" is not an IP address`},
		{"registrar --local=", `--local: "" is not an IP address`},
		{"registrar --announce-ttl -5", "--announce-ttl: -5 is not within 1 to 255"},
		{"demo --calm -1s", "--calm: -1s is not within 0 to 2s"},
		{"serve echo --reregister 10", "time: missing unit"},
		{"serve echo --reregister -1s", "--reregister"},
		{"serve echo --pool=", "--pool: the handle is empty"},
		{"serve echo --log-level loud", `--log-level: "loud" is not debug, info, warn, error or off`},
		{"resolve P --registrar 10.0.0.1", `no SCTP port; want ADDRESS[,ADDRESS...]:PORT[/UDPPORT]`},
		{"resolve P --registrar localhost:3863", `"localhost" is not an IP address`},
		{"resolve P --announce 10.0.0.1:3863", "is not a multicast address"},
		{"resolve P --local here", `--local: "here" is not an IP address`},
		{"resolve P --encap-port 70000", "--encap-port: 70000 is not within -1 to 65535"},
		{"resolve P --profile fast", `--profile: "fast" is not auto, rfc or rsplib`},
		{"resolve P -o xml", `--output: "xml" is neither table nor json`},
		{"resolve P --timeout 0s", "--timeout: 0s is not positive"},
		{"call P --timeout -1s", "--timeout: -1s is not positive"},
		{"demo --interval 1us", "--interval"},
		{"demo --calm 1h", "--calm"},
		{"registrar --local here", `--local`},
		{"registrar --admin here", `--admin: "here" is not an address with a port`},
		{"registrar --tcp-port 0", `--tcp-port: "0" is not a port, any or off`},
		{"registrar --tcp-port 65536", `--tcp-port: "65536" is not a port, any or off`},
		{"registrar --tcp-idle-timeout -1s", `--tcp-idle-timeout is -1s, negative`},
		{"resolve P --registrar tcp://10.0.0.1:3863/9899", `TCP has no UDP port`},
		{"serve fractal --max-sessions -1", "--max-sessions: -1 is negative"},
		{"pingpong now", `unknown command "now"`},
		{"pingpong --count -1", `invalid argument "-1" for "--count" flag: not a number`},
		{"pingpong --interval 0s", "--interval: 0s is not positive"},
		{"pingpong --timeout 0s", "--timeout: 0s is not positive"},
		{"pingpong --silence -1s", "--silence: -1s is not positive"},
		{"pingpong --pool=", "--pool: the handle is empty"},
		{"fractal", "--out: a file for the image is needed"},
		{"fractal --out x.png --width 0", "--width: 0 is not within 1 to 65536"},
		{"fractal --out x.png --height 65537", "--height: 65537 is not within 1 to 65536"},
		{"fractal --out x.png --width 65536 --height 65536", "--width, --height: an image of 65536 x 65536 has more than 67108864 pixels"},
		{"fractal --out x.png --iterations 1000001", "--iterations: 1000001 is not within 1 to 1000000"},
		{"fractal --out x.png --area 1,2,3", `--area: "1,2,3" is not 4 numbers: RE1,IM1,RE2,IM2`},
		{"fractal --out x.png --area 1,2,3,x", `--area: "x" is not a number`},
		{"fractal --out x.png --area 1,2,3,Inf", `--area: "Inf" is not a number`},
		{"fractal --out x.png --algorithm Julia", `--algorithm: "Julia" is neither Mandelbrot nor MandelbrotN:EXPONENT`},
		{"fractal --out x.png --algorithm MandelbrotN:x", `--algorithm: "x" is not a number`},
		{"fractal --out x.png --sessions 0", "--sessions: 0 is not within 1 to 512"},
		{"fractal --out x.png --pool=", "--pool: the handle is empty"},
		{"conformance report", "report needs the JSON reports of one run or more"},
		{"perf", "perf what? client, server"},
		{"perf server --port 65536", "--port: 65536 is not within 0 to 65535"},
		{"perf server --local here", `--local: "here" is not an IP address`},
		{"perf server --encap-port 65536", "--encap-port: 65536 is not within -1 to 65535"},
		{"perf client", "perf client needs the ADDRESS:PORT of a perf server"},
		{"perf client 10.0.0.1", "10.0.0.1"},
		{"perf client 10.0.0.1:1 -l 17M", "--length: 17825792 is more than 16777216"},
		{"perf client 10.0.0.1:1 -l 0", `invalid argument "0" for "-l, --length" flag`},
		{"perf client 10.0.0.1:1 -n x", `invalid argument "x" for "-n, --bytes" flag`},
		{"perf client 10.0.0.1:1 -t 0", `invalid argument "0" for "-t, --time" flag`},
		{"perf client 10.0.0.1:1 -t 25h", "--time: 25h0m0s is more than 24h0m0s"},
		{"perf client 10.0.0.1:1 --streams 65536", "--streams: 65536 is not within 1 to 65535"},
		{"perf client 10.0.0.1:1 -P 0", "--parallel: 0 is not within 1 to 1024"},
		{"perf client 10.0.0.1:1 --congestion best", `--congestion: "best" is not standard, cubic or westwood`},
		{"perf client 10.0.0.1:1 -R --latency", "--reverse: with --latency messages go both ways"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, errs := run(t, "", strings.Fields(c.args)...)
			require.Equal(t, exitUsage, code, errs)
			require.Empty(t, out)
			require.Contains(t, errs, c.want)
			require.True(t, strings.HasPrefix(errs, "rserpool: "), errs)
			require.Equal(t, 1, strings.Count(errs, "\n"), errs)
		})
	}
}

// What does not work gets one line and exit code 1.
func TestFailures(t *testing.T) {
	addr := startRegistrar(t)
	code, out, errs := run(t, "", local(addr, "resolve", "Nobody")...)
	require.Equal(t, exitFailure, code)
	require.Empty(t, out)
	require.Equal(t, "rserpool: pool: handle resolution of pool \"Nobody\" rejected: Unknown Pool Handle\n", errs)

	code, _, errs = run(t, "x\n", local("127.0.0.1:1/1", "call", "EchoPool", "--timeout", "300ms")...)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "no answer within 300ms: is a registrar running")
	require.Equal(t, 1, strings.Count(errs, "\n"), errs)

	code, _, errs = run(t, "", "resolve", "P", "--local", "192.0.2.123")
	require.Equal(t, exitFailure, code, errs)
}

// A command that finds no registrar looks for one as long as --timeout says, whatever the agent gives up before.
func TestInsistsOnARegistrar(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	_, err := insist(ctx, func() (int, error) {
		if calls++; calls == 3 {
			cancel()
		}
		return 0, fmt.Errorf("pool: %w", pool.ErrNoRegistrar)
	})
	require.ErrorIs(t, err, pool.ErrNoRegistrar)
	require.Equal(t, 3, calls)
	require.ErrorContains(t, explain(err, time.Second), "no answer within 1s: is a registrar running")
	err = fmt.Errorf("%w: %w", pool.ErrUnreachable, context.DeadlineExceeded)
	require.NotContains(t, explain(err, time.Second).Error(), "registrar")
}

// Who stops a command with Ctrl-C is not told that its time is over.
func TestStoppedBeforeAnAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	args := []string{"resolve", "P", "--registrar", "tcp://127.0.0.1:1", "--local", "127.0.0.1", "--timeout", "1m"}
	require.Equal(t, exitFailure, execute(ctx, args, strings.NewReader(""), &out, &errs))
	require.Contains(t, errs.String(), "stopped before there was an answer")
	require.NotContains(t, errs.String(), "within")
}

// While nothing answers, call says so once.
func TestCallTellsSilence(t *testing.T) {
	addr := startRegistrar(t)
	start(t, local(addr, "serve", "echo", "--id", "0xa", "--log-level", "off")...)
	resolved(t, addr, 1)
	c, err := pool.NewClient(&pool.Config{Registrars: []string{addr}, SCTP: sctp.Config{EncapPort: -1}})
	require.NoError(t, err)
	defer c.Close()
	sess, err := c.Dial(t.Context(), "EchoPool")
	require.NoError(t, err)
	var errs bytes.Buffer
	k := &caller{sess: sess, stderr: &errs, unanswered: [][]byte{{'x'}}, since: time.Now().Add(-patience)}
	k.tellSilence()
	k.tellSilence()
	require.Regexp(t, `^no answer from 0x0000000a at \S+ yet\n$`, errs.String())
}

// Every flag has a twin in the environment, and wins over it.
func TestEnvironment(t *testing.T) {
	code, _, errs := runEnv(t, map[string]string{"RSERPOOL_REGISTRAR": "nowhere"}, "resolve", "P")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "nowhere")
	code, _, errs = runEnv(t, map[string]string{"RSERPOOL_LOG_LEVEL": "loud"}, "resolve", "P")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "loud")
	code, _, errs = runEnv(t, map[string]string{"RSERPOOL_TIMEOUT": "soon"}, "resolve", "P")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `RSERPOOL_TIMEOUT: invalid value "soon"`)
	require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	code, _, errs = runEnv(t, map[string]string{"RSERPOOL_LOCAL": "here"}, "resolve", "P")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, `rserpool: RSERPOOL_LOCAL: "here" is not an IP address`)
	code, _, errs = runEnv(t, map[string]string{"RSERPOOL_OUTPUT": "xml"}, "resolve", "P", "-o", "yaml")
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "yaml")

	addr := startRegistrar(t)
	start(t, local(addr, "serve", "echo", "--log-level", "off")...)
	resolved(t, addr, 1)
	code, out, errs := runEnv(t, map[string]string{
		"RSERPOOL_REGISTRAR": "127.0.0.1:1/1; " + addr, "RSERPOOL_LOCAL": "127.0.0.1", "RSERPOOL_ENCAP_PORT": "-1",
		"RSERPOOL_TIMEOUT": "20s",
	}, "resolve", "EchoPool")
	require.Equal(t, exitOK, code, errs)
	require.Contains(t, out, "RoundRobin")

	eachCommand(newRootCmd(), func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			require.Regexp(t, `^RSERPOOL_[A-Z_]+$`, envName(f.Name))
		})
	})
}

func runEnv(t *testing.T, env map[string]string, args ...string) (int, string, string) {
	for k, v := range env {
		os.Setenv(k, v)
		defer os.Unsetenv(k)
	}
	return run(t, "", args...)
}

func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		eachCommand(c, f)
	}
}

func TestHelpShowsExamples(t *testing.T) {
	eachCommand(newRootCmd(), func(cmd *cobra.Command) {
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		if cmd.HasSubCommands() && cmd.HasParent() || cmd.Name() == "version" || cmd.HasParent() && cmd.Parent().Name() == "completion" {
			return
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		code, out, _ := run(t, "", args...)
		require.Equal(t, exitOK, code)
		require.Contains(t, out, "Examples:", cmd.CommandPath())
	})
	code, out, _ := run(t, "", "version")
	require.Equal(t, exitOK, code)
	require.Regexp(t, `^rserpool \S+.* go1\.\d+`, out)
	code, out, _ = run(t, "")
	require.Equal(t, exitOK, code)
	require.Contains(t, out, "Usage:")
}

func TestDemo(t *testing.T) {
	begin := time.Now()
	code, out, errs := run(t, "", "demo", "--calm", "200ms")
	t.Logf("%s", out)
	require.Equal(t, exitOK, code, errs)
	require.Less(t, time.Since(begin), demoLimit)
	require.GreaterOrEqual(t, strings.Count(out, "s  failover: "), 2, "two elements fail")
	require.Regexp(t, `\d+ messages sent, \d+ answered, 0 lost`, out)
	if len(loopbacks()) == 2 {
		require.Regexp(t, `path to \S+ failed after`, out)
		require.Regexp(t, `path to \S+ is active again after`, out)
	}
	for line := range strings.Lines(out) {
		require.Regexp(t, `^ *\d+\.\d{3}s  +\S`, line)
	}
}

func TestDemoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var out, errs bytes.Buffer
	require.Equal(t, exitFailure, execute(ctx, []string{"demo"}, strings.NewReader(""), &out, &errs))
	require.Equal(t, "rserpool: interrupted\n", errs.String())
}
