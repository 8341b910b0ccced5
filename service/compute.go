// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/fractal"
)

// compute sends the image from a pixel on, and its end. It reports false if the session is over.
func (f Fractal) compute(ctx context.Context, conn *pool.ServerConn, at *fractal.Cookie) bool {
	if f.DataMaxTime == 0 {
		f.DataMaxTime = defaultDataMaxTime
	}
	if f.CookieMaxTime == 0 {
		f.CookieMaxTime = defaultCookieMaxTime
	}
	if f.CookieMaxPackets == 0 {
		f.CookieMaxPackets = defaultCookieMaxPackets
	}
	told, packets := time.Now(), 0 // since the last cookie
	if !f.tell(ctx, conn, at) {
		return false
	}
	for at.Y < at.Parameter.Height {
		d := f.collect(ctx, conn, at)
		if len(d.Points) > 0 && !send(ctx, conn, d) {
			return false
		}
		packets++
		over := ctx.Err() != nil
		if over || packets >= f.CookieMaxPackets || time.Since(told) >= f.CookieMaxTime {
			if !f.tell(ctx, conn, at) {
				return false
			}
			told, packets = time.Now(), 0
		}
		if over {
			return false
		}
	}
	return send(ctx, conn, &fractal.Data{})
}

// collect computes the next points, and moves on. It is interrupted when the session is.
func (f Fractal) collect(ctx context.Context, conn *pool.ServerConn, at *fractal.Cookie) *fractal.Data {
	d := &fractal.Data{X: at.X, Y: at.Y, Points: make([]uint32, 0, fractal.MaxPoints)}
	p := &at.Parameter
	for start := time.Now(); at.Y < p.Height && len(d.Points) < fractal.MaxPoints; {
		d.Points = append(d.Points, p.At(at.X, at.Y))
		if at.X++; at.X == p.Width {
			at.X, at.Y = 0, at.Y+1
		}
		select {
		case <-ctx.Done():
			return d
		case <-conn.Conn().Done():
			return d
		default:
		}
		if time.Since(start) >= f.DataMaxTime {
			break
		}
	}
	return d
}

// tell gives the client a cookie.
func (Fractal) tell(ctx context.Context, conn *pool.ServerConn, at *fractal.Cookie) bool {
	b, err := at.AppendBinary(nil)
	return err == nil && giveCookie(ctx, conn, b) == nil
}

func send(ctx context.Context, conn *pool.ServerConn, d *fractal.Data) bool {
	b, err := d.AppendBinary(nil)
	return err == nil && reply(ctx, conn, sctp.Message{PPID: fractal.PPID, Data: b}) == nil
}
