// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"encoding/binary"
	"fmt"
	"math"
)

// PPID is the payload protocol identifier of the messages.
const PPID = 32

// The limits of RSPLIB. A peer may ask for no more, so that what is computed for it, or expected of it, has an end.
const (
	MaxWidth      = 65536     // in pixels
	MaxHeight     = 65536     // in pixels
	MaxIterations = 1_000_000 // for a pixel
)

// An Algorithm says what is iterated, from z = 0 on.
type Algorithm uint32

const (
	// Mandelbrot is z ← z² − c.
	Mandelbrot Algorithm = 1
	// MandelbrotN is z ← z^N − c.
	MandelbrotN Algorithm = 2
)

func (a Algorithm) String() string {
	switch a {
	case Mandelbrot:
		return "Mandelbrot"
	case MandelbrotN:
		return "MandelbrotN"
	}
	return fmt.Sprintf("Algorithm(%d)", uint32(a))
}

// A Parameter says what is to be computed.
type Parameter struct {
	// Width and Height are the size of the image in pixels, 1 to MaxWidth and MaxHeight.
	Width, Height uint32
	// MaxIterations is when to stop iterating a pixel, 1 to MaxIterations.
	MaxIterations uint32
	// Algorithm is Mandelbrot or MandelbrotN.
	Algorithm Algorithm
	// C1 is the number of the upper left corner, C2 that of the lower right one. Their parts are finite.
	C1, C2 complex128
	// N is the exponent of MandelbrotN; Mandelbrot does not use it. It is finite.
	N float64
}

// Sizes in bytes.
const (
	header        = 4
	parameterBody = 4*4 + 5*8
	parameterSize = header + parameterBody
)

// Validate says what is wrong with the parameter.
func (p *Parameter) Validate() error {
	for _, f := range []struct {
		name       string
		value, max uint32
	}{
		{"Width", p.Width, MaxWidth}, {"Height", p.Height, MaxHeight}, {"MaxIterations", p.MaxIterations, MaxIterations},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("fractal: parameter: %s %d is not within 1 to %d", f.name, f.value, f.max)
		}
	}
	if p.Algorithm != Mandelbrot && p.Algorithm != MandelbrotN {
		return fmt.Errorf("fractal: parameter: algorithm %d is neither Mandelbrot (1) nor MandelbrotN (2)", uint32(p.Algorithm))
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"C1.real", real(p.C1)}, {"C1.imag", imag(p.C1)}, {"C2.real", real(p.C2)}, {"C2.imag", imag(p.C2)}, {"N", p.N},
	} {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) {
			return fmt.Errorf("fractal: parameter: %s %v is not finite", f.name, f.value)
		}
	}
	return nil
}

// AppendBinary implements [Message]. It fails if the parameter is not valid.
func (p *Parameter) AppendBinary(b []byte) ([]byte, error) { return p.append(b, parameterSize) }

func (p *Parameter) append(b []byte, length uint16) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return b, err
	}
	b = append(b, typeParameter, 0)
	b = binary.BigEndian.AppendUint16(b, length)
	for _, v := range []uint32{p.Width, p.Height, p.MaxIterations, uint32(p.Algorithm)} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	for _, v := range []float64{real(p.C1), imag(p.C1), real(p.C2), imag(p.C2), p.N} {
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b, nil
}

// parseParameter parses what follows the header of a Parameter: parameterBody bytes.
func parseParameter(b []byte) (*Parameter, error) {
	u := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	d := func(i int) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b[16+8*i:])) }
	p := &Parameter{
		Width: u(0), Height: u(1), MaxIterations: u(2), Algorithm: Algorithm(u(3)),
		C1: complex(d(0), d(1)), C2: complex(d(2), d(3)), N: d(4),
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// Pixels returns how many there are.
func (p *Parameter) Pixels() uint64 { return uint64(p.Width) * uint64(p.Height) }
