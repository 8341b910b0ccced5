// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/fractal"
)

// fractalFlags are those of fractal.
type fractalFlags struct {
	client                    clientFlags
	pool, out                 string
	width, height, iterations int
	area, algorithm           string
	sessions                  int
	silence, timeout          time.Duration
}

// maxDrawingSessions is RSPLIB's.
const maxDrawingSessions = 512

func (f *fractalFlags) register(flags *pflag.FlagSet) {
	f.client.register(flags, -1)
	flags.StringVar(&f.pool, "pool", "FractalGeneratorPool", "handle of the pool")
	flags.StringVar(&f.out, "out", "", "PNG file to write")
	flags.IntVar(&f.width, "width", 600, "width in pixels")
	flags.IntVar(&f.height, "height", 500, "height in pixels")
	flags.IntVar(&f.iterations, "iterations", 1000, "when to stop iterating a pixel")
	flags.StringVar(&f.area, "area", "-1.1,1.25,1.9,-1.25", "upper left and lower right corner as RE1,IM1,RE2,IM2")
	flags.StringVar(&f.algorithm, "algorithm", "Mandelbrot", "Mandelbrot or MandelbrotN:EXPONENT")
	flags.IntVar(&f.sessions, "sessions", 4, "tiles of the image, each computed in a session at the same time")
	flags.DurationVar(&f.silence, "silence", service.DefaultTimeout, "how long an element may be silent before another one is asked")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long to wait for a pool element, and to go on without any pixel")
}

// parameter checks the flags.
func (f *fractalFlags) parameter() (*fractal.Parameter, error) {
	for _, c := range []struct {
		flag       string
		value, max int
	}{
		{"width", f.width, fractal.MaxWidth}, {"height", f.height, fractal.MaxHeight},
		{"iterations", f.iterations, fractal.MaxIterations}, {"sessions", f.sessions, maxDrawingSessions},
	} {
		if c.value < 1 || c.value > c.max {
			return nil, usagef("--%s: %d is not within 1 to %d", c.flag, c.value, c.max)
		}
	}
	switch {
	case f.width*f.height > fractal.MaxImagePixels:
		return nil, usagef("--width, --height: an image of %d x %d has more than %d pixels", f.width, f.height, fractal.MaxImagePixels)
	case f.pool == "":
		return nil, usagef("--pool: the handle is empty")
	case f.out == "":
		return nil, usagef("--out: a file for the image is needed")
	case f.silence <= 0:
		return nil, usagef("--silence: %v is not positive", f.silence)
	case f.timeout <= 0:
		return nil, usagef("--timeout: %v is not positive", f.timeout)
	}
	p := &fractal.Parameter{
		Width: uint32(f.width), Height: uint32(f.height), MaxIterations: uint32(f.iterations), Algorithm: fractal.Mandelbrot, N: 2,
	}
	parts := strings.Split(f.area, ",")
	if len(parts) != 4 {
		return nil, usagef("--area: %q is not 4 numbers: RE1,IM1,RE2,IM2", f.area)
	}
	var corner [4]float64
	for i, s := range parts {
		v, ok := finite(s)
		if !ok {
			return nil, usagef("--area: %q is not a number", s)
		}
		corner[i] = v
	}
	p.C1, p.C2 = complex(corner[0], corner[1]), complex(corner[2], corner[3])
	switch name, exponent, more := strings.Cut(f.algorithm, ":"); {
	case strings.EqualFold(name, "Mandelbrot") && !more:
	case strings.EqualFold(name, "MandelbrotN") && more:
		n, ok := finite(exponent)
		if !ok {
			return nil, usagef("--algorithm: %q is not a number", exponent)
		}
		p.Algorithm, p.N = fractal.MandelbrotN, n
	default:
		return nil, usagef("--algorithm: %q is neither Mandelbrot nor MandelbrotN:EXPONENT", f.algorithm)
	}
	return p, nil
}

func finite(s string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return v, err == nil && !math.IsInf(v, 0) && !math.IsNaN(v)
}
