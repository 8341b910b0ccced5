// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"math"
	"math/cmplx"
)

// escape is the square of the absolute value at which an iteration ends.
const escape = 2

// At returns how many iterations pixel (x, y) takes, at most MaxIterations: how often z can be replaced and |z|² is
// still below 2. The explicit conversions keep each operation rounded by itself, on all machines.
func (p *Parameter) At(x, y uint32) uint32 {
	c := p.number(x, y)
	if p.Algorithm == MandelbrotN {
		return p.atN(c)
	}
	cr, ci := real(c), imag(c)
	var zr, zi float64
	for i := range p.MaxIterations {
		zr, zi = float64(float64(zr*zr)-float64(zi*zi))-cr, float64(float64(zr*zi)+float64(zi*zr))-ci
		if !(float64(zr*zr)+float64(zi*zi) < escape) { // NaN is not
			return i
		}
	}
	return p.MaxIterations
}

func (p *Parameter) atN(c complex128) uint32 {
	var z complex128
	for i := range p.MaxIterations {
		z = power(z, p.N) - c
		if re, im := real(z), imag(z); !(float64(re*re)+float64(im*im) < escape) {
			return i
		}
	}
	return p.MaxIterations
}

// power returns z^n; 0^n is 0.
func power(z complex128, n float64) complex128 {
	switch {
	case z == 0:
		return 0
	case imag(z) == 0 && real(z) > 0:
		return complex(math.Pow(real(z), n), 0)
	}
	r, phi := cmplx.Polar(z)
	sin, cos := math.Sincos(n * phi)
	r = math.Exp(n * math.Log(r))
	return complex(r*cos, r*sin)
}

// number returns what pixel (x, y) stands for.
func (p *Parameter) number(x, y uint32) complex128 {
	stepX := (real(p.C2) - real(p.C1)) / float64(p.Width)
	stepY := (imag(p.C2) - imag(p.C1)) / float64(p.Height)
	return complex(real(p.C1)+float64(float64(x)*stepX), imag(p.C1)+float64(float64(y)*stepY))
}
