// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"crypto/sha1"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

func at(s int) time.Time { return time.Unix(1_000_000+int64(s), 0) }

// sent returns what a machine has to send.
func sent(m interface{ Poll() (Message, bool) }) (out []Message) {
	for msg, ok := m.Poll(); ok; msg, ok = m.Poll() {
		out = append(out, msg)
	}
	return out
}

func handled(t *testing.T, e *Element, now time.Time, m Message) ElementAction {
	t.Helper()
	a, err := e.HandleMessage(now, m)
	require.NoError(t, err)
	return a
}

// A session with an environment that must be uploaded, message by message.
func TestElement(t *testing.T) {
	environment := []byte("environment")
	hash := Hash(sha1.Sum(environment))
	e := NewElement(at(0), ElementConfig{Info: "host"})
	require.Equal(t, []Message{&Ready{Info: "host"}}, sent(e))
	require.Equal(t, at(30), e.Deadline())
	_, ok := e.Environment()
	require.False(t, ok)
	require.Equal(t, ElementAction{Do: LookUp, Hash: hash}, handled(t, e, at(1), &Environment{Hash: hash}))
	e.HandleLookup(false)
	require.Equal(t, []Message{&Environment{Hash: hash, UploadNeeded: true}}, sent(e))
	require.Equal(t, ElementAction{Do: StorePackage, Data: []byte("pack")}, handled(t, e, at(20), &Upload{Data: []byte("pack")}))
	require.Equal(t, at(50), e.Deadline())
	require.Zero(t, handled(t, e, at(21), &KeepAlive{}))
	require.Empty(t, sent(e), "RSPLIB's user does not expect it before it is told the status")
	require.Zero(t, handled(t, e, at(22), &Upload{}))
	require.Equal(t, ElementAction{Do: StoreEnvironment, Data: environment}, handled(t, e, at(23), &Upload{Data: environment}))
	require.Equal(t, ElementAction{Do: Run}, handled(t, e, at(24), &Upload{}))
	got, ok := e.Environment()
	require.True(t, ok)
	require.Equal(t, hash, got)
	require.Equal(t, []Message{&Status{}, &KeepAliveAck{}}, sent(e))
	require.Equal(t, at(39), e.Deadline())
	require.NoError(t, e.HandleTimer(at(38)))
	require.Empty(t, sent(e))
	require.NoError(t, e.HandleTimer(at(39)))
	require.Equal(t, []Message{&KeepAlive{}}, sent(e))
	require.Equal(t, at(49), e.Deadline())
	require.Zero(t, handled(t, e, at(40), &KeepAliveAck{Bare: true}))
	require.Equal(t, at(55), e.Deadline())
	require.Zero(t, handled(t, e, at(41), &KeepAlive{}))
	require.Equal(t, []Message{&KeepAliveAck{}}, sent(e))
	e.HandleExit(7)
	require.Equal(t, []Message{&Status{Status: 7}}, sent(e))
	require.True(t, e.Deadline().IsZero())
	require.NoError(t, e.HandleTimer(at(1000)))
	require.Zero(t, handled(t, e, at(41), &KeepAliveAck{}))
	require.Zero(t, handled(t, e, at(41), &KeepAlive{}))
	require.Equal(t, []Message{&KeepAliveAck{}}, sent(e))
}

func TestElementWithoutEnvironment(t *testing.T) {
	e := NewElement(at(0), ElementConfig{})
	require.Equal(t, ElementAction{Do: Run}, handled(t, e, at(0), &Upload{}))
	e = NewElement(at(0), ElementConfig{})
	handled(t, e, at(0), &Environment{Hash: someHash})
	e.HandleLookup(true)
	require.Equal(t, []Message{&Ready{}, &Environment{Hash: someHash}}, sent(e))
	require.Equal(t, ElementAction{Do: Run}, handled(t, e, at(0), &Upload{}))
}

func TestElementTimeouts(t *testing.T) {
	e := NewElement(at(0), ElementConfig{TransmitTimeout: time.Second, KeepAliveInterval: time.Second, KeepAliveTimeout: 2 * time.Second})
	require.NoError(t, e.HandleTimer(at(0)))
	require.ErrorIs(t, e.HandleTimer(at(1)), ErrUploadTimeout)
	handled(t, e, at(0), &Upload{})
	require.NoError(t, e.HandleTimer(at(1)))
	require.NoError(t, e.HandleTimer(at(2)))
	require.ErrorIs(t, e.HandleTimer(at(3)), ErrKeepAliveTimeout)
}

func TestElementRefuses(t *testing.T) {
	cfg := ElementConfig{MaxPackage: 5, MaxEnvironment: 3}
	for _, c := range []struct {
		msgs []Message
		want string
	}{
		{[]Message{&Ready{}}, "ready, which is out of place"},
		{[]Message{&NotReady{}}, "not-ready, which is out of place"},
		{[]Message{&Download{}}, "download, which is out of place"},
		{[]Message{&Status{}}, "status, which is out of place"},
		{[]Message{&KeepAliveAck{}}, "keep-alive ack, which is out of place"},
		{[]Message{&Upload{}, &Upload{}}, "upload, which is out of place"},
		{[]Message{&Upload{}, &Environment{}}, "environment, which is out of place"},
		{[]Message{&Environment{}, &Environment{}}, "environment, which is out of place"},
		{[]Message{&Upload{Data: []byte("123")}, &Upload{Data: []byte("456")}}, "the work package has more than 5 bytes"},
		{[]Message{&Environment{}, &Upload{}, &Upload{Data: []byte("1234")}}, "the environment has more than 3 bytes"},
		{[]Message{&Environment{}, &Upload{}, &Upload{Data: []byte("123")}, &Upload{}},
			"the environment has SHA-1 40bd001563085fc35165329ea1ff5c5ecbdbbeef, but 0000000000000000000000000000000000000000 was asked for"},
	} {
		e := NewElement(at(0), cfg)
		var err error
		for _, m := range c.msgs {
			require.NoError(t, err)
			var a ElementAction
			a, err = e.HandleMessage(at(0), m)
			if a.Do == LookUp {
				e.HandleLookup(false)
			}
		}
		require.EqualError(t, err, "scripting: "+c.want)
	}
	for _, bad := range []ElementConfig{{Info: string(make([]byte, 65))}, {TransmitTimeout: -1}, {MaxPackage: -1}} {
		require.ErrorContains(t, bad.Validate(), "scripting: ")
	}
	require.NoError(t, cfg.Validate())
}

func did(t *testing.T, u *User, now time.Time, m Message) UserAction {
	t.Helper()
	a, err := u.HandleMessage(now, m)
	require.NoError(t, err)
	return a
}

func TestUser(t *testing.T) {
	u := NewUser(at(0), UserConfig{Environment: &someHash, ReplyTimeout: time.Minute})
	require.Equal(t, at(60), u.Deadline())
	require.Equal(t, UserAction{Do: UploadPackage}, did(t, u, at(1), &Ready{Info: "host"}))
	require.Equal(t, "host", u.Info())
	require.Equal(t, []Message{&Environment{Hash: someHash}}, sent(u))
	u.HandleUploaded(at(2))
	require.Equal(t, at(62), u.Deadline())
	require.Equal(t, UserAction{Do: UploadEnvironment}, did(t, u, at(3), &Environment{Hash: someHash, UploadNeeded: true}))
	u.HandleUploaded(at(4))
	_, exited := u.Exited()
	require.False(t, exited)
	require.Equal(t, UserAction{Do: Started}, did(t, u, at(5), &Status{}))
	require.Equal(t, at(15), u.Deadline())
	require.NoError(t, u.HandleTimer(at(14)))
	require.NoError(t, u.HandleTimer(at(15)))
	require.Zero(t, did(t, u, at(16), &KeepAlive{}))
	require.Equal(t, []Message{&KeepAlive{}, &KeepAliveAck{Bare: true}}, sent(u))
	require.Zero(t, did(t, u, at(17), &KeepAliveAck{}))
	require.Equal(t, at(27), u.Deadline())
	require.Equal(t, UserAction{Do: Exited}, did(t, u, at(18), &Status{Status: 3}))
	require.Zero(t, did(t, u, at(18), &KeepAliveAck{}))
	require.Equal(t, UserAction{Do: StoreOutput, Data: []byte("out")}, did(t, u, at(19), &Download{Data: []byte("out")}))
	require.Equal(t, UserAction{Do: Done}, did(t, u, at(20), &Download{}))
	status, exited := u.Exited()
	require.True(t, exited)
	require.EqualValues(t, 3, status)
	require.EqualValues(t, 3, u.Size())
	require.True(t, u.Deadline().IsZero())
}

func TestUserRefuses(t *testing.T) {
	running := []Message{&Ready{}, &Status{}}
	for _, c := range []struct {
		environment *Hash
		msgs        []Message
		want        string
	}{
		{nil, []Message{&Status{}}, "status, which is out of place"},
		{nil, []Message{&Download{}}, "download, which is out of place"},
		{nil, []Message{&Upload{}}, "upload, which is out of place"},
		{nil, []Message{&KeepAliveAck{}}, "keep-alive ack, which is out of place"},
		{nil, []Message{&Ready{}, &Ready{}}, "ready, which is out of place"},
		{nil, []Message{&Ready{}, &NotReady{}}, "not-ready, which is out of place"},
		{nil, []Message{&Ready{}, &Environment{}}, "environment, which is out of place"},
		{nil, []Message{&Ready{}, &Status{Status: 1}}, "the element does not run the script: status 1"},
		{&someHash, []Message{&Ready{}, &Environment{}}, "environment, which is out of place"},
		{&someHash, []Message{&Ready{}, &Status{}}, "status, which is out of place"},
		{nil, append(running, &Download{}), "download, which is out of place"},
		{nil, append(running, &Status{}, &Status{}), "status, which is out of place"},
		{nil, append(running, &Status{}, &Download{Data: []byte("123456")}), "the output has more than 5 bytes"},
		{nil, append(running, &Status{}, &Download{}, &Download{}), "download, which is out of place"},
		{nil, []Message{&NotReady{Reason: FullyLoaded, Info: "x\n"}}, `the element "x\n" is not ready: fully loaded`},
	} {
		u := NewUser(at(0), UserConfig{Environment: c.environment, MaxOutput: 5})
		var err error
		for _, m := range c.msgs {
			require.NoError(t, err)
			_, err = u.HandleMessage(at(0), m)
		}
		require.EqualError(t, err, "scripting: "+c.want)
	}
	require.ErrorContains(t, (&UserConfig{MaxOutput: -1}).Validate(), "negative")
	require.NoError(t, (&UserConfig{}).Validate())
	u := NewUser(at(0), UserConfig{})
	require.ErrorIs(t, u.HandleTimer(at(60)), ErrSilent)
	did(t, u, at(0), &Ready{})
	did(t, u, at(0), &Status{})
	require.NoError(t, u.HandleTimer(at(10)))
	require.ErrorIs(t, u.HandleTimer(at(20)), ErrSilent)
}

// Both sides together, and either side with messages at random: no panic, and what there is to send is bounded by what came.
func TestMachinesAtRandom(t *testing.T) {
	all := []Message{&NotReady{}, &Ready{}, &Upload{}, &Upload{Data: []byte("x")}, &Download{}, &Download{Data: []byte("x")}, &KeepAlive{},
		&KeepAliveAck{}, &Status{}, &Status{Status: 1}, &Environment{}, &Environment{UploadNeeded: true}}
	for i := range uint64(2000) {
		r := rand.New(rand.NewPCG(*seed, i))
		e, u := NewElement(at(0), ElementConfig{}), NewUser(at(0), UserConfig{Environment: &Hash{}})
		for n := range 20 {
			m := all[r.IntN(len(all))]
			if a, err := e.HandleMessage(at(n), m); err == nil && a.Do == LookUp {
				e.HandleLookup(r.IntN(2) == 0)
			}
			u.HandleMessage(at(n), m)
			require.LessOrEqual(t, len(sent(e)), 3)
			require.LessOrEqual(t, len(sent(u)), 2)
			if r.IntN(3) == 0 {
				e.HandleTimer(at(100 * n))
				u.HandleTimer(at(100 * n))
			}
		}
	}
}
