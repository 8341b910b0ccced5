// SPDX-License-Identifier: Apache-2.0

// Package agent has the procedures of ASAP (RFC 5352, Section 3) on the side of pool elements and pool users: the hunt
// for a registrar, registration with all its timers, keep-alives, handle resolution with a cache, and reports of
// unreachable pool elements. Most programs want package pool, which runs an [Agent] over sctp.
//
// An Agent is a state machine without I/O, clock or goroutines. It is told what happened with the Handle methods,
// asked for something with commands named after RFC 5352's primitives ([Agent.Register], [Agent.Deregister],
// [Agent.Resolve], [Agent.ReportUnreachable]), and after each of them polled for what is to be done
// ([Agent.PollAction]), what is to be told to the user ([Agent.PollEvent]) and when it wants to be called next
// ([Agent.Deadline]). Times are arguments and never go back; all randomness comes from [Config.Rand], so the same
// calls give the same results.
//
// # Limitations
//
// Pool elements need registrars that are reached by SCTP, as RFC 5352 says; an agent that has one does not use TCP for its
// resolutions either. TLS is the shell's: an address says that it is wanted. Whoever reaches the registration port can
// adopt a pool element with a keep-alive: RFC 5352 leaves that to TLS. Automatic updates of resolved handles (the S bit)
// are not requested, business cards are not exchanged. Cookies do not pass through here: they are between pool user and
// pool element.
package agent
