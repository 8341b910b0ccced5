// SPDX-License-Identifier: Apache-2.0

// Package perf measures associations between two programs: what iperf3 is for TCP, for SCTP. One
// side is a [Server], the other calls [Run]. A test is bulk (messages of one size one way, in either
// direction) or latency (a message there and back, one at a time).
//
// # The exchange
//
// It is between the two ends of each association, on the association itself; several in parallel
// are tests of their own. Control messages are JSON objects with the payload protocol identifier
// [PPIDControl], ordered, on stream 0; the messages that are measured have [PPIDData].
//
//	client                                     server
//	{"version":1,"request":{"test":"bulk","length":1024,"nanoseconds":10000000000,…}}
//	                                           {"version":1,"ready":true}, or {"version":1,"error":"…"}
//	… the messages, from the client; with "reverse" from the server; a latency test has each sent back …
//	{"version":1,"end":{"messages":N,…}}       from who has sent them
//	                                           {"version":1,"end":{…}}, from the other side once it has got N
//
// Either end of a bulk test says what it counted; a latency test ends with the client's count and
// that of the server. Then the client shuts the association down.
//
// # Limitations
//
// The clocks of the two hosts are not compared: latency is that of a whole round trip. Whoever can
// reach a Server can have it send for as long as [MaxTime]: it is not for networks one does not trust.
package perf
