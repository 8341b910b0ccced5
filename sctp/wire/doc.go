// SPDX-License-Identifier: Apache-2.0

// Package wire encodes and decodes SCTP packets: the common header and its
// CRC32c, every chunk, parameter and error cause of RFC 9260, and those of the
// extensions RFC 3758 (partial reliability), RFC 4820 (padding), RFC 4895
// (authentication), RFC 5061 (address reconfiguration), RFC 6525 (stream
// reconfiguration), RFC 8260 (I-DATA) and the ECN chunks. Most programs want
// package sctp.
//
// The package holds no state and knows no procedures. Encoders append to a
// byte slice and return it; they write chunks, parameters and causes with the
// zero padding that follows them. Decoders return views into the bytes they
// were given: whoever keeps bytes beyond the life of the packet copies them.
// A chunk goes through [NextChunk], which cuts it out of the packet, and the
// Parse function of its type, which checks it whole. The data path (DATA,
// I-DATA, SACK, checksum) does not allocate.
//
// # Limitations
//
// Parse functions check the format, not the meaning: a zero Initiate Tag, a
// gap ack block that runs backwards or DATA without user data are valid
// encodings, and the answer to them is the caller's. The NR-SACK
// and the packet drop chunk are not known here; they
// pass through as unknown types. Encoders do not fail: an object longer than
// its 16-bit length field can express gets the length 65535, and could not be
// sent in a UDP datagram anyway.
package wire
