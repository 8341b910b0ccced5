// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A world is an agent with registrars that do what the bytes of a fuzz test say.
type world struct {
	t     testing.TB
	a     *Agent
	now   time.Time
	trace []string
	open  map[LinkID]bool // connecting: false, established: true
	tcp   map[LinkID]bool
	order []LinkID
	asked map[ResolveID]bool
}

func newFuzzWorld(t testing.TB) *world {
	a, err := New(Config{Rand: rand.New(rand.NewPCG(1, 2)), MaxRegAttempt: -1})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, a: a, now: epoch, open: make(map[LinkID]bool), tcp: make(map[LinkID]bool), asked: make(map[ResolveID]bool)}
	for i := range 7 {
		a.AddRegistrar(w.now, Addr{TCP: i > 4, IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)})}, Port: 3863})
	}
	a.Start(w.now)
	w.drain()
	return w
}

// drain takes everything out of the agent and checks it.
func (w *world) drain() {
	for x, ok := w.a.PollAction(); ok; x, ok = w.a.PollAction() {
		if s, ok := x.(Send); ok {
			w.trace = append(w.trace, fmt.Sprintf("send on link %d: % x", s.Link, s.Data))
		} else {
			w.trace = append(w.trace, fmt.Sprintf("%T %v", x, x))
		}
		switch x := x.(type) {
		case Connect:
			if _, known := w.open[x.Link]; known {
				w.t.Fatalf("link %d is connected twice", x.Link)
			}
			w.open[x.Link], w.tcp[x.Link] = false, x.Addr.TCP
			w.order = append(w.order, x.Link)
		case Send:
			if up, known := w.open[x.Link]; !known || !up {
				w.t.Fatalf("%v is sent on link %d, which is not established", x.Message.Type(), x.Link)
			}
			switch x.Message.(type) {
			case *asap.Registration, *asap.Deregistration, *asap.EndpointKeepAliveAck:
				if w.tcp[x.Link] {
					w.t.Fatalf("%v is sent over TCP", x.Message.Type())
				}
			}
			if _, _, err := asap.Parse(x.Data); err != nil {
				w.t.Fatalf("what is sent cannot be parsed: %v", err)
			}
		case Disconnect:
			if _, known := w.open[x.Link]; !known {
				w.t.Fatalf("link %d is ended, which does not exist", x.Link)
			}
			delete(w.open, x.Link)
		}
	}
	for e, ok := w.a.PollEvent(); ok; e, ok = w.a.PollEvent() {
		w.trace = append(w.trace, fmt.Sprintf("%T %v", e, e))
		if e, ok := e.(EventResolved); ok {
			if !w.asked[e.ID] {
				w.t.Fatalf("resolution %d is answered twice, or was never asked for", e.ID)
			}
			delete(w.asked, e.ID)
			if (e.Err == nil) == (len(e.Elements) == 0) {
				w.t.Fatalf("resolution %d has %d elements and error %v", e.ID, len(e.Elements), e.Err)
			}
		}
	}
	connecting := 0
	for _, up := range w.open { // in any order: it only counts
		if !up {
			connecting++
		}
	}
	if connecting > maxConcurrent {
		w.t.Fatalf("%d associations are being established", connecting)
	}
	if home, ok := w.a.Home(); ok && !w.open[home] {
		w.t.Fatalf("the home registrar is on link %d, which is not established", home)
	}
	if at, ok := w.a.Deadline(); ok && at.Before(w.now.Add(-time.Hour)) {
		w.t.Fatalf("deadline %v is long over", at)
	}
}

// link picks one that is open.
func (w *world) link(n byte) (LinkID, bool) {
	var open []LinkID
	for _, id := range w.order {
		if _, ok := w.open[id]; ok {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return 0, false
	}
	return open[int(n)%len(open)], true
}

// reply is a message that a registrar may send.
func reply(n byte) asap.Message {
	k := uint32(1 + n>>4&3)
	handle := param.PoolHandle([]string{"EchoPool", "Other"}[n>>6&1])
	switch n & 15 {
	case 0, 1:
		return &asap.RegistrationResponse{PoolHandle: handle, PEID: k}
	case 2:
		return &asap.RegistrationResponse{PoolHandle: handle, PEID: k, Rejected: true, Errors: param.OperationError{{Code: 0xf008}}}
	case 3:
		return &asap.RegistrationResponse{PoolHandle: handle, PEID: k, Rejected: true, Errors: param.OperationError{{Code: 3}}}
	case 4:
		return &asap.DeregistrationResponse{PoolHandle: handle, PEID: k}
	case 5, 6:
		m := members(param.Policy{Type: param.LeastUsed, Load: k}, 1, k+1, 9)
		m.PoolHandle = handle
		return m
	case 7:
		return &asap.HandleResolutionResponse{PoolHandle: handle, Errors: param.OperationError{{Code: 9}}}
	case 8, 9:
		return &asap.EndpointKeepAlive{PoolHandle: handle, PEID: k - 1, ServerID: k, Home: n&15 == 8}
	case 10:
		return &asap.Error{Errors: param.OperationError{{Code: 0x11}}}
	default:
		m := members(roundRobin, k)
		m.PoolHandle = handle
		return m
	}
}

// do interprets two bytes.
func (w *world) do(op, arg byte) {
	key := Key{param.PoolHandle([]string{"EchoPool", "Other"}[arg>>2&1]), uint32(1 + arg&3)}
	w.trace = append(w.trace, fmt.Sprintf("> %d %d", op%12, arg))
	switch op % 12 {
	case 0, 1:
		if id, ok := w.link(arg); ok && !w.open[id] {
			w.open[id] = true
			w.a.HandleConnected(w.now, id, nil)
		}
	case 2:
		if id, ok := w.link(arg); ok {
			delete(w.open, id)
			w.a.HandleLost(w.now, id, errors.New("lost"))
		}
	case 3, 4, 5:
		if id, ok := w.link(op >> 4); ok && w.open[id] {
			b, _ := reply(arg).AppendBinary(nil)
			w.a.HandleMessage(w.now, id, b)
		}
	case 6:
		r := echo(key.ID)
		r.Handle = key.Handle
		r.Interval = time.Duration(1+arg) * time.Second
		if err := w.a.Register(w.now, r); err != nil {
			w.t.Fatal(err)
		}
	case 7:
		w.a.Deregister(w.now, key)
	case 8:
		w.asked[w.a.resolver.lastID+1] = true
		if _, err := w.a.Resolve(w.now, key.Handle, ResolveOptions{Items: uint32(arg & 3), Fresh: arg&64 != 0}); err != nil {
			w.t.Fatal(err)
		}
	case 9:
		w.a.ReportUnreachable(w.now, key)
	case 10:
		if id := w.a.HandleInbound(addr("10.0.0.77:3863")); id > 0 {
			w.open[id] = true
			w.order = append(w.order, id)
		}
	case 11:
		w.pass(time.Duration(arg) * 100 * time.Millisecond)
	}
	w.drain()
}

func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for range 100000 {
		at, ok := w.a.Deadline()
		if !ok || at.After(end) {
			w.now = end
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		w.a.HandleTimeout(w.now)
		w.drain()
	}
	w.t.Fatal("the deadline does not advance")
}

// finish checks that nothing is forgotten.
func (w *world) finish() {
	w.pass(10 * time.Minute)
	if len(w.asked) > 0 {
		w.t.Fatalf("resolutions %v were never answered", w.asked)
	}
	// With a registrar that answers, every element that is not rejected gets registered.
	for range 100 {
		if home, ok := w.a.Home(); ok {
			for _, e := range append([]*element{}, w.a.elements...) {
				switch e.state {
				case stateRegistering:
					b, _ := (&asap.RegistrationResponse{PoolHandle: e.Handle, PEID: e.ID}).AppendBinary(nil)
					w.a.HandleMessage(w.now, home, b)
				case stateDeregistering:
					b, _ := (&asap.DeregistrationResponse{PoolHandle: e.Handle, PEID: e.ID}).AppendBinary(nil)
					w.a.HandleMessage(w.now, home, b)
				}
				w.drain()
			}
			break
		}
		for _, id := range append([]LinkID{}, w.order...) {
			if up, ok := w.open[id]; ok && !up {
				w.open[id] = true
				w.a.HandleConnected(w.now, id, nil)
				w.drain()
				break
			}
		}
		w.pass(100 * time.Millisecond)
	}
	for _, e := range w.a.elements {
		if e.state != stateRegistered && e.state != stateRejected {
			w.t.Fatalf("element %v is left in state %d", e.Key, e.state)
		}
	}
}

// FuzzAgent wants: no panic, no message on a link that is not there, no message of a pool element over TCP,
// never more than three associations being established, an answer to every resolution, all elements registered once there is a registrar that works, and the same
// results for the same calls.
func FuzzAgent(f *testing.F) {
	f.Add([]byte{0, 0, 6, 0, 3, 0, 8, 0, 3, 5, 11, 200})
	f.Add([]byte{6, 0, 0, 0, 11, 100, 2, 0, 11, 100, 0, 1, 3, 0, 7, 0, 11, 255})
	f.Add([]byte{6, 1, 10, 0, 3, 8, 3, 0, 2, 0, 11, 50})
	f.Fuzz(func(t *testing.T, b []byte) {
		run := func() *world {
			w := newFuzzWorld(t)
			for i := 0; i+1 < len(b) && i < 400; i += 2 {
				w.do(b[i], b[i+1])
			}
			w.finish()
			return w
		}
		one, two := run(), run()
		if len(one.trace) != len(two.trace) {
			t.Fatalf("the second run does %d things, not %d", len(two.trace), len(one.trace))
		}
		for i := range one.trace {
			if one.trace[i] != two.trace[i] {
				t.Fatalf("the second run does something else in line %d:\n%s\n%s", i, one.trace[i], two.trace[i])
			}
		}
	})
}

// TestRandomLives runs what FuzzAgent does, on random input.
func TestRandomLives(t *testing.T) {
	for i := range 300 {
		s := *seed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) {
			r := rand.New(rand.NewPCG(s, 0))
			w := newFuzzWorld(t)
			for range 200 {
				w.do(byte(r.Uint32()), byte(r.Uint32()))
			}
			w.finish()
		})
	}
}
