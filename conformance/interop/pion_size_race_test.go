// SPDX-License-Identifier: Apache-2.0

//go:build race

package interop

// pionBytes is what each side sends in TestPionTransfer. The race detector makes both stacks some
// ten times slower; what it looks for does not depend on the size.
const pionBytes = 1_000_000
