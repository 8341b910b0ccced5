// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the randomised tests; 0 takes a new one")

// random returns a random source and prints its seed.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func space() *Space { return New(Config{Rand: rand.New(rand.NewPCG(1, 2))}) }

// element returns a PE with two addresses.
func element(id, home uint32, p policy.Policy) param.PoolElement {
	return param.PoolElement{ID: id, HomeID: home, Life: 300, Policy: p.Param(), UserTransport: param.Transport{
		Protocol: param.SCTP, Port: 5000, Use: param.DataPlusControl,
		Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, byte(id >> 8), byte(id)}), netip.AddrFrom4([4]byte{10, 1, byte(id >> 8), byte(id)})},
	}}
}

func mustRegister(t testing.TB, s *Space, h param.PoolHandle, pe param.PoolElement, assoc uint64) Registered {
	t.Helper()
	r, err := s.Register(h, pe, assoc)
	require.NoError(t, err)
	return r
}

func ids(es []*Element) []uint32 {
	var l []uint32
	for _, e := range es {
		l = append(l, e.ID())
	}
	return l
}

func TestRegisterAndReregister(t *testing.T) {
	s := space()
	r := mustRegister(t, s, "Echo", element(7, 1, policy.LeastUsed{Load: 5}), 70)
	require.True(t, r.New)
	require.True(t, r.NewPool)
	e := r.Element
	r = mustRegister(t, s, "Echo", element(3, 1, policy.LeastUsed{Load: 9}), 70)
	require.True(t, r.New)
	require.False(t, r.NewPool)
	require.Equal(t, []uint32{7, 3}, ids(s.OfAssoc(nil, 70)))

	e.BadReports, e.Marked = 2, true
	s.SetTimer(e, TimerLife, time.Unix(100, 0))
	r = mustRegister(t, s, "Echo", element(7, 2, policy.LeastUsed{Load: 20}), 71)
	require.Equal(t, Registered{Element: e, OldHome: 1, OldAssoc: 70}, r)
	require.EqualValues(t, 2, e.Home())
	require.EqualValues(t, 71, e.Assoc())
	require.EqualValues(t, 2, e.BadReports)
	require.False(t, e.Marked)
	at, ok := e.Deadline(TimerLife)
	require.True(t, ok)
	require.Equal(t, time.Unix(100, 0), at)

	es, err := s.Resolve(nil, "Echo", 3)
	require.NoError(t, err)
	require.Equal(t, []uint32{3, 7}, ids(es), "the load changed")
	require.Equal(t, 2, s.NumElements())
	require.Equal(t, []uint32{1, 2}, slices.Collect(s.Owners()))

	require.Same(t, e, s.Deregister("Echo", 7))
	require.False(t, s.Remove(e), "twice")
	require.Nil(t, s.Deregister("Echo", 7))
	require.Nil(t, s.Deregister("Other", 7))
	_, ok = s.NextDeadline()
	require.False(t, ok, "timers went with it")
	s.SetTimer(e, TimerLife, time.Unix(1, 0))
	s.Bind(e, 5)
	s.SetHome(e, 9)
	require.Empty(t, s.OfAssoc(nil, 5))
	require.Zero(t, s.NumOwned(9))
	_, ok = s.NextDeadline()
	require.False(t, ok, "a removed element stays out")
	require.NotNil(t, s.Deregister("Echo", 3))
	require.Nil(t, s.Pool("Echo"), "the pool goes with its last element")
	require.Zero(t, s.NumPools())
	_, err = s.Resolve(nil, "Echo", 3)
	require.EqualError(t, err, `pool "Echo": Unknown Pool Handle`)
	checkSpace(t, s)
}

// RFC 5352, Section 3.1: "the server MUST check if the policy type, transport type, and transport usage indicated by
// the registering PE is consistent with those of the pool. If different, the ENRP server MUST reject the registration."
func TestRegisterRejectsInconsistency(t *testing.T) {
	tcp := element(8, 1, policy.RoundRobin{})
	tcp.UserTransport.Protocol, tcp.UserTransport.Use, tcp.UserTransport.Addrs = param.TCP, param.DataOnly, tcp.UserTransport.Addrs[:1]
	dataOnly := element(8, 1, policy.RoundRobin{})
	dataOnly.UserTransport.Use = param.DataOnly
	for _, c := range []struct {
		name string
		pe   param.PoolElement
		code param.CauseCode
		text string
		info bool
	}{
		{"policy", element(8, 1, policy.Random{}), param.CauseInconsistentPolicy, `pool "P", element 0x00000008: Inconsistent Pooling Policy: the pool has Round Robin`, true},
		{"transport", tcp, param.CauseInconsistentTransportType, "Inconsistent Transport Type: the pool has SCTP", true},
		{"use", dataOnly, param.CauseInconsistentDataControl, "Inconsistent Data/Control Configuration: the pool has ", false},
	} {
		for _, id := range []uint32{8, 7} { // registration, and re-registration, which gets "the same tests"
			t.Run(c.name, func(t *testing.T) {
				s := space()
				mustRegister(t, s, "P", element(7, 1, policy.RoundRobin{}), 0)
				c.pe.ID = id
				_, err := s.Register("P", c.pe, 0)
				e, ok := errors.AsType[*Error](err)
				require.True(t, ok)
				require.Equal(t, c.code, e.Code)
				require.Equal(t, c.code, e.Cause().Code)
				require.Equal(t, c.info, len(e.Cause().Info) > 0)
				if id == 8 {
					require.ErrorContains(t, err, c.text)
				}
				require.Equal(t, 1, s.NumElements())
				require.Equal(t, element(7, 1, policy.RoundRobin{}), *s.Lookup("P", 7).PE())
				checkSpace(t, s)
			})
		}
	}
	s := space()
	mustRegister(t, s, "P", element(7, 1, policy.RoundRobin{}), 0)
	_, err := s.Register("P", element(8, 1, policy.Random{}), 0)
	e, _ := errors.AsType[*Error](err)
	require.Equal(t, []byte{0, 8, 0, 8, 0, 0, 0, 1}, e.Cause().Info)
	_, err = s.Register("", element(8, 1, policy.Random{}), 0)
	require.ErrorContains(t, err, "the pool handle is empty")
}

func TestUnknownPolicy(t *testing.T) {
	unknown := element(1, 1, policy.Other{Type: 0xc0000001, Data: "abcd"})
	s := space()
	_, err := s.Register("P", unknown, 0)
	require.EqualError(t, err, `pool "P", element 0x00000001: Invalid Values: policy: type 0xc0000001 is not supported`)
	_, ok := errors.AsType[*policy.UnsupportedError](err)
	require.True(t, ok)
	require.Zero(t, s.NumPools())

	s = New(Config{KeepUnknown: true})
	mustRegister(t, s, "P", unknown, 0)
	unknown.ID = 2
	mustRegister(t, s, "P", unknown, 0)
	for _, want := range [][]uint32{{1, 2}, {2, 1}} {
		es, err := s.Resolve(nil, "P", 2)
		require.NoError(t, err)
		require.Equal(t, want, ids(es))
	}

	// A policy of a library user, who did not touch this package.
	g := policy.NewRegistry()
	require.NoError(t, g.Add(policy.Rule{Type: 0xc0000001, Name: "Last", Value: func(p param.Policy, _ uint64) uint64 { return 255 - uint64(p.Data[0]) },
		Validate: func(p param.Policy) error {
			if p.Data == "" {
				return errors.New("no data")
			}
			return nil
		}}))
	s = New(Config{Policies: g})
	for i, data := range []string{"a", "c", "b"} {
		mustRegister(t, s, "P", element(uint32(i), 1, policy.Other{Type: 0xc0000001, Data: data}), 0)
	}
	es, err := s.Resolve(nil, "P", 9)
	require.NoError(t, err)
	require.Equal(t, []uint32{1, 2, 0}, ids(es))
	for _, h := range []param.PoolHandle{"P", "Q"} {
		_, err = s.Register(h, element(1, 1, policy.Other{Type: 0xc0000001}), 0)
		require.ErrorContains(t, err, "no data")
	}
	require.Equal(t, 1, s.NumPools())
	checkSpace(t, s)
}

func TestMaxElements(t *testing.T) {
	s := New(Config{MaxElements: 1})
	mustRegister(t, s, "P", element(1, 1, policy.RoundRobin{}), 0)
	_, err := s.Register("Q", element(1, 1, policy.RoundRobin{}), 0)
	require.EqualError(t, err, `pool "Q", element 0x00000001: Lack of Resources: there are 1 pool elements already`)
	require.Nil(t, s.Pool("Q"))
	require.False(t, mustRegister(t, s, "P", element(1, 2, policy.RoundRobin{}), 0).New, "re-registration needs no room")
}

// The values of the wire of RSPLIB 3.4.4 are real captures; the last ones cross 2^16 carries.
func TestChecksumVectors(t *testing.T) {
	type pe struct {
		handle param.PoolHandle
		id     uint32
	}
	for want, pes := range map[param.PEChecksum][]pe{
		0xffff: nil,
		0x29a5: {{"EchoPool", 0x12345678}},
		0x9dac: {{"RR", 0x10000001}},
		0x5fa1: {{"LUD", 0x10000009}},
		0xc2ce: {{"WRANDDPF", 0x10000006}},
		0x0000: {{"\xff", 0x000000ff}},
	} {
		s := space()
		for _, p := range pes {
			mustRegister(t, s, p.handle, element(p.id, 0x11111111, policy.RoundRobin{}), 0)
		}
		require.Equal(t, want, s.Checksum(0x11111111), "%v", pes)
		require.Equal(t, param.PEChecksum(0xffff), s.Checksum(0x22222222))
	}
}

// RFC 1071, Section 1: the 1's complement sum, here computed over the whole list with end-around carry at each step.
func naiveChecksum(es []*Element) param.PEChecksum {
	var sum uint32
	for _, e := range es {
		b := []byte(e.Pool().Handle())
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		b = append(b, byte(e.ID()>>24), byte(e.ID()>>16), byte(e.ID()>>8), byte(e.ID()))
		for i := 0; i < len(b); i += 2 {
			sum += uint32(b[i])<<8 | uint32(b[i+1])
			sum = sum>>16 + sum&0xffff
		}
	}
	return param.PEChecksum(^uint16(sum))
}

func TestTimersExpireInOrder(t *testing.T) {
	s := space()
	a := mustRegister(t, s, "P", element(1, 1, policy.RoundRobin{}), 0).Element
	b := mustRegister(t, s, "P", element(2, 1, policy.RoundRobin{}), 0).Element
	at := func(sec int64) time.Time { return time.Unix(sec, 0) }
	s.SetTimer(a, TimerLife, at(30))
	s.SetTimer(b, TimerKeepAlive, at(10))
	s.SetTimer(a, TimerProbe, at(10))
	s.SetTimer(b, TimerLife, at(5))
	s.SetTimer(b, TimerLife, at(40)) // moved
	s.SetTimer(b, 9, at(1))
	s.StopTimer(b, 9)
	next, ok := s.NextDeadline()
	require.True(t, ok)
	require.Equal(t, at(10), next)
	e, _ := s.Expire(at(9))
	require.Nil(t, e)
	for _, want := range []struct {
		e *Element
		k Timer
	}{{b, TimerKeepAlive}, {a, TimerProbe}, {a, TimerLife}, {b, TimerLife}} {
		e, k := s.Expire(at(40))
		require.Same(t, want.e, e)
		require.Equal(t, want.k, k)
		_, ok := e.Deadline(k)
		require.False(t, ok)
	}
	e, _ = s.Expire(at(40))
	require.Nil(t, e)
	require.Equal(t, "probe", TimerProbe.String())
}

func TestCursorSurvivesChanges(t *testing.T) {
	s := space()
	for _, h := range []param.PoolHandle{"C", "A", "B"} {
		for id := range uint32(3) { // identifier 0 among them
			mustRegister(t, s, h, element(id, 1+id%2, policy.RoundRobin{}), 0)
		}
	}
	walk := func(c Cursor, at int, change func()) (l []string) {
		for i := 0; ; i++ {
			if i == at {
				change()
			}
			var e *Element
			if e, c = s.Next(c); e == nil {
				return l
			}
			l = append(l, string(e.Pool().Handle())+string('0'+rune(e.ID())))
		}
	}
	require.Equal(t, []string{"A0", "A1", "A2", "B0", "B1", "B2", "C0", "C1", "C2"}, walk(WalkAll(), -1, nil))
	require.Equal(t, []string{"A0", "A2", "B0", "B2", "C0", "C2"}, walk(WalkOwned(1), -1, nil))
	require.Empty(t, walk(WalkOwned(9), -1, nil))
	require.Equal(t, []string{"A0", "A1", "B2", "C0", "C1", "C2"}, walk(WalkAll(), 2, func() {
		for _, pe := range []struct {
			h  param.PoolHandle
			id uint32
		}{{"A", 0}, {"A", 1}, {"A", 2}, {"B", 0}, {"B", 1}} {
			s.Deregister(pe.h, pe.id)
		}
	}), "the pool under the cursor went away")
	require.Equal(t, []string{"B2", "C0"}, walk(WalkOwned(1), 2, func() { s.SetHome(s.Lookup("C", 2), 2) }))
}
