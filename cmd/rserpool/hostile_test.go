// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/admin"
	"github.com/rserpool/rserpool/registrar/oddtest"
	"github.com/rserpool/rserpool/sctp"
)

// Clients and peers that send the odd and hostile messages of oddtest, over SCTP to a registrar in a process of its own,
// get the answers of the RFCs; then whatever becomes of these messages by chance. The registrar goes on, knows what it knew
// before, and keeps nothing of them: no association, no peer, no goroutine, no memory.
func TestHostileMessages(t *testing.T) {
	h := newHostile(t)
	h.register()
	before := h.handlespace()
	h.matrix()
	h.settled(before)
	goroutines, heap := h.metric("go_goroutines"), h.metric("go_memstats_heap_alloc_bytes")
	for range 2 {
		h.matrix()
	}
	h.flood(1000)
	h.settled(before)
	h.eventually(func() bool { return h.metric("go_goroutines") <= goroutines+1 }, "goroutines stay behind")
	h.eventually(func() bool { return h.metric("go_memstats_heap_alloc_bytes") <= heap+4<<20 }, "memory stays behind")
	require.NotZero(t, h.metric("rserpool_registrar_bad_messages_total"))
	require.NotZero(t, h.metric("rserpool_registrar_foreign_messages_total"))
	require.Empty(t, h.process.stop(), "nothing to complain about")
}

// hostile is a registrar in a process, and who talks to it.
type hostile struct {
	t          *testing.T
	process    *process
	stack      *sctp.Stack
	asap, enrp *sctp.Addr
	url        string
	id         uint32
	peers      uint32 // so far
}

const (
	hostilePool    = "Z"
	hostileElement = 9
	hostileLimit   = 30 * time.Second
)

func newHostile(t *testing.T) *hostile {
	p := startProcess(t, []string{"GOGC=20"}, "registrar", "--local", "127.0.0.1", "--encap-port", "-1", "--asap-port", "-1",
		"--enrp-port", "-1", "--tcp-port", "off", "--announce", "off", "--admin", "127.0.0.1:0", "--log-level", "error",
		"--id", "0x11111111", "--keep-alive-interval", "-1s", "--peer-heartbeat-cycle", "1h", "--max-time-last-heard", "1h",
		"--max-time-no-response", "1s", "--takeover-expiry", "1s", "--keep-alive-timeout", "1s", "--stop-timeout", "1s")
	h := &hostile{t: t, process: p, id: 0x11111111}
	at := regexp.MustCompile(` at (127\S+)$`)
	for _, a := range []**sctp.Addr{&h.asap, &h.enrp} {
		line := p.line()
		m := at.FindStringSubmatch(line)
		require.NotNil(t, m, line)
		addr, err := sctp.ParseAddr(m[1])
		require.NoError(t, err)
		*a = addr
	}
	h.url = strings.TrimPrefix(p.line(), "it is shown at ")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	stack, err := sctp.NewStack(&sctp.Config{LocalAddrs: []netip.Addr{h.host()}, EncapPort: -1})
	require.NoError(t, err)
	t.Cleanup(func() { stack.Close() })
	h.stack = stack
	h.eventually(func() bool { return h.metric("rserpool_registrar_operational") == 1 }, "it is operational")
	return h
}

func (h *hostile) host() netip.Addr { return netip.MustParseAddr("127.0.0.1") }

func (h *hostile) ctx() context.Context {
	ctx, cancel := context.WithTimeout(h.t.Context(), hostileLimit)
	h.t.Cleanup(cancel)
	return ctx
}

func (h *hostile) eventually(ok func() bool, what string) {
	h.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(hostileLimit); !ok(); <-tick.C {
		require.True(h.t, time.Now().Before(end), what)
	}
}

func (h *hostile) get(path string) []byte {
	h.t.Helper()
	resp, err := http.Get(h.url + path)
	require.NoError(h.t, err, "it lives: %s", h.process.complaints())
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	require.Equal(h.t, 200, resp.StatusCode, "%s", b)
	return b
}

func (h *hostile) metric(name string) float64 {
	h.t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(h.get("metrics"))
	require.NotNil(h.t, m, name)
	v, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(h.t, err)
	return v
}

// handlespace is what is registered, without what handle resolutions change.
func (h *hostile) handlespace() (s admin.Handlespace) {
	h.t.Helper()
	require.NoError(h.t, json.Unmarshal(h.get("handlespace"), &s))
	for i := range s.Pools {
		for j := range s.Pools[i].Elements {
			s.Pools[i].Elements[j].Selections = 0
		}
	}
	return s
}

// settled waits until nothing is left of who has come since.
func (h *hostile) settled(before admin.Handlespace) {
	h.t.Helper()
	h.eventually(func() bool {
		return h.metric("rserpool_registrar_associations") == 1 && h.metric("rserpool_registrar_peers") == 0 &&
			h.metric("rserpool_registrar_pools") == 1
	}, "associations or peers stay behind")
	require.Equal(h.t, before, h.handlespace())
}

// A talk is an association with the registrar.
type talk struct {
	h    *hostile
	conn *sctp.Conn
	ppid sctp.PPID
}

func (h *hostile) talk(to *sctp.Addr, ppid sctp.PPID) *talk {
	h.t.Helper()
	conn, err := h.stack.Dial(h.ctx(), to)
	require.NoError(h.t, err)
	return &talk{h, conn, ppid}
}

func (k *talk) send(b []byte) {
	k.h.t.Helper()
	require.NoError(k.h.t, k.conn.Send(k.h.ctx(), sctp.Message{PPID: k.ppid, Data: b}))
}

func (k *talk) message(m interface{ AppendBinary([]byte) ([]byte, error) }) {
	k.h.t.Helper()
	b, err := m.AppendBinary(nil)
	require.NoError(k.h.t, err)
	k.send(b)
}

// answers returns what comes until the last answer, without that.
func (k *talk) answers(last func([]byte) bool) (all [][]byte) {
	k.h.t.Helper()
	for {
		m, err := k.conn.Recv(k.h.ctx())
		require.NoError(k.h.t, err)
		require.Equal(k.h.t, k.ppid, m.PPID)
		if last(m.Data) {
			return all
		}
		all = append(all, slices.Clone(m.Data))
	}
}

// end ends it, in one way or the other.
func (k *talk) end(graceful bool) {
	k.h.t.Helper()
	if graceful {
		require.NoError(k.h.t, k.conn.Shutdown(k.h.ctx()))
		return
	}
	require.NoError(k.h.t, k.conn.Abort("enough"))
}

// register registers the element that is there all the time.
func (h *hostile) register() {
	h.t.Helper()
	k := h.talk(h.asap, asap.PPID)
	k.message(&asap.Registration{PoolHandle: hostilePool, PoolElement: param.PoolElement{
		ID: hostileElement, Life: param.LifeInfinite,
		UserTransport: param.Transport{Protocol: param.SCTP, Port: 7, Addrs: []netip.Addr{h.host()}},
		Policy:        param.Policy{Type: param.RoundRobin},
	}})
	m, err := k.conn.Recv(h.ctx())
	require.NoError(h.t, err)
	require.Equal(h.t, []byte{3, 0}, m.Data[:2], "it is accepted")
}

// resolves is the probe of clients: the answer to it.
func (k *talk) probe() func([]byte) bool {
	k.h.t.Helper()
	k.message(&asap.HandleResolution{PoolHandle: hostilePool, Items: 1})
	return func(b []byte) bool {
		m, _, err := asap.Parse(b)
		r, ok := m.(*asap.HandleResolutionResponse)
		return err == nil && ok && r.PoolHandle == hostilePool && len(r.PoolElements) == 1 && r.PoolElements[0].ID == hostileElement
	}
}

// probePeer is that of peers.
func (k *talk) probePeer(id uint32) func([]byte) bool {
	k.h.t.Helper()
	const nobody = 0xfefefefe
	k.message(&enrp.InitTakeover{Header: enrp.Header{Sender: id}, Target: nobody})
	return func(b []byte) bool {
		m, _, err := enrp.Parse(b)
		a, ok := m.(*enrp.InitTakeoverAck)
		return err == nil && ok && a.Target == nobody
	}
}

// matrix sends every message, each over an association of its own.
func (h *hostile) matrix() {
	h.t.Helper()
	for i, x := range oddtest.ASAP(h.host()) {
		k := h.talk(h.asap, asap.PPID)
		k.send(x.In)
		h.same(x, k.answers(k.probe()))
		k.end(i%2 == 0)
		if len(x.Want) > 0 && bytes.HasPrefix(x.Want[0], []byte{byte(asap.TypeRegistrationResponse), 0}) {
			h.eventually(func() bool { return h.metric("rserpool_registrar_pools") == 1 }, x.Name+": it goes with its association")
		}
	}
	for i := range 64 {
		id, rows := h.peerRows()
		if i == len(rows) {
			break
		}
		x := rows[i]
		k := h.peer(id)
		k.send(x.In)
		if x.Ends {
			_, err := k.conn.Recv(h.ctx())
			require.ErrorAs(h.t, err, new(*sctp.AbortError), x.Name)
			continue
		}
		answers := slices.DeleteFunc(k.answers(k.probePeer(id)), func(b []byte) bool {
			// What it asks by itself.
			return b[0] == byte(enrp.TypeHandleTableRequest) || b[0] == byte(enrp.TypeListRequest)
		})
		h.same(x, answers)
		k.end(i%2 == 0)
	}
	// The wrong protocol, and none.
	for _, ppid := range []sctp.PPID{0, 1, enrp.PPID, asap.PPID} {
		for _, to := range []*sctp.Addr{h.asap, h.enrp} {
			k := h.talk(to, ppid)
			k.send([]byte("GET / HTTP/1.1\r\n\r\n"))
			k.send(bytes.Repeat([]byte{5}, 65536))
			k.end(ppid%2 == 0)
		}
	}
	// A message that ASAP cannot have.
	k := h.talk(h.asap, asap.PPID)
	k.send(make([]byte, 1<<17))
	_, err := k.conn.Recv(h.ctx())
	require.ErrorAs(h.t, err, new(*sctp.AbortError))
}

func (h *hostile) same(x oddtest.Row, answers [][]byte) {
	h.t.Helper()
	require.Len(h.t, answers, len(x.Want), "%s: % x", x.Name, answers)
	for i, want := range x.Want {
		require.Equal(h.t, want, answers[i][:min(len(want), len(answers[i]))], x.Name)
	}
}

// peerRows returns the messages of a new peer.
func (h *hostile) peerRows() (id uint32, rows []oddtest.Row) {
	h.peers++
	id = 0x20000000 + h.peers
	return id, oddtest.ENRP(oddtest.ENRPScene{Registrar: h.id, Peer: id, Addr: h.host(), Pool: hostilePool, Element: hostileElement})
}

// peer makes a peer known.
func (h *hostile) peer(id uint32) *talk {
	h.t.Helper()
	k := h.talk(h.enrp, enrp.PPID)
	nothing := param.PEChecksum(0xffff)
	k.message(&enrp.Presence{Header: enrp.Header{Sender: id}, Checksum: &nothing, Server: &param.ServerInformation{ID: id,
		Transport: param.Transport{Protocol: param.SCTP, Port: k.conn.LocalAddr().Port, Addrs: []netip.Addr{h.host()}},
		EncapPort: k.conn.LocalAddr().EncapPort}})
	k.answers(func(b []byte) bool { return b[0] == byte(enrp.TypeListRequest) }) // it comes behind the presence
	return k
}

// flood sends what becomes of the messages by chance, to each protocol n.
func (h *hostile) flood(n int) {
	h.t.Helper()
	const perAssoc = 100
	rnd := rand.New(rand.NewPCG(1, 6))
	for sent := 0; sent < n; sent += perAssoc {
		id, peerRows := h.peerRows()
		client, peer := h.talk(h.asap, asap.PPID), h.peer(id)
		for _, k := range []*talk{client, peer} {
			rows := oddtest.ASAP(h.host())
			if k == peer {
				rows = peerRows
			}
			for range perAssoc {
				b := mutate(rnd, rows[rnd.IntN(len(rows))].In)
				if k == peer && len(b) >= 12 && rnd.IntN(4) > 0 {
					copy(b[4:], fmt.Appendf(nil, "%c%c%c%c", id>>24, byte(id>>16), byte(id>>8), byte(id))) // else it is another peer
				}
				if k.conn.Send(h.ctx(), sctp.Message{PPID: k.ppid, Data: b}) != nil {
					break // it has been aborted, as who takes the registrar's name is
				}
			}
			if k.conn.Shutdown(h.ctx()) != nil { // when all has arrived
				k.conn.Abort("enough")
			}
		}
	}
}

// mutate changes some bytes of a message, or its length.
func mutate(rnd *rand.Rand, in []byte) []byte {
	b := slices.Clone(in)
	for range 1 + rnd.IntN(4) {
		switch at := rnd.IntN(len(b)); rnd.IntN(4) {
		case 0:
			b[at] = byte(rnd.Uint32())
		case 1:
			b[at] ^= 1 << rnd.IntN(8)
		case 2:
			b = b[:at+1]
		case 3:
			b = append(b[:at:at], in...)
		}
	}
	return b[:min(len(b), 1<<16)]
}
