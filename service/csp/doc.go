// SPDX-License-Identifier: Apache-2.0

// Package csp is the codec of RSPLIB's Component Status Protocol, by which registrars, pool elements and pool users tell
// somebody how they are: a report is one UDP datagram, sent again and again, and a last one when the component leaves. There
// is no RFC, no acknowledgement and no authentication: whoever can send a datagram to a monitor can tell it anything.
//
// # Limitations
//
// It is known from what RSPLIB sends, Version 0x200 only.
package csp
