// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/calcapp"
)

const rsplibCalcAppPool = "CalcAppPool"

// rsplibCalcApp boots a node with an element of RSPLIB, which starts when it is told to and gives a cookie each half second.
func rsplibCalcApp(r *rsplibRig, node int, id uint32, options string) *lab.Node {
	return r.lab.Node(r.t, node, fmt.Sprintf("read -r go\nrspserver -calcapp -identifier=%#x -capcapacity=1000000 -capcookiemaxtime=0.5"+
		" -capvector=/tmp/v -capscalar=/tmp/s %s", id, options)+rsplibLog+" &"+rsplibShell)
}

// rsplibCalculation is a job of our user.
type rsplibCalculation struct {
	done      service.Calculation
	failovers []*pool.FailoverError
	err       error
}

// rsplibCalculate starts a job of our user.
func rsplibCalculate(r *rsplibRig, user *pool.Client, id uint32, size uint64) <-chan rsplibCalculation {
	r.t.Helper()
	s, err := user.Dial(r.ctx(rsplibSoon), rsplibCalcAppPool)
	require.NoError(r.t, err)
	r.atEnd(func() { s.Close() })
	over := make(chan rsplibCalculation, 1)
	ctx := r.ctx(2 * time.Minute)
	go func() {
		c := service.NewCalculator(s, calcapp.UserConfig{KeepAliveInterval: 500 * time.Millisecond}, id, size)
		var got rsplibCalculation
		for {
			got.done, got.err = c.Wait(ctx)
			f, ok := errors.AsType[*pool.FailoverError](got.err)
			if !ok {
				over <- got
				return
			}
			got.failovers = append(got.failovers, f)
		}
	}()
	return over
}

// rsplibReplaced waits until an element is gone and another one is there.
func rsplibReplaced(r *rsplibRig, gone, there uint32) {
	r.t.Helper()
	r.soon(rsplibDead, func() bool {
		ids := rsplibElements(r.server, rsplibCalcAppPool)
		return slices.Contains(ids, there) && !slices.Contains(ids, gone)
	}, "%#x is there, and %#x is gone", there, gone)
}

// A job of ours is begun by an element of RSPLIB, which loses its power, continued by ours, which leaves, and completed by
// another one of RSPLIB: each goes on from the cookie of the one before.
func TestRSPLIBCalcAppContinues(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	first, last := rsplibCalcApp(r, 2, 0xaa02, ""), rsplibCalcApp(r, 3, 0xaa03, "")
	first.WaitUp(r.ctx(rsplibBoot))
	last.WaitUp(r.ctx(rsplibBoot))
	first.Input("go")
	rsplibRegistered(r, rsplibCalcAppPool, 0xaa02)
	user := r.client()
	small := <-rsplibCalculate(r, user, 7, 1000)
	require.NoError(t, small.err)
	require.Empty(t, small.failovers)
	first.SeenLine(r.ctx(rsplibSoon), "Job [0-9]+/7 is complete!")

	const size = 25_000_000 // at least 25 s
	start := time.Now()
	job := rsplibCalculate(r, user, 8, size)
	first.SeenLine(r.ctx(rsplibSoon), "Job [0-9]+/8 of size 2.5e\\+07 accepted")
	ours := rsplibService(r, "calcapp", rsplibCalcAppPool, 0x0c0ffee1)
	r.soon(rsplibSoon, func() bool { return time.Since(start) > 4*time.Second })
	first.Kill()
	handler := ours.Handler.(*service.CalcApp)
	r.soon(rsplibDead, func() bool { return handler.Stats().Accepted == 1 }, "ours goes on")
	last.Input("go")
	rsplibReplaced(r, 0xaa02, 0xaa03)
	ours.stop()
	done := last.WaitLine(r.ctx(rsplibSoon), `Job [0-9]+/8 of size 2.5e\+07, completed ([0-9.e+]+) accepted from cookie echo`)[1]
	completed, err := strconv.ParseFloat(done, 64)
	require.NoError(t, err)
	require.Greater(t, completed, 1e6, "the ones before have done something")
	got := <-job
	took := time.Since(start)
	require.NoError(t, got.err)
	require.Len(t, got.failovers, 2)
	for _, f := range got.failovers {
		t.Logf("%v, silent for %v", f, f.Silent)
		require.True(t, f.CookieEchoed)
	}
	require.EqualValues(t, 0xaa03, got.done.Element.ID)
	t.Logf("startup %v, processing %v, all in all %v", got.done.Startup(), got.done.Processing(), took)
	require.Greater(t, handler.Stats().Calculations, 0.0)
	file := r.finish()
	require.Equal(t, 1, r.lab.CountPackets(t, file, "calcappprotocol.message_type == 1 && calcappprotocol.message_jobid == 8"), "asked for once")
	require.NotZero(t, r.count(file, 12, rsplibOurs), "a cookie was brought to RSPLIB's")
	require.Zero(t, r.lab.CountPackets(t, file, "calcappprotocol && _ws.malformed"))
}

// RSPLIB's user is served by our element, which leaves, then by one of RSPLIB, which loses its power, and by ours again: the
// job that was begun by the first is completed by the last.
func TestRSPLIBCalcAppUserOfOurs(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	theirs := rsplibCalcApp(r, 2, 0xaa02, "-capcapacity=1000")
	// Sizes are random, of 2,000,000 on the average. It has several elements of which none gets on with any of them.
	user := r.lab.Node(t, 3, "read -r go\nexec calcappclient -jobsize=2000000 -jobinterval=0.1 -keepalivetransmissioninterval=1000"+
		" -keepalivetimeoutinterval=1000 -vector=/tmp/v -scalar=/tmp/s"+rsplibLog)
	theirs.WaitUp(r.ctx(rsplibBoot))
	user.WaitUp(r.ctx(rsplibBoot))
	first := rsplibCalcAppOfOurs(r, 0x0c0ffee1, 1e9)
	user.Input("go")
	for i := range 10 {
		user.WaitLine(r.ctx(rsplibDead), fmt.Sprintf(`^Job #%d completed`, i+1))
	}
	slow := rsplibCalcAppOfOurs(r, 0x0c0ffee2, 1000)
	first.stop()
	calculations := slow.Handler.(*service.CalcApp)
	r.soon(rsplibDead, func() bool { return calculations.Stats().Accepted >= 1 }, "a job has begun")
	theirs.Input("go")
	rsplibReplaced(r, 0x0c0ffee1, 0xaa02)
	slow.stop()
	id := theirs.WaitLine(r.ctx(rsplibDead), "Job [0-9]+/([0-9]+) of size .*, completed .* accepted from cookie echo")[1]
	last := rsplibCalcAppOfOurs(r, 0x0c0ffee3, 1e9)
	theirs.Kill()
	user.WaitLine(r.ctx(2*rsplibDead), fmt.Sprintf(`^Job #%s completed`, id))
	require.NotZero(t, last.Handler.(*service.CalcApp).Stats().Completed)
	file := r.finish()
	require.GreaterOrEqual(t, r.count(file, 12, "ip.src == 10.44.0.3 && ip.dst == 10.44.0.1"), 1, "RSPLIB's user has brought us a cookie")
	require.Zero(t, r.lab.CountPackets(t, file, "calcappprotocol && _ws.malformed"))
}

// rsplibCalcAppOfOurs runs an element of ours.
func rsplibCalcAppOfOurs(r *rsplibRig, id uint32, capacity float64) *rsplibElement {
	r.t.Helper()
	srv := &pool.Server{Handle: rsplibCalcAppPool, ID: id, SpeaksFirst: true}
	h, err := service.NewCalcApp(srv, service.CalcAppConfig{
		ElementConfig: calcapp.ElementConfig{Capacity: capacity, CookieMaxTime: 500 * time.Millisecond}, Log: r.log,
	})
	require.NoError(r.t, err)
	srv.Handler = h
	return r.serve(srv)
}
