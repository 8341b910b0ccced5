// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts in testdata")

// A transcript is the conversation of a pair, for a reviewer to read.
type transcript struct {
	p     *pair
	lines []string
}

func newTranscript(p *pair) *transcript {
	tr := &transcript{p: p}
	log := func(line string) {
		tr.lines = append(tr.lines, fmt.Sprintf("%7.3fs %s", p.now.Sub(start).Seconds(), line))
	}
	p.a.log, p.z.log = log, log
	return tr
}

func (tr *transcript) note(format string, args ...any) {
	tr.lines = append(tr.lines, "# "+fmt.Sprintf(format, args...))
}

// check compares with testdata/NAME.txt.
func (tr *transcript) check(t *testing.T) {
	t.Helper()
	for _, e := range []*endpoint{tr.p.a, tr.p.z} {
		for _, ev := range e.events {
			tr.lines = append(tr.lines, fmt.Sprintf("%s event %T%v", e.name, ev, ev))
		}
		for _, a := range e.assocs {
			tr.lines = append(tr.lines, fmt.Sprintf("%s %v", e.name, a.State()))
		}
	}
	got := strings.ReplaceAll(strings.Join(tr.lines, "\n")+"\n", "assoc.", "")
	name := filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", "_")+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err, "run with -update to write it")
	require.Equal(t, string(want), got, "the conversation is not the one in %s (-update rewrites it)", name)
}

// packetTo builds a packet for an association of e, as its peer would.
func (p *pair) packetTo(e *endpoint, a *Association, tag uint32, chunks ...[]byte) Datagram {
	h := wire.Header{SrcPort: a.remotePort, DstPort: a.localPort, Tag: tag}
	b := h.Append(nil)
	for _, c := range chunks {
		b = append(b, c...)
	}
	wire.SetChecksum(b)
	return Datagram{Local: a.paths[0].local, Remote: a.paths[0].remote, Data: b}
}

// inject gives e a packet with the right tag, and delivers what it answers to
// the caller instead of the peer.
func (p *pair) inject(e *endpoint, a *Association, chunks ...[]byte) (answers []string) {
	return p.injectRaw(e, p.packetTo(e, a, a.myTag, chunks...))
}

func (p *pair) injectRaw(e *endpoint, d Datagram) (answers []string) {
	old := e.filter
	defer func() { e.filter = old }()
	e.filter = func(d Datagram) bool {
		answers = append(answers, dump(d.Data))
		return false
	}
	e.inbox = append(e.inbox, d)
	p.deliver(e)
	p.flush(e)
	return answers
}

// dump is a packet without ports.
func dump(b []byte) string {
	_, s, _ := strings.Cut(wire.Dump(b), "vtag=")
	_, s, _ = strings.Cut(s, ": ")
	return s
}

// dropChunk drops the first n packets that hold a chunk of a type.
func dropChunk(t wire.ChunkType, n int) func(Datagram) bool {
	return func(d Datagram) bool {
		for c, err := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			if err == nil && c.Type == t && n > 0 {
				n--
				return false
			}
		}
		return true
	}
}
