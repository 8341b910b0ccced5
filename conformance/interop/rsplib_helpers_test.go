// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

const (
	// rsplibBoot is what a node of the lab may take to boot and start its programs, on a busy machine.
	rsplibBoot = time.Minute
	// rsplibSoon is for what takes a few round trips and at most an announcement, of which there is one each second.
	rsplibSoon = 15 * time.Second
	// rsplibDead is how long a pool element may be dead before everybody knows: our registrar asks after 5 s ± 50 % and
	// waits 5 s for the answer; a session tries an address of a dead peer for some 10 s.
	rsplibDead = 25 * time.Second
)

// rsplibOurs matches the packets of this side.
const rsplibOurs = "ip.src == 10.44.0.1 || ip.src == 10.45.0.1"

// rsplibLog makes the programs of RSPLIB tell what they do, all in standard output.
const rsplibLog = " -loglevel=3 -logcolor=off 2>&1"

// rsplibShell makes a node run the lines it is sent.
const rsplibShell = "\n" + `while read -r line; do eval "$line"; done`

// An rsplibRig is this side's host in the lab, with a capture of all that is said.
type rsplibRig struct {
	t       *testing.T
	lab     *lab.Lab
	capture *lab.Capture
	file    string // of the capture
	stack   *sctp.Stack
	log     *slog.Logger
	server  *registrar.Server // if it is ours
	ends    []func()          // of what this side runs
}

// atEnd has something ended by finish, or if it does not come to that by the end of the test.
func (r *rsplibRig) atEnd(f func()) (once func()) {
	once = sync.OnceFunc(f)
	r.ends = append(r.ends, once)
	r.t.Cleanup(once)
	return once
}

// newRSPLIBRig makes this side's host. The functions change the configuration of its SCTP.
func newRSPLIBRig(t *testing.T, change ...func(*sctp.Config)) *rsplibRig {
	l := lab.New(t)
	r := &rsplibRig{t: t, lab: l, capture: l.Capture(t, "rsplib"), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	r.file = filepath.Join(t.ArtifactDir(), "rsplib.pcapng")
	// Nodes dial UDP port 9899 wherever they go. The timers are those of pool.Config.
	cfg := &sctp.Config{
		LocalAddrs: []netip.Addr{netip.MustParseAddr("10.44.0.1"), netip.MustParseAddr("10.45.0.1")},
		EncapPort:  9899,
		RTOMin:     500 * time.Millisecond, RTOMax: 2 * time.Second, AssociationMaxRetrans: 5, PathMaxRetrans: 3,
		HeartbeatInterval: 5 * time.Second,
		Logger:            r.log,
	}
	for _, f := range change {
		f(cfg)
	}
	stack, err := sctp.NewStack(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { stack.Close() })
	r.stack = stack
	return r
}

// ctx ends after a limit, or with the test.
func (r *rsplibRig) ctx(limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(r.t.Context(), limit, fmt.Errorf("not within %v", limit))
	r.t.Cleanup(cancel)
	return ctx
}

// soon waits for a condition.
func (r *rsplibRig) soon(limit time.Duration, ok func() bool, what ...any) {
	r.t.Helper()
	require.Eventually(r.t, ok, limit, 20*time.Millisecond, what...)
}

// client is a pool user or a host of pool elements. It finds registrars by their announcements.
func (r *rsplibRig) client() *pool.Client {
	c, err := pool.NewClient(&pool.Config{Stack: r.stack, Logger: r.log})
	require.NoError(r.t, err)
	r.atEnd(func() { assert.NoError(r.t, c.Close()) })
	return c
}

// rsplibElement is a pool element of ours that runs.
type rsplibElement struct {
	*pool.Server
	stop func() // deregisters
}

// serve registers an element and waits until that is accepted.
func (r *rsplibRig) serve(s *pool.Server) *rsplibElement {
	r.t.Helper()
	return r.serveWith(r.client(), s)
}

func (r *rsplibRig) serveWith(c *pool.Client, s *pool.Server) *rsplibElement {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, c) }()
	e := &rsplibElement{Server: s}
	e.stop = r.atEnd(func() {
		cancel()
		assert.NoError(r.t, <-done)
	})
	r.soon(rsplibSoon, func() bool { return s.Registered() != nil }, "element %#x is registered", s.ID)
	return e
}

// registrar runs a registrar of ours as it is without any configuration, but for TCP, which the command has by
// itself, and for what the functions change.
func (r *rsplibRig) registrar(change ...func(*registrar.Config)) *registrar.Server {
	cfg := registrar.Config{ServerID: 0x01020304, TCPPort: -1, Stack: r.stack, Logger: r.log}
	for _, f := range change {
		f(&cfg)
	}
	srv, err := registrar.New(cfg)
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()
	r.atEnd(func() {
		cancel()
		assert.NoError(r.t, <-done)
	})
	r.server = srv
	return srv
}

// call lets the element of a session echo a text.
func (r *rsplibRig) call(s *pool.Session, text string) {
	r.t.Helper()
	m, err := s.Do(r.ctx(rsplibDead), sctp.Message{Data: []byte(text), PPID: 0})
	require.NoError(r.t, err)
	require.Equal(r.t, text, string(m.Data))
	require.Zero(r.t, m.PPID)
}

// finish ends what this side runs, then the capture, and has all that was sent dissected by somebody who knows the
// protocols.
func (r *rsplibRig) finish() (file string) {
	r.t.Helper()
	for _, end := range slices.Backward(r.ends) {
		end()
	}
	require.NoError(r.t, r.stack.Shutdown(r.ctx(rsplibSoon)))
	r.settle()
	file = r.capture.Stop()
	require.Equal(r.t, r.file, file)
	r.lab.CheckCapture(r.t, file, rsplibOurs)
	require.NotZero(r.t, r.lab.CountPackets(r.t, file, "("+rsplibOurs+") && "+
		"(asap && sctp.data_payload_proto_id == 11 || enrp && sctp.data_payload_proto_id == 12)"), "ASAP or ENRP was dissected")
	if r.server != nil {
		for _, src := range r.stack.Addrs() {
			require.NotZero(r.t, r.lab.CountPackets(r.t, file, fmt.Sprintf(
				"ip.src == %v && udp.srcport == 3863 && udp.dstport == 3863 && asap.message_type == 10", src)),
				"announcements from %v were dissected", src)
		}
	}
	return file
}

// settle waits until the capture has what was sent until now: packets are recorded in batches, and what is not recorded
// when the capture ends is lost.
func (r *rsplibRig) settle() {
	r.t.Helper()
	const marker = "this is the end of the recording"
	for _, addr := range []string{"10.44.0.255:9", "10.45.0.255:9"} {
		c, err := net.Dial("udp4", addr)
		require.NoError(r.t, err)
		_, err = c.Write([]byte(marker))
		require.NoError(r.t, err)
		require.NoError(r.t, c.Close())
	}
	r.soon(rsplibSoon, func() bool {
		b, err := os.ReadFile(r.file)
		return err == nil && bytes.Count(b, []byte(marker)) >= 2
	}, "everything is recorded")
}

// count says how many messages of ASAP of a type are in a capture, from or to whom the filter says.
func (r *rsplibRig) count(file string, typ int, filter string) int {
	r.t.Helper()
	return r.lab.CountPackets(r.t, file, fmt.Sprintf("asap.message_type == %d && (%s)", typ, filter))
}

// dump has a node show what the registrar of RSPLIB beside it knows, and returns the lines.
func rsplibDump(r *rsplibRig, n *lab.Node) string {
	r.t.Helper()
	n.Input(`hsdump 10.44.0.` + fmt.Sprint(n.N) + `:9901 2>&1; echo "dump ends"`)
	from := len(n.Lines())
	n.WaitLine(r.ctx(rsplibSoon), "^dump ends")
	return strings.Join(n.Lines()[from:], "\n")
}
