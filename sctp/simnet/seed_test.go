// SPDX-License-Identifier: Apache-2.0

package simnet_test

import (
	"flag"
	"net/netip"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 1, "seed of the randomised tests")

// testSeed returns the seed to use and has it printed if the test fails.
func testSeed(t *testing.T) uint64 {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with -seed=%d", *seedFlag)
		}
	})
	return *seedFlag
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
func ad(s string) netip.Addr     { return netip.MustParseAddr(s) }
