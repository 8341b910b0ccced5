// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

const (
	rateUsers  = 4 // associations
	rateWindow = 16
	rateSlice  = 2 * time.Second
	rateRounds = 5
)

// rateOf keeps a registrar busy: so many users, each with a window of requests under way. It returns the handle
// resolutions per second.
func rateOf(t *testing.T, stack *sctp.Stack, addr, handle string) float64 {
	t.Helper()
	to, err := sctp.ParseAddr(addr)
	require.NoError(t, err)
	req, err := (&asap.HandleResolution{PoolHandle: param.PoolHandle(handle), Items: 1}).AppendBinary(nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var answers atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	end := begin.Add(rateSlice)
	for range rateUsers {
		conn, err := stack.Dial(ctx, to)
		require.NoError(t, err)
		wg.Go(func() {
			defer conn.Shutdown(ctx)
			for range rateWindow {
				if conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: req}) != nil {
					t.Error("the registrar has gone")
					return
				}
			}
			for due := rateWindow; due > 0; due-- {
				m, err := conn.Recv(ctx)
				if err != nil {
					t.Errorf("no answer: %v", err)
					return
				}
				if got, _, err := asap.Parse(m.Data); err != nil || len(got.(*asap.HandleResolutionResponse).PoolElements) != 1 {
					t.Errorf("answered by %v, %v", got, err)
					return
				}
				answers.Add(1)
				if time.Now().Before(end) {
					if err := conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: req}); err != nil {
						t.Errorf("not sent: %v", err)
						return
					}
					due++
				}
			}
		})
	}
	wg.Wait()
	return float64(answers.Load()) / time.Since(begin).Seconds()
}

// Two nodes of one kind run RSPLIB's registrar and ours, with a pool each of a hundred elements. The same users ask them
// in turn: ours answers at least as many handle resolutions per second.
func TestRSPLIBRegistrarIsNotFaster(t *testing.T) {
	const handle, elements = "RatePool", 100
	r := newRSPLIBRig(t)
	r.lab.BuildRSerPool(t)
	theirs := r.lab.Node(t, 2, "exec rspregistrar -asap=10.44.0.2:3863 -enrp=10.44.0.2:9901 -asapannounce=off -enrpannounce=off -loglevel=3 -logcolor=off 2>&1")
	ours := r.lab.Node(t, 3, lab.FreeEncapPort+"exec rserpool registrar --standalone --local 10.44.0.3 --announce off")
	theirs.WaitLine(r.ctx(rsplibBoot), "The registrar is ready!")
	ours.WaitLine(r.ctx(rsplibBoot), "^registrar ")
	for _, addr := range []string{"10.44.0.2:3863", "10.44.0.3:3863"} {
		c, err := pool.NewClient(&pool.Config{Stack: r.stack, Logger: r.log, Registrars: []string{addr}})
		require.NoError(t, err)
		r.atEnd(func() { c.Close() })
		for id := range uint32(elements) {
			_, err := c.Register(r.ctx(rsplibSoon), pool.Registration{Handle: handle, ID: id + 1})
			require.NoError(t, err)
		}
	}
	var ratios, all, his []float64
	for range rateRounds {
		a := rateOf(t, r.stack, "10.44.0.2:3863", handle)
		b := rateOf(t, r.stack, "10.44.0.3:3863", handle)
		his, all, ratios = append(his, a), append(all, b), append(ratios, b/a)
	}
	for _, s := range [][]float64{his, all, ratios} {
		slices.Sort(s)
	}
	mid := rateRounds / 2
	t.Logf("handle resolutions per second, median of %d: RSPLIB %.0f, ours %.0f; ratio %.2f (%.2f to %.2f)",
		rateRounds, his[mid], all[mid], ratios[mid], ratios[0], ratios[rateRounds-1])
	require.GreaterOrEqual(t, ratios[mid], 1.0, fmt.Sprint(ratios))
}
