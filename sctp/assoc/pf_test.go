// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sentTo lists what A sends where from now on, and drops what goes over the nets
// that are cut.
func (p *pair) sentTo(cut func() map[byte]bool) *[]string {
	var out []string
	p.a.filter = func(d Datagram) bool {
		net := d.Local.Addr().As4()[1]
		out = append(out, d.Local.Addr().String()+" "+dump(d.Data))
		return !cut()[net]
	}
	p.z.filter = func(d Datagram) bool { return !cut()[d.Local.Addr().As4()[1]] }
	return &out
}

// count is the number of lines that match.
func countLines(lines []string, addr, chunk string) (n int) {
	for _, l := range lines {
		if len(l) > len(addr) && l[:len(addr)] == addr && len(l) >= len(addr)+1+len(chunk) && l[len(addr)+1:len(addr)+1+len(chunk)] == chunk {
			n++
		}
	}
	return n
}

func pathEvents(events []Event, remote string) (states []PathState) {
	for _, e := range events {
		if e, ok := e.(EventPathChange); ok && e.Remote.Addr().String() == remote {
			states = append(states, e.State)
		}
	}
	return states
}

const first, second = "10.0.0.2", "10.1.0.2"

// "When the value in the destination address error counter exceeds PFMR, the
// endpoint MUST mark the destination address as in the PF state" (RFC 7829,
// Section 3.2, 2), and data leaves it at once (3, i and ii); "HEARTBEAT chunks are
// sent to destination addresses in PF state once per RTO" (5), "exponentially
// backs off the RTO value" (6); "Additional PMR - PFMR consecutive timeouts ...
// confirm the path failure" (8).
func TestPotentiallyFailedPath(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	cut := map[byte]bool{0: true}
	sent := p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(1001 * time.Millisecond)
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state)
	require.Equal(t, 1, a.paths[0].errorCount)
	require.Equal(t, a.paths[1], a.dataPath())
	require.Equal(t, []PathState{PathPotentiallyFailed}, pathEvents(p.a.events, first))
	require.Len(t, p.z.msgs, 1)
	require.Equal(t, 1, countLines(*sent, first, "HEARTBEAT "))

	*sent = nil
	sendN(t, p, a, 1, 50)
	p.pump()
	require.Equal(t, 1, countLines(*sent, second, "DATA"), "new data avoids it")
	// RTOs of 2, 4, 8, 16 and 32 s, far below HB.interval + RTO.
	p.run(31 * time.Second)
	require.Equal(t, 4, countLines(*sent, first, "HEARTBEAT "), "%v", *sent)
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state)
	require.Equal(t, 5, a.paths[0].errorCount)
	p.run(33 * time.Second)
	require.Equal(t, PathInactive, a.paths[0].state)
	require.Equal(t, []PathState{PathPotentiallyFailed, PathInactive}, pathEvents(p.a.events, first))
	require.Zero(t, a.errorCount, "the association is fine")
	*sent = nil
	p.run(30 * time.Second)
	require.Zero(t, countLines(*sent, first, "HEARTBEAT "), "now at HB.interval")

	cut = nil
	p.run(4 * time.Minute)
	require.Equal(t, PathActive, a.paths[0].state)
	require.Equal(t, a.primary, a.dataPath(), "data returns to the primary path")
	require.Equal(t, a.paths[0], a.primary)
}

// "When the sender receives a HEARTBEAT ACK from a HEARTBEAT sent to a destination
// address in PF state, the sender SHOULD clear the error counter of the destination
// address and transition the destination address back to active state." RFC 7829,
// Section 3.2, 7. Only one packet was lost: data returns after a round trip.
func TestPotentiallyFailedPathReturns(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	cut := map[byte]bool{0: true}
	p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(999 * time.Millisecond)
	cut = nil
	p.run(2 * time.Millisecond)
	require.Equal(t, []PathState{PathPotentiallyFailed, PathActive}, pathEvents(p.a.events, first))
	require.Equal(t, a.paths[0], a.dataPath())
	require.Zero(t, a.paths[0].errorCount)
	require.Len(t, p.z.msgs, 1)
}

// "it is recommended that an SCTP stack implementing SCTP-PF also provide the ULP
// with the means to suppress exposure of the PF state" RFC 7829, Section 3.2, 12.
func TestPotentiallyFailedHidden(t *testing.T) {
	p := newPair(t, Config{HidePotentiallyFailed: true, PathMaxRetrans: 1})
	a, _ := p.connect()
	cut := map[byte]bool{0: true}
	p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(1001 * time.Millisecond)
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state)
	require.Equal(t, PathActive, a.Paths(nil)[0].State)
	require.Empty(t, pathEvents(p.a.events, first))
	p.run(3 * time.Second)
	require.Equal(t, []PathState{PathInactive}, pathEvents(p.a.events, first))
	require.Equal(t, PathInactive, a.Paths(nil)[0].State)
}

// "if the Path Heartbeat function is disabled for the destination address,
// HEARTBEATs MUST NOT be sent." RFC 7829, Section 3.2, 5. Data brings the path back
// then, once the other one fails: 10: acknowledgements of what went to one address
// only "MUST transition a destination address in PF state back to active state."
func TestPotentiallyFailedWithoutHeartbeats(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: -1})
	a, _ := p.connect()
	cut := map[byte]bool{0: true}
	sent := p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(time.Hour)
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state)
	require.Zero(t, countLines(*sent, first, "HEARTBEAT "))
	cut = map[byte]bool{1: true}
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(10 * time.Second)
	require.Len(t, p.z.msgs, 2)
	require.Equal(t, PathPotentiallyFailed, a.paths[0].state,
		"9: what went to both does not tell which of them is well")
	for range 2 { // the first one shows that the other path is worse
		sendN(t, p, a, 1, 50)
		p.pump()
		p.run(10 * time.Second)
	}
	require.Len(t, p.z.msgs, 4)
	require.Equal(t, PathActive, a.paths[0].state)
	require.Zero(t, countLines(*sent, second, "HEARTBEAT "))
}

// "When the destination addresses are all in PF state, or some are in PF state and
// some in inactive state, the sender MUST choose one destination address in PF
// state ... with the lowest error count" RFC 7829, Section 3.2, 4; "When the
// destination addresses are all in inactive state and data is available for
// transfer, the sender MUST choose one destination ... with the lowest error count"
// Section 4.1. "The sender MUST NOT change the state and the error counter of any
// destination addresses as the result of the selection."
func TestLastResort(t *testing.T) {
	const u, act, pf, in = PathUnconfirmed, PathActive, PathPotentiallyFailed, PathInactive
	type s struct {
		state  PathState
		errors int
	}
	for _, tt := range []struct {
		name             string
		paths            []s // the first is primary
		data, retransmit int // of what was lost on the first
	}{
		{"active", []s{{act, 0}, {act, 0}}, 0, 1},
		{"PF", []s{{pf, 1}, {act, 0}}, 1, 1},
		{"fewest errors of the active ones", []s{{pf, 1}, {act, 2}, {act, 1}}, 2, 2},
		{"all PF", []s{{pf, 1}, {pf, 1}}, 0, 1},
		{"all PF, fewest errors", []s{{pf, 2}, {pf, 3}, {pf, 1}}, 2, 2},
		{"PF before inactive", []s{{in, 6}, {pf, 9}}, 1, 1},
		{"PF before inactive, the other way", []s{{pf, 5}, {in, 6}}, 0, 0},
		{"dormant", []s{{in, 9}, {in, 6}, {in, 7}}, 1, 1},
		{"dormant, equal", []s{{in, 6}, {in, 6}, {in, 6}}, 0, 1},
		{"unconfirmed is none", []s{{in, 6}, {u, 0}}, 0, 0},
		{"unconfirmed is none but in between", []s{{pf, 3}, {u, 0}, {in, 6}}, 0, 0},
		{"alone", []s{{pf, 3}}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			a, _ := p.connect()
			for len(a.paths) < len(tt.paths) {
				a.paths = append(a.paths, newPath(len(a.paths), a.paths[0].remote, a.paths[0].local, a.cfg))
			}
			a.paths = a.paths[:len(tt.paths)]
			for i, x := range tt.paths {
				a.paths[i].state, a.paths[i].errorCount = x.state, x.errors
			}
			require.Equal(t, tt.data, a.dataPath().index)
			require.Equal(t, tt.data, a.dataPath().index, "and stays there")
			require.Equal(t, tt.retransmit, a.retransmitPath(a.paths[0]).index)
			for i, x := range tt.paths {
				require.Equal(t, x, s{a.paths[i].state, a.paths[i].errorCount})
			}
		})
	}
}

// With both paths cut both are potentially failed, data and HEARTBEATs try them in
// turn, and neither counts the same loss twice: "The design goal that SCTP-PF shall
// provide the same level of disruption tolerance" (RFC 7829, Section 4).
func TestBothPathsFail(t *testing.T) {
	var took []time.Duration
	for _, pfmr := range []int{0, -1} {
		p := newPair(t, Config{PotentiallyFailedMaxRetrans: pfmr})
		a, _ := p.connect()
		cut := map[byte]bool{0: true, 1: true}
		p.sentTo(func() map[byte]bool { return cut })
		sendN(t, p, a, 20, 1000)
		p.pump()
		begin := p.now
		for a.State() != StateClosed {
			p.run(time.Second)
		}
		t.Logf("PFMR %d: lost after %v", pfmr, p.now.Sub(begin))
		took = append(took, p.now.Sub(begin))
	}
	require.GreaterOrEqual(t, took[0], took[1], "not earlier than without the state")
}

// A single path is potentially failed, too (RFC 7829, Appendix C): data is sent
// there as before, and an idle association notices earlier.
func TestPotentiallyFailedSinglePath(t *testing.T) {
	p := newPair(t, Config{})
	p.z.stack.SetLocalAddrs(addrs("10.0.0.2"))
	p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	a, _ := p.connect()
	require.Len(t, a.paths, 1)
	cut := map[byte]bool{0: true}
	sent := p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(64 * time.Second) // T3-rtx at 1, 3, 7, 15, 31, 63 s
	require.Equal(t, 7, countLines(*sent, first, "DATA"))
	require.Zero(t, countLines(*sent, first, "HEARTBEAT "), "data tells")
	require.Equal(t, 6, a.errorCount, "nothing counts twice")
	cut = nil
	p.run(time.Minute)
	require.Equal(t, PathActive, a.paths[0].state)

	cut = map[byte]bool{0: true}
	begin := p.now
	for a.State() != StateClosed {
		p.run(time.Second)
	}
	t.Logf("idle: lost after %v", p.now.Sub(begin))
	require.ErrorContains(t, a.Err(), "unreachable")
}

// "When the path error counter on a set primary path exceeds PSMR, the SCTP
// implementation MUST autonomously select and set a new primary path", which "MUST
// be the path that, at the given time, would be chosen for data transfer" RFC 7829,
// Section 5.
func TestPrimarySwitchover(t *testing.T) {
	for _, tt := range []struct{ pfmr, psmr, at int }{
		{0, 0, 1}, {0, 2, 3}, {1, 0, 2}, {-1, 0, 6}, {-1, 7, 8},
	} {
		p := newPair(t, Config{PotentiallyFailedMaxRetrans: tt.pfmr, PrimarySwitchover: true, PrimarySwitchoverMaxRetrans: tt.psmr,
			RTOMax: 2 * time.Second, HeartbeatInterval: time.Second, AssociationMaxRetrans: 100})
		a, _ := p.connect()
		cut := map[byte]bool{0: true}
		p.sentTo(func() map[byte]bool { return cut })
		for a.paths[0].errorCount < tt.at {
			require.Equal(t, a.paths[0], a.primary, "%+v: %d errors", tt, a.paths[0].errorCount)
			sendN(t, p, a, 1, 50)
			p.pump()
			p.run(100 * time.Millisecond)
		}
		require.Equal(t, a.paths[1], a.primary, "%+v", tt)
		ev, ok := lastEvent[EventPathChange](p.a.events)
		require.True(t, ok)
		require.Equal(t, EventPathChange{Remote: a.paths[1].remote, State: PathActive, Primary: true}, ev)
		cut = nil
		p.run(time.Minute)
		require.Equal(t, PathActive, a.paths[0].state)
		require.Equal(t, a.paths[1], a.dataPath(), "no forced switchback")
		cut = map[byte]bool{1: true}
		for a.paths[1].errorCount < tt.at {
			sendN(t, p, a, 1, 50)
			p.pump()
			p.run(100 * time.Millisecond)
		}
		require.Equal(t, a.paths[0], a.primary, "a previously failed primary path can be used")
	}
}

// All paths fail together, the primary one longest: the one that recovers first
// becomes primary.
func TestPrimarySwitchoverAfterOutage(t *testing.T) {
	p := newPair(t, Config{PrimarySwitchover: true, AssociationMaxRetrans: 100, RTOMax: 2 * time.Second, HeartbeatInterval: time.Second})
	a, _ := p.connect()
	cut := map[byte]bool{0: true, 1: true}
	p.sentTo(func() map[byte]bool { return cut })
	sendN(t, p, a, 1, 50)
	p.pump()
	p.run(20 * time.Second)
	cut = map[byte]bool{0: true}
	p.run(20 * time.Second)
	require.Equal(t, PathActive, a.paths[1].state)
	require.Equal(t, a.paths[1], a.primary)
	require.Len(t, p.z.msgs, 1)
}

// "Implementations MUST reject any other values of PSMR." RFC 7829, Section 5, 1.
func TestSwitchoverConfig(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		psmr int
		ok   bool
	}{
		{"off by default", Config{}, -1, true},
		{"PSMR = PFMR by default", Config{PrimarySwitchover: true, PotentiallyFailedMaxRetrans: 2}, 2, true},
		{"PSMR = PFMR = 0", Config{PrimarySwitchover: true}, 0, true},
		{"PSMR = PMR without PF", Config{PrimarySwitchover: true, PotentiallyFailedMaxRetrans: -1}, 5, true},
		{"PSMR > PFMR", Config{PrimarySwitchover: true, PotentiallyFailedMaxRetrans: 1, PrimarySwitchoverMaxRetrans: 4}, 4, true},
		{"PSMR < PFMR", Config{PrimarySwitchover: true, PotentiallyFailedMaxRetrans: 2, PrimarySwitchoverMaxRetrans: 1}, 0, false},
		{"PSMR < PMR without PF", Config{PrimarySwitchover: true, PotentiallyFailedMaxRetrans: -1, PrimarySwitchoverMaxRetrans: 4}, 0, false},
		{"PSMR without switchover", Config{PrimarySwitchoverMaxRetrans: 4}, 0, false},
	} {
		c, err := tt.cfg.WithDefaults()
		if !tt.ok {
			require.ErrorContains(t, err, "PrimarySwitchoverMaxRetrans", tt.name)
			continue
		}
		require.NoError(t, err, tt.name)
		require.Equal(t, tt.psmr, c.PrimarySwitchoverMaxRetrans, tt.name)
		again, err := c.WithDefaults()
		require.NoError(t, err)
		require.Equal(t, c, again)
	}
}

// RFC 7829, Section 4.1, 3, has the error counter go on beyond PMR, within a limit.
func TestErrorCounterIsBounded(t *testing.T) {
	c, err := Config{}.WithDefaults()
	require.NoError(t, err)
	p := newPath(0, addrs(first)[0], addrs("10.0.0.1")[0], &c)
	p.state = PathActive
	for range 1000 {
		p.strike(&c)
	}
	require.Equal(t, PathInactive, p.state)
	require.Equal(t, 60, p.errorCount)
}
