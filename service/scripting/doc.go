// SPDX-License-Identifier: Apache-2.0

// Package scripting encodes and parses the messages of the Scripting Service Protocol, an example service that RSPLIB has and
// Wireshark dissects, and has the machines of both sides: a pool user ([User]) uploads a work package, a pool element
// ([Element]) runs the script in it, and sends its exit status and the file that it has written.
//
// Messages go over stream 0, in order, with payload protocol identifier [PPID]. All numbers are big-endian:
//
//	NotReady      00 flags length(16)  Reason(32) Info (text, up to 64 bytes)
//	Ready         01 flags length(16)  Info (text, up to 64 bytes)
//	Upload        02 flags length(16)  up to 16384 bytes, none at the end
//	Download      03 flags length(16)  up to 16384 bytes, none at the end
//	KeepAlive     04 flags length(16)
//	KeepAliveAck  05 flags length(16)  nothing (user), or Status(32), which is 0 (element)
//	Status        06 flags length(16)  Status(32)
//	Environment   07 flags length(16)  SHA-1 (20 bytes); flag 01 of the element: upload it
//
// The element speaks first: Ready, or NotReady and the end. The user asks for an environment if he has one, which is a file
// that many packages need, and uploads the package. If the element does not have the environment, he uploads that as well.
// The element says Status 0 and begins. Meanwhile either asks the other one now and then by a KeepAlive for a
// KeepAliveAck. At the end there is another Status, with the exit code, and the output is downloaded. Then the element ends
// the session.
//
// A User and an Element know no time but that of their arguments: what is due is told by Deadline, done by HandleTimer, and
// what is to be sent is taken by Poll.
//
// Package service has both sides at work, and package sandbox runs scripts.
//
// # Limitations
//
// There is no RFC of it: the bytes are those of RSPLIB 3.4.4. Other flags are sent as 0 and not looked at. There is no
// cookie: if an element fails, the next one begins again. Nothing says who a user is: who reaches an element has his scripts
// run. SHA-1 is what the protocol has; it tells environments apart, and proves nothing.
package scripting
