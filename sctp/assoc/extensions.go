// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"slices"

	"github.com/rserpool/rserpool/sctp/wire"
)

// extensions is a set of protocol extensions. Each is used on an association
// if both sides have announced it in INIT and INIT ACK.
type extensions uint16

const (
	extForwardTSN extensions = 1 << iota // partial reliability, RFC 3758
	extAsconf                            // dynamic address reconfiguration, RFC 5061
	extReconfig                          // stream reconfiguration, RFC 6525
	extIData                             // message interleaving, RFC 8260
	extECN                               // RFC 9260, Appendix A
	extAuth                              // authenticated chunks, RFC 4895
)

func (e extensions) has(x extensions) bool { return e&x == x }

// An announcement is how INIT and INIT ACK chunks tell of an extension: by
// chunk types in the Supported Extensions parameter (RFC 5061, Section 4.2.7),
// by a parameter of its own, or both. A peer that does either has it.
type announcement struct {
	ext    extensions
	chunks []wire.ChunkType
	param  wire.ParamType // 0: none
}

var announcements = []announcement{
	{extForwardTSN, []wire.ChunkType{wire.ChunkForwardTSN}, wire.ParamForwardTSN},
	{extAsconf, []wire.ChunkType{wire.ChunkAsconf, wire.ChunkAsconfAck}, 0},
	{extAuth, []wire.ChunkType{wire.ChunkAuth}, 0}, // and the parameters of RFC 4895, which decide
	{extReconfig, []wire.ChunkType{wire.ChunkReconfig}, 0},
	{extIData, []wire.ChunkType{wire.ChunkIData}, 0},
	{extIForwardTSN, []wire.ChunkType{wire.ChunkIForwardTSN}, 0},
	{extECN, nil, wire.ParamECNCapable},
}

// maxExtensionParams is more than what append makes, in bytes.
const maxExtensionParams = 64

// append appends the parameters that announce e to a peer. In an INIT ACK,
// peer is what the INIT has announced: a parameter that the peer does not know
// would only be reported back to us.
func (e extensions) append(b []byte, peer extensions) []byte {
	var chunks []wire.ChunkType
	for _, an := range announcements {
		if !e.has(an.ext) {
			continue
		}
		chunks = append(chunks, an.chunks...)
		if an.param != 0 && peer.has(an.ext) {
			b = wire.AppendParam(b, an.param, nil)
		}
	}
	if e.has(extZeroChecksum) {
		b = wire.AppendZeroChecksumAcceptable(b, wire.ErrorDetectionDTLS)
	}
	if len(chunks) > 0 {
		b = wire.AppendSupportedExtensions(b, chunks...)
	}
	return b
}

// allExtensions stands for a peer of which nothing is known yet.
const allExtensions = ^extensions(0)

// announcedBy adds to e what a parameter of an INIT or INIT ACK announces, and
// tells whether it is one of these. One for an extension that is not among
// ours is not: it is treated as any unknown parameter.
func (e *extensions) announcedBy(prm wire.Param, ours extensions) bool {
	if prm.Type == wire.ParamSupportedExtensions {
		types, err := prm.ChunkTypes(nil)
		for _, an := range announcements {
			if err == nil && len(an.chunks) > 0 && containsAll(types, an.chunks) {
				*e |= an.ext & ours
			}
		}
		return true
	}
	if prm.Type == wire.ParamZeroChecksumAcceptable {
		return e.zeroChecksumAnnounced(prm, ours)
	}
	for _, an := range announcements {
		if an.param != 0 && an.param == prm.Type && ours.has(an.ext) {
			*e |= an.ext
			return true
		}
	}
	return false
}

func containsAll(list, want []wire.ChunkType) bool {
	for _, t := range want {
		if !slices.Contains(list, t) {
			return false
		}
	}
	return true
}
