// SPDX-License-Identifier: Apache-2.0

//go:build !linux || udpencap_portable

package udpencap

// An icmpReader reads nothing here: the system tells of ICMP messages by errors of
// sending and receiving at most, which do not say what they are about.
type icmpReader struct{}
