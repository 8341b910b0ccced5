// SPDX-License-Identifier: Apache-2.0

// Package registrars loads a registrar, ours or another one, over the wire: pool elements that register, pool users that
// resolve a pool handle, and a peer that tells of its pool elements, by ASAP and ENRP over SCTP.
//
//	make bench-registrar
//
// measures RSPLIB's rspregistrar and "rserpool registrar" in turn, each in a node of the lab (root, Linux); see
// docs/PERFORMANCE.md.
//
// # Limitations
//
// A load has some requests under way on each of a few associations: it measures how fast a registrar works, not how long
// one request takes.
package registrars
