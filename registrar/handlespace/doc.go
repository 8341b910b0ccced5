// SPDX-License-Identifier: Apache-2.0

// Package handlespace is the registrar's database as data: pools by handle, pool elements by identifier, the order in
// which each pool's policy selects them, who owns them, which association they registered over, and when something is
// due. It keeps the PE checksum of every owner up to date (RFC 5353, Section 3.6.2) and checks registrations for
// consistency with their pool (RFC 5352, Section 3.1).
//
// It knows no messages and no procedures: package registrar/engine decides, this package remembers. Every operation
// costs O(log n) per element it touches; an element takes about 1 KiB with two addresses. The same calls in the same
// order give the same answers: time and randomness come from the caller.
//
// # Limitations
//
// A [Space] is not safe for concurrent use, and nothing is stored on disk. A pool element identifier that another process
// already uses in the pool looks like a re-registration; telling the two apart, as RFC 5354, Section 3.12.5 has it, takes
// the association and is for the caller to do. RSPLIB's checksum differs from RFC 1071 where one registrar owns more than
// some 10 000 elements; its variant is not kept.
package handlespace
