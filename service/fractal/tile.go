// SPDX-License-Identifier: Apache-2.0

package fractal

// A Tile is a part of an image that is computed by itself.
type Tile struct {
	// X and Y are where it lies in the image.
	X, Y uint32
	// Parameter is what is to be computed.
	Parameter Parameter
}

// Cut divides an image into n tiles, as near to squares of them as n allows: 4 are 2 in each of 2 rows, 6 are 3 in each of
// 2, 7 are in one row. There are fewer if there are not as many pixels in a row or column.
func (p *Parameter) Cut(n int) []Tile {
	rows := 1
	for r := 2; r*r <= n; r++ {
		if n%r == 0 {
			rows = r
		}
	}
	columns := max(n, 1) / rows
	xs, ys := split(p.Width, columns), split(p.Height, rows)
	var tiles []Tile
	for j := range len(ys) - 1 {
		for i := range len(xs) - 1 {
			q := *p
			q.Width, q.Height = xs[i+1]-xs[i], ys[j+1]-ys[j]
			q.C1, q.C2 = p.number(xs[i], ys[j]), p.corner(xs[i+1], ys[j+1])
			tiles = append(tiles, Tile{X: xs[i], Y: ys[j], Parameter: q})
		}
	}
	return tiles
}

// corner is number, but exactly C2 at the far edges.
func (p *Parameter) corner(x, y uint32) complex128 {
	c := p.number(x, y)
	re, im := real(c), imag(c)
	if x == p.Width {
		re = real(p.C2)
	}
	if y == p.Height {
		im = imag(p.C2)
	}
	return complex(re, im)
}

// split returns where n equal parts of a length begin, and its end.
func split(length uint32, n int) (at []uint32) {
	parts := min(uint64(n), uint64(length))
	for i := range parts + 1 {
		at = append(at, uint32(uint64(length)*i/parts))
	}
	return at
}
