// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"github.com/rserpool/rserpool/sctp/wire"
)

// An ecnState is explicit congestion notification (RFC 2960, Appendix A, to which RFC
// 9260 leaves its place; RFC 3168).
type ecnState struct {
	// Receiving.
	ce   bool     // the packet being handled was marked
	echo bool     // ECNE goes with each SACK until CWR has come
	tsn  wire.TSN // the lowest of the first packet that was marked

	// Sending.
	reduced   bool // reducedAt is set
	reducedAt wire.TSN
}

// marked takes notice of a DATA chunk in a packet with the CE mark. RFC 2960,
// Appendix A: the ECNE chunk "contains one data element, i.e. the lowest TSN
// associated with the IP datagram marked with the CE bit".
func (e *ecnState) marked(tsn wire.TSN) {
	if !e.echo || tsn.Less(e.tsn) {
		e.echo, e.tsn = true, tsn
	}
}

// appendECNE goes with each acknowledgement. RFC 3168, Section 6.1.3: "that TCP
// receiver continues to set the ECN-Echo flag in all the ACK packets it sends ...
// until it receives a CWR packet".
func (k *packet) appendECNE() {
	if e := &k.a.ecn; e.echo && k.room() >= wire.ChunkHeaderLen+4 {
		k.b = wire.AppendECNE(k.b, e.tsn)
		k.a.stats.ECNEsSent++
	}
}

// handleCWR: "CWR: ... This element represents the lowest TSN number in the datagram
// that was originally marked with the CE bit."
func (a *Association) handleCWR(c wire.Chunk) {
	tsn, err := wire.ParseCWR(c)
	if err != nil {
		a.stats.BadPackets++
		return
	}
	if a.ecn.echo && a.ecn.tsn.LessEq(tsn) {
		a.ecn.echo = false
	}
}

// handleECNE reduces the congestion window of the path that the marked packet took.
// RFC 3168, Section 6.1.2: "The indication of congestion should be treated just as a
// congestion loss in non-ECN-Capable TCP", and "TCP should not react to congestion
// indications more than once every window of data": not to marks of what had been
// sent before the last reduction. It is answered all the same: the CWR before may
// have been lost.
func (a *Association) handleECNE(from *path, c wire.Chunk) {
	tsn, err := wire.ParseECNE(c)
	if err != nil || !a.state.mayReceiveSack() {
		a.stats.BadPackets++
		return
	}
	o := &a.out
	if !tsn.Less(o.next) || int(o.next.Diff(tsn)) > maxTSNSpan {
		a.stats.BadPackets++ // never sent, or long ago
		return
	}
	a.stats.ECNEsReceived++
	p := a.dataPath()
	if o.cumAck.Less(tsn) {
		if q := o.at(tsn).path; q != nil {
			p = q
		}
	}
	a.ecn.age(o.next)
	if !a.fastRecovery && (!a.ecn.reduced || !tsn.Less(a.ecn.reducedAt)) {
		p.cc.onFastRetransmit()
	}
	if !a.ecn.reduced || !tsn.Less(a.ecn.reducedAt) {
		a.ecn.reduced, a.ecn.reducedAt = true, o.next
	}
	a.reply(from, wire.AppendCWR(nil, tsn))
}

// ecnRecovery tells whether what was in flight when an ECNE came has not been
// acknowledged yet. "The sending TCP SHOULD NOT increase the congestion window in
// response to the receipt of an ECN-Echo ACK packet."
func (a *Association) ecnRecovery() bool {
	if !a.ecn.reduced {
		return false
	}
	a.ecn.age(a.out.next)
	return a.ecn.reduced && a.out.cumAck.Add(1).Less(a.ecn.reducedAt)
}

// age forgets a reduction that is so long ago that TSNs could not be compared with
// it for much longer.
func (e *ecnState) age(next wire.TSN) {
	if d := next.Diff(e.reducedAt); d < 0 || d > 1<<30 {
		e.reduced = false
	}
}

// ect tells whether a packet may be marked. RFC 3168, Section 6.1.5: "ECN-capable TCP
// implementations MUST NOT set either ECT codepoint (ECT(0) or ECT(1)) in the IP header
// for retransmitted data packets"; 6.1.4 and 6.1.6 say the same of pure acknowledgements
// and window probes. A path on which a timeout has followed may not let such packets
// through (6.1.1.1): it gets none until data has been acknowledged again.
func (k *packet) ect() bool {
	return k.fresh && !k.resent && k.a.ext.has(extECN) && k.p.timeouts == 0 && !k.a.windowClosed()
}
