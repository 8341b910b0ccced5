// SPDX-License-Identifier: Apache-2.0

package fractal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"image/color"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var seed = flag.Uint64("seed", 1, "seed of randomised tests")

// The 14800 numbers that RSPLIB 3.4.4 has sent for asked, byte by byte.
func TestNumbersOfRSPLIB(t *testing.T) {
	m, err := Compute(asked)
	require.NoError(t, err)
	require.Zero(t, m.Missing())
	var b []byte
	for _, v := range m.Iterations {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	sum := sha256.Sum256(b)
	require.Equal(t, "04e15162f01b5a9669c087f101b1c56bb61ee71dc10fbce1303853eb6d97f3d2", hex.EncodeToString(sum[:]))
	require.EqualValues(t, []uint32{0, 1, 1, 2, 11}, []uint32{
		asked.At(0, 37), asked.At(20, 37), asked.At(40, 37), asked.At(60, 37), asked.At(80, 37),
	})
}

func TestMandelbrotN(t *testing.T) {
	square, n := asked, asked
	n.Algorithm = MandelbrotN
	same := 0
	for y := range uint32(74) {
		for x := range uint32(200) {
			if square.At(x, y) == n.At(x, y) {
				same++
			}
		}
	}
	require.Greater(t, same, 14800*99/100, "z² by another way rounds otherwise")
	for _, z := range []complex128{0, 2, -3, 2i, 1 + 1i, -0.5 - 0.25i} {
		require.InDelta(t, 0, cmplx.Abs(power(z, 3)-z*z*z), 1e-12, z)
	}
	n.N = -1
	require.EqualValues(t, 0, n.At(0, 0))
}

func TestPut(t *testing.T) {
	m, err := NewImage(small)
	require.NoError(t, err)
	require.NoError(t, m.Put(&Data{X: 6, Y: 0, Points: []uint32{1, 2, 3, 4}}), "goes on in the next row")
	require.EqualValues(t, 60, m.Missing())
	require.Equal(t, []uint32{1, 2, 3, 4}, m.Iterations[6:10])
	require.NoError(t, m.Put(&Data{X: 6, Y: 0, Points: []uint32{1, 2, 3, 4}}))
	require.NoError(t, m.Put(&Data{}))
	require.EqualValues(t, 60, m.Missing())
	require.Equal(t, color.NRGBA{}, m.At(0, 0), "missing")
	require.Equal(t, color.NRGBA{}, m.At(-1, 8))
	require.NoError(t, m.Put(&Data{X: 7, Y: 7, Points: []uint32{100}}))
	require.Equal(t, color.NRGBA{A: 255}, m.At(7, 7), "of the set")
	for _, c := range []struct {
		data Data
		want string
	}{
		{Data{X: 8, Points: []uint32{0}}, "point (8, 0) is outside of the image of 8 x 8"},
		{Data{Y: 8, Points: []uint32{0}}, "point (0, 8) is outside of the image of 8 x 8"},
		{Data{X: 0xffffffff, Y: 0xffffffff, Points: []uint32{0}}, "point (4294967295, 4294967295) is outside of the image of 8 x 8"},
		{Data{X: 7, Y: 7, Points: []uint32{0, 0}}, "2 points at (7, 7), but the image of 8 x 8 ends after 1"},
		{Data{X: 1, Y: 2, Points: []uint32{0, 101}}, "101 iterations of point 1 after (1, 2), more than 100"},
	} {
		require.ErrorContains(t, m.Put(&c.data), "fractal: data: "+c.want)
	}
	require.EqualValues(t, 59, m.Missing())
	_, err = NewImage(Parameter{Width: 65536, Height: 65536, MaxIterations: 1, Algorithm: Mandelbrot})
	require.ErrorContains(t, err, "an image of 65536 x 65536 has more than 67108864 pixels")
}

// Tiles cover an image, each pixel once, and stand for the same numbers.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(*seed, 1))
	for range 50 {
		p := asked
		p.Width, p.Height, p.MaxIterations = 1+r.Uint32N(40), 1+r.Uint32N(40), 20
		n := 1 + r.IntN(20)
		name := fmt.Sprintf("seed %d: %d tiles of %d x %d", *seed, n, p.Width, p.Height)
		tiles := p.Cut(n)
		require.LessOrEqual(t, len(tiles), n, name)
		m, err := NewImage(p)
		require.NoError(t, err)
		pixels := uint64(0)
		for _, tile := range tiles {
			part, err := Compute(tile.Parameter)
			require.NoError(t, err, name)
			require.NoError(t, m.Paste(part, tile.X, tile.Y), name)
			pixels += tile.Parameter.Pixels()
			for range 3 {
				x, y := r.Uint32N(tile.Parameter.Width), r.Uint32N(tile.Parameter.Height)
				require.InDelta(t, 0, cmplx.Abs(tile.Parameter.number(x, y)-p.number(tile.X+x, tile.Y+y)), 1e-12, name)
			}
		}
		require.Zero(t, m.Missing(), name)
		require.Equal(t, p.Pixels(), pixels, name)
		require.Error(t, m.Paste(m, 1, 0), name)
	}
	require.Len(t, asked.Cut(4), 4)
	require.Len(t, asked.Cut(0), 1)
	require.Equal(t, Tile{X: 66, Y: 37}, Tile{X: asked.Cut(6)[4].X, Y: asked.Cut(6)[4].Y})
	whole := asked.Cut(1)[0].Parameter
	require.Equal(t, asked, whole)
}
