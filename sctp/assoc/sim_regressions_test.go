// SPDX-License-Identifier: Apache-2.0

package assoc_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSimulationRegressions runs seeds that have failed once.
func TestSimulationRegressions(t *testing.T) {
	for _, tt := range []struct {
		scenario string
		seed     uint64
		was      string
	}{
		{"addresses change", 344, "the answer to a deletion came before that to the addition: the address was used again"},
		{"addresses change", 341, "the only path was unconfirmed, and not probed any more"},
		{"addresses change", 1009, "an association ended in the middle of a change"},
		{"addresses change, and are not told", 53, "an answer that had no address to come from kept the ASCONF-ACK behind it waiting"},
		{"abort", 215, "the simulation did not count a message that came with a COOKIE ECHO sent again"},
		{"MTU changes", 33, "a path of 1280 bytes that swallowed what is large was not noticed"},
		{"MTU changes", 120, "the HEARTBEAT that asks whether small packets pass was bundled with data"},
		{"path loss, primary path moves", 380, "the source of a path was changed for the failure of another one"},
	} {
		for _, sc := range scenarios {
			if sc.name == tt.scenario {
				_, _, err := simulate(tt.seed, sc.draw)
				require.NoError(t, err, "%s, seed %d: %s", tt.scenario, tt.seed, tt.was)
			}
		}
	}
}
