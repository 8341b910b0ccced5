// SPDX-License-Identifier: Apache-2.0

package calcapp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }

// sent returns the types of what a User has to send.
func sent(u *User) (types []Type) {
	for m, ok := u.Poll(); ok; m, ok = u.Poll() {
		types = append(types, m.Type)
	}
	return types
}

func TestUser(t *testing.T) {
	u := NewUser(UserConfig{}, 7, 100)
	require.True(t, u.Deadline().IsZero())
	require.False(t, u.Asked())
	u.Request(at(0), false)
	require.Equal(t, []Type{Request}, sent(u))
	require.Equal(t, at(5), u.Deadline())
	require.NoError(t, u.HandleMessage(at(2), Message{Type: Accept, JobID: 7}))
	require.NoError(t, u.HandleMessage(at(3), Message{Type: KeepAlive, JobID: 7}))
	require.Equal(t, []Type{KeepAliveAck}, sent(u))
	require.NoError(t, u.HandleTimer(at(6)))
	require.Empty(t, sent(u), "not yet")
	require.NoError(t, u.HandleTimer(at(7)))
	require.Equal(t, []Type{KeepAlive}, sent(u))
	require.NoError(t, u.HandleMessage(at(8), Message{Type: KeepAliveAck, JobID: 7}))
	require.Equal(t, at(13), u.Deadline())
	require.NoError(t, u.HandleMessage(at(9), Message{Type: Complete, JobID: 7, JobSize: 100, Completed: 100}))
	require.True(t, u.Done())
	require.Equal(t, Times{Requested: at(0), Accepted: at(2), Completed: at(9)}, u.Times())
	require.Equal(t, 2*time.Second, u.Times().Startup())
	require.Equal(t, 7*time.Second, u.Times().Processing())
	require.NoError(t, u.HandleMessage(at(10), Message{Type: KeepAlive, JobID: 7}))
	require.NoError(t, u.HandleTimer(at(100)))
	u.Request(at(100), false)
	u.Cancel()
	u.Leave()
	require.Empty(t, sent(u))
	require.True(t, u.Done())
}

// Elements that are silent, full, or have lost the job are left; the times go on.
func TestUserGoesOn(t *testing.T) {
	u := NewUser(UserConfig{KeepAliveInterval: time.Second, KeepAliveTimeout: time.Second}, 7, 100)
	u.Request(at(0), false)
	require.NoError(t, u.HandleTimer(at(0)))
	require.ErrorIs(t, u.HandleTimer(at(1)), ErrSilent)
	require.False(t, u.Asked())
	require.NoError(t, u.HandleTimer(at(2)))
	require.NoError(t, u.HandleMessage(at(2), Message{Type: Accept, JobID: 7}), "by the element that is left")
	u.Request(at(2), false)
	require.ErrorIs(t, u.HandleMessage(at(2), Message{Type: Reject, JobID: 7}), ErrRejected)
	require.Empty(t, sent(u))
	u.Request(at(3), false)
	require.NoError(t, u.HandleMessage(at(3), Message{Type: Accept, JobID: 7}))
	require.ErrorIs(t, u.HandleMessage(at(4), Message{Type: Abort, JobID: 7}), ErrDropped)
	u.Request(at(5), true)
	require.Equal(t, []Type{KeepAlive}, sent(u), "the cookie asks for it")
	require.NoError(t, u.HandleMessage(at(5), Message{Type: Accept, JobID: 7}))
	require.NoError(t, u.HandleTimer(at(6)))
	require.Equal(t, []Type{KeepAlive}, sent(u))
	require.ErrorIs(t, u.HandleTimer(at(7)), ErrSilent)
	u.Request(at(8), true)
	u.Leave()
	u.Request(at(9), true)
	require.NoError(t, u.HandleMessage(at(10), Message{Type: Accept, JobID: 7}))
	require.Equal(t, Times{Requested: at(0), Accepted: at(10)}, u.Times())
	u.Cancel()
	require.Equal(t, []Type{Abort}, sent(u))
	require.False(t, u.Asked())
}

func TestUserRefuses(t *testing.T) {
	for _, c := range []struct {
		accepted bool
		msg      Message
		want     string
	}{
		{false, Message{Type: Accept, JobID: 8}, "accept of job 8, but 7 was requested"},
		{false, Message{Type: Complete, JobID: 7, JobSize: 100, Completed: 100}, "complete of job 7 before it was accepted"},
		{false, Message{Type: KeepAliveAck, JobID: 7}, "keep-alive ack of job 7 before it was accepted"},
		{true, Message{Type: Complete, JobID: 7, JobSize: 101, Completed: 100}, "complete with 100 calculations of 101, but 100 were requested"},
		{true, Message{Type: Complete, JobID: 7, JobSize: 100, Completed: 99}, "complete with 99 calculations of 100, but 100 were requested"},
		{true, Message{Type: Request, JobID: 7}, "request 7, which is not for a pool user"},
		{true, Message{Type: Reject, JobID: 7}, "reject 7, which is not for a pool user"},
	} {
		u := NewUser(UserConfig{}, 7, 100)
		u.Request(at(0), false)
		if c.accepted {
			require.NoError(t, u.HandleMessage(at(0), Message{Type: Accept, JobID: 7}))
		}
		require.EqualError(t, u.HandleMessage(at(0), c.msg), "calcapp: "+c.want)
		require.False(t, u.Asked())
	}
}
