// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/service/fractal"
)

var mandelbrot = fractal.Parameter{
	Width: 300, Height: 200, MaxIterations: 50, Algorithm: fractal.Mandelbrot, C1: -1.5 + 1.5i, C2: 1.5 - 1.5i, N: 2,
}

// tiled is what Draw must give: the image of the same tiles, computed here.
func tiled(t testing.TB, p fractal.Parameter, n int) *fractal.Image {
	m, err := fractal.NewImage(p)
	require.NoError(t, err)
	for _, tile := range p.Cut(n) {
		part, err := fractal.Compute(tile.Parameter)
		require.NoError(t, err)
		require.NoError(t, m.Paste(part, tile.X, tile.Y))
	}
	return m
}

// An image goes on with the next element from the cookie of the first, whether that leaves or is killed, and is the same.
func TestFractalContinues(t *testing.T) {
	large := mandelbrot // so that it is not all on its way when the element ends
	large.Width, large.Height = 800, 600
	want := tiled(t, large, 1)
	for _, kill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.net.Segment("10.0.0.0/24").Set(simnet.Settings{Delay: 10 * time.Millisecond, Rate: 1e6})
			elements := map[uint32]*running{2: w.element(2, "fractal"), 3: w.element(3, "fractal")}
			sess := w.dial(w.client(9), "FractalGeneratorPool")
			p, err := NewPainter(sess, large)
			require.NoError(t, err)
			failovers, parts := 0, 0
			for err = p.Next(w.ctx); err != io.EOF; err = p.Next(w.ctx) {
				if f, ok := errors.AsType[*pool.FailoverError](err); ok {
					failovers++
					require.True(t, f.CookieEchoed)
					require.Equal(t, !kill, f.Left())
					require.NotZero(t, p.Image().Missing())
					continue
				}
				require.NoError(t, err)
				if parts++; parts != 200 {
					continue
				}
				if e := elements[sess.Element().ID]; kill {
					e.kill(t)
				} else {
					go e.stop()
				}
			}
			require.Equal(t, 1, failovers)
			require.Equal(t, want.Iterations, p.Image().Iterations)
			least := int(large.Pixels())/fractal.MaxPoints + 1
			require.GreaterOrEqual(t, parts, least)
			require.LessOrEqual(t, parts, least+11, "no more than up to the cookie is sent twice")
			require.Equal(t, io.EOF, p.Next(w.ctx))
		})
	}
}

func TestDraw(t *testing.T) {
	for _, sessions := range []int{0, 1, 4, 9} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.net.Segment("10.0.0.0/24").Set(simnet.Settings{Delay: 5 * time.Millisecond, Loss: 0.01})
			victim := w.element(2, "fractal")
			for i := 3; i <= 4; i++ {
				srv := &pool.Server{ID: uint32(i)}
				require.NoError(t, Configure(srv, "fractal", 2, nil))
				w.serve(i, srv)
			}
			killed := false
			var last Progress
			m, err := Draw(w.ctx, w.client(9), Drawing{
				Pool: "FractalGeneratorPool", Parameter: mandelbrot, Sessions: sessions,
				Progress: func(p Progress) {
					last = p
					if !killed && p.Pixels > p.Total/4 {
						killed = true
						go victim.kill(t)
					}
				},
			})
			require.NoError(t, err)
			require.Zero(t, m.Missing())
			require.Equal(t, tiled(t, mandelbrot, sessions).Iterations, m.Iterations)
			require.Equal(t, mandelbrot.Pixels(), last.Pixels)
			require.True(t, last.Done)
		})
	}
}

func TestDrawGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hostile(2, "FractalGeneratorPool", func(ctx context.Context, conn *pool.ServerConn) {})
		c := w.client(9)
		start := time.Now()
		_, err := Draw(w.ctx, c, Drawing{Pool: "FractalGeneratorPool", Parameter: mandelbrot, Patience: 10 * time.Second})
		require.ErrorIs(t, err, ErrElements)
		require.ErrorContains(t, err, "service: tile 1 of 1: ")
		require.Greater(t, time.Since(start), 10*time.Second)
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		_, err = Draw(ctx, c, Drawing{Pool: "FractalGeneratorPool", Parameter: mandelbrot})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = Draw(w.ctx, c, Drawing{Pool: "FractalGeneratorPool"})
		require.ErrorContains(t, err, "Width 0 is not within 1 to 65536")
	})
}

// What cannot be a part of the image is an error, whatever an element sends.
func TestPainterGivesHostileElementsUp(t *testing.T) {
	encode := func(d fractal.Data) string {
		b, err := d.AppendBinary(nil)
		require.NoError(t, err)
		return string(b)
	}
	for _, c := range []struct {
		name string
		ppid sctp.PPID
		data string
		want string
	}{
		{"ppid", 33, "x", "a message with PPID 33, not 32"},
		{"short", 32, "x", "fractal: a message of 1 bytes, less than the 4 of its header"},
		{"parameter", 32, "\x01\x00\x00\x04", "fractal: parameter: 4 bytes, not 60"},
		{"many points", 32, "\x02\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff", "fractal: data: 4294967295 points, more than 324"},
		{"outside", 32, encode(fractal.Data{X: 300, Points: []uint32{1}}), "fractal: data: point (300, 0) is outside of the image of 300 x 200"},
		{"over the end", 32, encode(fractal.Data{X: 299, Y: 199, Points: []uint32{1, 1}}), "fractal: data: 2 points at (299, 199), but the image of 300 x 200 ends after 1"},
		{"iterations", 32, encode(fractal.Data{X: 2, Y: 3, Points: []uint32{51}}), "fractal: data: 51 iterations of point 0 after (2, 3), more than 50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.hostile(2, "FractalGeneratorPool", func(ctx context.Context, conn *pool.ServerConn) {
					_ = conn.Send(ctx, sctp.Message{PPID: c.ppid, Data: []byte(c.data)})
					<-conn.Conn().Done()
				})
				p, err := NewPainter(w.dial(w.client(9), "FractalGeneratorPool"), mandelbrot)
				require.NoError(t, err)
				err = p.Next(w.ctx)
				for isFailover(err) {
					require.ErrorContains(t, err, c.want)
					err = p.Next(w.ctx)
				}
				require.ErrorIs(t, err, ErrElements)
				require.ErrorContains(t, err, c.want)
				require.Equal(t, mandelbrot.Pixels(), p.Image().Missing(), "nothing was taken")
			})
		})
	}
}

// An end that comes too early is an error, and Draw begins the tile again elsewhere.
func TestPainterMissesPixels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hostile(2, "FractalGeneratorPool", func(ctx context.Context, conn *pool.ServerConn) {
			send(ctx, conn, &fractal.Data{X: 1, Y: 1, Points: []uint32{1, 2, 3}})
			send(ctx, conn, &fractal.Data{})
			<-conn.Conn().Done()
		})
		c := w.client(9)
		p, err := NewPainter(w.dial(c, "FractalGeneratorPool"), mandelbrot)
		require.NoError(t, err)
		require.NoError(t, p.Next(w.ctx))
		err = p.Next(w.ctx)
		require.ErrorIs(t, err, ErrIncomplete)
		require.ErrorContains(t, err, "59997 pixels of 60000 are missing at the end from element 0x00000002")
		w.element(3, "fractal")
		m, err := Draw(w.ctx, c, Drawing{Pool: "FractalGeneratorPool", Parameter: mandelbrot})
		require.NoError(t, err)
		require.Equal(t, tiled(t, mandelbrot, 1).Iterations, m.Iterations)
	})
}

func TestFractalRefuses(t *testing.T) {
	parameter := func() []byte {
		b, err := mandelbrot.AppendBinary(nil)
		require.NoError(t, err)
		return b
	}
	huge, nan := parameter(), parameter()
	huge[4] = 0xff
	copy(nan[20:], []byte{0x7f, 0xf8})
	end, err := (&fractal.Data{}).AppendBinary(nil)
	require.NoError(t, err)
	cookie := fractal.Cookie{Parameter: mandelbrot}
	c, err := cookie.AppendBinary(nil)
	require.NoError(t, err)
	c[len(c)-1] = 201
	echo, err := (&asap.CookieEcho{Cookie: c}).AppendBinary(nil)
	require.NoError(t, err)
	refuses(t, "fractal", []refusal{
		{sctp.Message{Data: []byte("x")}, "fractal: a message with PPID 0, not 32"},
		{sctp.Message{PPID: fractal.PPID, Data: huge}, "fractal: parameter: Width 4278190380 is not within 1 to 65536"},
		{sctp.Message{PPID: fractal.PPID, Data: nan}, "fractal: parameter: C1.real NaN is not finite"},
		{sctp.Message{PPID: fractal.PPID, Data: end}, "fractal: data where a parameter was expected"},
		{sctp.Message{PPID: asap.PPID, Data: echo}, "fractal: cookie: point (0, 201) is outside of the image of 300 x 200"},
	})
}

// Points are not held back longer than DataMaxTime, and cookies come by time as well.
func TestFractalIsPrompt(t *testing.T) {
	p := mandelbrot
	p.MaxIterations = fractal.MaxIterations
	p.C1, p.C2 = -0.1+0.1i, 0.1-0.1i // all of it takes the most iterations there are
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		// No time passes in the bubble while it computes: without any, each message has one point.
		w.serve(2, &pool.Server{Handle: "Slow", Handler: Fractal{DataMaxTime: -1, CookieMaxPackets: 1}, SpeaksFirst: true})
		sess := w.dial(w.client(9), "Slow")
		painter, err := NewPainter(sess, p)
		require.NoError(t, err)
		for i := range 3 {
			require.NoError(t, painter.Next(w.ctx))
			require.EqualValues(t, p.Pixels()-uint64(i+1), painter.Image().Missing())
		}
		require.NoError(t, sess.Close(), "which ends the computation")
	})
}
