// SPDX-License-Identifier: Apache-2.0

package engine

import "github.com/rserpool/rserpool/enrp"

// capabilities returns what this registrar says that it can do; nothing if it does as RSPLIB.
func (c *Config) capabilities() (can enrp.Capability) {
	if c.Profile == ProfileRSPLIB {
		return 0
	}
	can = enrp.LongHandles
	if c.ENRP.SuggestTakeover {
		can |= enrp.TakeoverSuggestions
	}
	return can
}

// introduceSelf sends the presence by which a peer knows this server behind an association, and, the first time, what this
// server can do: for the peer to know that it is not RSPLIB.
func (e *Engine) introduceSelf(a *association, to uint32, reply, long bool) {
	e.sendPresence(a, to, reply, long)
	if a.link.introduced {
		return
	}
	a.link.introduced = true
	if can := e.cfg.capabilities(); can != 0 {
		e.sendENRP(a, &enrp.Capabilities{Header: e.header(to), Can: can})
	}
}

// capable notes what a peer can do.
func (p *peer) capable(can enrp.Capability) {
	p.can = can
	if can&enrp.LongHandles != 0 {
		p.ours = true
	}
}

// long reports whether a peer takes pool handles that RSPLIB does not. RSPLIB supports handles of up to 32 bytes.
func (e *Engine) long(p *peer) bool { return e.cfg.Profile == ProfileRFC || p.ours }

// suggestible reports whether a peer follows suggestions of takeovers, and is safe with them. Who does not tell what it can
// is taken at the word of the configuration: with ProfileRFC there is no RSPLIB.
func (e *Engine) suggestible(p *peer) bool {
	if p.can == 0 {
		return e.cfg.Profile == ProfileRFC
	}
	return p.can&enrp.TakeoverSuggestions != 0
}
