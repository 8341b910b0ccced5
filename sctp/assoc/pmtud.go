// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/sctp/wire"
)

// An MTUState is a state of the path MTU discovery of a path (RFC 8899, Section
// 5.2).
type MTUState uint8

const (
	// MTUDisabled: there is no discovery: none is wanted, the path is not usable,
	// or too little has been sent for it to be worth a probe.
	MTUDisabled MTUState = iota
	// MTUBase: packets of the MTU used before vanish; it is probed whether those
	// of 1280 bytes pass.
	MTUBase
	// MTUSearching: larger packets are probed.
	MTUSearching
	// MTUSearchComplete: the MTU is used until the search begins anew after ten
	// minutes.
	MTUSearchComplete
	// MTUError: not even packets of 1280 bytes pass.
	MTUError
)

func (s MTUState) String() string {
	switch s {
	case MTUDisabled:
		return "disabled"
	case MTUBase:
		return "base"
	case MTUSearching:
		return "searching"
	case MTUSearchComplete:
		return "search complete"
	case MTUError:
		return "error"
	}
	return "invalid"
}

const (
	// probeTimer: RFC 8899, Section 5.1.1: "This value MUST NOT be smaller than 1
	// second and SHOULD be larger than 15 seconds."
	probeTimer = 16 * time.Second
	// baseProbeTimer is the PROBE_TIMER, if RTO is not longer, while the path does
	// not carry what it should: the sooner it is known the better.
	baseProbeTimer = time.Second
	// maxProbes is MAX_PROBES (Section 5.1.2).
	maxProbes = 3
	// mtuRaiseTimer is the PMTU_RAISE_TIMER (Section 5.1.1).
	mtuRaiseTimer = 600 * time.Second
	// searchAfter is how many bytes must have been acknowledged on an association
	// before it is searched for a larger MTU: the first hundred packets do without.
	searchAfter = 128 << 10
	// baseMTU is what every path is expected to carry: BASE_PLPMTU of RFC 8899,
	// Section 5.1.2, is 1200 bytes, here with IPv6 and UDP headers.
	baseMTU = 1280
)

// commonMTUs are the sizes tried between one that passes and one that does not
// (RFC 8899, Section 5.3.2: "selecting step sizes from a table of common PMTU
// sizes"): Internet paths with tunnels, FDDI, token ring, jumbo frames, loopback.
var commonMTUs = [...]int{
	1280, 1320, 1360, 1380, 1400, 1420, 1432, 1440, 1450, 1460, 1472, 1480, 1492, 1500,
	2048, 4352, 4464, 8166, 8900, 8950, 9000, 9180, 9216, 16384, 32768, 65535,
}

// A pmtud is the path MTU discovery of a path (DPLPMTUD, RFC 8899), with the path's
// mtu as PLPMTU. Sizes are those of IP packets. Config.MTU takes the place of
// BASE_PLPMTU at the beginning: SCTP sees whether what it sends is acknowledged, so
// that there is no CONFIRMATION_TIMER either (Section 6.2.1.3).
type pmtud struct {
	state MTUState
	size  int       // PROBED_SIZE
	count int       // PROBE_COUNT
	due   bool      // a probe is to be sent
	timer time.Time // PROBE_TIMER while one is out, or PMTU_RAISE_TIMER
	fails int       // the least size known not to pass, or 0

	out    bool // a probe is out
	nonce  uint64
	sentAt time.Time
}

// probe begins to try a size.
func (m *pmtud) probe(size int) {
	m.size, m.count, m.due, m.out, m.timer = size, 0, true, false, nilTime
}

func (m *pmtud) disable() { *m = pmtud{} }

// complete ends a search. It is repeated if there is something to be found.
func (m *pmtud) complete(now time.Time, more bool) {
	m.state, m.due, m.out, m.timer = MTUSearchComplete, false, false, nilTime
	if more {
		m.timer = now.Add(mtuRaiseTimer)
	}
}

// next is the size to probe between mtu, which passes, and what fails or most: the
// largest one at first, which is what is right where all links are alike. 0: there
// is none left worth it.
func (m *pmtud) next(mtu, most int) int {
	if m.fails == 0 {
		if mtu >= most {
			return 0
		}
		return most
	}
	limit := min(m.fails, most)
	first, n := 0, 0
	for i, s := range commonMTUs {
		if s > mtu && s < limit {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return commonMTUs[first+n/2]
}

// maxMTU is MAX_PLPMTU of a path: what the interface has, if that is known, and
// the configuration allows.
func (a *Association) maxMTU(p *path) int {
	most := a.localMTU[p.local.Addr()]
	if a.cfg.MaxMTU > 0 && (most == 0 || a.cfg.MaxMTU < most) {
		most = a.cfg.MaxMTU
	}
	if most == 0 {
		most = a.cfg.MTU
	}
	return min(most, maxMTU)
}

// firstMTU is what a path has at first.
func (a *Association) firstMTU(p *path) int {
	if m := a.localMTU[p.local.Addr()]; m >= minMTU {
		return min(a.cfg.MTU, m)
	}
	return a.cfg.MTU
}

// dataAcked counts what has been acknowledged, until the search is worth it.
func (a *Association) dataAcked(now time.Time, n int) {
	if a.acked >= searchAfter {
		return
	}
	if a.acked += n; a.acked < searchAfter {
		return
	}
	for _, p := range a.paths {
		a.beginSearch(now, p)
	}
}

// beginSearch begins the discovery on a path: RFC 8899, Section 6.2.1.1: "A sender
// can therefore enter the BASE state as soon as connectivity has been confirmed",
// and what the data acknowledged has confirmed leaves it at once.
func (a *Association) beginSearch(now time.Time, p *path) {
	if a.cfg.MaxMTU >= 0 && a.acked >= searchAfter && p.usable() && p.pm.state == MTUDisabled {
		a.search(now, p)
	}
}

// search probes the next size, or ends the search.
func (a *Association) search(now time.Time, p *path) {
	most := a.maxMTU(p)
	size := p.pm.next(p.mtu, most)
	if size == 0 {
		p.pm.complete(now, p.mtu < most)
		return
	}
	p.pm.state = MTUSearching
	p.pm.probe(size)
}

// changeMTU sets the MTU of a path. What was cut for a larger one goes with IP
// fragmentation (RFC 9260, Section 6.9).
func (a *Association) changeMTU(p *path, mtu int) {
	smaller := mtu < p.mtu
	p.setMTU(mtu)
	a.amdcsCache = 0
	if smaller {
		a.markWhere(func(c *outChunk) bool { return c.path == p && c.size() > p.cc.pmdcs })
		p.cc.openBurst(0, a.cfg.MaxBurst)
		a.mayExceedCwnd = true
	}
}

// enterBase lowers the MTU of a path that loses what is large.
func (a *Association) enterBase(p *path) {
	mtu := baseMTU
	if a.cfg.MaxMTU < 0 && p.mtu <= baseMTU {
		mtu = minMTU // no probes tell
	}
	if p.mtu > mtu {
		a.changeMTU(p, mtu)
	}
	p.pm.disable()
	if a.cfg.MaxMTU < 0 {
		return
	}
	p.pm.state = MTUBase
	p.pm.probe(baseMTU)
}

// probePath is a path on which a probe is to be sent.
func (a *Association) probePath() *path {
	for _, p := range a.paths {
		if p.pm.due {
			return p
		}
	}
	return nil
}

// transmitProbe sends a probe. RFC 8899, Section 6.2.1.2: "Probe packets consist of
// an SCTP common header followed by a HEARTBEAT chunk and a PAD chunk."
func (a *Association) transmitProbe(now time.Time, buf []byte) (Transmit, bool) {
	p := a.probePath()
	if p == nil {
		return Transmit{}, false
	}
	m := &p.pm
	size := maxPacket(m.size, p.remote.Addr())
	if cap(buf) < size {
		return Transmit{}, false
	}
	if !a.mayHeartbeat() {
		m.disable()
		return Transmit{}, false
	}
	k := a.begin(p, buf, a.peerTag)
	m.due, m.out, m.nonce, m.sentAt = false, true, a.rng.Uint64(), now
	wait := probeTimer
	if m.state != MTUSearching {
		wait = baseProbeTimer
	}
	m.timer = now.Add(max(wait, p.rto.rto))
	k.b = appendHeartbeatInfo(k.b, p.index, m.nonce)
	reserve := 0
	if a.auth.busy && a.firstToAuthenticate(k.b) >= 0 {
		reserve = a.authLen()
	}
	if pad := size - len(k.b) - reserve; pad >= wire.ChunkHeaderLen {
		k.b = wire.AppendPad(k.b, pad)
	}
	a.stats.MTUProbesSent++
	t, ok := k.end()
	t.Oversize, t.Probe = false, true
	return t, ok
}

func appendHeartbeatInfo(b []byte, index int, nonce uint64) []byte {
	var info [heartbeatInfoLen]byte
	binary.BigEndian.PutUint32(info[0:], uint32(index))
	binary.BigEndian.PutUint64(info[4:], nonce)
	return wire.AppendHeartbeat(b, wire.ChunkHeartbeat, info[:])
}

// onProbeAcked takes a HEARTBEAT ACK that may answer a probe. Section 6.2.1.2: "A
// successful probe updates the association and path counters".
func (a *Association) onProbeAcked(now time.Time, p *path, nonce uint64) {
	m := &p.pm
	if !m.out || nonce != m.nonce {
		return
	}
	p.rto.measure(now.Sub(m.sentAt))
	if a.out.count() == 0 {
		a.errorCount = 0
	}
	if !(p.failing() && p.flightSize > 0) && p.clear() {
		a.pathChanged(p)
	}
	if m.size > p.mtu {
		a.changeMTU(p, m.size)
	}
	a.search(now, p)
}

// onMTUTimer: the probe was lost, or it is time for another search.
func (a *Association) onMTUTimer(now time.Time, p *path) {
	m := &p.pm
	m.timer = nilTime
	switch m.state {
	case MTUDisabled:
	case MTUSearchComplete:
		if now.Sub(p.cc.lastSent) > mtuRaiseTimer {
			// Section 5.1.1: "DPLPMTUD MAY inhibit sending probe packets when no
			// application data has been sent since the previous probe packet."
			m.timer = now.Add(mtuRaiseTimer)
			return
		}
		m.fails = 0
		a.search(now, p)
	default:
		a.probeLost(now, p)
	}
}

// probeLost: Section 6.2.1.2: "an unsuccessful probe is discounted".
func (a *Association) probeLost(now time.Time, p *path) {
	m := &p.pm
	m.out = false
	if m.count++; m.count < maxProbes {
		m.due = true
		return
	}
	switch m.state {
	case MTUSearching:
		m.fails = m.size
		a.search(now, p)
	case MTUBase:
		// Section 5.4: "This allows fallback to a smaller than desired PLPMTU rather
		// than suffer connectivity failure."
		a.changeMTU(p, minMTU)
		m.state = MTUError
		m.probe(baseMTU)
	case MTUError:
		m.count = 0
		m.timer = now.Add(probeTimer) // and once more
	}
}

// HandleMTUError takes notice of a packet of size bytes that the host refused to
// send for that (RFC 6951, Section 5.6). mtu is what the host knows, or 0. A probe
// fails by that; else the path's MTU is lowered at once: MAX_PLPMTU is
// "constrained by the local interface MTU" (RFC 8899, Section 5.1.2). What was in
// flight and is too large is sent again, in fragments of IP.
func (a *Association) HandleMTUError(now time.Time, remote netip.AddrPort, size, mtu int) {
	p := a.pathTo(remote.Addr())
	if p == nil || a.state == StateClosed {
		return
	}
	m := &p.pm
	if m.out && m.size > p.mtu && (mtu == 0 || mtu >= p.mtu) {
		if mtu > p.mtu && mtu < m.size {
			m.probe(mtu)
			return
		}
		m.fails = m.size
		a.search(now, p)
		return
	}
	if mtu < minMTU || mtu >= p.mtu {
		if size > p.maxPacket() {
			return // cut before the MTU was lowered, it says nothing of that one
		}
		mtu = max(minMTU, p.mtu*7/8&^3)
	}
	if mtu < p.mtu {
		a.changeMTU(p, mtu)
		if m.state == MTUSearchComplete {
			m.complete(now, true) // it may have more again
		}
	}
}

// handlePacketTooBig takes a validated report of a router that packets of more
// than mtu bytes do not pass. RFC 8899, Section 4.6.2: it "MAY be utilized by the
// DPLPMTUD algorithm but MUST NOT be used directly to set the PLPMTU."
func (a *Association) handlePacketTooBig(now time.Time, p *path, mtu int) {
	m := &p.pm
	if a.cfg.MaxMTU < 0 || mtu < minMTU || mtu >= max(m.size, p.mtu) {
		return // of a size that is not used, or not to be believed
	}
	switch {
	case mtu < baseMTU:
		// "A robust PL MAY enter an error state": what is not large passes with
		// fragmentation, and probes tell whether it is true.
		if p.mtu >= baseMTU && m.state != MTUBase {
			a.enterBase(p)
		}
	case mtu < p.mtu:
		// "The PLPMTU SHOULD be set to BASE_PLPMTU ... The PL_PTB_SIZE reported in the
		// PTB message can be used to initialize a search algorithm."
		a.enterBase(p)
		m.state = MTUSearching
		m.fails = mtu + 1
		if mtu > baseMTU {
			m.probe(mtu)
		} else {
			a.search(now, p)
		}
	case m.out && m.size > mtu && mtu > p.mtu:
		// "The PL can use the reported PL_PTB_SIZE from the PTB message as the next
		// search point".
		m.fails = mtu + 1
		m.probe(mtu)
	case m.out && m.size > mtu: // PL_PTB_SIZE = PLPMTU
		m.fails = mtu + 1
		m.complete(now, true)
	}
}

// onBlackHole lowers the MTU of a path that answers HEARTBEATs but swallows
// data, and lets IP fragment what was cut for the old one.
func (a *Association) onBlackHole(now time.Time, p *path) {
	if p.timeouts < blackHoleTimeouts || !a.maySwallow(p) {
		return
	}
	p.timeouts = 0
	a.enterBase(p)
}
