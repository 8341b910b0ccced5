// SPDX-License-Identifier: Apache-2.0

// Package engine is a registrar without input and output: the ENRP server's side of the ASAP procedures (RFC 5352,
// Section 3) as a deterministic machine. It is told of associations, messages and the time, and gives messages to send,
// associations to abort, announcements and events. Package registrar runs it on SCTP; the same engine runs in tests and
// simulations. Most programs want package registrar.
//
// There are four kinds of methods. Inputs are named Handle: [Engine.HandleAssocUp], [Engine.HandleASAP],
// [Engine.HandleAssocLost], [Engine.HandleTimeout]. Outputs are named Poll, and are to be polled until they are empty
// after every input. [Engine.NextDeadline] says when the next HandleTimeout is due. The others are getters. Time is an
// argument that never goes back; randomness is in the [Config]. The same inputs give the same outputs.
//
// # Limitations
//
// An Engine is not safe for concurrent use. It is alone: ENRP (RFC 5353) is not spoken, so nothing is learned from or
// told to other registrars. There are no updates of handle resolutions (the S bit of RFC 5352, Section 2.2.5 is answered
// with A=0), no ASAP over TCP and no authentication. Announcements do not slow down when other registrars announce, too.
// Where RFC and RSPLIB differ, docs/deviations.md says what is done here.
package engine
