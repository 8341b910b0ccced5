// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/fractal"
)

const rsplibFractalPool = "FractalGeneratorPool"

// rsplibSlow is an image of which most pixels take the most iterations: some seconds of work.
var rsplibSlow = fractal.Parameter{
	Width: 300, Height: 300, MaxIterations: 30_000, Algorithm: fractal.Mandelbrot, C1: -0.3 + 0.5i, C2: 0.7 - 0.5i, N: 2,
}

// rsplibFractal boots a node with an element of RSPLIB, which starts when it is told to.
func rsplibFractal(r *rsplibRig, node int, id uint32, options string) *lab.Node {
	return r.lab.Node(r.t, node, fmt.Sprintf("read -r go\nrspserver -fractal -identifier=%#x %s", id, options)+rsplibLog+" &"+rsplibShell)
}

// rsplibRegistered waits until these elements are the ones in the pool.
func rsplibRegistered(r *rsplibRig, handle string, ids ...uint32) {
	r.t.Helper()
	r.soon(rsplibDead, func() bool {
		got := rsplibElements(r.server, handle)
		slices.Sort(got)
		return slices.Equal(ids, got)
	}, "elements %#x are registered", ids)
}

// rsplibSame wants the pixels of an image to be those that are computed here.
func rsplibSame(t *testing.T, p fractal.Parameter, m *fractal.Image) {
	t.Helper()
	want, err := fractal.Compute(p)
	require.NoError(t, err)
	require.Zero(t, m.Missing())
	require.True(t, slices.Equal(want.Iterations, m.Iterations), "an image that RSPLIB has computed is the same as here")
}

// An element of RSPLIB computes images for our user: both algorithms, in several sessions at once, the same as here.
func TestRSPLIBFractalForOurUser(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	n := rsplibFractal(r, 2, 0xaa02, "")
	n.WaitUp(r.ctx(rsplibBoot))
	n.Input("go")
	rsplibRegistered(r, rsplibFractalPool, 0xaa02)
	user := r.client()
	draw := func(p fractal.Parameter, sessions int) *fractal.Image {
		m, err := service.Draw(r.ctx(rsplibDead), user, service.Drawing{
			Pool: rsplibFractalPool, Parameter: p, Sessions: sessions,
			Progress: func(p service.Progress) { require.NoError(t, p.Err) },
		})
		require.NoError(t, err)
		return m
	}
	p := fractal.Parameter{
		Width: 511, Height: 257, MaxIterations: 300, Algorithm: fractal.Mandelbrot, C1: -1.1 + 1.25i, C2: 1.9 - 1.25i, N: 2,
	}
	rsplibSame(t, p, draw(p, 1))
	for _, tile := range p.Cut(4) {
		rsplibSame(t, tile.Parameter, draw(tile.Parameter, 1))
	}
	require.Zero(t, draw(p, 4).Missing())

	// Powers are computed by functions of the C library, which may round otherwise than ours.
	p.Algorithm, p.N = fractal.MandelbrotN, 3
	m, same := draw(p, 1), 0
	want, err := fractal.Compute(p)
	require.NoError(t, err)
	for i, v := range m.Iterations {
		if v == want.Iterations[i] {
			same++
		}
	}
	t.Logf("MandelbrotN: %d of %d pixels are the same", same, len(want.Iterations))
	require.Greater(t, same, len(want.Iterations)*999/1000)
	r.finish()
}

// rsplibPainting is an image of ours that is being drawn.
type rsplibPainting struct {
	*service.Painter
	r     *rsplibRig
	start time.Time
}

func (p *rsplibPainting) part() float64 {
	return 1 - float64(p.Image().Missing())/float64(rsplibSlow.Pixels())
}

// advance goes on until a condition is met, or a failover happens, which it returns.
func (p *rsplibPainting) advance(until func() bool) (f *pool.FailoverError) {
	p.r.t.Helper()
	for !until() && f == nil {
		if err := p.Next(p.r.ctx(rsplibDead)); !errors.As(err, &f) {
			require.NoError(p.r.t, err)
		}
	}
	p.r.t.Logf("%.0f%% of the image after %v", 100*p.part(), time.Since(p.start))
	return f
}

// failover wants an element to go on from a cookie, and says how many pixels its first message brings.
func (p *rsplibPainting) failover(from, to uint32) (pixels uint64) {
	p.r.t.Helper()
	f := p.advance(func() bool { return false })
	p.r.t.Logf("%v, silent for %v", f, f.Silent)
	require.True(p.r.t, f.CookieEchoed)
	require.Equal(p.r.t, []uint32{from, to}, []uint32{f.From.ID, f.To.ID})
	before := p.Image().Missing()
	require.NoError(p.r.t, p.Next(p.r.ctx(rsplibDead)))
	return before - p.Image().Missing()
}

// complete wants the rest of the image without a failover.
func (p *rsplibPainting) complete() {
	p.r.t.Helper()
	var err error
	for err == nil {
		err = p.Next(p.r.ctx(rsplibDead))
	}
	require.Equal(p.r.t, io.EOF, err)
	rsplibSame(p.r.t, rsplibSlow, p.Image())
}

// rsplibPaint starts a session with the only element that there is, and one of ours after that.
func rsplibPaint(r *rsplibRig, user *pool.Client) (*rsplibPainting, *rsplibElement) {
	r.t.Helper()
	s, err := user.Dial(r.ctx(rsplibSoon), rsplibFractalPool)
	require.NoError(r.t, err)
	r.atEnd(func() { s.Close() })
	ours := rsplibService(r, "fractal", rsplibFractalPool, 0x0c0ffee1)
	p, err := service.NewPainter(s, rsplibSlow)
	require.NoError(r.t, err)
	return &rsplibPainting{Painter: p, r: r, start: time.Now()}, ours
}

// An image of which RSPLIB's element has computed a part goes on with ours when that gives up, and with another one of
// RSPLIB when ours leaves: exactly where the one before has stopped, because each gives a cookie before it goes.
func TestRSPLIBFractalContinues(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	first, last := rsplibFractal(r, 2, 0xaa02, "-fgpfailureafter=60"), rsplibFractal(r, 3, 0xaa03, "")
	first.WaitUp(r.ctx(rsplibBoot))
	last.WaitUp(r.ctx(rsplibBoot))
	first.Input("go")
	rsplibRegistered(r, rsplibFractalPool, 0xaa02)
	user := r.client()
	p, ours := rsplibPaint(r, user)
	require.NotZero(t, p.failover(0xaa02, 0x0c0ffee1), "ours goes on where RSPLIB's has stopped")

	first.Input("pkill -INT rspserver")
	last.Input("go")
	p.advance(func() bool {
		ids := rsplibElements(r.server, rsplibFractalPool)
		return slices.Contains(ids, 0xaa03) && !slices.Contains(ids, 0xaa02)
	})
	elements, err := user.ResolveFresh(r.ctx(rsplibSoon), rsplibFractalPool) // so that it is not the first one that is tried
	require.NoError(t, err)
	require.Len(t, elements, 2)
	go ours.stop()
	require.NotZero(t, p.failover(0x0c0ffee1, 0xaa03), "RSPLIB's goes on where ours has stopped")
	p.complete()

	file := r.finish()
	// What is said inside of this host is not recorded.
	require.Equal(t, 1, r.lab.CountPackets(t, file, "fractalgeneratorprotocol.message_type == 1"), "asked for once")
	require.Equal(t, 1, r.count(file, 12, rsplibOurs), "the cookie of ours was brought to RSPLIB's")
	require.Equal(t, 1, r.lab.CountPackets(t, file, "fractalgeneratorprotocol.data_start_x == 0 && fractalgeneratorprotocol.data_start_y == 0"),
		"nobody began again")
	require.Zero(t, r.lab.CountPackets(t, file, "fractalgeneratorprotocol && _ws.malformed"))
}

// When RSPLIB's element loses its power, ours goes on from its last cookie. RSPLIB 3.4.4 was seen to give that at the
// start of a session only, whatever its options say.
func TestRSPLIBFractalElementDies(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	n := rsplibFractal(r, 2, 0xaa02, "-fgpcookiemaxpackets=10 -fgpcookiemaxtime=500")
	other := r.lab.Node(t, 3, "read -r end") // or else nobody is left on the network
	n.WaitUp(r.ctx(rsplibBoot))
	other.WaitUp(r.ctx(rsplibBoot))
	n.Input("go")
	rsplibRegistered(r, rsplibFractalPool, 0xaa02)
	p, _ := rsplibPaint(r, r.client())
	p.advance(func() bool { return p.part() > 0.3 && time.Since(p.start) > 1500*time.Millisecond })
	n.Kill()
	p.failover(0xaa02, 0x0c0ffee1)
	p.complete()
	file := r.finish()
	require.NotZero(t, r.count(file, 11, "ip.src == 10.44.0.2 || ip.src == 10.45.0.2"), "cookies of RSPLIB's")
}

func rsplibFractalDissected(r *rsplibRig, file string) {
	r.t.Helper()
	require.NotZero(r.t, r.lab.CountPackets(r.t, file, "fractalgeneratorprotocol.message_type == 2 && ("+rsplibOurs+")"), "we have computed")
	require.Zero(r.t, r.lab.CountPackets(r.t, file, "fractalgeneratorprotocol && _ws.malformed"))
}

// RSPLIB's user, which is graphical, is served by our element alone, and goes on with it when one of RSPLIB fails.
func TestRSPLIBFractalUserOfOurs(t *testing.T) {
	r := newRSPLIBRig(t)
	r.registrar()
	n := rsplibFractal(r, 2, 0xaa02, "-fgpfailureafter=30")
	// It draws one image after the other, each in 2 × 2 sessions, and shows them to nobody.
	user := r.lab.Node(t, 3, "read -r go\nQT_QPA_PLATFORM=offscreen exec fractalpooluser -width=512 -height=512 -threads=2"+
		" -interimagetime=1"+rsplibLog)
	n.WaitUp(r.ctx(rsplibBoot))
	user.WaitUp(r.ctx(rsplibBoot))
	rsplibService(r, "fractal", rsplibFractalPool, 0x0c0ffee1)
	user.Input("go")
	r.soon(rsplibDead, func() bool { return r.server.Stats().Resolutions >= 8 }, "two images were drawn")
	n.Input("go")
	rsplibRegistered(r, rsplibFractalPool, 0xaa02, 0x0c0ffee1)
	before := r.server.Stats().Resolutions
	r.soon(rsplibDead, func() bool { return r.server.Stats().Resolutions >= before+12 }, "and more by both elements")
	user.Kill()
	file := r.finish()
	rsplibFractalDissected(r, file)
	ends := r.lab.CountPackets(t, file, "ip.dst == 10.44.0.3 && ("+rsplibOurs+") && fractalgeneratorprotocol.data_points == 0")
	asked := r.lab.CountPackets(t, file, "ip.src == 10.44.0.3 && fractalgeneratorprotocol.message_type == 1")
	echoed := r.count(file, 12, "ip.src == 10.44.0.3 && ip.dst == 10.44.0.1")
	t.Logf("%d tiles were asked for, %d completed by us, %d from a cookie", asked, ends, echoed)
	require.NotZero(t, ends)
	require.NotZero(t, echoed)
}
