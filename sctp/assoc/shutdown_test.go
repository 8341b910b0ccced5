// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/wire"
)

// gracefully checks that both sides have forgotten the association in peace.
func gracefully(t *testing.T, p *pair) {
	t.Helper()
	for _, e := range []*endpoint{p.a, p.z} {
		for _, x := range e.assocs {
			require.Equal(t, StateClosed, x.State())
			require.NoError(t, x.Err())
			_, armed := x.Deadline()
			require.False(t, armed)
		}
		require.Empty(t, e.stack.byTag)
		require.Empty(t, e.stack.byPeer)
	}
}

// RFC 9260, Section 9.2: every chunk of the shutdown may be lost.
func TestShutdownSurvivesLoss(t *testing.T) {
	for _, lost := range []wire.ChunkType{wire.ChunkShutdown, wire.ChunkShutdownAck, wire.ChunkShutdownComplete} {
		t.Run(lost.String(), func(t *testing.T) {
			p := newPair(t, Config{})
			a, _ := p.connect()
			tr := newTranscript(p)
			p.a.filter, p.z.filter = dropChunk(lost, 1), dropChunk(lost, 1)
			a.Shutdown(p.now)
			p.pump()
			p.run(10 * time.Second)
			gracefully(t, p)
			tr.check(t)
		})
	}
}

// "If an endpoint is in the SHUTDOWN-SENT state and receives a SHUTDOWN chunk
// from its peer, the endpoint SHOULD respond immediately with a SHUTDOWN ACK
// chunk" RFC 9260, Section 9.2.
func TestBothShutDown(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	tr := newTranscript(p)
	a.Shutdown(p.now)
	z.Shutdown(p.now)
	p.pump()
	p.run(time.Second)
	gracefully(t, p)
	tr.check(t)
}

// "the endpoint enters the SHUTDOWN-PENDING state and remains there until all
// outstanding data has been acknowledged by its peer" RFC 9260, Section 9.2, and the peer sends what it has before it answers.
func TestShutdownDeliversWhatIsQueued(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	sendN(t, p, a, 100, 2000)
	sendN(t, p, z, 100, 2000)
	p.flush(p.z) // data of Z is on its way
	a.Shutdown(p.now)
	require.ErrorIs(t, a.Send(p.now, Message{Data: []byte("late")}), ErrShutdown)
	p.pump()
	p.run(10 * time.Second)
	checkN(t, p.z, 100, 2000)
	checkN(t, p.a, 100, 2000)
	gracefully(t, p)
	_, ok := lastEvent[EventPeerShutdown](p.z.events)
	require.True(t, ok)
}

// "the SHUTDOWN chunk sender MUST immediately respond to each received packet
// containing one or more DATA chunks with a SHUTDOWN chunk ... If a SHUTDOWN
// chunk by itself cannot acknowledge all of the received DATA chunks ... then
// a SACK chunk MUST also be sent."
func TestDataInShutdownSent(t *testing.T) {
	p := newPair(t, Config{})
	_, z := p.connect()
	z.Shutdown(p.now)
	p.z.filter = func(Datagram) bool { return false }
	p.flush(p.z)
	require.Equal(t, StateShutdownSent, z.State())
	require.Equal(t, []string{"SHUTDOWN"}, firstWords(p.inject(p.z, z, data(z, 1, whole))))
	answers := p.inject(p.z, z, data(z, 2, whole))
	require.Len(t, answers, 1)
	require.Regexp(t, `^SACK .*gaps=\[2-2\].*; SHUTDOWN cum`, answers[0])
}

func firstWords(s []string) (out []string) {
	for _, x := range s {
		for i := range x {
			if x[i] == ' ' {
				x = x[:i]
				break
			}
		}
		out = append(out, x)
	}
	return out
}

// "At the expiration of this timer, the sender SHOULD abort the association by
// sending an ABORT chunk." RFC 9260, Section 9.2, on T5-shutdown-guard.
func TestShutdownGuard(t *testing.T) {
	p := newPair(t, Config{RTOMax: 2 * time.Second})
	_, z := p.connect()
	z.Shutdown(p.now)
	p.z.filter = func(Datagram) bool { return false }
	p.flush(p.z)
	var last string
	for i := uint32(1); z.State() != StateClosed; i++ {
		require.Less(t, i, uint32(100))
		p.z.filter = func(d Datagram) bool { last = dump(d.Data); return false }
		p.run(900 * time.Millisecond)
		if z.State() != StateClosed {
			p.inject(p.z, z, data(z, 1, whole)) // a peer that never stops sending
		}
	}
	require.Equal(t, 10*time.Second, p.now.Sub(start).Truncate(time.Second))
	require.Contains(t, last, "ABORT")
}

func TestShutdownGivesUp(t *testing.T) {
	p := newPair(t, Config{AssociationMaxRetrans: 3, RTOMax: 4 * time.Second})
	a, _ := p.connect()
	a.Shutdown(p.now)
	n := 0
	p.a.filter = func(d Datagram) bool {
		n += strings.Count(dump(d.Data), "SHUTDOWN")
		return false
	}
	p.pump()
	p.run(time.Minute)
	require.Equal(t, 4, n, "SHUTDOWN and Association.Max.Retrans repetitions")
	require.Error(t, a.Err())
}

func TestShutdownBeforeEstablished(t *testing.T) {
	p := newPair(t, Config{})
	require.NoError(t, p.z.stack.Listen(5000))
	a := p.dial()
	require.NoError(t, a.Send(p.now, Message{Data: []byte("in time")}))
	a.Shutdown(p.now)
	p.pump()
	p.run(time.Second)
	require.Len(t, p.z.msgs, 1)
	gracefully(t, p)
}

// "If the association is aborted on request of the upper layer, a
// 'User-Initiated Abort' error cause ... SHOULD be present in the ABORT chunk"
// RFC 9260, Section 9.1.
func TestAbort(t *testing.T) {
	p := newPair(t, Config{})
	a, z := p.connect()
	sendN(t, p, a, 1, 10)
	a.Abort(p.now, "enough")
	var sent []string
	p.a.filter = func(d Datagram) bool { sent = append(sent, dump(d.Data)); return true }
	p.pump()
	require.Len(t, sent, 1)
	require.Regexp(t, "^ABORT", sent[0])
	require.NotContains(t, sent[0], "DATA")
	require.Equal(t, StateClosed, z.State())
	require.EqualError(t, z.Err(), "sctp: association aborted by peer: User-Initiated Abort: enough")
	require.EqualError(t, a.Err(), "sctp: association aborted: User-Initiated Abort: enough")
	require.ErrorIs(t, a.Send(p.now, Message{Data: []byte("x")}), a.Err())
}

// RFC 9260, Section 8.5.1, B: "The receiver of an ABORT chunk MUST accept the
// packet if the Verification Tag field of the packet matches its own tag and
// the T bit is not set OR if it is set to its Peer's Tag and the T bit is set".
func TestAbortTags(t *testing.T) {
	for _, tt := range []struct {
		name      string
		tag       func(z *Association) uint32
		reflected bool
		accepted  bool
	}{
		{"own tag", func(z *Association) uint32 { return z.myTag }, false, true},
		{"own tag, T", func(z *Association) uint32 { return z.myTag }, true, false},
		{"peer's tag, T", func(z *Association) uint32 { return z.peerTag }, true, true},
		{"peer's tag", func(z *Association) uint32 { return z.peerTag }, false, false},
		{"neither", func(z *Association) uint32 { return z.myTag ^ z.peerTag }, false, false},
		{"neither, T", func(z *Association) uint32 { return z.myTag ^ z.peerTag }, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			_, z := p.connect()
			answers := p.injectRaw(p.z, p.packetTo(p.z, z, tt.tag(z), wire.AppendAbort(nil, tt.reflected, nil)))
			require.Empty(t, answers, "an ABORT is never answered")
			require.Equal(t, tt.accepted, z.State() == StateClosed)
		})
	}
}

// RFC 9260, Section 8.4, rule by rule.
func TestOutOfTheBlue(t *testing.T) {
	first := func(c ...[]byte) (b []byte) {
		for _, x := range c {
			b = append(b, x...)
		}
		return b
	}
	d := wire.Data{Flags: whole, Payload: []byte("x")}
	for _, tt := range []struct {
		name   string
		chunks []byte
		tag    uint32
		want   string
	}{
		{"2: ABORT", first(d.Append(nil), wire.AppendAbort(nil, false, nil)), 7, ""},
		{"4: COOKIE ECHO, forged", wire.AppendCookieEcho(nil, make([]byte, 100)), 7, ""},
		{"5: SHUTDOWN ACK", wire.AppendShutdownAck(nil), 7, "SHUTDOWN COMPLETE T"},
		{"6: SHUTDOWN COMPLETE", wire.AppendShutdownComplete(nil, false), 7, ""},
		{"7: COOKIE ACK", wire.AppendCookieAck(nil), 7, ""},
		{"7: stale cookie", wire.AppendError(nil, wire.AppendStaleCookie(nil, 1)), 7, ""},
		{"8: DATA", d.Append(nil), 7, "ABORT T"},
		{"8: HEARTBEAT", wire.AppendHeartbeat(nil, wire.ChunkHeartbeat, []byte("hb")), 7, "ABORT T"},
		{"8: other ERROR", wire.AppendError(nil, wire.AppendProtocolViolation(nil, "")), 7, "ABORT T"},
		{"tag 0 without INIT", d.Append(nil), 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPair(t, Config{})
			h := wire.Header{SrcPort: 1, DstPort: 5000, Tag: tt.tag}
			b := append(h.Append(nil), tt.chunks...)
			wire.SetChecksum(b)
			dg := Datagram{Local: addrs("10.0.0.2")[0], Remote: addrs("10.0.0.1")[0], Data: b}
			a, _ := p.z.stack.Route(p.now, dg)
			require.Nil(t, a)
			var buf [1500]byte
			tx, ok := p.z.stack.PollReply(buf[:])
			require.Equal(t, tt.want != "", ok)
			if ok {
				require.Equal(t, tt.want, dump(buf[:tx.Len]))
				hd, err := wire.ParseHeader(buf[:tx.Len])
				require.NoError(t, err)
				require.EqualValues(t, 7, hd.Tag, "reflected")
				require.EqualValues(t, 1, hd.DstPort)
			}
			b[len(b)-1] ^= 1
			p.z.stack.Route(p.now, dg)
			require.EqualValues(t, 1, p.z.stack.Stats().BadChecksum)
			_, ok = p.z.stack.PollReply(buf[:])
			require.False(t, ok, "a bad checksum is never answered")
		})
	}
}
