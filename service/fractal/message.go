// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"encoding/binary"
	"fmt"
)

// MaxPoints is the most points in a Data; the message has 1312 bytes then.
const MaxPoints = 324

// The first byte of messages.
const (
	typeParameter = 1
	typeData      = 2
)

const dataHeader = header + 12

// endMark is both coordinates of the Data that ends an image.
const endMark = 0xffffffff

// A Message is a *Parameter or a *Data.
type Message interface {
	// AppendBinary appends the message.
	AppendBinary(b []byte) ([]byte, error)
}

// A Data is a part of an image, or the end of it.
type Data struct {
	// X and Y are where the first point is.
	X, Y uint32
	// Points are the iterations of the points, row by row: 1 to MaxPoints of them. Without any, this is the end of the
	// image, and X and Y mean nothing.
	Points []uint32
}

// End reports whether the image ends here.
func (d *Data) End() bool { return len(d.Points) == 0 }

// AppendBinary implements [Message]. It fails if there are too many points.
func (d *Data) AppendBinary(b []byte) ([]byte, error) {
	n, x, y := len(d.Points), d.X, d.Y
	if n > MaxPoints {
		return b, fmt.Errorf("fractal: data: %d points, more than %d", n, MaxPoints)
	}
	if n == 0 {
		x, y = endMark, endMark
	}
	b = append(b, typeData, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(dataHeader+4*n))
	b = binary.BigEndian.AppendUint32(b, x)
	b = binary.BigEndian.AppendUint32(b, y)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	for _, v := range d.Points {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b, nil
}

// Check says why the data cannot be a part of the image of p.
func (d *Data) Check(p *Parameter) error {
	if d.End() {
		return nil
	}
	if d.X >= p.Width || d.Y >= p.Height {
		return fmt.Errorf("fractal: data: point (%d, %d) is outside of the image of %d x %d", d.X, d.Y, p.Width, p.Height)
	}
	if left := p.Pixels() - p.offset(d.X, d.Y); uint64(len(d.Points)) > left {
		return fmt.Errorf("fractal: data: %d points at (%d, %d), but the image of %d x %d ends after %d",
			len(d.Points), d.X, d.Y, p.Width, p.Height, left)
	}
	for i, v := range d.Points {
		if v > p.MaxIterations {
			return fmt.Errorf("fractal: data: %d iterations of point %d after (%d, %d), more than %d", v, i, d.X, d.Y, p.MaxIterations)
		}
	}
	return nil
}

// offset returns how many pixels are before (x, y).
func (p *Parameter) offset(x, y uint32) uint64 { return uint64(y)*uint64(p.Width) + uint64(x) }

// Parse returns the message in b, which is all of b. It is a copy. A Parameter is valid; where a Data belongs is for
// [Data.Check] to tell.
func Parse(b []byte) (Message, error) {
	if len(b) < header {
		return nil, fmt.Errorf("fractal: a message of %d bytes, less than the %d of its header", len(b), header)
	}
	name := "data"
	switch b[0] {
	case typeParameter:
		name = "parameter"
	case typeData:
	default:
		return nil, fmt.Errorf("fractal: message type %#x is neither parameter (1) nor data (2)", b[0])
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) {
		return nil, fmt.Errorf("fractal: %s: length field %d in a message of %d bytes", name, n, len(b))
	}
	if b[0] == typeData {
		return parseData(b)
	}
	if len(b) != parameterSize {
		return nil, fmt.Errorf("fractal: parameter: %d bytes, not %d", len(b), parameterSize)
	}
	return parse(parseParameter(b[header:]))
}

// parse makes a Message of a parser's result, nil if it failed.
func parse[M Message](m M, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

func parseData(b []byte) (Message, error) {
	if len(b) < dataHeader {
		return nil, fmt.Errorf("fractal: data: %d bytes, less than %d", len(b), dataHeader)
	}
	d := &Data{X: binary.BigEndian.Uint32(b[4:]), Y: binary.BigEndian.Uint32(b[8:])}
	n := binary.BigEndian.Uint32(b[12:])
	switch {
	case n > MaxPoints:
		return nil, fmt.Errorf("fractal: data: %d points, more than %d", n, MaxPoints)
	case dataHeader+4*int(n) != len(b):
		return nil, fmt.Errorf("fractal: data: %d points in %d bytes", n, len(b))
	case n == 0 && (d.X != endMark || d.Y != endMark):
		return nil, fmt.Errorf("fractal: data: no points at (%d, %d), which is not the end", d.X, d.Y)
	case n == 0:
		return &Data{}, nil
	}
	d.Points = make([]uint32, n)
	for i := range d.Points {
		d.Points[i] = binary.BigEndian.Uint32(b[dataHeader+4*i:])
	}
	return d, nil
}
