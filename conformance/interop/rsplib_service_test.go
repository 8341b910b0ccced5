// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service"
)

// rsplibService runs an element of ours.
func rsplibService(r *rsplibRig, name, handle string, id uint32) *rsplibElement {
	r.t.Helper()
	srv := &pool.Server{Handle: handle, ID: id}
	require.NoError(r.t, service.Configure(srv, name, 4, r.log))
	return r.serve(srv)
}

// Echo, discard and daytime of RSPLIB serve our users.
func TestRSPLIBServicesForOurUser(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	n := r.lab.Node(t, 2, `rspserver -echo -poolhandle=TheirEcho -identifier=0xaa01`+rsplibLog+` &
		rspserver -discard -poolhandle=TheirDiscard -identifier=0xaa02`+rsplibLog+` &
		rspserver -daytime -poolhandle=TheirDaytime -identifier=0xaa03`+rsplibLog+` &
		rspserver -chargen -poolhandle=TheirCharGen -identifier=0xaa04`+rsplibLog+`; echo "chargen ended with $?"`+rsplibShell)
	n.WaitUp(r.ctx(rsplibBoot))
	// Its own name is a parameter that it does not know. Should that ever change, it can be tested.
	n.WaitLine(r.ctx(rsplibSoon), "^chargen ended with 1")
	r.soon(rsplibSoon, func() bool { return len(srv.Snapshot().Pools) == 3 }, "all have registered")

	user := r.client()
	dial := func(handle string) *pool.Session {
		s, err := user.Dial(r.ctx(rsplibSoon), handle)
		require.NoError(t, err)
		return s
	}
	s := dial("TheirEcho")
	r.call(s, "hello")
	require.NoError(t, s.Close())

	s = dial("TheirDiscard")
	for i := range 10 {
		require.NoError(t, s.Send(r.ctx(rsplibSoon), sctp.Message{Data: bytes.Repeat([]byte{'x'}, 100+i)}))
	}
	n.WaitLine(r.ctx(rsplibSoon), `(?i)discard.* 109 bytes`)
	require.NoError(t, s.Close())

	s = dial("TheirDaytime")
	m, err := s.Recv(r.ctx(rsplibSoon))
	require.NoError(t, err)
	require.Zero(t, m.PPID)
	at, err := time.Parse(service.DaytimeLayout, string(m.Data))
	require.NoError(t, err, "%q", m.Data)
	require.InDelta(t, 0, time.Since(at).Seconds(), 3600, "the clock of the node")
	require.NoError(t, s.Close())
	r.finish()
}

// Echo, discard, daytime and chargen of ours serve RSPLIB's user.
func TestRSPLIBUserOfOurServices(t *testing.T) {
	r := newRSPLIBRig(t)
	srv := r.registrar()
	terminal := rsplibTerminals(r, 3, "OurEcho", "OurDaytime", "OurDiscard")
	// It prints what it receives, so it must not receive for long.
	chargen := r.lab.Node(t, 4, "read -r go\n"+
		`mkfifo /tmp/in; sleep 1000 >/tmp/in & rspterminal -poolhandle=OurCharGen </tmp/in | head -c 100000 >chargen; echo "chargen ends"; read -r end`)
	rsplibService(r, "echo", "OurEcho", 0x0c0ffee1)
	rsplibService(r, "daytime", "OurDaytime", 0x0c0ffee2)
	rsplibService(r, "discard", "OurDiscard", 0x0c0ffee3)
	rsplibService(r, "chargen", "OurCharGen", 0x0c0ffee4)
	terminal.WaitUp(r.ctx(rsplibBoot))
	chargen.WaitUp(r.ctx(rsplibBoot))
	r.soon(rsplibSoon, func() bool { return len(srv.Snapshot().Pools) == 4 }, "all have registered")
	terminal.Input("go")
	// When the session ends, it fails over, and is told the time again.
	for range 2 {
		line := terminal.WaitLine(r.ctx(rsplibSoon), `from PE \$0c0ffee2> ([^\x1b]*)`)[1] // up to the end of its colour
		_, err := time.Parse(service.DaytimeLayout, line+"\n")
		require.NoError(t, err)
	}
	for i := range 3 {
		terminal.Input(fmt.Sprintf("echo 'line %d for nobody' >&5", i))
		terminal.Input(fmt.Sprintf("echo 'line %d' >&3", i))
		terminal.WaitLine(r.ctx(rsplibSoon), fmt.Sprintf(`from PE \$0c0ffee1> line %d`, i))
	}
	for _, line := range terminal.Lines() {
		require.NotContains(t, line, "0c0ffee3")
	}

	chargen.Input("go")
	chargen.WaitLine(r.ctx(rsplibSoon), "^chargen ends")
	got, err := os.ReadFile(filepath.Join(r.lab.Dir(), "node4", "chargen"))
	require.NoError(t, err)
	// After the prompt, it prints messages as they are, up to the first byte 10, of which there is none.
	var printable []byte
	for i := range 1024 {
		printable = append(printable, byte(30+i%98))
	}
	require.Contains(t, string(got), string(printable))
	r.finish()
}
