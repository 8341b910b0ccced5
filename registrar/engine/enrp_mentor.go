// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/rserpool/rserpool/enrp"
)

// mentorPause is how long a mentor that has rejected a request is left alone.
//
// RFC 5353, Section 3.2.2.2: "the initiating server SHOULD either wait for a few seconds and re-send the ENRP_LIST_REQUEST
// to the mentor server, or if there is a backup mentor peer available, select another mentor peer server".
const mentorPause = time.Second

type mentorPhase uint8

const (
	mentorList  mentorPhase = iota + 1 // the peer list was asked for
	mentorTable                        // the handle table was asked for
)

// A mentor is the peer that a new server gets the state of the scope from.
type mentor struct {
	id       uint32 // 0: none
	phase    mentorPhase
	deadline time.Time // for the next answer
	until    time.Time // then it goes alone, if there is no mentor
	elements int       // received
}

// huntMentor picks a mentor, if one is wanted.
//
// RFC 5353, Section 3.2.2.1: "The initiating server MUST pick one of them as its mentor server and keep the others as its
// backup mentor servers." and Section 3.2.2.2: "Once the initiating server finds its mentor peer server [...] the initiating
// server MUST send an ENRP_LIST_REQUEST message to the mentor peer server".
func (e *Engine) huntMentor(now time.Time) {
	s := e.scope
	if s.operational || s.mentor.id != 0 {
		return
	}
	for _, p := range s.peers {
		if p.assoc == nil || p.state != PeerActive || !p.assoc.link.introduced || p.notMentorUntil.After(now) {
			continue
		}
		s.mentor.id, s.mentor.phase, s.mentor.elements = p.id, mentorList, 0
		s.mentor.deadline = now.Add(s.cfg.MaxTimeNoResponse)
		p.assoc.link.asked = true
		e.sendENRP(p.assoc, &enrp.ListRequest{Header: e.header(p.id)})
		return
	}
}

// downloadTable asks the mentor for the handlespace.
//
// RFC 5353, Section 3.2.3, step 1: "The initiating server MUST first send an ENRP_HANDLE_TABLE_REQUEST message to the mentor
// peer, with the W flag set to '0', indicating that the entire handlespace is requested."
func (e *Engine) downloadTable(now time.Time, p *peer) {
	s := e.scope
	s.mentor.phase, s.mentor.deadline = mentorTable, now.Add(s.cfg.MaxTimeNoResponse)
	e.sendENRP(p.assoc, &enrp.HandleTableRequest{Header: e.header(p.id)})
}

// mentorPart takes a part of the handlespace over.
func (e *Engine) mentorPart(now time.Time, p *peer, m *enrp.HandleTableResponse) {
	s := e.scope
	if m.Rejected || m.More && len(m.Pools) == 0 {
		e.mentorFails(now, p, true)
		return
	}
	n := e.merge(now, p, m, false)
	if s.mentor.elements += n; s.mentor.elements > e.cfg.MaxElements {
		e.mentorFails(now, p, true) // it never ends
		return
	}
	if m.More {
		// RFC 5353, Section 3.2.3, step 3: "the initiating server MUST send another ENRP_HANDLE_TABLE_REQUEST message to the
		// mentor peer to request for the next ENRP_HANDLE_TABLE_RESPONSE message."
		e.downloadTable(now, p)
		return
	}
	// RFC 5353, Section 3.2.3, step 5: "the initialization process is completed and the initiating server SHOULD start to
	// provide ENRP services."
	e.operate(now, p.id)
}

// mentorFails gives a mentor up, and tries the next one.
func (e *Engine) mentorFails(now time.Time, p *peer, rejected bool) {
	s := e.scope
	if s.operational || s.mentor.id != p.id {
		return
	}
	pause := s.cfg.MaxTimeNoResponse
	if rejected {
		pause = mentorPause
	}
	p.notMentorUntil = now.Add(pause)
	s.mentor.id, s.mentor.deadline = 0, time.Time{}
	e.huntMentor(now)
}

// mentorTimeout handles that a mentor does not answer, or that there is none.
//
// RFC 5353, Section 3.2.3: "If this timer expires without receiving a response from the mentor peer, the initiating server
// SHOULD abort the current download session and re-start a new handlespace download with a backup mentor peer, if one is
// available."
func (e *Engine) mentorTimeout(now time.Time) {
	s := e.scope
	if expired(s.mentor.deadline, now) {
		s.mentor.deadline = time.Time{}
		if p := s.peer(s.mentor.id); p != nil {
			e.mentorFails(now, p, false)
		} else {
			s.mentor.id = 0
		}
	}
	if !s.mentor.until.After(now) && s.mentor.id == 0 {
		e.operate(now, 0)
	}
}

// operate ends the initialization. What others have to tell, the audits find out.
func (e *Engine) operate(now time.Time, mentor uint32) {
	s := e.scope
	s.operational = true
	s.mentor.deadline = time.Time{}
	e.event(Event{Kind: EventOperational, Peer: mentor})
	if e.cfg.ServerAnnounce > 0 {
		e.announceAt = now
	}
	for _, p := range s.peers {
		p.notMentorUntil = time.Time{}
		if p.assoc != nil && p.assoc.link.introduced {
			e.introduce(p.assoc, p)
		}
	}
	s.heartbeatAt = now
	e.claimOwn(now)
}
