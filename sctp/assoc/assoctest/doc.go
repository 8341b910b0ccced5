// SPDX-License-Identifier: Apache-2.0

// Package assoctest drives association engines on a simulated network, in one
// goroutine and with a virtual clock. A [Host] is an assoc.Stack at addresses
// of a simnet.Sim: it does what package sctp does around the engine - feed
// datagrams and timeouts, send what must go out, hand over messages and
// events - without its locks and goroutines. It is for tests.
//
// While it drives, it watches: whatever an engine does against its contract
// (an event after the last one, a deadline that never passes, a packet larger
// than allowed) is an error of the Host, see [Host.Err].
//
// # Limitations
//
// A host's addresses do not change. Datagrams which arrive at the same instant
// are one batch, whatever path they came by.
package assoctest
