// SPDX-License-Identifier: Apache-2.0

// Package param encodes and parses the parameters that ASAP and ENRP share: RFC 5354, the policies of RFC 5356, and
// the few that RSPLIB and this project add. Most programs want packages asap and enrp, whose messages are made of
// them, or package pool.
//
// The types [PoolElement], [Transport], [Policy], [ServerInformation], [PoolHandle], [Cookie] and [OperationError]
// are plain data. [Encoder] and [Decoder] put them into messages and take them out again, and apply the rules for
// unrecognized parameters; [ParamError] and [Reports] carry what the sender of a bad message is to be told. What is
// parsed shares no memory with the buffer it came from.
//
// # Limitations
//
// Registration Life is carried as it is; RFC 5354 and RSPLIB disagree on its unit. A transport holds at most
// [MaxAddrs] addresses. Policies of unknown type are carried, not understood. Parameters of unknown type are skipped
// or refused, never forwarded.
package param
