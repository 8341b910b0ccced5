// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// reborn replaces A by a new stack with the same addresses.
func (p *pair) reborn(cfg Config, local ...string) {
	s, err := NewStack(cfg, rand.New(rand.NewPCG(99, 1)))
	require.NoError(p.t, err)
	s.SetLocalAddrs(addrs(local...))
	p.a.stack, p.a.assocs, p.a.inbox, p.a.msgs = s, nil, nil, nil
}

func (p *pair) dialFrom(e *endpoint, localPort uint16, remote string, port uint16) *Association {
	a, err := e.stack.Associate(p.now, AssociateParams{LocalPort: localPort, Remote: addrs(remote), Port: port})
	require.NoError(p.t, err)
	e.assocs = append(e.assocs, a)
	return a
}

// RFC 9260, Section 5.2.4, action A: "the peer might have restarted".
func TestPeerRestart(t *testing.T) {
	p := newPair(t, Config{})
	tr := newTranscript(p)
	require.NoError(t, p.z.stack.Listen(5000))
	p.dialFrom(p.a, 4000, "10.0.0.2", 5000)
	p.pump()
	z := p.z.assocs[0]
	p.a.filter = func(Datagram) bool { return false }
	require.NoError(t, z.Send(p.now, Message{Data: []byte("to the dead")}))
	tr.note("A crashes, Z sends into the void")
	p.pump()
	p.a.filter = nil
	tr.note("A is back, with the same ports")
	p.reborn(Config{}, "10.0.0.1", "10.1.0.1")
	a := p.dialFrom(p.a, 4000, "10.0.0.2", 5000)
	p.pump()
	require.Equal(t, StateEstablished, a.State())
	require.Len(t, p.z.assocs, 1, "the association of Z is the old one")
	require.Equal(t, uint64(1), z.Stats().Restarts)
	_, restarted := lastEvent[EventRestart](p.z.events)
	require.True(t, restarted)
	f, ok := lastEvent[EventSendFailed](p.z.events)
	require.True(t, ok)
	require.Equal(t, "to the dead", string(f.Message.Data))
	require.NoError(t, a.Send(p.now, Message{Data: []byte("hello again")}))
	require.NoError(t, z.Send(p.now, Message{Data: []byte("welcome back")}))
	p.pump()
	require.Len(t, p.z.msgs, 1)
	require.Len(t, p.a.msgs, 1)
	tr.check(t)
}

// "If new addresses are added to the association, the endpoint MUST respond
// with an ABORT chunk ... the existing association, including its current
// state, and the corresponding TCB MUST NOT be changed." RFC 9260, Section
// 5.2.2.
func TestRestartMayNotAddAddresses(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	p.dialFrom(p.a, 4000, "10.0.0.2", 5000)
	p.pump()
	z := p.z.assocs[0]
	p.reborn(Config{}, "10.0.0.1", "10.1.0.1", "10.9.0.1")
	a := p.dialFrom(p.a, 4000, "10.0.0.2", 5000)
	p.pump()
	require.Equal(t, StateClosed, a.State())
	require.ErrorContains(t, a.Err(), "Restart of an Association with New Addresses")
	require.Equal(t, StateEstablished, z.State())
	require.Zero(t, z.Stats().Restarts)
}

// RFC 9260, Section 5.2.1: "an initialization collision, i.e., each endpoint
// is attempting, at about the same time, to establish an association with the
// other endpoint": one association results.
func TestInitCollision(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose wire.ChunkType
		of   string
	}{
		{name: "plain"},
		{"INIT of A lost", wire.ChunkInit, "a"},
		{"INIT ACK of A lost", wire.ChunkInitAck, "a"},
		{"COOKIE ECHO of Z lost", wire.ChunkCookieEcho, "z"},
		{"COOKIE ACK of A lost", wire.ChunkCookieAck, "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			tr := newTranscript(p)
			switch tt.of {
			case "a":
				p.a.filter = dropChunk(tt.lose, 1)
			case "z":
				p.z.filter = dropChunk(tt.lose, 1)
			}
			a := p.dialFrom(p.a, 4000, "10.0.0.2", 5000)
			z := p.dialFrom(p.z, 5000, "10.0.0.1", 4000)
			p.pump()
			p.run(5 * time.Second)
			require.Equal(t, StateEstablished, a.State())
			require.Equal(t, StateEstablished, z.State())
			require.Equal(t, a.myTag, z.peerTag)
			require.Equal(t, z.myTag, a.peerTag)
			require.Len(t, p.a.assocs, 1)
			require.Len(t, p.z.assocs, 1)
			require.NoError(t, a.Send(p.now, Message{Data: []byte("1")}))
			require.NoError(t, z.Send(p.now, Message{Data: []byte("2")}))
			p.pump()
			require.Len(t, p.a.msgs, 1)
			require.Len(t, p.z.msgs, 1)
			tr.check(t)
		})
	}
}

// RFC 9260, Section 5.2.4, Table 12, row by row, on an established
// association.
func TestCookieEchoWithTCB(t *testing.T) {
	const x = 0xdead
	for _, tt := range []struct {
		name   string
		cookie func(z *Association, c *stateCookie)
		want   string // what Z answers
		state  State
	}{
		{"A: X X M M", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag, c.localTie, c.remoteTie = x, x, z.myTag, z.peerTag
		}, "COOKIE ACK", StateEstablished},
		{"B: M X A A", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag = z.myTag, x
		}, "COOKIE ACK", StateEstablished},
		{"C: X M 0 0", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag = x, z.peerTag
		}, "", StateEstablished},
		{"D: M M A A", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag = z.myTag, z.peerTag
		}, "COOKIE ACK", StateEstablished},
		{"none: X X with foreign Tie-Tags", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag, c.localTie, c.remoteTie = x, x, x, z.peerTag
		}, "", StateEstablished},
		{"none: X X 0 0", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag = x, x
		}, "", StateEstablished},
		// "If the State Cookie is older than the lifespan carried in the State Cookie
		// and the Verification Tags contained in the State Cookie do not match ...,
		// The endpoint also MUST transmit an ERROR chunk".
		{"stale, tags differ", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag, c.expires = x, x, start.Add(-time.Second)
		}, "Stale Cookie", StateEstablished},
		// "consider the State Cookie valid (this is case E in Section 5.2), even if
		// the lifespan is exceeded."
		{"stale, tags match", func(z *Association, c *stateCookie) {
			c.localTag, c.remoteTag, c.expires = z.myTag, z.peerTag, start.Add(-time.Second)
		}, "COOKIE ACK", StateEstablished},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			_, z := p.connect()
			c := &stateCookie{
				created: p.now, expires: p.now.Add(time.Minute), local: z.paths[0].local, remote: z.paths[0].remote,
				localPort: z.localPort, remotePort: z.remotePort, arwnd: 65536, outbound: 1, inbound: 1,
			}
			tt.cookie(z, c)
			before := *z
			echo := wire.AppendCookieEcho(nil, z.jar.seal(c, z.rng))
			answers := p.injectRaw(p.z, p.packetTo(p.z, z, c.localTag, echo))
			if tt.want == "" {
				require.Empty(t, answers)
				require.Equal(t, before.myTag, z.myTag)
				require.Equal(t, before.peerTag, z.peerTag)
			} else {
				require.NotEmpty(t, answers)
				require.Contains(t, answers[0], tt.want)
			}
			require.Equal(t, tt.state, z.State())
		})
	}
}

// A peer restarts while this side shuts down: the new association is shut down
// as well, since the user sends nothing more.
func TestRestartWhileShutdownIsWanted(t *testing.T) {
	for _, state := range []State{StateShutdownPending, StateShutdownSent} {
		t.Run(state.String(), func(t *testing.T) {
			x := newTester(t, Config{})
			z := x.connect()
			if state == StateShutdownPending {
				x.user(z, 1, 10)
			}
			z.Shutdown(x.p.now)
			x.p.flush(x.p.z)
			require.Equal(t, state, z.State())
			x.init.InitiateTag = 0x2222
			x.sendInit()
			answers := x.say(wire.AppendCookieEcho(nil, x.cookie()))
			require.Len(t, answers, 1)
			require.Equal(t, "COOKIE ACK; SHUTDOWN cum=999", answers[0])
			require.EqualValues(t, 0x2222, x.tagHeard())
			require.Equal(t, []string{"SHUTDOWN COMPLETE"}, x.say(wire.AppendShutdownAck(nil)))
			require.NoError(t, z.Err())
		})
	}
}

// "If the endpoint is in the SHUTDOWN-ACK-SENT state and recognizes that the
// peer has restarted (Action A), it MUST NOT set up a new association but
// instead resend the SHUTDOWN ACK chunk and send an ERROR chunk with a 'Cookie
// Received While Shutting Down' error cause" RFC 9260, Section 5.2.4.
func TestRestartWhileShuttingDown(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	p.a.filter = dropChunk(wire.ChunkShutdownComplete, 1)
	a.Shutdown(p.now)
	p.pump()
	require.Equal(t, StateShutdownAckSent, z.State())
	c := &stateCookie{
		created: p.now, expires: p.now.Add(time.Minute), local: z.paths[0].local, remote: z.paths[0].remote,
		localPort: z.localPort, remotePort: z.remotePort, localTag: 1, remoteTag: 2, localTie: z.myTag, remoteTie: z.peerTag,
		arwnd: 65536, outbound: 1, inbound: 1,
	}
	answers := p.injectRaw(p.z, p.packetTo(p.z, z, 1, wire.AppendCookieEcho(nil, z.jar.seal(c, z.rng))))
	require.Len(t, answers, 2)
	require.Contains(t, answers[0], "Cookie Received While Shutting Down")
	require.Contains(t, answers[1], "SHUTDOWN ACK")
	require.Equal(t, StateShutdownAckSent, z.State())

	// Section 9.2: an INIT there is answered by the SHUTDOWN ACK, too.
	init := wire.Init{InitiateTag: 5, ARwnd: 65536, OutboundStreams: 1, InboundStreams: 1}
	answers = p.injectRaw(p.z, p.packetTo(p.z, z, 0, init.Append(nil, wire.ChunkInit)))
	require.Equal(t, []string{"SHUTDOWN ACK"}, answers)
	p.run(3 * time.Second) // A answers the SHUTDOWN ACK out of the blue
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, z.Err())
}

// A COOKIE ECHO which the network has doubled, and which comes after the
// association has ended, does not set it up again.
func TestCookieIsUsedOnce(t *testing.T) {
	p := newPair(t, Config{})
	var echo Datagram
	p.a.filter = func(d Datagram) bool {
		if strings.Contains(dump(d.Data), "COOKIE ECHO") {
			echo = d
			echo.Data = bytes.Clone(d.Data)
		}
		return true
	}
	a, z := p.connect()
	a.Abort(p.now, "")
	p.pump()
	require.Equal(t, StateClosed, z.State())
	again, isNew := p.z.stack.Route(p.now, echo)
	require.Nil(t, again)
	require.False(t, isNew)
}
