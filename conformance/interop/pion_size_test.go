// SPDX-License-Identifier: Apache-2.0

//go:build !interop && !race

package interop

// pionBytes is what each side sends in TestPionTransfer. A tenth of the full size, so that
// "go test ./..." stays quick: Pion moves some 50 MB/s and the four cases have two directions.
const pionBytes = 10_000_000
