// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// RFC 4895, Section 6.1: the numerically smaller key vector first; equal as
// numbers, the shorter one first.
func TestAssociationKeyOrder(t *testing.T) {
	for _, tt := range []struct{ secret, v1, v2, want string }{
		{"", "\x80\x02a", "\x80\x02b", "\x80\x02a\x80\x02b"},
		{"", "\x80\x02b", "\x80\x02a", "\x80\x02a\x80\x02b"},
		{"key", "\x01\x00\x00", "\xff\xff", "key\xff\xff\x01\x00\x00"},
		{"key", "\x00\x00\x05", "\x05", "key\x05\x00\x00\x05"},
		{"key", "\x05", "\x00\x05", "key\x05\x00\x05"},
		{"key", "\x00\x06", "\x05", "key\x05\x00\x06"},
		{"key", "same", "same", "keysamesame"},
	} {
		require.Equal(t, tt.want, string(associationKey([]byte(tt.secret), []byte(tt.v1), []byte(tt.v2))), "%q", tt)
		require.Equal(t, tt.want, string(associationKey([]byte(tt.secret), []byte(tt.v2), []byte(tt.v1))), "%q", tt)
	}
}

// everything asks for all chunks that can be authenticated.
func everything() (types []wire.ChunkType) {
	for t := range 256 {
		if c := wire.ChunkType(t); c != wire.ChunkInit && c != wire.ChunkInitAck && c != wire.ChunkShutdownComplete && c != wire.ChunkAuth {
			types = append(types, c)
		}
	}
	return types
}

// An authTester is a tester that authenticates. It computes keys by itself.
type authTester struct {
	*tester
	random []byte
	params []byte
	hmac   wire.HMACID
	secret []byte
	key    uint16
}

func newAuthTester(t *testing.T, cfg Config, chunks ...wire.ChunkType) *authTester {
	x := &authTester{tester: newTester(t, cfg), random: bytes.Repeat([]byte{0x5a}, 32), hmac: wire.HMACSHA1}
	x.params = wire.AppendRandom(nil, x.random)
	if len(chunks) > 0 {
		x.params = wire.AppendChunkList(x.params, chunks...)
	}
	x.params = wire.AppendHMACAlgo(x.params, wire.HMACSHA1)
	x.init.Params = append(x.params, wire.AppendSupportedExtensions(nil, wire.ChunkAuth, wire.ChunkAsconf, wire.ChunkAsconfAck)...)
	return x
}

// vector cuts a key vector out of the parameters of an INIT or INIT ACK.
func (x *authTester) vector(params []byte) (v []byte) {
	for _, want := range []wire.ParamType{wire.ParamRandom, wire.ParamChunkList, wire.ParamHMACAlgo} {
		for prm, err := range wire.Params(params) {
			require.NoError(x.t, err)
			if prm.Type == want {
				v = append(v, prm.Raw...)
			}
		}
	}
	return v
}

// protect puts an AUTH chunk before chunks.
func (x *authTester) protect(chunks ...[]byte) []byte {
	mine, theirs := x.vector(x.params), x.vector(x.ack.Params)
	key := append(bytes.Clone(x.secret), mine...)
	key = append(key, theirs...)
	if len(mine) > len(theirs) || len(mine) == len(theirs) && bytes.Compare(mine, theirs) > 0 {
		key = append(append(bytes.Clone(x.secret), theirs...), mine...)
	}
	var h func() hash.Hash = sha1.New
	if x.hmac == wire.HMACSHA256 {
		h = sha256.New
	}
	auth := wire.Auth{KeyID: x.key, HMACID: x.hmac, HMAC: make([]byte, h().Size())}
	b := auth.Append(nil)
	for _, c := range chunks {
		b = append(b, c...)
	}
	m := hmac.New(h, key)
	m.Write(b)
	copy(b[wire.AuthHeaderLen:], m.Sum(nil))
	return b
}

func (x *authTester) connect() *Association {
	x.t.Helper()
	x.sendInit()
	x.say(x.protect(wire.AppendCookieEcho(nil, x.cookie())))
	x.chunkHeard(wire.ChunkCookieAck)
	return x.p.z.assocs[len(x.p.z.assocs)-1]
}

// RFC 4895, Section 6.3, row by row, against a peer that computes the HMAC by
// itself.
func TestAuthReceiver(t *testing.T) {
	cfg := Config{AuthChunks: []wire.ChunkType{wire.ChunkData, wire.ChunkAbort}}
	for _, h := range []wire.HMACID{wire.HMACSHA1, wire.HMACSHA256} {
		x := newAuthTester(t, cfg)
		x.hmac = h
		z := x.connect()
		heard := func() int { x.p.flush(x.p.z); return len(x.p.z.msgs) }

		x.say(x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered})))
		require.Equal(t, 1, heard(), "%v: an authenticated chunk is accepted", h)

		// "It MUST silently discard these chunks if they are not placed after an AUTH
		// chunk in the packet."
		tsn := x.tsn
		require.Empty(t, x.say(x.data(wire.Data{Flags: whole | wire.DataUnordered})))
		require.EqualValues(t, 1, z.stats.Unauthenticated)
		require.Empty(t, x.say(wire.AppendAbort(nil, false, nil)))
		require.Empty(t, x.send(x.init.InitiateTag, wire.AppendAbort(nil, true, nil)), "with the T bit neither")
		require.Equal(t, StateEstablished, z.State())
		x.alive()

		// "If the field does not match the result of the calculation, all the chunks
		// following the AUTH chunk MUST be silently discarded."
		x.tsn = tsn
		bad := x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered}))
		bad[len(bad)-1] ^= 1
		require.Empty(t, x.say(bad))
		require.EqualValues(t, 1, z.stats.AuthFailures)

		// "If no endpoint pair shared key has been configured for that Shared Key
		// Identifier, all authenticated chunks MUST be silently discarded."
		x.tsn, x.key = tsn, 7
		require.Empty(t, x.say(x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered}))))
		require.EqualValues(t, 2, z.stats.AuthFailures)
		require.NoError(t, z.SetAuthKey(AuthKey{ID: 7, Secret: []byte("seven")}))
		x.tsn, x.secret = tsn, []byte("seven")
		x.say(x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered})))
		require.Equal(t, 2, heard())
		require.Contains(t, x.p.z.events, EventAuthKey{ID: 7, Indication: AuthKeyNew})

		// "an ERROR chunk SHOULD be sent with the error cause defined in Section 4.1."
		unknown := wire.Auth{HMACID: 2, HMAC: make([]byte, 16)}
		x.say(append(unknown.Append(nil), x.data(wire.Data{Flags: whole | wire.DataUnordered})...))
		require.Contains(t, x.answers()[0], "Unsupported HMAC Identifier")
		x.tsn--

		// "The control chunk AUTH MUST NOT appear more than once in an SCTP packet."
		x.say(x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered}), x.protect(x.data(wire.Data{Flags: whole | wire.DataUnordered}))))
		require.Equal(t, 3, heard(), "what follows a second AUTH chunk is discarded")

		// An AUTH chunk cut off is a bad packet.
		n := z.stats.BadPackets
		x.say(wire.AppendChunk(nil, wire.ChunkAuth, 0, []byte{0, 0}))
		x.say(wire.AppendChunk(nil, wire.ChunkAuth, 0, []byte{0, 0, 0, 1, 1}))
		require.Equal(t, n+2, z.stats.BadPackets)

		x.say(x.protect(wire.AppendAbort(nil, false, nil)))
		require.Equal(t, StateClosed, z.State())
	}
}

// RFC 4895, Section 6.1, of what a peer's INIT may say.
func TestAuthParametersOfAPeer(t *testing.T) {
	random := wire.AppendRandom(nil, make([]byte, 32))
	sha1 := wire.AppendHMACAlgo(nil, wire.HMACSHA1)
	list := wire.AppendChunkList(nil, wire.ChunkData, wire.ChunkAuth, wire.ChunkInit)
	for _, tt := range []struct {
		name   string
		cfg    Config
		params []byte
		auth   bool
		abort  bool
	}{
		{"nothing", Config{}, nil, false, false},
		{"both", Config{}, append(bytes.Clone(random), sha1...), true, false},
		{"chunks in between", Config{}, append(append(bytes.Clone(random), list...), sha1...), true, false},
		{"any order", Config{}, append(append(bytes.Clone(sha1), list...), random...), true, false},
		{"no HMAC-ALGO", Config{}, append(bytes.Clone(random), list...), false, false},
		{"no RANDOM", Config{}, append(bytes.Clone(list), sha1...), false, false},
		{"no algorithm of ours", Config{}, wire.AppendHMACAlgo(bytes.Clone(random), 2, 77), false, false},
		{"31 bytes", Config{}, append(wire.AppendRandom(nil, make([]byte, 31)), sha1...), false, true},
		{"33 bytes", Config{}, append(wire.AppendRandom(nil, make([]byte, 33)), sha1...), false, true},
		{"odd list", Config{}, wire.AppendParam(bytes.Clone(random), wire.ParamHMACAlgo, []byte{0, 1, 0}), false, true},
		{"too long", Config{}, append(bytes.Clone(random), wire.AppendParam(nil, wire.ParamHMACAlgo, make([]byte, 400))...), false, true},
		{"off", Config{NoAuth: true}, append(bytes.Clone(random), sha1...), false, false},
		{"required", Config{AuthChunks: []wire.ChunkType{wire.ChunkData}}, nil, false, true},
	} {
		x := newTester(t, tt.cfg)
		x.init.Params = tt.params
		answers := x.sendInit()
		if tt.abort {
			require.Contains(t, answers[0], "Protocol Violation", tt.name)
			continue
		}
		x.say(wire.AppendCookieEcho(nil, x.cookie()))
		z := x.p.z.assocs[0]
		require.Equal(t, tt.auth, z.ext.has(extAuth), tt.name)
		require.False(t, z.needsAuth(wire.ChunkInit))
		for prm := range wire.Params(x.ack.Params) {
			require.Falsef(t, prm.Type == wire.ParamRandom && !tt.auth, "%s: RANDOM only for who can", tt.name)
			require.NotEqual(t, wire.ParamUnrecognized, prm.Type, tt.name)
		}
	}
}

// With everything authenticated, setup, transfer, a change of keys, path
// failure and shutdown work as without.
func TestEverythingAuthenticated(t *testing.T) {
	cfg := Config{AuthChunks: everything(), AuthKeys: []AuthKey{{ID: 5, Secret: []byte("five")}}, AuthActiveKey: 5}
	p := newPair(t, cfg)
	sawAuth, bare := 0, 0
	check := func(d Datagram) bool {
		for c, err := range wire.Chunks(d.Data[wire.HeaderLen:]) {
			require.NoError(t, err)
			switch c.Type {
			case wire.ChunkAuth:
				sawAuth++
			case wire.ChunkInit, wire.ChunkInitAck, wire.ChunkShutdownComplete:
				bare++
			}
			break
		}
		require.LessOrEqual(t, len(d.Data), maxPacket(1500, d.Remote.Addr()))
		return true
	}
	p.a.filter, p.z.filter = check, check
	a, z := p.connect()
	require.Equal(t, 2, bare)
	sendN(t, p, a, 40, 3000)
	p.run(1e9)
	require.Len(t, p.z.msgs, 40)
	for _, x := range []*Association{a, z} {
		require.NoError(t, x.SetAuthKey(AuthKey{ID: 6, Secret: []byte("six")}))
	}
	require.NoError(t, a.ActivateAuthKey(6))
	require.EqualValues(t, 6, a.ActiveAuthKey())
	sendN(t, p, a, 10, 3000)
	p.run(1e9)
	require.Len(t, p.z.msgs, 50)
	require.Contains(t, p.z.events, EventAuthKey{ID: 6, Indication: AuthKeyNew})
	require.ErrorIs(t, a.DeleteAuthKey(5), ErrKeyInUse)
	require.ErrorIs(t, a.DeactivateAuthKey(6), ErrKeyInUse)
	require.NoError(t, a.DeactivateAuthKey(5))
	require.NoError(t, z.ActivateAuthKey(6))
	require.NoError(t, a.DeleteAuthKey(5))
	require.ErrorIs(t, a.ActivateAuthKey(5), ErrNoSuchKey)
	sendN(t, p, z, 5, 3000)
	p.run(1e9)
	require.Len(t, p.a.msgs, 5)
	require.Contains(t, p.a.events, EventAuthKey{ID: 5, Indication: AuthKeyFree})
	a.Shutdown(p.now)
	p.pump()
	require.Equal(t, StateClosed, a.State())
	require.NoError(t, a.Err())
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, z.Err())
	require.Equal(t, 3, bare)
	require.Zero(t, a.stats.AuthFailures+z.stats.AuthFailures+a.stats.Unauthenticated+z.stats.Unauthenticated)
}

// An ABORT that must be authenticated is.
func TestAbortIsAuthenticated(t *testing.T) {
	p := newPair(t, Config{AuthChunks: everything()})
	a, z := p.connect()
	a.Abort(p.now, "enough")
	p.pump()
	require.Equal(t, StateClosed, z.State())
	require.ErrorContains(t, z.Err(), "enough")
}

// Peers without the right key are not let in, if COOKIE ECHO is to be
// authenticated: RFC 4895, Section 6.3: "only associations from clients with a
// correct endpoint pair shared key are accepted".
func TestCookieEchoNeedsTheKey(t *testing.T) {
	key := []AuthKey{{ID: 1, Secret: []byte("secret")}}
	p := newPair(t, Config{AuthChunks: []wire.ChunkType{wire.ChunkCookieEcho}, AuthKeys: key, AuthActiveKey: 1, MaxInitRetransmits: 1})
	p.a.stack.cfg.AuthKeys = []AuthKey{{ID: 1, Secret: []byte("guess")}}
	require.NoError(t, p.z.stack.Listen(5000))
	a := p.dial()
	p.pump()
	p.run(60e9)
	require.Equal(t, StateClosed, a.State())
	require.Empty(t, p.z.assocs)
	require.NotZero(t, p.z.stack.stats.BadCookies)

	p.a.stack.cfg.AuthKeys = key
	a = p.dial()
	p.pump()
	require.Equal(t, StateEstablished, a.State())
}

// A restart changes the vectors, and so the keys, of both: RFC 4895, Section
// 6.3: "After this operation, both endpoints have to use the new association
// shared key."
func TestRestartWithAuthentication(t *testing.T) {
	p := newPair(t, Config{AuthChunks: []wire.ChunkType{wire.ChunkData, wire.ChunkSack}})
	require.NoError(t, p.z.stack.Listen(5000))
	dial := func() *Association {
		a, err := p.a.stack.Associate(p.now, AssociateParams{LocalPort: 7, Remote: addrs("10.0.0.2"), Port: 5000})
		require.NoError(t, err)
		p.a.assocs = append(p.a.assocs, a)
		p.pump()
		return a
	}
	dial()
	z := p.z.assocs[0]
	old := bytes.Clone(z.auth.peer)
	s, err := NewStack(p.a.stack.cfg, p.a.stack.rng)
	require.NoError(t, err)
	s.SetLocalAddrs(p.a.stack.local)
	p.a.stack, p.a.assocs = s, nil // boots anew
	a := dial()
	_, restarted := lastEvent[EventRestart](p.z.events)
	require.True(t, restarted)
	require.NotEqual(t, old, z.auth.peer)
	sendN(t, p, a, 3, 100)
	sendN(t, p, z, 3, 100)
	p.run(1e9)
	require.Len(t, p.z.msgs, 3)
	require.Len(t, p.a.msgs, 3)
}

// INIT collision: each side ends with the vectors of the association that
// survives.
func TestCollisionWithAuthentication(t *testing.T) {
	cfg := Config{AuthChunks: everything()}
	p := newPair(t, cfg)
	require.NoError(t, p.z.stack.Listen(5000))
	require.NoError(t, p.a.stack.Listen(5000))
	for e, to := range map[*endpoint]string{p.a: "10.0.0.2", p.z: "10.0.0.1"} { // in any order
		a, err := e.stack.Associate(p.now, AssociateParams{LocalPort: 5000, Remote: addrs(to), Port: 5000})
		require.NoError(t, err)
		e.assocs = append(e.assocs, a)
	}
	p.flush(p.a)
	p.flush(p.z)
	p.pump()
	p.run(10e9)
	a, z := p.a.assocs[0], p.z.assocs[0]
	require.Len(t, p.a.assocs, 1)
	require.Len(t, p.z.assocs, 1)
	require.Equal(t, StateEstablished, a.State())
	require.Equal(t, StateEstablished, z.State())
	require.Equal(t, a.auth.local, z.auth.peer)
	require.Equal(t, z.auth.local, a.auth.peer)
	sendN(t, p, a, 3, 100)
	sendN(t, p, z, 3, 100)
	p.run(1e9)
	require.Len(t, p.z.msgs, 3)
	require.Len(t, p.a.msgs, 3)
	require.Zero(t, a.stats.Unauthenticated+z.stats.Unauthenticated)
}

func TestAuthConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{AuthHMACs: []wire.HMACID{wire.HMACSHA256}}, "AuthHMACs"},
		{Config{AuthHMACs: []wire.HMACID{wire.HMACSHA1, 2}}, "AuthHMACs"},
		{Config{AuthChunks: []wire.ChunkType{wire.ChunkInit}}, "AuthChunks"},
		{Config{AuthKeys: []AuthKey{{ID: 1}, {ID: 1}}, AuthActiveKey: 1}, "AuthKeys"},
		{Config{AuthKeys: []AuthKey{{ID: 1}}}, "AuthActiveKey"},
		{Config{NoAuth: true, AuthKeys: []AuthKey{{}}}, "NoAuth"},
	} {
		_, err := tt.cfg.WithDefaults()
		require.ErrorContains(t, err, tt.want)
	}
	c, err := Config{AuthHMACs: []wire.HMACID{wire.HMACSHA1}}.WithDefaults()
	require.NoError(t, err)
	again, err := c.WithDefaults()
	require.NoError(t, err)
	require.Equal(t, c, again)
}

// An AUTH chunk costs no allocation.
func TestAuthAllocatesNothing(t *testing.T) {
	p := newPair(t, Config{AuthChunks: everything(), AuthHMACs: []wire.HMACID{wire.HMACSHA1}})
	a, z := p.connect()
	var buf [1500]byte
	packet := func() []byte {
		k := a.begin(a.primary, buf[:], a.peerTag)
		k.b = wire.AppendCookieAck(k.b)
		tr, _ := k.end()
		return buf[:tr.Len]
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		c, rest, err := wire.NextChunk(packet()[wire.HeaderLen:])
		if err != nil || !z.handleAuth(z.primary, c, rest) {
			panic("not authentic")
		}
	}))
}
