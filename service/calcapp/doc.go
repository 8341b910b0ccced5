// SPDX-License-Identifier: Apache-2.0

// Package calcapp encodes and parses the messages of CalcApp, an example service that RSPLIB has and Wireshark dissects,
// and has the machines of both sides: a pool user asks for a job of some number of calculations ([User]), and a pool element
// shares the calculations that it can do in a second among its jobs ([Element]). Now and then it gives the user a [Cookie],
// with which the next element goes on where the first has stopped. Nothing is calculated: a job takes time.
//
// Messages go over stream 0, in order, with payload protocol identifier [PPID]. All numbers are big-endian:
//
//	Message  type flags length(16)  JobID(32) JobSize(64) Completed(64)
//	Cookie   JobID(32) JobSize(64) Completed(64)
//
// The user sends a Request; the element answers with Accept, or with Reject if it has as many jobs as it takes. Then either
// asks the other one now and then by a KeepAlive for a KeepAliveAck, until the element sends Complete. An element that is
// given a cookie answers it as it does a Request.
//
// A User and an Element know no time but that of their arguments: what is due is told by Deadline, done by HandleTimer, and
// what is to be sent is taken by Poll.
//
// Package service has both sides at work.
//
// # Limitations
//
// There is no RFC of it: the bytes are those of RSPLIB 3.4.4. That has Abort as a number only, and does not look at one it
// receives; here it says that the sender does not have the job, or no longer wants it. Flags are sent as 0 and not looked
// at. A cookie proves nothing: who has it can have made it up.
package calcapp
