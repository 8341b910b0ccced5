// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

func addr(s string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(s), 9899) }

// reach lets only packets between addresses that exist through: those of A
// change.
func (p *pair) reach(atA ...string) {
	ok := func(a netip.AddrPort) bool { return slices.Contains(atA, a.Addr().String()) }
	p.a.filter = func(d Datagram) bool { return ok(d.Remote) }
	p.z.filter = func(d Datagram) bool { return ok(d.Local) }
}

func remotes(a *Association) (out []string) {
	for _, p := range a.paths {
		out = append(out, p.remote.Addr().String()+" "+p.state.String())
	}
	return out
}

// Make before break: A moves from 10.0.0.1 and 10.1.0.1 to 10.2.0.1 while it
// sends and receives.
func TestMakeBeforeBreak(t *testing.T) {
	p := newPair(t, Config{})
	tr := newTranscript(p)
	a, z := p.connect()
	tr.note("A adds 10.2.0.1 and asks for it to be primary")
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	require.NoError(t, a.SetPeerPrimary(addr("10.2.0.1")))
	require.False(t, a.AddrsSettled())
	sendN(t, p, a, 2, 100)
	sendN(t, p, z, 2, 100)
	p.run(time.Second)
	require.True(t, a.AddrsSettled())
	require.Equal(t, "10.2.0.1", z.primary.remote.Addr().String())
	tr.note("and removes its old addresses")
	require.NoError(t, a.RemoveLocal(p.now, addr("10.0.0.1")))
	require.NoError(t, a.RemoveLocal(p.now, addr("10.1.0.1")))
	p.pump()
	require.Equal(t, []string{"10.2.0.1 active"}, remotes(z))
	p.reach("10.2.0.1")
	sendN(t, p, a, 2, 100)
	sendN(t, p, z, 2, 100)
	p.run(time.Second)
	require.Len(t, p.z.msgs, 4)
	require.Len(t, p.a.msgs, 4)
	require.Zero(t, a.stats.Retransmissions+z.stats.Retransmissions)
	tr.check(t)
}

// Break before make: A loses its only address, and later gets another one. RFC
// 5061, Section 5.3.2.
func TestBreakBeforeMake(t *testing.T) {
	p := newPair(t, Config{})
	p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	tr := newTranscript(p)
	a, z := p.connect()
	require.NoError(t, a.RemoveLocal(p.now, addr("10.0.0.1")))
	p.reach()
	tr.note("A has no address")
	sendN(t, p, a, 3, 100)
	sendN(t, p, z, 3, 100)
	p.run(5 * time.Second)
	require.False(t, a.AddrsSettled(), "the last address is not deleted: F5")
	require.Zero(t, a.stats.AsconfsSent)
	tr.note("A has 10.9.0.1")
	p.reach("10.9.0.1")
	require.NoError(t, a.AddLocal(p.now, addr("10.9.0.1")))
	p.pump()
	require.True(t, a.AddrsSettled())
	require.Equal(t, []string{"10.9.0.1 active"}, remotes(z))
	p.run(2 * time.Second)
	require.Len(t, p.z.msgs, 3)
	require.Len(t, p.a.msgs, 3)
	a.Shutdown(p.now)
	p.run(time.Second)
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, z.Err())
	tr.check(t)
}

// The address goes and comes back before the peer was told.
func TestAddressFlaps(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	require.NoError(t, a.RemoveLocal(p.now, addr("10.1.0.1")))
	require.NoError(t, a.AddLocal(p.now, addr("10.1.0.1")))
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	require.NoError(t, a.RemoveLocal(p.now, addr("10.2.0.1")))
	require.NoError(t, a.AddLocal(p.now, addr("10.0.0.1")), "it is there")
	require.NoError(t, a.RemoveLocal(p.now, addr("10.3.0.1")), "it is not")
	require.NoError(t, a.AddLocal(p.now, addr("127.0.0.1")), "means nothing to the peer")
	require.True(t, a.AddrsSettled())
	p.run(time.Second)
	require.Zero(t, a.stats.AsconfsSent)
	require.Len(t, z.paths, 2)

	// While it is in transit.
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	p.flush(p.a)
	require.NoError(t, a.RemoveLocal(p.now, addr("10.2.0.1")))
	p.pump()
	require.NotContains(t, a.local, addr("10.2.0.1"))
	require.Len(t, z.paths, 2)
	require.NoError(t, a.RemoveLocal(p.now, addr("10.1.0.1")))
	p.flush(p.a)
	require.NoError(t, a.AddLocal(p.now, addr("10.1.0.1")))
	p.pump()
	require.Contains(t, a.local, addr("10.1.0.1"))
	require.Equal(t, []string{"10.0.0.1 active", "10.1.0.1 active"}, remotes(z))
}

// RFC 5061, Section 5.1, B1 to B5: what is lost is sent again, unchanged, and
// the answer comes from the cache.
func TestAsconfRetransmission(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	var chunks []string
	p.a.filter = func(d Datagram) bool {
		for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			if c.Type == wire.ChunkAsconf {
				chunks = append(chunks, string(c.Raw))
				return len(chunks) > 1
			}
		}
		return true
	}
	p.z.filter = dropChunk(wire.ChunkAsconfAck, 1)
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	require.NoError(t, a.AddLocal(p.now, addr("10.3.0.1")))
	p.pump()
	require.Len(t, chunks, 1)
	require.NoError(t, a.AddLocal(p.now, addr("10.4.0.1")))
	p.run(time.Minute)
	require.Len(t, chunks, 3, "one lost, one answer lost, one more, with the next")
	require.Equal(t, chunks[0], chunks[1])
	require.Equal(t, chunks[0], chunks[2])
	require.Len(t, z.paths, 5)
	require.Len(t, a.local, 5)
	require.Zero(t, a.errorCount)

	// An association whose peer answers nothing ends.
	p.a.filter = func(Datagram) bool { return false }
	require.NoError(t, a.RemoveLocal(p.now, addr("10.2.0.1")))
	p.run(20 * time.Minute)
	require.Equal(t, StateClosed, a.State())
	require.True(t, a.AddrsSettled())
	require.Error(t, a.AddLocal(p.now, addr("10.2.0.1")))
	require.Error(t, a.RemoveLocal(p.now, addr("10.2.0.1")))
	require.Error(t, a.SetPeerPrimary(addr("10.2.0.1")))
}

// The old address fails without a word: the ASCONF that adds another one goes out
// from that, and the peer finds the association by the Address Parameter (RFC
// 5061, Section 5.2, D2).
func TestAsconfFromTheNewAddress(t *testing.T) {
	p := newPair(t, Config{})
	p.a.stack.SetLocalAddrs(addrs("10.0.0.1"))
	a, z := p.connect()
	strangers := p.z.stack.stats.OutOfTheBlue
	p.reach("10.2.0.1")
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	p.pump()
	p.run(10 * time.Second)
	require.True(t, a.AddrsSettled())
	require.Equal(t, "10.2.0.1 active", remotes(z)[1])
	require.Equal(t, strangers, p.z.stack.stats.OutOfTheBlue)
}

// A peer that does not know ADD-IP, or is not allowed to, is not asked.
func TestAddIPNotNegotiated(t *testing.T) {
	for _, cfg := range []Config{{NoAddIP: true}, {NoAuth: true}} {
		p := newPair(t, Config{})
		s, err := NewStack(cfg, p.z.stack.rng)
		require.NoError(t, err)
		s.SetLocalAddrs(p.z.stack.local)
		p.z.stack = s
		require.NoError(t, p.z.stack.Listen(5000))
		a := p.dial()
		require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")), "not known yet")
		p.pump()
		require.Contains(t, p.a.events, EventLocalAddr{Local: addr("10.2.0.1"), Change: AddrAdded, Err: ErrNoAddIP})
		require.True(t, a.AddrsSettled())
		require.ErrorIs(t, a.AddLocal(p.now, addr("10.2.0.1")), ErrNoAddIP)
		require.ErrorIs(t, a.SetPeerPrimary(addr("10.1.0.1")), ErrNoAddIP)
		require.ErrorIs(t, a.SetPeerPrimary(addr("10.7.0.1")), ErrNoSuchAddress)
		require.NoError(t, a.RemoveLocal(p.now, addr("10.0.0.1")), "but not used any more")
		p.reach("10.1.0.1")
		sendN(t, p, a, 1, 100)
		p.run(time.Second)
		require.Len(t, p.z.msgs, 1)
	}
}

// What is asked for before the association is up waits for it.
func TestAddressesChangeDuringSetup(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	a := p.dial()
	p.flush(p.a) // INIT
	p.deliver(p.z)
	p.flush(p.z) // INIT ACK, with the old addresses of Z
	require.NoError(t, a.AddLocal(p.now, addr("10.2.0.1")))
	p.z.stack.SetLocalAddrs(addrs("10.0.0.2", "10.1.0.2", "10.2.0.2"))
	p.run(5 * time.Second)
	z := p.z.assocs[0]
	require.Equal(t, []string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 active"}, remotes(z))
	require.Equal(t, []string{"10.0.0.2 active", "10.1.0.2 active", "10.2.0.2 active"}, remotes(a))
	require.Len(t, z.local, 3)
}

func asconf(seq wire.Seq, from string, params ...[]byte) []byte {
	c := wire.Asconf{Seq: seq, Address: netip.MustParseAddr(from), Params: slices.Concat(params...)}
	return c.Append(nil)
}

func add(id uint32, a string) []byte  { return wire.AppendAddIP(nil, id, netip.MustParseAddr(a)) }
func del(id uint32, a string) []byte  { return wire.AppendDeleteIP(nil, id, netip.MustParseAddr(a)) }
func prim(id uint32, a string) []byte { return wire.AppendSetPrimary(nil, id, netip.MustParseAddr(a)) }

// RFC 5061, Sections 5.2 and 5.3: requests, and what they are answered.
func TestAsconfRequests(t *testing.T) {
	for _, tt := range []struct {
		name   string
		params []byte
		want   []string // causes by identifier, or success
		paths  []string
	}{
		{"add", add(1, "10.2.0.1"), nil, []string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 unconfirmed"}},
		{"add what is there", add(1, "10.1.0.1"), nil, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add the source", add(1, "0.0.0.0"), nil, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add a multicast address", add(1, "224.0.0.1"), []string{"1 Unresolvable Address"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add the broadcast address", add(1, "255.255.255.255"), []string{"1 Unresolvable Address"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add loopback", add(1, "127.0.0.1"), []string{"1 Unresolvable Address"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add another family", add(1, "2001:db8::1"), []string{"1 Operation Refused Due to Resource Shortage"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"add too many", slices.Concat(add(1, "10.2.0.1"), add(2, "10.3.0.1"), add(3, "10.4.0.1"), del(4, "10.1.0.1"), prim(5, "10.1.0.1")),
			[]string{"3 Operation Refused Due to Resource Shortage", "4 Operation Refused Due to Resource Shortage", "5 success"},
			[]string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 unconfirmed", "10.3.0.1 unconfirmed"}},
		{"delete", del(1, "10.1.0.1"), nil, []string{"10.0.0.1 active"}},
		{"delete what is not there", del(1, "10.9.0.1"), nil, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"delete the source", del(1, "10.0.0.1"), []string{"1 Request to Delete Source IP Address"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"delete the last one", slices.Concat(del(1, "10.1.0.1"), del(2, "10.0.0.1")),
			[]string{"2 Request to Delete Last Remaining IP Address"}, []string{"10.0.0.1 active"}},
		{"delete all but the source", del(1, "0.0.0.0"), nil, []string{"10.0.0.1 active"}},
		{"primary", prim(1, "10.1.0.1"), nil, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"primary that is not there", prim(1, "10.9.0.1"), []string{"1 Unresolvable Address"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"unknown, to be reported", slices.Concat(wire.AppendParam(nil, 0xc0ff, []byte{0, 0, 0, 9, 1, 2, 3, 4}), add(1, "10.2.0.1")),
			[]string{"9 Unrecognized Parameters", "1 success"}, []string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 unconfirmed"}},
		{"unknown, to be skipped", slices.Concat(wire.AppendParam(nil, 0x80ff, nil), add(1, "10.2.0.1")),
			nil, []string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 unconfirmed"}},
		{"unknown, to stop at", slices.Concat(wire.AppendParam(nil, 0x40ff, []byte{0, 0, 0, 9}), add(1, "10.2.0.1")),
			[]string{"9 Unrecognized Parameters"}, []string{"10.0.0.1 active", "10.1.0.1 active"}},
		{"request without an address", slices.Concat(wire.AppendParam(nil, wire.ParamAddIP, []byte{0, 0, 0, 9}), add(1, "10.2.0.1")),
			[]string{"9 Invalid Mandatory Parameter", "1 success"}, []string{"10.0.0.1 active", "10.1.0.1 active", "10.2.0.1 unconfirmed"}},
		{"nothing", nil, nil, []string{"10.0.0.1 active", "10.1.0.1 active"}},
	} {
		x := newAuthTester(t, Config{MaxPaths: 4})
		x.init.Params = append(x.init.Params, wire.AppendAddress(nil, netip.MustParseAddr("10.1.0.1"))...)
		z := x.connect()
		z.paths[1].state = PathActive
		x.say(x.protect(asconf(wire.Seq(x.init.InitialTSN), "10.0.0.1", tt.params)))
		ack, err := wire.ParseAsconfAck(x.chunkHeard(wire.ChunkAsconfAck))
		require.NoError(t, err, tt.name)
		require.EqualValues(t, x.init.InitialTSN, ack.Seq)
		var got []string
		for prm, err := range wire.Params(ack.Params) {
			require.NoError(t, err)
			r, err := prm.AsconfResponse()
			require.NoError(t, err)
			what := "success"
			for c := range wire.Causes(r.Causes) {
				what = c.Code.String()
			}
			got = append(got, string(rune('0'+r.ID))+" "+what)
		}
		require.Equal(t, tt.want, got, tt.name)
		require.Equal(t, tt.paths, remotes(z), tt.name)
		for _, p := range z.paths {
			if p.state == PathUnconfirmed {
				require.False(t, p.hb.deadline.IsZero(), "%s: %v is verified", tt.name, p.remote)
			}
		}
	}
}

// RFC 5061, Section 5.2, E1 to E5: sequence numbers.
func TestAsconfSequence(t *testing.T) {
	x := newAuthTester(t, Config{})
	z := x.connect()
	seq := wire.Seq(x.init.InitialTSN)
	acks := func() (out []wire.Seq) {
		for _, d := range x.heard {
			for c := range wire.Chunks(d.Data[wire.HeaderLen:]) {
				if c.Type == wire.ChunkAsconfAck {
					a, err := wire.ParseAsconfAck(c)
					require.NoError(t, err)
					out = append(out, a.Seq)
				}
			}
		}
		return out
	}
	// "this chunk MUST be silently discarded" without authentication.
	require.Empty(t, x.say(asconf(seq, "10.0.0.1", add(1, "10.2.0.1"))))
	require.Len(t, z.paths, 1)
	require.Empty(t, x.say(x.protect(asconf(seq+1, "10.0.0.1", add(1, "10.2.0.1")))), "E5: not the next one")
	x.say(x.protect(asconf(seq, "10.0.0.1", add(1, "10.2.0.1"))))
	require.Equal(t, []wire.Seq{seq}, acks())
	require.Len(t, z.paths, 2)
	x.say(x.protect(asconf(seq, "10.0.0.1", del(1, "10.2.0.1"))))
	require.Equal(t, []wire.Seq{seq}, acks(), "E2: the answer again")
	require.Len(t, z.paths, 2, "and nothing is done")
	// E1-ext, C2: several in one packet, some of them old.
	x.say(x.protect(asconf(seq, "10.0.0.1"), asconf(seq+1, "10.0.0.1", del(2, "10.2.0.1")), asconf(seq+2, "10.0.0.1", add(3, "10.3.0.1"))))
	require.Equal(t, []wire.Seq{seq, seq + 1, seq + 2}, acks())
	require.Equal(t, []string{"10.0.0.1 active", "10.3.0.1 unconfirmed"}, remotes(z))
	x.say(x.protect(asconf(seq+3, "10.0.0.1")))
	require.Equal(t, []wire.Seq{seq + 3}, acks())
	require.Empty(t, x.say(x.protect(asconf(seq+1, "10.0.0.1"))), "E2: an old one whose answer is not kept")
	// Malformed: authenticated, so the peer is broken.
	x.say(x.protect(wire.AppendChunk(nil, wire.ChunkAsconf, 0, []byte{0, 0, 0, 0, 0, 0, 0, 1})))
	require.Contains(t, x.answers()[0], "Protocol Violation")
	require.Equal(t, StateClosed, z.State())
}

// From an address that is not known, only an authenticated ASCONF is listened
// to.
func TestAsconfFromElsewhere(t *testing.T) {
	x := newAuthTester(t, Config{})
	z := x.connect()
	seq := wire.Seq(x.init.InitialTSN)
	home, away := x.from, netip.MustParseAddrPort("10.9.0.1:40000")
	x.from = away
	require.Empty(t, x.say(x.data(wire.Data{}))[0:0])
	require.Contains(t, x.answers()[0], "ABORT", "out of the blue")
	require.Contains(t, x.say(asconf(seq, "10.0.0.1", add(1, "10.9.0.1")))[0], "ABORT", "not authenticated")
	require.Contains(t, x.say(x.protect(asconf(seq, "10.8.0.1", add(1, "10.9.0.1"))))[0], "ABORT", "of an unknown association")
	bad := x.protect(asconf(seq, "10.0.0.1", add(1, "10.9.0.1")))
	bad[12] ^= 1
	require.Empty(t, x.say(bad))
	require.EqualValues(t, 1, z.stats.AuthFailures)
	require.Len(t, z.paths, 1)
	x.say(x.protect(asconf(seq, "10.0.0.1", add(1, "10.7.0.1"))))
	require.Equal(t, away, x.heard[0].Local, "E6: the answer goes to the source")
	require.Len(t, x.heard, 2)
	require.Contains(t, x.answers()[0], "AUTH", "a HEARTBEAT goes to the one that was added")
	// The wildcard: the association is found by the Verification Tag.
	x.say(x.protect(asconf(seq+1, "0.0.0.0", add(1, "0.0.0.0"), del(2, "0.0.0.0")), x.data(wire.Data{Flags: whole | wire.DataUnordered})))
	require.Equal(t, away, x.heard[0].Local)
	require.Contains(t, x.answers()[0], "HEARTBEAT", "F1: \"it MAY be bundled with the HEARTBEAT chunk for path verification\"")
	require.Equal(t, []string{"10.9.0.1 unconfirmed"}, remotes(z))
	require.EqualValues(t, 40000, z.paths[0].remote.Port(), "RFC 6951, Section 5.4")
	require.Len(t, x.p.z.msgs, 1)
	// F13: the old address is not used any more; packets under way are dropped.
	x.from = home
	require.Empty(t, x.say(x.data(wire.Data{})))
	require.Empty(t, x.send(x.init.InitiateTag, wire.AppendAbort(nil, true, nil)), "nor is its ABORT for what was under way")
	x.p.run(5 * time.Second)
	require.Contains(t, x.say(x.data(wire.Data{}))[0], "ABORT", "after two RTOs it is out of the blue")
	require.Equal(t, StateEstablished, z.State())
}

// RFC 5061, Section 5.3, F0: "the endpoint MUST ABORT the association."
func TestIllegalAsconfAck(t *testing.T) {
	x := newAuthTester(t, Config{})
	z := x.connect()
	mine := wire.Seq(x.ack.InitialTSN)
	ack := func(seq wire.Seq) []byte { return (&wire.AsconfAck{Seq: seq}).Append(nil) }
	require.Empty(t, x.say(ack(mine)), "not authenticated")
	require.Empty(t, x.say(x.protect(ack(mine-1))), "an old one")
	require.Equal(t, StateEstablished, z.State())
	x.say(x.protect(ack(mine)))
	require.Contains(t, x.answers()[0], "Illegal ASCONF-ACK")
	require.Equal(t, StateClosed, z.State())
}

// RFC 5061, Section 5.1, A7, A8 and A9, and Section 5.3, F3: what a peer answers.
func TestAsconfResponses(t *testing.T) {
	shortage := func(id uint32) []byte {
		return (&wire.AsconfResponse{ID: id, Causes: wire.AppendCause(nil, wire.CauseResourceShortage, nil)}).Append(nil)
	}
	success := func(id uint32) []byte { return (&wire.AsconfResponse{ID: id}).Append(nil) }
	unknown := func(id uint32) []byte {
		return (&wire.AsconfResponse{ID: id, Causes: wire.AppendUnrecognizedParams(nil, add(id, "10.2.0.2"))}).Append(nil)
	}
	for _, tt := range []struct {
		name      string
		responses []byte
		want      string // of adding 10.2.0.2, adding 10.3.0.2, deleting 10.1.0.2
		after     error
	}{
		{"nothing", nil, "+++", nil},
		{"all", slices.Concat(success(1), success(2), success(3)), "+++", nil},
		{"the last fails", shortage(3), "++-", nil},
		{"the second fails", shortage(2), "+--", nil},
		{"the second fails, the third does not", slices.Concat(shortage(2), success(3)), "+-+", nil},
		{"the first fails", shortage(1), "---", nil},
		{"not understood", slices.Concat(unknown(1), unknown(2), unknown(3)), "---", ErrNoAddIP},
		{"rubbish", wire.AppendParam(nil, 0xc003, []byte{1}), "+++", nil},
	} {
		x := newAuthTester(t, Config{})
		z := x.connect()
		require.NoError(t, z.AddLocal(x.p.now, addr("10.2.0.2")))
		require.NoError(t, z.AddLocal(x.p.now, addr("10.3.0.2")))
		require.NoError(t, z.RemoveLocal(x.p.now, addr("10.1.0.2")))
		x.heard = nil
		x.p.flush(x.p.z)
		q, err := wire.ParseAsconf(x.chunkHeard(wire.ChunkAsconf))
		require.NoError(t, err)
		require.EqualValues(t, x.ack.InitialTSN, q.Seq, "A2")
		x.p.z.events = nil
		x.say(x.protect((&wire.AsconfAck{Seq: q.Seq, Params: tt.responses}).Append(nil)))
		got := ""
		for _, e := range x.p.z.events {
			if e, ok := e.(EventLocalAddr); ok {
				if e.Err == nil {
					got += "+"
				} else {
					got += "-"
					require.ErrorContains(t, e.Err, "refused")
				}
			}
		}
		require.Equal(t, tt.want, got, tt.name)
		require.Equal(t, tt.want[0] == '+', slices.Contains(z.local, addr("10.2.0.2")), tt.name)
		require.Equal(t, tt.want[1] == '+', slices.Contains(z.local, addr("10.3.0.2")), tt.name)
		require.ErrorIs(t, z.AddLocal(x.p.now, addr("10.4.0.2")), tt.after, tt.name)
	}
	x := newAuthTester(t, Config{})
	z := x.connect()
	require.NoError(t, z.AddLocal(x.p.now, addr("10.2.0.2")))
	x.heard = nil
	x.p.flush(x.p.z)
	c := x.chunkHeard(wire.ChunkAsconf)
	x.say(wire.AppendError(nil, wire.AppendUnrecognizedChunk(nil, c.Raw)))
	require.Contains(t, x.p.z.events, EventLocalAddr{Local: addr("10.2.0.2"), Change: AddrAdded, Err: ErrNoAddIP})
	require.ErrorIs(t, z.AddLocal(x.p.now, addr("10.2.0.2")), ErrNoAddIP)
	require.True(t, z.asconf.t4.deadline.IsZero(), "A9: \"MUST stop its T-4 timer\"")
}

// RFC 5061, Section 5.3, F4 and 5.3.1: an ABORT to an address that is being
// deleted is ignored.
func TestAbortToDeletedAddress(t *testing.T) {
	p := newPair(t, Config{})
	a, _ := p.connect()
	require.NoError(t, a.RemoveLocal(p.now, addr("10.1.0.1")))
	p.flush(p.a)
	d := p.packetTo(p.a, a, a.peerTag, wire.AppendAbort(nil, true, nil))
	d.Local = addr("10.1.0.1")
	p.injectRaw(p.a, d)
	require.Equal(t, StateEstablished, a.State())
	d = p.packetTo(p.a, a, a.myTag, wire.AppendAbort(nil, false, nil))
	d.Local = addr("10.1.0.1")
	p.injectRaw(p.a, d)
	require.Equal(t, StateEstablished, a.State())
	p.pump()
	p.injectRaw(p.a, d)
	require.Equal(t, StateClosed, a.State())
}

// More addresses than one ASCONF takes.
func TestManyAddresses(t *testing.T) {
	p := newPair(t, Config{MaxPaths: 40})
	a, z := p.connect()
	for i := range 30 {
		require.NoError(t, a.AddLocal(p.now, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 50, 0, byte(i)}), 9899)))
	}
	p.run(time.Minute)
	require.Len(t, z.paths, 32)
	require.Len(t, a.local, 32)
	require.EqualValues(t, 3, a.stats.AsconfsSent)
	for _, l := range slices.Clone(a.local)[:31] {
		require.NoError(t, a.RemoveLocal(p.now, l))
	}
	p.reach("10.50.0.29")
	p.run(time.Minute)
	require.Equal(t, []string{"10.50.0.29 active"}, remotes(z))
	require.Len(t, a.local, 1)
	sendN(t, p, a, 1, 10)
	sendN(t, p, z, 1, 10)
	p.run(5 * time.Second)
	require.Len(t, p.z.msgs, 1)
	require.Len(t, p.a.msgs, 1)
}

// What was in flight to an address that is removed is sent again at once.
func TestRemovedPathHasDataInFlight(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	p.reach("10.1.0.1") // what goes to 10.0.0.1 is lost
	sendN(t, p, z, 3, 1000)
	p.flush(p.z)
	require.NotZero(t, z.paths[0].flightSize)
	require.NoError(t, a.RemoveLocal(p.now, addr("10.0.0.1")))
	p.run(100 * time.Millisecond)
	require.Len(t, z.paths, 1)
	require.Len(t, p.a.msgs, 3)
}
