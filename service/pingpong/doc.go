// SPDX-License-Identifier: Apache-2.0

// Package pingpong encodes and parses the messages of the PingPong protocol, an example service that RSPLIB has and
// Wireshark dissects: a pool user sends numbered Pings, a pool element answers each with a Pong that carries a reply
// number of its own, and gives the user a cookie with the number of the next reply. When the element fails, the user
// brings the cookie to the next one, which goes on counting where the first has stopped.
//
// Messages go over stream 0, in order, with payload protocol identifier [PPID]. All numbers are big-endian:
//
//	Ping    01 flags length(16)  MessageNo(64)               data
//	Pong    02 flags length(16)  MessageNo(64)  ReplyNo(64)  data of the Ping
//	Cookie  "<PP-TD1>"           ReplyNo(64)
//
// Package service has both sides at work.
//
// # Limitations
//
// There is no RFC of it: the bytes are those of RSPLIB 3.4.4. Flags are sent as 0 and not looked at. A cookie proves
// nothing: who has it can have made it up.
package pingpong
