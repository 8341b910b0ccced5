// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/calcapp"
)

// calculate is Wait over failovers, which it returns.
func calculate(t *testing.T, ctx context.Context, c *Calculator) (Calculation, []*pool.FailoverError) {
	t.Helper()
	var failovers []*pool.FailoverError
	for {
		done, err := c.Wait(ctx)
		f, ok := errors.AsType[*pool.FailoverError](err)
		if !ok {
			require.NoError(t, err)
			return done, failovers
		}
		failovers = append(failovers, f)
	}
}

// A job that takes 20 s is continued by the next element, whether the first leaves or is killed after 12 s. From the cookie of
// one that leaves nothing is lost, from that of one that is killed 5 s at most.
func TestCalcAppContinues(t *testing.T) {
	for _, kill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			elements := map[uint32]*running{2: w.element(2, "calcapp"), 3: w.element(3, "calcapp")}
			sess := w.dial(w.client(9), "CalcAppPool")
			c := NewCalculator(sess, calcapp.UserConfig{}, 1, 20e6)
			first := sess.Element().ID
			time.AfterFunc(12*time.Second, func() {
				if kill {
					elements[first].kill(t)
				} else {
					elements[first].stop()
				}
			})
			start := time.Now()
			done, failovers := calculate(t, w.ctx, c)
			took := time.Since(start)
			require.Len(t, failovers, 1)
			require.True(t, failovers[0].CookieEchoed)
			require.Equal(t, !kill, failovers[0].Left())
			require.Equal(t, 5-first, done.Element.ID)
			require.Equal(t, took, done.Startup()+done.Processing())
			if kill {
				require.Less(t, took, 20*time.Second+5*time.Second+failovers[0].Silent+failovers[0].Took)
			} else {
				require.InDelta(t, 20, took.Seconds(), 0.5)
			}
			again, err := c.Wait(w.ctx)
			require.NoError(t, err)
			require.Equal(t, done, again)
		})
	}
}

// Sessions of several users share the capacity of an element, and the registrar is told the load.
func TestCalcAppShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		srv := &pool.Server{ID: 2, Policy: policy.LeastUsed{}}
		require.NoError(t, Configure(srv, "calcapp", 4, nil))
		w.serve(2, srv)
		client := w.client(9)
		times := make(chan time.Duration, 2)
		for i := range 2 {
			c := NewCalculator(w.dial(client, "CalcAppPool"), calcapp.UserConfig{}, uint32(i), 5e6)
			go func() {
				done, err := c.Wait(w.ctx)
				if err != nil {
					t.Error(err)
				}
				times <- done.Processing()
			}()
		}
		time.Sleep(5 * time.Second)
		load := w.registrar.Snapshot().Pools[0].Elements[0].Policy.Load
		require.InDelta(t, 0.5, float64(load)/(1<<32), 0.01)
		for range 2 {
			require.InDelta(t, 10, (<-times).Seconds(), 0.1)
		}
		time.Sleep(time.Second)
		require.Zero(t, w.registrar.Snapshot().Pools[0].Elements[0].Policy.Load)
		stats := srv.Handler.(*CalcApp).Stats()
		require.EqualValues(t, 2, stats.Completed)
		require.InDelta(t, 10e6, stats.Calculations, 1)
	})
}

// A job that an element has no room for is done by the next one, or later.
func TestCalcAppRejects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		srv := &pool.Server{ID: 2}
		require.NoError(t, Configure(srv, "calcapp", 1, nil))
		w.serve(2, srv)
		client := w.client(9)
		first := NewCalculator(w.dial(client, "CalcAppPool"), calcapp.UserConfig{}, 1, 10e6)
		over := make(chan struct{})
		go func() {
			defer close(over)
			calculate(t, w.ctx, first)
		}()
		time.Sleep(time.Second)
		second := NewCalculator(w.dial(client, "CalcAppPool"), calcapp.UserConfig{}, 1, 1e6)
		done, failovers := calculate(t, w.ctx, second)
		require.Greater(t, len(failovers), maxVain, "there is no limit")
		require.ErrorContains(t, failovers[0], "the element has too many jobs")
		require.InDelta(t, 9.5, done.Startup().Seconds(), 1.5)
		<-over
		require.EqualValues(t, len(failovers), srv.Handler.(*CalcApp).Stats().Rejected)

		// Who gives up frees the place.
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err := NewCalculator(w.dial(client, "CalcAppPool"), calcapp.UserConfig{}, 2, 100e6).Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, failovers = calculate(t, w.ctx, NewCalculator(w.dial(client, "CalcAppPool"), calcapp.UserConfig{}, 3, 1e6))
		require.Empty(t, failovers)
	})
}

// An element that says nothing, or what it should not, is left for another one.
func TestCalculatorGivesHostileElementsUp(t *testing.T) {
	sends := func(msgs ...sctp.Message) func(context.Context, *pool.ServerConn) {
		return func(ctx context.Context, conn *pool.ServerConn) {
			for _, m := range msgs {
				_ = conn.Send(ctx, m)
			}
			<-conn.Conn().Done()
		}
	}
	message := func(typ calcapp.Type, size uint64) sctp.Message {
		b, err := calcapp.Message{Type: typ, JobID: 1, JobSize: size, Completed: size}.AppendBinary(nil)
		require.NoError(t, err)
		return sctp.Message{PPID: calcapp.PPID, Data: b}
	}
	for _, c := range []struct {
		name   string
		handle func(context.Context, *pool.ServerConn)
		want   string
	}{
		{"silent", sends(), "calcapp: the element does not answer"},
		{"silent later", sends(message(calcapp.Accept, 0)), "calcapp: the element does not answer"},
		{"PPID", sends(sctp.Message{PPID: 33, Data: []byte("x")}), "a message with PPID 33, not 34"},
		{"short", sends(sctp.Message{PPID: 34, Data: []byte("x")}), "calcapp: a message of 1 bytes, not 24"},
		{"at once", sends(message(calcapp.Complete, 1000)), "calcapp: complete of job 1 before it was accepted"},
		{"other size", sends(message(calcapp.Accept, 0), message(calcapp.Complete, 999)), "complete with 999 calculations of 999, but 1000 were requested"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.hostile(2, "CalcAppPool", c.handle)
				sess := w.dial(w.client(9), "CalcAppPool")
				calc := NewCalculator(sess, calcapp.UserConfig{}, 1, 1000)
				_, err := calc.Wait(w.ctx)
				for n := 0; isFailover(err); n++ {
					require.Less(t, n, maxVain)
					require.ErrorContains(t, err, c.want)
					if n == 1 && c.name == "at once" {
						w.element(3, "calcapp")
						done, _ := calculate(t, w.ctx, calc)
						require.EqualValues(t, 3, done.Element.ID)
						return
					}
					_, err = calc.Wait(w.ctx)
				}
				require.ErrorIs(t, err, ErrElements)
				require.ErrorContains(t, err, c.want)
			})
		})
	}
}

func TestCalcAppRefuses(t *testing.T) {
	echo := func(b []byte) sctp.Message {
		e, err := (&asap.CookieEcho{Cookie: b}).AppendBinary(nil)
		require.NoError(t, err)
		return sctp.Message{PPID: asap.PPID, Data: e}
	}
	accept, err := calcapp.Message{Type: calcapp.Accept}.AppendBinary(nil)
	require.NoError(t, err)
	more := make([]byte, 20)
	more[19] = 1
	refuses(t, "calcapp", []refusal{
		{sctp.Message{Data: []byte("x")}, "calcapp: a message with PPID 0, not 34"},
		{sctp.Message{PPID: calcapp.PPID, Data: []byte("x")}, "calcapp: a message of 1 bytes, not 24"},
		{sctp.Message{PPID: calcapp.PPID, Data: accept}, "calcapp: accept 0, which is not for a pool element"},
		{echo(more), "calcapp: cookie: 1 calculations of 0 are completed"},
		{echo(more[:16]), "calcapp: a cookie of 16 bytes, not 20"},
	})
	_, err = NewCalcApp(&pool.Server{}, CalcAppConfig{ElementConfig: calcapp.ElementConfig{Capacity: -1}})
	require.ErrorContains(t, err, "service: calcapp: Capacity -1 is not a positive number")
}
