// SPDX-License-Identifier: Apache-2.0

// Package engine is a registrar without input and output: the ENRP server's side of the ASAP procedures (RFC 5352,
// Section 3) and, with [Config].ENRP, the procedures between ENRP servers (RFC 5353), as a deterministic machine. It is
// told of associations, messages and the time, and gives messages to send, associations to set up and to abort,
// announcements and events. Package registrar runs it on SCTP, package sim on a simulated network. Most programs want
// package registrar.
//
// There are four kinds of methods. Inputs are named Handle: [Engine.HandleAssocUp], [Engine.HandleASAP],
// [Engine.HandleENRP], [Engine.HandleConnected], [Engine.HandleAssocLost], [Engine.HandleTimeout] and others. Outputs are
// named Poll, and are to be polled until they are empty after every input. [Engine.NextDeadline] says when the next
// HandleTimeout is due. The others are getters. Time is an argument that never goes back; randomness is in the [Config].
// The same inputs give the same outputs.
//
// With peers, a registrar first looks for a mentor to get the handlespace from ([Engine.Operational]); it answers ASAP
// requests meanwhile, and announces itself when it is done. From then on it tells its peers of every change, compares
// checksums with every presence, and takes dead peers over. A peer is probed at once when its association is lost, and
// dead when it cannot be reached then.
//
// # Limitations
//
// An Engine is not safe for concurrent use. There are no updates of handle resolutions (the S bit of RFC 5352, Section
// 2.2.5 is answered with A=0) and no authentication: whoever reaches the ENRP port is a peer.
// Announcements do not slow down when other registrars announce, too. Two registrars that know each other only from a third
// one find each other again by its peer list, within some heartbeats. Where RFC and RSPLIB differ,
// docs/deviations.md says what is done here.
package engine
