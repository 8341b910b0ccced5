// SPDX-License-Identifier: Apache-2.0

// Package relay puts loss, duplication, reordering and delay on a path of UDP datagrams, in user
// space: neither the nodes of the interoperability rig nor many hosts have a kernel that can.
//
// [Impairment] decides the fate of one datagram after the other from a seed and does nothing else;
// a test that owns a socket can apply it there and keep the addresses as they are. [Relay] applies
// one in each direction between its own UDP address, which the clients talk to, and a target.
//
// # Limitations
//
// A Relay is a network address translator: both ends see its address instead of the other's, which
// an SCTP association with addresses in its INIT only survives on the paths that avoid the relay.
// The fate of the i-th datagram of a direction follows from the seed; which datagram comes i-th, and
// when, is up to the machine.
package relay
