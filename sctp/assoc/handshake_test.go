// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// "The initialization process consists of the following steps" RFC 9260,
// Section 5.1.
func TestNormalEstablishment(t *testing.T) {
	p := newPair(t, Config{})
	tr := newTranscript(p)
	require.NoError(t, p.z.stack.Listen(5000))
	a := p.dial()
	require.NoError(t, a.Send(p.now, Message{Stream: 1, PPID: 11, Data: []byte("first")}))
	tr.note("data is bundled with the COOKIE ECHO")
	p.pump()
	require.Len(t, p.z.msgs, 1)
	z := p.z.assocs[0]
	tr.note("Z answers and shuts down")
	require.NoError(t, z.Send(p.now, Message{Stream: 2, Data: []byte("reply")}))
	p.pump()
	z.Shutdown(p.now)
	p.pump()
	tr.check(t)
	for _, x := range []*Association{a, z} {
		_, armed := x.Deadline()
		require.False(t, armed, "no timer runs in CLOSED")
		require.NoError(t, x.Err())
	}
	require.Empty(t, p.z.stack.byTag)
	require.Empty(t, p.z.stack.byPeer)
}

// "After sending an INIT ACK chunk with the State Cookie parameter, 'Z' MUST
// NOT allocate any resources or keep any states for the new association." RFC
// 9260, Section 5.1, B.
func TestInitLeavesNoState(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	p.a.filter = nil
	for i := range 1000 {
		init := wire.Init{InitiateTag: uint32(i + 1), ARwnd: 65536, OutboundStreams: 1, InboundStreams: 1}
		h := wire.Header{SrcPort: uint16(1000 + i), DstPort: 5000}
		b := init.Append(h.Append(nil), wire.ChunkInit)
		wire.SetChecksum(b)
		a, _ := p.z.stack.Route(p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: addrs("10.0.0.9")[0], Data: b})
		require.Nil(t, a)
		var buf [1500]byte
		tx, ok := p.z.stack.PollReply(buf[:])
		require.True(t, ok)
		require.Contains(t, dump(buf[:tx.Len]), "INIT ACK")
	}
	require.Empty(t, p.z.stack.byTag)
	require.Empty(t, p.z.stack.byPeer)
}

// "If the T1-init timer expires at 'A' after the INIT or COOKIE ECHO chunks
// are sent, the same INIT or COOKIE ECHO chunk with the same Initiate Tag
// (i.e., Tag_A) or State Cookie is retransmitted" RFC 9260, Section 5.1.6.
func TestSetupSurvivesLoss(t *testing.T) {
	for _, lost := range []wire.ChunkType{wire.ChunkInit, wire.ChunkInitAck, wire.ChunkCookieEcho, wire.ChunkCookieAck} {
		t.Run(lost.String(), func(t *testing.T) {
			p := newPair(t, Config{})
			tr := newTranscript(p)
			require.NoError(t, p.z.stack.Listen(5000))
			p.a.filter, p.z.filter = dropChunk(lost, 2), dropChunk(lost, 2)
			a := p.dial()
			require.NoError(t, a.Send(p.now, Message{Data: []byte("x")}))
			p.pump()
			p.run(8 * time.Second)
			require.Equal(t, StateEstablished, a.State())
			require.Len(t, p.z.msgs, 1, "bundled data arrives once")
			tr.check(t)
		})
	}
}

func TestSetupGivesUp(t *testing.T) {
	p := newPair(t, Config{MaxInitRetransmits: 3})
	inits := 0
	p.a.filter = func(Datagram) bool { inits++; return false }
	a := p.dial()
	p.pump()
	p.run(time.Minute)
	require.Equal(t, 4, inits, "INIT is sent once and Max.Init.Retransmits times again")
	require.Equal(t, StateClosed, a.State())
	require.ErrorContains(t, a.Err(), "no answer to INIT")
	ev, ok := lastEvent[EventCommLost](p.a.events)
	require.True(t, ok)
	require.ErrorIs(t, ev.Err, a.Err())
}

// "there SHOULD be a T1-init and T1-cookie timer for each address of the peer
// ... SHOULD use all addresses of the peer" RFC 9260, Section 5.1.
func TestInitTriesEveryAddress(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	cut := netip.MustParseAddr("10.0.0.2")
	p.a.filter = func(d Datagram) bool { return d.Local.Addr() != cut }
	a, err := p.a.stack.Associate(p.now, AssociateParams{Remote: addrs("10.0.0.2", "10.1.0.2"), Port: 5000})
	require.NoError(t, err)
	p.a.assocs = append(p.a.assocs, a)
	p.pump()
	p.run(2 * time.Second)
	require.Equal(t, StateEstablished, a.State())
	require.Equal(t, netip.MustParseAddr("10.1.0.2"), a.primary.remote.Addr())
}

// "This field MUST contain the exact cookie received in the State Cookie
// parameter" RFC 9260, Section 3.3.11: IP fragments what is larger than a
// packet.
func TestLargeCookie(t *testing.T) {
	p := newPair(t, Config{})
	a := p.dial()
	p.flush(p.a)
	p.a.peer.inbox = nil
	params := wire.AppendParam(nil, wire.ParamStateCookie, make([]byte, 3500))
	for i := range 50 {
		params = wire.AppendAddress(params, netip.AddrFrom4([4]byte{10, 9, 9, byte(i)}))
	}
	ack := wire.Init{InitiateTag: 7, ARwnd: 65536, OutboundStreams: 1, InboundStreams: 1, Params: params}
	p.a.inbox = append(p.a.inbox, p.packetTo(p.a, a, a.myTag, ack.Append(nil, wire.ChunkInitAck)))
	p.deliver(p.a)
	require.NoError(t, a.Send(p.now, Message{Data: []byte("x")}))
	require.Greater(t, a.MaxPacketSize(), 3500)
	tx, ok := a.PollTransmit(p.now, make([]byte, a.MaxPacketSize()))
	require.True(t, ok)
	require.Equal(t, wire.HeaderLen+wire.ChunkHeaderLen+3500, tx.Len)
	require.True(t, tx.Oversize)
	require.Len(t, a.paths, a.cfg.MaxPaths)
}

// An INIT that lists many addresses is answered as well, if the answer is
// larger than a packet.
func TestLargeInitAck(t *testing.T) {
	p := newPair(t, Config{MTU: 576, MaxPaths: 64})
	require.NoError(t, p.z.stack.Listen(5000))
	init := wire.Init{InitiateTag: 7, ARwnd: 65536, OutboundStreams: 1, InboundStreams: 1}
	for i := range 60 {
		init.Params = wire.AppendAddress(init.Params, netip.AddrFrom4([4]byte{10, 9, 9, byte(i)}))
	}
	h := wire.Header{SrcPort: 7, DstPort: 5000}
	b := init.Append(h.Append(nil), wire.ChunkInit)
	wire.SetChecksum(b)
	p.z.stack.Route(p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: addrs("10.0.0.1")[0], Data: b})
	buf := make([]byte, p.z.stack.MaxReplySize())
	tx, ok := p.z.stack.PollReply(buf)
	require.True(t, ok)
	require.True(t, tx.Oversize)
	require.True(t, wire.ChecksumOK(buf[:tx.Len]))
}

// initAnswer sends an INIT that edit has changed, and returns the answer.
func initAnswer(t *testing.T, edit func(*wire.Init)) string {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	init := wire.Init{InitiateTag: 0xabcd, ARwnd: 65536, OutboundStreams: 4, InboundStreams: 2, InitialTSN: 100}
	edit(&init)
	h := wire.Header{SrcPort: 7, DstPort: 5000}
	b := init.Append(h.Append(nil), wire.ChunkInit)
	wire.SetChecksum(b)
	p.z.stack.Route(p.now, Datagram{Local: addrs("10.0.0.2")[0], Remote: addrs("10.0.0.1")[0], Data: b})
	var buf [2000]byte
	tx, ok := p.z.stack.PollReply(buf[:])
	if !ok {
		return ""
	}
	hd, err := wire.ParseHeader(buf[:tx.Len])
	require.NoError(t, err)
	require.Equal(t, uint32(0xabcd), hd.Tag, "the answer carries the Initiate Tag")
	return dump(buf[:tx.Len])
}

func TestInitChecks(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*wire.Init)
		want string // "" for silence
	}{
		// RFC 9260, Section 3.3.2: "the receiver MUST silently discard the packet".
		{"tag 0", func(i *wire.Init) { i.InitiateTag = 0 }, ""},
		// "A receiver of an INIT chunk with the OS value set to 0 MUST discard the
		// packet, SHOULD send a packet in response containing an ABORT chunk".
		{"no outbound streams", func(i *wire.Init) { i.OutboundStreams = 0 }, "ABORT"},
		{"no inbound streams", func(i *wire.Init) { i.InboundStreams = 0 }, "ABORT"},
		{"small a_rwnd", func(i *wire.Init) { i.ARwnd = 1499 }, "ABORT"},
		// Section 5.1.2, B.
		{"host name", func(i *wire.Init) {
			i.Params = wire.AppendParam(nil, wire.ParamHostName, []byte("example\x00"))
		}, "Unresolvable Address"},
		// Section 3.2.1, Table 3.
		{"unknown 00: stop, silent", func(i *wire.Init) {
			i.Params = wire.AppendParam(wire.AppendParam(nil, 0x3ff0, nil), 0xfff0, nil)
		}, "INIT ACK"},
		{"unknown 11: skip and report", func(i *wire.Init) { i.Params = wire.AppendParam(nil, 0xfff0, []byte{1, 2, 3, 4}) }, "Unrecognized Parameter"},
		{"unknown 01: stop and report", func(i *wire.Init) { i.Params = wire.AppendParam(nil, 0x7ff0, []byte{1, 2, 3, 4}) }, "Unrecognized Parameter"},
		{"truncated parameter", func(i *wire.Init) { i.Params = []byte{0x80, 0x01, 0, 9, 1, 2, 3, 4} }, "ABORT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := initAnswer(t, tt.edit)
			if tt.want == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, tt.want)
			}
		})
	}
	require.NotContains(t, initAnswer(t, func(i *wire.Init) {
		i.Params = wire.AppendParam(wire.AppendParam(nil, 0x3ff0, nil), 0xfff0, nil)
	}), "Unrecognized", "what follows a parameter that says stop is not looked at")
}

// "each endpoint ... MUST use MIS outbound streams" RFC 9260, Section 5.1.1.
func TestStreamsAreTheLesserOfBoth(t *testing.T) {
	p := newPair(t, Config{OutboundStreams: 10, MaxInboundStreams: 3})
	a, z := p.connect()
	for _, x := range []*Association{a, z} {
		out, in := x.Streams()
		require.Equal(t, 3, out)
		require.Equal(t, 3, in)
	}
	require.ErrorIs(t, a.Send(p.now, Message{Stream: 3, Data: []byte("x")}), ErrInvalidStream)
	require.NoError(t, a.Send(p.now, Message{Stream: 2, Data: []byte("x")}))
}

func TestMessagesForRefusedStreamsFail(t *testing.T) {
	p := newPair(t, Config{OutboundStreams: 10, MaxInboundStreams: 3})
	require.NoError(t, p.z.stack.Listen(5000))
	a := p.dial()
	require.NoError(t, a.Send(p.now, Message{Stream: 9, Data: []byte("lost")}))
	require.NoError(t, a.Send(p.now, Message{Stream: 1, Data: []byte("kept")}))
	p.pump()
	require.Len(t, p.z.msgs, 1)
	require.Equal(t, "kept", string(p.z.msgs[0].Data))
	f, ok := lastEvent[EventSendFailed](p.a.events)
	require.True(t, ok)
	require.Equal(t, "lost", string(f.Message.Data))
	require.Zero(t, a.queue.unsent)
}

func testJar() (*cookieJar, *rand.Rand, Config) {
	cfg, _ := Config{}.WithDefaults()
	rng := rand.New(rand.NewPCG(1, 2))
	return newCookieJar(&cfg, rng), rng, cfg
}

func TestCookieRoundTrip(t *testing.T) {
	jar, rng, _ := testJar()
	c := &stateCookie{
		created: start, expires: start.Add(time.Minute),
		local: netip.MustParseAddrPort("10.0.0.1:9899"), remote: netip.MustParseAddrPort("[fd00::1]:1234"),
		localPort: 1, remotePort: 2, localTag: 3, remoteTag: 4, localTSN: 5, remoteTSN: 6, localTie: 7, remoteTie: 8,
		arwnd: 9, outbound: 10, inbound: 11, ext: extAsconf | extECN, addrs: []netip.Addr{netip.MustParseAddr("10.9.9.9"), netip.MustParseAddr("fd00::2")},
	}
	b := jar.seal(c, rng)
	got, ok := jar.open(start, b)
	require.True(t, ok)
	require.Equal(t, c, got)
	require.NotContains(t, string(b), string([]byte{10, 9, 9, 9}), "the cookie is sealed")
	for i := range b {
		for _, bit := range []byte{1, 0x80} {
			forged := bytes.Clone(b)
			forged[i] ^= bit
			_, ok := jar.open(start, forged)
			require.False(t, ok, "byte %d changed", i)
		}
		_, ok := jar.open(start, b[:i])
		require.False(t, ok, "cut to %d bytes", i)
	}
}

// "The secret key SHOULD be changed reasonably frequently (e.g., hourly)" RFC
// 9260, Section 5.1.3.
func TestCookieSecretRotates(t *testing.T) {
	jar, rng, cfg := testJar()
	late := time.Unix(0, (epochOf(start)+1)*int64(secretLife)-1)
	b := jar.seal(&stateCookie{created: late, expires: late.Add(cfg.ValidCookieLife)}, rng)
	_, ok := jar.open(late.Add(time.Minute), b)
	require.True(t, ok, "the last secret stays good")
	_, ok = jar.open(late.Add(2*secretLife), b)
	require.False(t, ok, "the one before does not")
	other := jar.seal(&stateCookie{created: late.Add(secretLife)}, rng)
	require.NotEqual(t, b[0], other[0])
}

// "If the elapsed time is longer than the lifespan carried in the State
// Cookie, then ... the endpoint MUST transmit an ERROR chunk with a 'Stale
// Cookie' error cause" RFC 9260, Section 5.1.5; and Section 5.2.6, 3.
func TestStaleCookieIsRenewed(t *testing.T) {
	p := newPair(t, Config{})
	tr := newTranscript(p)
	require.NoError(t, p.z.stack.Listen(5000))
	held := []Datagram{}
	p.a.filter = func(d Datagram) bool {
		if len(held) == 0 && bytes.Contains([]byte(dump(d.Data)), []byte("COOKIE ECHO")) {
			held = append(held, d)
			return false
		}
		return true
	}
	a := p.dial()
	require.NoError(t, a.Send(p.now, Message{Data: []byte("patient")}))
	p.pump()
	require.Len(t, held, 1)
	p.now = p.now.Add(61 * time.Second)
	tr.note("the COOKIE ECHO arrives after Valid.Cookie.Life")
	p.z.inbox = held
	p.pump()
	require.Equal(t, StateEstablished, a.State())
	require.Len(t, p.z.msgs, 1)
	tr.check(t)
}

// "3) Compare the port numbers and the Verification Tag contained within the
// COOKIE ECHO chunk ... If these values do not match, the packet MUST be
// silently discarded." RFC 9260, Section 5.1.5.
func TestForeignCookieIsIgnored(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	var echo Datagram
	p.a.filter = func(d Datagram) bool {
		if bytes.Contains([]byte(dump(d.Data)), []byte("COOKIE ECHO")) {
			echo = d
			return false
		}
		return true
	}
	p.dial()
	p.pump()
	require.NotEmpty(t, echo.Data)
	for name, change := range map[string]func(b []byte){
		"source port": func(b []byte) { b[1]++ },
		"tag":         func(b []byte) { b[7]++ },
		"cookie":      func(b []byte) { b[40]++ },
	} {
		d := echo
		d.Data = bytes.Clone(echo.Data)
		change(d.Data)
		wire.SetChecksum(d.Data)
		a, _ := p.z.stack.Route(p.now, d)
		require.Nil(t, a, name)
		require.Empty(t, p.z.stack.replies, name)
	}
}

// An INIT is refused where nobody listens; the caller learns at once.
func TestDialClosedPort(t *testing.T) {
	p := newPair(t, Config{})
	a := p.dial()
	p.pump()
	require.Equal(t, StateClosed, a.State())
	require.ErrorContains(t, a.Err(), "aborted by peer")
}

// "The sender of INIT chunks MAY include a 'Supported Address Types'
// parameter" RFC 9260, Section 5.1.2.
func TestSupportedAddressTypesOnlyOfSeveralAddresses(t *testing.T) {
	for _, c := range []struct {
		name  string
		local []string
		want  []wire.ParamType
	}{
		{"one address", []string{"10.0.0.1"}, nil},
		{"two addresses", []string{"10.0.0.1", "10.1.0.1"}, []wire.ParamType{
			wire.ParamIPv4, wire.ParamIPv4, wire.ParamSupportedAddressTypes}},
		{"two families", []string{"10.0.0.1", "[fd00::1]"}, []wire.ParamType{
			wire.ParamIPv4, wire.ParamIPv6, wire.ParamSupportedAddressTypes}},
		{"another family for itself only", []string{"10.0.0.1", "[::1]"}, []wire.ParamType{wire.ParamSupportedAddressTypes}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Association{cfg: &Config{}, local: addrs(c.local...)}
			chunk, _, err := wire.NextChunk(a.appendInit(nil, netip.MustParseAddr("10.0.0.2")))
			require.NoError(t, err)
			init, err := wire.ParseInit(chunk)
			require.NoError(t, err)
			var got []wire.ParamType
			for rest := init.Params; len(rest) > 0; {
				var prm wire.Param
				prm, rest, err = wire.NextParam(rest)
				require.NoError(t, err)
				got = append(got, prm.Type)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// "lack of local resources": RFC 9260, Section 5.1: "it SHOULD respond with an
// ABORT chunk".
func TestTooManyAssociations(t *testing.T) {
	p := newPair(t, Config{MaxAssociations: 2})
	require.NoError(t, p.z.stack.Listen(5000))
	for range 2 {
		p.dial()
		p.pump()
	}
	require.Len(t, p.z.stack.byTag, 2)
	p.a.stack.cfg.MaxAssociations = 3
	a := p.dial()
	p.pump()
	require.Len(t, p.z.stack.byTag, 2)
	require.ErrorContains(t, a.Err(), "Out of Resource")
	p.a.assocs[0].Abort(p.now, "")
	p.pump()
	b := p.dial()
	p.pump()
	require.Equal(t, StateEstablished, b.State(), "there is room again")
}
