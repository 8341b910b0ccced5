// SPDX-License-Identifier: Apache-2.0

// Package rserpool is Reliable Server Pooling (RSerPool; RFC 5351) in pure Go:
// pools of servers with names, from which a user is given one that works, and
// another when it fails. It runs directly on an SCTP of its own in user space
// (package sctp), with several addresses per host, carried in UDP.
//
// This package is empty. Programs import sctp, the transport; pool, for
// servers that join a pool and users of one; or registrar, the name service
// both need. The command is in cmd/rserpool.
//
// # Limitations
//
// See README.md for which RFCs are covered, and docs/ROADMAP.md for what is
// next.
package rserpool
