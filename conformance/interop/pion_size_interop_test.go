// SPDX-License-Identifier: Apache-2.0

//go:build interop && !race

package interop

// pionBytes is what each side sends in TestPionTransfer: enough for both TSNs and windows to turn
// over many times, and for 16-bit stream sequence numbers to be used up on no stream but seen high.
const pionBytes = 100_000_000
