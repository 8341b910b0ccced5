// SPDX-License-Identifier: Apache-2.0

// Package sim simulates whole operational scopes: registrars (registrar/engine) and the agents of pool elements
// (asap/agent), the very machines that run over sockets, on a network of events with a clock of its own. Registrars crash,
// restart, and lose sight of each other; multicast is lost. The same [Config] gives the same run, message by message, which
// [World.Trace] sums up; [World.Converged] says whether all registrars agree with each other and with what is there.
//
// # Limitations
//
// The network carries associations as SCTP gives them to its users: reliable, in order, lost after a while of silence. What
// is below is simulated by sctp/simnet. All hosts have one address, messages have no size limit and take no time to send.
package sim
