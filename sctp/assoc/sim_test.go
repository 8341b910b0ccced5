// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/assoc/assoctest"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run the randomised tests with this `seed` only")
	seedsFlag = flag.Int("sim.seeds", 4, "run each simulation with this many seeds")
	traceFlag = flag.Bool("sim.trace", false, "print every packet of the simulations to standard error")
)

// epoch is the Unix epoch: times in messages are durations since the start.
var epoch = time.Unix(0, 0).UTC()

const serverPort, clientPort = 7, 4242

// A setup is a simulation: client and server, what they say to each other,
// and what the network does to it.
type setup struct {
	rng                        *rand.Rand
	paths                      int
	ipv6                       bool
	routed                     bool            // between the segments
	link                       simnet.Settings // of every segment
	clientConfig, serverConfig assoc.Config
	toServer, toClient         *flow
	// slow is how long the server takes to read a message; 0: it reads at
	// once.
	slow time.Duration
	// outages says when segments go down and come back.
	outages []outage
	moves   []simMove
	// mtus says how the MTU of what is between the hosts changes: without a word, packets
	// that are larger vanish.
	mtus []mtuChange
	// Both sides shut down once they have queued everything; without it only
	// the client does, when it also has received everything.
	bothClose bool
	// end, if set, replaces the shutdown: it is called at endAt.
	end   func(*world)
	endAt time.Duration
	// incomplete allows that messages do not arrive.
	incomplete bool
	// clean says that nothing may have been sent twice.
	clean bool
	// limit is the virtual time within which all must be over.
	limit time.Duration
}

type outage struct {
	path     int
	from, to time.Duration
}

// An mtuChange sets the MTU behind the first hop of a path, or of the interfaces
// (first), which refuse what is larger.
type mtuChange struct {
	path  int
	at    time.Duration
	mtu   int
	first bool
}

// A world is a running simulation.
type world struct {
	*setup
	sim              *simnet.Sim
	segs             []*simnet.Segment
	a, z             *assoctest.Host // client, server
	flows            map[uint32]*flow
	client, accepted *assoctest.Conn
	errs             []error
	closing          bool // the client begins to shut down when all is done
}

func (w *world) fail(err error) {
	if err != nil && len(w.errs) < 5 {
		w.errs = append(w.errs, fmt.Errorf("at %v: %w", w.sim.Now().Sub(epoch), err))
	}
}

func newWorld(seed uint64, s *setup) (*world, error) {
	w := &world{setup: s, sim: simnet.NewSim(seed, epoch), flows: map[uint32]*flow{1: s.toServer, 2: s.toClient}}
	if s.routed {
		w.segs = make([]*simnet.Segment, s.paths)
	} else {
		w.segs = w.sim.Disjoint(s.paths)
	}
	for i := range w.segs {
		if s.routed {
			w.segs[i] = w.sim.Segment(fmt.Sprintf("10.%d.0.0/24", i+1))
		}
		if s.ipv6 {
			w.segs[i] = w.sim.Segment(fmt.Sprintf("2001:db8:%d::/64", i+1))
			w.segs[i].Isolate()
		}
	}
	var addrs [2][]netip.AddrPort
	for _, seg := range w.segs {
		seg.Set(s.link)
		for i := range addrs {
			addrs[i] = append(addrs[i], netip.AddrPortFrom(seg.Addr(i+1), udpencap.DefaultPort))
		}
	}
	for _, o := range s.outages {
		w.sim.After(o.from, w.segs[o.path].Down)
		w.sim.After(o.to, w.segs[o.path].Up)
	}
	for _, m := range s.mtus {
		w.sim.After(m.at, func() {
			set := s.link
			if m.first {
				set.MTU = m.mtu
				w.segs[m.path].Set(set)
				return
			}
			set.MTU = m.mtu
			a, z := addrs[0][m.path].Addr(), addrs[1][m.path].Addr()
			w.sim.Link(a, z).Set(set)
			w.sim.Link(z, a).Set(set)
		})
	}
	if *traceFlag {
		w.sim.Observe(func(e simnet.Event) {
			fmt.Fprintf(os.Stderr, "%v %v %v > %v %s\n%s\n", e.At.Sub(epoch), e.Kind, e.Src, e.Dst, e.Why, wire.Dump(e.Data))
		})
	}
	var err error
	if w.a, err = assoctest.NewHost(w.sim, "client", s.clientConfig, seed*2, addrs[0]...); err != nil {
		return nil, err
	}
	if w.z, err = assoctest.NewHost(w.sim, "server", s.serverConfig, seed*2+1, addrs[1]...); err != nil {
		return nil, err
	}
	w.z.OnAccept = w.accept
	return w, w.z.Stack.Listen(serverPort)
}

// connect has the client associate and send.
func (w *world) connect() {
	c, err := w.a.Associate(assoc.AssociateParams{LocalPort: clientPort, Remote: w.z.Addrs()[:1], Port: serverPort})
	if err != nil {
		w.fail(err)
		return
	}
	w.client = c
	c.OnMessage = func(m assoc.Message) {
		w.receive(m)
		w.maybeClose()
	}
	c.OnEvent = func(e assoc.Event) {
		switch e := e.(type) {
		case assoc.EventSendFailed:
			w.sendFailed(e)
		case assoc.EventCommUp:
			for _, m := range w.moves {
				w.sim.After(m.at, func() { m.do(w) })
			}
		}
	}
	w.closing = w.end == nil && !w.bothClose
	if w.bothClose {
		w.toServer.onSent = c.Shutdown
	} else {
		w.toServer.onSent = w.maybeClose
	}
	w.toServer.start(c)
}

func (w *world) maybeClose() {
	if w.closing && w.toServer.done && w.toClient.received == len(w.toClient.msgs) {
		w.closing = false
		w.client.Shutdown()
	}
}

// receive checks a message against the flow it belongs to.
func (w *world) receive(m assoc.Message) {
	tag := uint32(m.PPID) >> 24
	f := w.flows[tag]
	if f == nil {
		w.fail(fmt.Errorf("message of an unknown flow %d", tag))
		return
	}
	w.fail(f.receive(m))
}

func (w *world) sendFailed(e assoc.EventSendFailed) {
	if f := w.flows[uint32(e.Message.PPID)>>24]; f != nil {
		w.fail(f.sendFailed(e))
	}
}

// newFlows replaces the flows for a new life of the association; what is under
// way of the old ones may be lost.
func (w *world) newFlows(toServer, toClient bool) {
	next := func(old *flow) *flow {
		old.done = true
		f := newFlow(uint32(len(w.flows)+1), plan(w.rng, 50, 3000, 10, 0.2))
		w.flows[f.tag] = f
		return f
	}
	if toServer {
		w.toServer = next(w.toServer)
	}
	if toClient {
		w.toClient = next(w.toClient)
	}
}

func (w *world) accept(c *assoctest.Conn) {
	w.accepted = c
	if w.slow > 0 {
		w.readSlowly(c)
	} else {
		c.OnMessage = w.receive
	}
	c.OnEvent = func(e assoc.Event) {
		switch e := e.(type) {
		case assoc.EventSendFailed:
			w.sendFailed(e)
		case assoc.EventCommUp, assoc.EventRestart:
			if w.toClient.sent > 0 {
				w.newFlows(false, true) // what was sent went to a former life of the client
			}
			if w.bothClose {
				w.toClient.onSent = c.Shutdown
			}
			w.toClient.start(c)
		}
	}
}

func (w *world) readSlowly(c *assoctest.Conn) {
	if m, ok := c.Recv(); ok {
		w.receive(m)
	} else if c.Lost {
		return
	}
	w.sim.After(w.slow, func() { w.readSlowly(c) })
}

// over says whether both sides have forgotten all associations and nothing is
// left to happen.
func (w *world) over() bool {
	return len(w.a.Conns()) == 0 && len(w.z.Conns()) == 0 && w.sim.Pending() == 0
}

// run runs the simulation to its end, and checks it.
func (w *world) run() error {
	w.connect()
	if w.end != nil {
		w.sim.After(w.endAt, func() { w.end(w) })
	}
	ok := w.sim.RunWhile(epoch.Add(w.limit), func() bool { return !w.over() && len(w.errs) == 0 })
	w.errs = append(w.errs, w.a.Err(), w.z.Err())
	if !ok {
		w.fail(fmt.Errorf("not over: %d events pending", w.sim.Pending()))
		for _, h := range []*assoctest.Host{w.a, w.z} {
			for _, c := range h.Conns() {
				w.fail(fmt.Errorf("%s: %v, %+v", h.Name, c.Assoc.State(), c.Assoc.Stats()))
			}
		}
		w.fail(w.toServer.complete())
		w.fail(w.toClient.complete())
	} else if w.incomplete {
		for _, c := range []*assoctest.Conn{w.client, w.accepted} {
			if c != nil && !c.Lost {
				w.fail(fmt.Errorf("%s: no EventCommLost", c.Host.Name))
			}
		}
		w.fail(w.toServer.accounted())
		w.fail(w.toClient.accounted())
	} else {
		w.fail(w.toServer.complete())
		w.fail(w.toClient.complete())
		for _, c := range []*assoctest.Conn{w.client, w.accepted} {
			switch {
			case c == nil:
				w.fail(errors.New("no association was accepted"))
			case !c.Up || !c.Lost:
				w.fail(fmt.Errorf("%s: up %v, lost %v", c.Host.Name, c.Up, c.Lost))
			case c.Err != nil:
				w.fail(fmt.Errorf("%s: %w", c.Host.Name, c.Err))
			case c.TooLarge > 0 && w.link.MTU == 0 && w.clientConfig.MTU == 0:
				w.fail(fmt.Errorf("%s: %d packets were larger than the MTU", c.Host.Name, c.TooLarge))
			}
			if c == nil {
				continue
			}
			if st := c.Assoc.Stats(); w.clean && st.Retransmissions+st.DuplicateTSNs+st.T3Expirations > 0 {
				w.fail(fmt.Errorf("%s: retransmissions on a quiet network: %+v", c.Host.Name, st))
			}
		}
	}
	for _, h := range []*assoctest.Host{w.a, w.z} {
		if n := h.Stack.Indexed(); ok && n != 0 {
			w.fail(fmt.Errorf("%s: the stack still holds %d entries", h.Name, n))
		}
	}
	return errors.Join(w.errs...)
}

// patient is a configuration which does not give up on a bad network.
func patient() assoc.Config { return assoc.Config{AssociationMaxRetrans: 30, MaxInitRetransmits: 30} }

// scenarios draw a setup; what they do not set is a quiet network.
var scenarios = []struct {
	name string
	draw func(*setup)
}{
	{"quiet", func(s *setup) { s.clean = true }},
	{"IPv6", func(s *setup) { s.ipv6, s.paths, s.link.Loss = true, 1+s.rng.IntN(2), 0.05*s.rng.Float64() }},
	{"loss", func(s *setup) { s.link.Loss = 0.2 * s.rng.Float64() }},
	{"duplication", func(s *setup) { s.link.Duplicate = 0.5 * s.rng.Float64() }},
	{"reordering", func(s *setup) { s.link.Jitter = time.Duration(s.rng.Int64N(int64(100 * time.Millisecond))) }},
	{"everything", func(s *setup) {
		s.paths = 1 + s.rng.IntN(3)
		s.link.Loss = 0.2 * s.rng.Float64()
		s.link.Duplicate = 0.1
		s.link.Jitter = time.Duration(s.rng.Int64N(int64(300 * time.Millisecond)))
		s.link.Rate = 20000 + s.rng.IntN(1e6)
		s.link.Delay *= time.Duration(1 + s.rng.IntN(10))
	}},
	{"two paths", func(s *setup) { s.paths, s.link.Loss = 2, 0.05 }},
	{"path loss and return", func(s *setup) {
		s.paths = 2 + s.rng.IntN(2)
		s.toServer.pace, s.toClient.pace = 200*time.Millisecond, 300*time.Millisecond
		s.clientConfig.HeartbeatInterval, s.serverConfig.HeartbeatInterval = 5*time.Second, 5*time.Second
		for range 1 + s.rng.IntN(6) {
			from := time.Duration(s.rng.Int64N(int64(40 * time.Second)))
			s.outages = append(s.outages, outage{s.rng.IntN(s.paths), from, from + time.Duration(s.rng.Int64N(int64(time.Minute)))})
		}
		s.limit = 2 * time.Hour
	}},
	{"path loss, primary path moves", func(s *setup) {
		s.paths = 2 + s.rng.IntN(2)
		s.toServer.pace, s.toClient.pace = 200*time.Millisecond, 300*time.Millisecond
		s.clientConfig.PrimarySwitchover, s.serverConfig.PrimarySwitchover = true, true
		s.clientConfig.PotentiallyFailedMaxRetrans = s.rng.IntN(4) - 1
		s.serverConfig.HeartbeatInterval = -1
		s.link.Loss = 0.05 * s.rng.Float64()
		for range 1 + s.rng.IntN(6) {
			from := time.Duration(s.rng.Int64N(int64(40 * time.Second)))
			s.outages = append(s.outages, outage{s.rng.IntN(s.paths), from, from + time.Duration(s.rng.Int64N(int64(time.Minute)))})
		}
		s.limit = 2 * time.Hour
	}},
	{"only path lost for a while", func(s *setup) {
		s.toServer.pace, s.toClient.pace = 100*time.Millisecond, 100*time.Millisecond
		s.outages = []outage{{0, 5 * time.Second, time.Duration(6+s.rng.IntN(60)) * time.Second}}
	}},
	{"both close", func(s *setup) {
		s.bothClose = true
		s.link.Loss = 0.15 * s.rng.Float64()
		s.link.Jitter = time.Duration(s.rng.Int64N(int64(50 * time.Millisecond)))
		if s.rng.IntN(2) == 0 { // collide
			s.toServer.msgs, s.toClient.msgs = s.toServer.msgs[:1], s.toClient.msgs[:1]
		}
	}},
	{"small MTU", func(s *setup) { s.link.MTU, s.link.Loss = 576+s.rng.IntN(300), 0.02 }},
	{"mixed MTU", func(s *setup) {
		s.clientConfig.MTU, s.serverConfig.MTU = 9000, 1400
		s.link.MTU = 1500
	}},
	{"MTU changes", func(s *setup) {
		s.paths = 1 + s.rng.IntN(2)
		s.clientConfig.MaxMTU, s.serverConfig.MaxMTU = 9000, 9000-s.rng.IntN(2)*9001
		s.link.MTU, s.link.Loss = 9000, 0.02*s.rng.Float64()
		s.toServer = newFlow(1, plan(s.rng, 400, 60000, 10, 0.2))
		s.toServer.pace = 300 * time.Millisecond
		for at := time.Duration(0); at < 2*time.Minute; at += time.Duration(5+s.rng.IntN(40)) * time.Second {
			mtu := []int{9000, 1500, 1400, 1492, 1280, 4000, 600}[s.rng.IntN(7)]
			s.mtus = append(s.mtus, mtuChange{s.rng.IntN(s.paths), at, mtu, s.rng.IntN(3) == 0})
		}
		s.limit = 2 * time.Hour
	}},
	{"congestion marks", func(s *setup) {
		s.paths = 1 + s.rng.IntN(2)
		s.clientConfig.ECN, s.serverConfig.ECN = true, s.rng.IntN(4) > 0
		s.link.Mark, s.link.Loss = 0.2*s.rng.Float64(), 0.02*s.rng.Float64()*float64(s.rng.IntN(2))
		s.link.Jitter = time.Duration(s.rng.Int64N(int64(20 * time.Millisecond)))
		s.toServer = newFlow(1, plan(s.rng, 300, 20000, 10, 0.2))
	}},
	{"zero window", func(s *setup) {
		s.serverConfig.RecvBuffer = 1500 + s.rng.IntN(8000)
		s.slow = time.Duration(1+s.rng.Int64N(300)) * time.Millisecond
		s.toServer = newFlow(1, plan(s.rng, 100, 1400, 10, 0.3))
		s.link.Loss = 0.1 * s.rng.Float64()
		s.limit = 2 * time.Hour
	}},
	{"large messages in a small window", func(s *setup) {
		s.serverConfig.RecvBuffer = 20000
		s.slow = 10 * time.Millisecond
		s.toServer = newFlow(1, plan(s.rng, 20, 100000, 10, 0.3))
		s.link.Loss = 0.05 * s.rng.Float64()
		s.limit = 2 * time.Hour
	}},
	{"16 MiB message", func(s *setup) {
		s.toServer = newFlow(1, []planned{{stream: 1, size: 16 << 20}, {stream: 2, size: 1}})
		s.toClient = newFlow(2, nil)
		s.link.Loss = 0.002
		s.link.Rate, s.link.Queue = 10e6, 1<<20
	}},
	{"many streams", func(s *setup) {
		s.clientConfig.OutboundStreams = 65535
		s.toServer = newFlow(1, plan(s.rng, 2000, 100, 65535, 0.2))
		s.link.Loss = 0.1 * s.rng.Float64()
	}},
	{"no delay, no Nagle", func(s *setup) {
		s.clientConfig.SackDelay, s.clientConfig.NoNagle = -1, true
		s.serverConfig.NoNagle = true
		s.link.Delay, s.link.Loss = 0, 0.01
	}},
	{"small send buffer", func(s *setup) { s.clientConfig.SendBuffer, s.serverConfig.SendBuffer, s.link.Loss = 3000, 10000, 0.05 }},
	{"partial reliability", func(s *setup) {
		s.paths = 1 + s.rng.IntN(2)
		s.link.Loss = 0.15 * s.rng.Float64()
		s.link.Jitter = time.Duration(s.rng.Int64N(int64(50 * time.Millisecond)))
		s.clientConfig.SendBuffer = 20000 + s.rng.IntN(200000)
		s.serverConfig.RecvBuffer = 20000 + s.rng.IntN(200000)
		for _, f := range []*flow{s.toServer, s.toClient} {
			for i := range f.msgs {
				switch m := &f.msgs[i]; s.rng.IntN(5) {
				case 0:
					m.rel = assoc.Lifetime(time.Duration(s.rng.Int64N(int64(4 * time.Second))))
				case 1:
					m.rel = assoc.MaxRetransmissions(uint16(s.rng.IntN(3)))
				case 2:
					m.rel = assoc.Priority(uint32(s.rng.IntN(4)))
				}
			}
		}
		s.bothClose = true
	}},
	{"abort", func(s *setup) {
		s.link.Loss = 0.2 * s.rng.Float64()
		s.endAt = time.Duration(s.rng.Int64N(int64(3 * time.Second)))
		s.incomplete = true
		who := s.rng.IntN(2)
		s.end = func(w *world) {
			h := []*assoctest.Host{w.a, w.z}[who]
			if len(h.Conns()) == 0 { // too early
				w.sim.After(time.Second, func() { w.end(w) })
				return
			}
			w.toServer.done, w.toClient.done = true, true
			// While the cookie is good, a COOKIE ECHO sent again sets the
			// association up again.
			w.z.OnAccept = func(c *assoctest.Conn) {
				c.OnMessage = w.receive // the COOKIE ECHO may have brought some
				w.sim.After(0, func() { c.Abort("again") })
			}
			h.Conns()[0].Abort("enough")
		}
	}},
	{"addresses change", drawMoves},
	{"addresses change, and are not told", func(s *setup) {
		drawMoves(s)
		s.clientConfig.BehindNAT, s.serverConfig.BehindNAT = true, s.rng.IntN(2) == 0
	}},
	{"client restarts", func(s *setup) {
		s.paths = 1 + s.rng.IntN(2)
		s.link.Loss = 0.1 * s.rng.Float64()
		s.endAt = time.Duration(s.rng.Int64N(int64(4 * time.Second)))
		s.end = restartClient
	}},
	{"server restarts", func(s *setup) {
		s.paths = 1 + s.rng.IntN(2)
		s.link.Loss = 0.1 * s.rng.Float64()
		s.endAt = time.Duration(s.rng.Int64N(int64(4 * time.Second)))
		s.end = restartServer
	}},
	{"dead peer", func(s *setup) {
		s.clientConfig.AssociationMaxRetrans, s.serverConfig.AssociationMaxRetrans = 5, 5
		s.clientConfig.MaxInitRetransmits = 3
		s.endAt = time.Duration(s.rng.Int64N(int64(3 * time.Second)))
		s.incomplete = true
		s.end = func(w *world) { w.segs[0].Down() }
	}},
}

// restartClient loses the client's state and has it begin again from the same
// ports. The server may have the old association still, or get it set up by
// what is under way: then it is restarted.
func restartClient(w *world) {
	if err := w.a.Restart(w.clientConfig, w.rng.Uint64()); err != nil {
		w.fail(err)
		return
	}
	w.newFlows(true, true)
	w.end = nil
	w.connect()
}

// restartServer loses the server's state. The client learns of it by an
// ABORT, and sets up a new association.
func restartServer(w *world) {
	if err := errors.Join(w.z.Restart(w.serverConfig, w.rng.Uint64()), w.z.Stack.Listen(serverPort)); err != nil {
		w.fail(err)
		return
	}
	w.newFlows(true, true)
	w.end = nil
	again := func() { w.sim.After(time.Second, w.connect) }
	switch {
	case w.client.Lost:
		again()
	case !w.client.Up:
		// The new server cannot open the cookie of the old one, and says nothing.
		w.client.Abort("half open")
		again()
	default:
		w.client.OnEvent = func(e assoc.Event) {
			if e, ok := e.(assoc.EventSendFailed); ok {
				w.sendFailed(e)
			}
			if _, ok := e.(assoc.EventCommLost); !ok {
				return
			}
			var aborted *assoc.AbortError
			if !errors.As(w.client.Err, &aborted) || !aborted.Peer {
				w.fail(fmt.Errorf("client: association ended with %v, want an abort by the peer", w.client.Err))
			}
			again()
		}
	}
}

func draw(seed uint64, fn func(*setup)) *setup {
	rng := rand.New(rand.NewPCG(seed, 0x736574757073))
	s := &setup{
		rng: rng, paths: 1, clientConfig: patient(), serverConfig: patient(),
		link:     simnet.Settings{Delay: time.Duration(1+rng.IntN(50)) * time.Millisecond},
		toServer: newFlow(1, plan(rng, 100+rng.IntN(200), 20000, 10, 0.2)),
		toClient: newFlow(2, plan(rng, 100+rng.IntN(200), 5000, 10, 0.2)),
		limit:    time.Hour,
	}
	s.clientConfig.CongestionControl = assoc.CongestionControl(seed % 2)
	s.clientConfig.LossDetection = assoc.LossDetection(seed / 4 % 2)
	s.serverConfig.LossDetection = assoc.LossDetection(seed / 2 % 2)
	s.serverConfig.CongestionControl = assoc.CongestionControl(seed / 2 % 2)
	s.clientConfig.Interleaving, s.serverConfig.Interleaving = seed/2%2 == 1, seed%4 != 0
	s.clientConfig.Scheduler = assoc.Scheduler(rng.IntN(6))
	s.serverConfig.Scheduler = assoc.Scheduler(rng.IntN(6))
	fn(s)
	return s
}

func simulate(seed uint64, fn func(*setup)) (hash uint64, end time.Duration, err error) {
	w, err := newWorld(seed, draw(seed, fn))
	if err != nil {
		return 0, 0, err
	}
	err = w.run()
	return w.sim.TraceHash(), w.sim.Now().Sub(epoch), err
}

// TestSimulation: every message arrives once and intact, in order per stream
// unless unordered; afterwards nothing is left on either side; and the same
// seed has the same trace.
func TestSimulation(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			seeds := make([]uint64, 0, *seedsFlag)
			for i := range *seedsFlag {
				seeds = append(seeds, uint64(i+1))
			}
			if *seedFlag != 0 {
				seeds = []uint64{*seedFlag}
			}
			for i, seed := range seeds {
				hash, end, err := simulate(seed, sc.draw)
				require.NoError(t, err, "replay with -run '%s' -seed=%d", t.Name(), seed)
				if i == 0 {
					again, _, err := simulate(seed, sc.draw)
					require.NoError(t, err, "replay with -run '%s' -seed=%d", t.Name(), seed)
					require.Equal(t, hash, again, "seed %d: two traces", seed)
					t.Logf("seed %d: %v of virtual time", seed, end)
				}
			}
		})
	}
}
