// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A deque is a slice, whatever is done to it.
func TestDeque(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d deque[int]
		var want []int
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				at := rapid.IntRange(0, len(want)).Draw(t, "at")
				d.insert(at, i)
				want = slices.Insert(want, at, i)
			case 2:
				d.insert(len(want), i)
				want = append(want, i)
			case 3:
				n := rapid.IntRange(0, len(want)).Draw(t, "n")
				d.removeFront(n)
				want = want[n:]
			case 4:
				more := make([]int, rapid.IntRange(0, 9).Draw(t, "more"))
				d.prepend(more)
				want = slices.Concat(more, want)
			case 5:
				more := []int{i, i}
				d.append(more)
				want = slices.Concat(want, more)
			}
			require.Equal(t, len(want), d.len())
			require.True(t, slices.Equal(want, d.items()), "%v, not %v", d.items(), want)
			for _, x := range d.buf[len(d.buf):cap(d.buf)] {
				require.Zero(t, x, "what was taken out is not kept")
			}
		}
	})
}
