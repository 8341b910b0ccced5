// SPDX-License-Identifier: Apache-2.0

// Package rfc5061 has the cases of RFC 5061, SCTP Dynamic Address Reconfiguration: a file per section.
//
// # Limitations
//
// What cannot be observed is among the cases, with its reason.
package rfc5061

import (
	"slices"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Cases are all of the package.
func Cases() []conformance.Case {
	return slices.Concat(
		section4_1,
		section4_2,
		section5_1,
		section5_2,
		section5_3,
		section5_4,
		section6,
	)
}

// addIP is the setup of a tester that speaks ASCONF, and authenticates.
func addIP() tester.Setup {
	return tester.Setup{Auth: true, AuthChunks: []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck}, Extensions: tester.AllExtensions}
}
