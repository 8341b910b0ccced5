// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// MaxImagePixels is the most pixels of an Image: its memory is some 4 bytes for each.
const MaxImagePixels = 1 << 26

// An Image collects the Data of a Parameter.
type Image struct {
	// Parameter is that of the image.
	Parameter Parameter
	// Iterations are those of the pixels, row by row; 0 of those that are missing.
	Iterations []uint32
	have       []uint64 // a bit for each pixel
	missing    uint64
}

// NewImage returns an image of which every pixel is missing. It fails if the parameter is not valid, or more than
// MaxImagePixels were needed.
func NewImage(p Parameter) (*Image, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	n := p.Pixels()
	if n > MaxImagePixels {
		return nil, fmt.Errorf("fractal: an image of %d x %d has more than %d pixels", p.Width, p.Height, MaxImagePixels)
	}
	return &Image{Parameter: p, Iterations: make([]uint32, n), have: make([]uint64, (n+63)/64), missing: n}, nil
}

// Compute returns the image of a parameter, computed here. It fails as NewImage does.
func Compute(p Parameter) (*Image, error) {
	m, err := NewImage(p)
	if err != nil {
		return nil, err
	}
	i := 0
	for y := range p.Height {
		for x := range p.Width {
			m.Iterations[i] = p.At(x, y)
			m.note(uint64(i))
			i++
		}
	}
	return m, nil
}

// Put takes the points of a Data. It fails, and changes nothing, if they cannot be a part of the image. Pixels that
// came before are replaced: an element that goes on from a cookie sends some again.
func (m *Image) Put(d *Data) error {
	if err := d.Check(&m.Parameter); err != nil || d.End() {
		return err
	}
	at := m.Parameter.offset(d.X, d.Y)
	copy(m.Iterations[at:], d.Points)
	for i := range d.Points {
		m.note(at + uint64(i))
	}
	return nil
}

func (m *Image) note(at uint64) {
	if bit := uint64(1) << (at % 64); m.have[at/64]&bit == 0 {
		m.have[at/64] |= bit
		m.missing--
	}
}

// Missing returns how many pixels have not come.
func (m *Image) Missing() uint64 { return m.missing }

// Paste takes the pixels of another image, which lies at (x, y) of this one. It fails if that is not inside.
func (m *Image) Paste(part *Image, x, y uint32) error {
	p, q := &m.Parameter, &part.Parameter
	if uint64(x)+uint64(q.Width) > uint64(p.Width) || uint64(y)+uint64(q.Height) > uint64(p.Height) {
		return fmt.Errorf("fractal: a part of %d x %d at (%d, %d) is outside of the image of %d x %d",
			q.Width, q.Height, x, y, p.Width, p.Height)
	}
	for i, v := range part.Iterations {
		if part.have[i/64]&(1<<(i%64)) == 0 {
			continue
		}
		at := p.offset(x+uint32(i)%q.Width, y+uint32(i)/q.Width)
		m.Iterations[at] = v
		m.note(at)
	}
	return nil
}

// ColorModel implements [image.Image].
func (m *Image) ColorModel() color.Model { return color.NRGBAModel }

// Bounds implements [image.Image].
func (m *Image) Bounds() image.Rectangle {
	return image.Rect(0, 0, int(m.Parameter.Width), int(m.Parameter.Height))
}

// At implements [image.Image]. The set itself is black, a missing pixel transparent.
func (m *Image) At(x, y int) color.Color {
	if !image.Pt(x, y).In(m.Bounds()) {
		return color.NRGBA{}
	}
	at := m.Parameter.offset(uint32(x), uint32(y))
	if m.have[at/64]&(1<<(at%64)) == 0 {
		return color.NRGBA{}
	}
	v := m.Iterations[at]
	if v >= m.Parameter.MaxIterations {
		return color.NRGBA{A: 255}
	}
	// Colours go round with the logarithm: near the set, iterations grow without end.
	t := math.Log2(float64(v) + 1)
	wave := func(phase float64) uint8 { return uint8(127.5 - 127.5*math.Cos(t+phase)) }
	return color.NRGBA{R: wave(0), G: wave(-0.6), B: wave(-1.2 + math.Pi/2), A: 255}
}
