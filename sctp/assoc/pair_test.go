// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An endpoint is one side of a pair: a stack and the associations on it.
type endpoint struct {
	t      testing.TB
	name   string
	stack  *Stack
	assocs []*Association
	events []Event
	msgs   []Message
	inbox  []Datagram
	peer   *endpoint
	// filter decides about each packet sent: false drops it.
	filter func(d Datagram) bool
	// mark decides about each ECN-capable packet sent: true marks it.
	mark func(d Datagram) bool
	log  func(line string)
	// slow leaves messages unread until drain.
	slow   bool
	unread map[*Association][2]int
	buf    []byte // for a packet; as large as the largest
}

// drain reads what slow has left unread.
func (e *endpoint) drain(now time.Time) {
	for a, n := range e.unread {
		a.Consumed(now, n[0], n[1])
	}
	e.unread = nil
}

// A pair is two endpoints on a network without delay, in one thread.
type pair struct {
	t    testing.TB
	now  time.Time
	a, z *endpoint
}

// start is when every pair begins.
var start = time.Unix(1_000_000_000, 0)

func addrs(s ...string) (out []netip.AddrPort) {
	for _, x := range s {
		out = append(out, netip.MustParseAddrPort(x+":9899"))
	}
	return out
}

func newPair(t testing.TB, cfg Config) *pair {
	p := &pair{t: t, now: start}
	mk := func(name string, seed uint64, local []netip.AddrPort) *endpoint {
		s, err := NewStack(cfg, rand.New(rand.NewPCG(seed, 1)))
		require.NoError(t, err)
		s.SetLocalAddrs(local)
		return &endpoint{t: t, name: name, stack: s}
	}
	p.a = mk("A", 1, addrs("10.0.0.1", "10.1.0.1"))
	p.z = mk("Z", 2, addrs("10.0.0.2", "10.1.0.2"))
	p.a.peer, p.z.peer = p.z, p.a
	return p
}

// flush sends what e has to send, and collects what it has for its user.
func (p *pair) flush(e *endpoint) (sent bool) {
	if e.buf == nil {
		e.buf = make([]byte, 65536)
	}
	buf := e.buf
	out := func(t Transmit) {
		d := Datagram{Local: t.Remote, Remote: t.Local, Data: bytes.Clone(buf[:t.Len])}
		d.CE = t.ECT && e.mark != nil && e.mark(d)
		sent = true
		if e.log != nil {
			e.log(fmt.Sprintf("%s %v>%v %s", e.name, t.Local.Addr(), t.Remote.Addr(), wire.Dump(d.Data)))
		}
		if e.filter == nil || e.filter(d) {
			e.peer.inbox = append(e.peer.inbox, d)
		}
	}
	for {
		t, ok := e.stack.PollReply(buf)
		if !ok {
			break
		}
		out(t)
	}
	for _, a := range e.assocs {
		for {
			m, ok := a.PollMessage()
			if !ok {
				break
			}
			e.msgs = append(e.msgs, m)
			if e.slow {
				if e.unread == nil {
					e.unread = map[*Association][2]int{}
				}
				n := e.unread[a]
				e.unread[a] = [2]int{n[0] + 1, n[1] + len(m.Data)}
				continue
			}
			a.Consumed(p.now, 1, len(m.Data))
		}
		for {
			ev, ok := a.PollEvent()
			if !ok {
				break
			}
			e.events = append(e.events, ev)
		}
		for {
			t, ok := a.PollTransmit(p.now, buf)
			if !ok {
				break
			}
			out(t)
		}
		if a.IdentityChanged() {
			e.stack.Sync(a)
		}
	}
	return sent
}

// deliver gives e its packets as one batch.
func (p *pair) deliver(e *endpoint) bool {
	in := e.inbox
	e.inbox = nil
	touched := map[*Association]bool{}
	var order []*Association
	for _, d := range in {
		a, isNew := e.stack.Route(p.now, d)
		if a == nil {
			continue
		}
		if isNew {
			e.assocs = append(e.assocs, a)
		}
		a.HandlePacket(p.now, d)
		if !touched[a] {
			touched[a] = true
			order = append(order, a)
		}
	}
	for _, a := range order {
		a.EndBatch(p.now)
	}
	return len(in) > 0
}

// pump exchanges packets until both are idle, without time passing.
func (p *pair) pump() {
	for i := 0; ; i++ {
		require.Less(p.t, i, 1_000_000, "packets go back and forth for ever")
		busy := p.flush(p.a)
		busy = p.flush(p.z) || busy
		busy = p.deliver(p.a) || busy
		busy = p.deliver(p.z) || busy
		if !busy {
			return
		}
	}
}

func (p *pair) advance(d time.Duration) {
	p.now = p.now.Add(max(d, 0))
	for _, e := range []*endpoint{p.a, p.z} {
		for _, a := range e.assocs {
			if t, ok := a.Deadline(); ok && !t.After(p.now) {
				a.HandleTimeout(p.now)
			}
		}
	}
	p.pump()
}

// run lets d pass, deadline by deadline.
func (p *pair) run(d time.Duration) {
	end := p.now.Add(d)
	for {
		var next time.Time
		for _, e := range []*endpoint{p.a, p.z} {
			for _, a := range e.assocs {
				if t, ok := a.Deadline(); ok && (next.IsZero() || t.Before(next)) {
					next = t
				}
			}
		}
		if next.IsZero() || next.After(end) {
			p.advance(end.Sub(p.now))
			return
		}
		p.advance(next.Sub(p.now))
	}
}

// connect sets up an association from A to Z.
func (p *pair) connect() (a, z *Association) {
	require.NoError(p.t, p.z.stack.Listen(5000))
	a = p.dial()
	p.pump()
	require.Equal(p.t, StateEstablished, a.State())
	require.Len(p.t, p.z.assocs, 1)
	return a, p.z.assocs[0]
}

func (p *pair) dial() *Association {
	a, err := p.a.stack.Associate(p.now, AssociateParams{Remote: addrs("10.0.0.2"), Port: 5000})
	require.NoError(p.t, err)
	p.a.assocs = append(p.a.assocs, a)
	return a
}

func lastEvent[E Event](events []Event) (e E, ok bool) {
	for i := len(events) - 1; i >= 0; i-- {
		if e, ok = events[i].(E); ok {
			return e, true
		}
	}
	return e, false
}
