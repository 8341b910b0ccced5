// SPDX-License-Identifier: Apache-2.0

package param

const (
	// MaxMessage is the largest message in bytes: the Message Length field has 16 bits.
	MaxMessage = 65535

	// MaxPoolHandle is the longest pool handle in bytes: the 16-bit Parameter Length less the TLV header. A message
	// has room for somewhat less, depending on what else it carries.
	MaxPoolHandle = 65535 - 4

	// MaxHandleRSPLIB is the longest pool handle in bytes that RSPLIB takes. Keep handles within it wherever an
	// RSPLIB component may be in the operational scope.
	MaxHandleRSPLIB = 32

	// MaxAddrs is the most addresses in one transport parameter, sent or accepted. It is RSPLIB's limit, and more
	// paths than any SCTP endpoint probes; a transport of 8190 addresses would only burn memory.
	MaxAddrs = 64

	// MaxPoolElements is the most pool elements that are sent in one handle resolution response. It is RSPLIB's
	// limit. Parsing accepts what fits in a message.
	MaxPoolElements = 128

	// MaxCauseInfo is the longest Cause-Specific Information in bytes that still fits in an ENRP_ERROR (12 bytes of
	// header and server IDs, 4 of Operation Error header, 4 of cause header) of at most MaxMessage bytes, rounded
	// down to a multiple of 4. Longer quotations are cut off there.
	MaxCauseInfo = (MaxMessage - 12 - 4 - 4) &^ 3

	// MaxReports is the most unrecognized parameters that are reported of one message. A message of 16 thousand
	// empty unknown parameters must not be answered with an error three times its size.
	MaxReports = 64

	// DefaultEncapPort is the UDP encapsulation port meant when no Encapsulation Port parameter is present:
	// the one assigned by IANA, RFC 6951, Section 7.
	DefaultEncapPort = 9899

	// LifeInfinite is the Registration Life that never ends.
	//
	// RFC 5354, Section 3.10: "A value of -1 indicates infinite lifetime."
	LifeInfinite = 0xffffffff

	// ItemsMax, in a Handle Resolution Option, asks for as many pool elements as the server will give.
	ItemsMax = 0xffffffff
)
