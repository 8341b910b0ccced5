// SPDX-License-Identifier: Apache-2.0

// Package simnet is a virtual network which carries UDP datagrams between
// multi-homed hosts. Its segments and links delay, lose, duplicate and reorder
// what they carry, have an MTU and a rate, and can be cut and mended while in
// use; all chance comes from one seed. Most programs want package sctp.
//
// It comes in two forms on the same links. A [Net] runs in real time, or in
// the time of a testing/synctest bubble: the Network of each [Host] is a
// udpencap.Network. A [Sim] is a single-threaded event heap with a clock of
// its own, in which the same seed gives the same trace ([Sim.TraceHash]).
//
// The way of a datagram is: the [Segment] of the source address, then the
// [Link] between the two addresses if there is one, then the segment of the
// destination if that is another one. Between two addresses of the same host
// nothing delays or drops it. Addresses outside every segment declared share
// a default one without loss or delay.
//
//	n := simnet.New(seed)
//	a, b, segs := n.Pair(2)       // two hosts on two disjoint segments
//	segs[0].Set(simnet.Settings{Delay: 10 * time.Millisecond, Loss: 0.05})
//	time.AfterFunc(5*time.Second, segs[0].Down)
//
// # Limitations
//
// There is no ICMP, no NAT, and no routing beyond one
// segment on either side: multicast stays within its segment. The fate of a
// datagram is drawn when it is sent, so cutting a link does not take away what
// is under way. In a Net the goroutines that send decide who draws first: its
// runs are not reproducible, those of a Sim are.
package simnet
