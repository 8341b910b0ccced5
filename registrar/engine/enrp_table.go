// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

const (
	// smallTable and smallTableElements are how large RSPLIB makes a part of a handle table.
	smallTable, smallTableElements = 1400, param.MaxPoolElements
	// largeTable is how large a part may be for those who do not mind: what a message holds, less a margin.
	largeTable = param.MaxMessage - 1024
)

// tableRequest answers an ENRP_HANDLE_TABLE_REQUEST with the next part.
//
// RFC 5353, Section 3.2.3, step 2: "the mentor peer MUST set the M flag to '1' in the outbound ENRP_HANDLE_TABLE_RESPONSE if
// there is more data to be transferred and MUST keep track of the progress of the current download session."
func (e *Engine) tableRequest(now time.Time, a *association, p *peer, m *enrp.HandleTableRequest) {
	resp := &enrp.HandleTableResponse{Header: e.header(p.id)}
	if !e.scope.operational {
		// RFC 5353, Section 3.2.3: "In such a case, the mentor peer MUST reject the request by the initiating server and
		// respond with an ENRP_HANDLE_TABLE_RESPONSE message with the R flag set to '1'".
		resp.Rejected = true
		e.sendENRP(a, resp)
		return
	}
	d := &p.download
	// RFC 5353, Section 3.2.3: "If this timer expires without receiving another request from the initiating server, the
	// mentor peer SHOULD abort the session".
	if !d.running || d.owned != m.OwnChildrenOnly || d.until.Before(now) {
		*d = download{running: true, owned: m.OwnChildrenOnly, cursor: handlespace.WalkAll()}
		if d.owned {
			d.cursor = handlespace.WalkOwned(e.cfg.ServerID)
		}
	}
	resp.More = e.fillTable(resp, d, e.long(p))
	// RFC 5353, Section 3.2.3, step 2: "and close the download session [...] after sending out the last message."
	d.running, d.until = resp.More, now.Add(e.scope.cfg.MaxTimeNoResponse)
	if !e.out.push(a, resp) {
		// One of the elements has a handle that leaves no room for itself; the peer hears of it by its own update.
		d.running = false
		e.sendENRP(a, &enrp.HandleTableResponse{Header: e.header(p.id), Rejected: true})
	}
}

// fillTable moves the cursor on over what fits into a message, and reports whether there is more.
func (e *Engine) fillTable(resp *enrp.HandleTableResponse, d *download, long bool) (more bool) {
	limit, count := smallTable, 0
	if long {
		limit = largeTable
	}
	size := 12
	for {
		el, next := e.space.Next(d.cursor)
		if el == nil {
			return false
		}
		pe, h := el.PE(), el.Pool().Handle()
		if pe.ASAPTransport == nil || pe.HomeID == 0 || !long && len(h) > param.MaxHandleRSPLIB {
			d.cursor = next
			continue
		}
		e.shown, _ = pe.AppendBinary(e.shown[:0])
		n := len(resp.Pools)
		newPool := n == 0 || resp.Pools[n-1].PoolHandle != h
		grow := len(e.shown) + 3
		if newPool {
			grow += len(h) + 7
		}
		if count > 0 && (size+grow > limit || !long && count == smallTableElements) {
			return true
		}
		if newPool {
			resp.Pools = append(resp.Pools, enrp.PoolEntry{PoolHandle: h})
			n++
		}
		pool := &resp.Pools[n-1]
		pool.PoolElements = append(pool.PoolElements, *pe)
		size += grow
		count++
		d.cursor = next
	}
}

// tableResponse takes a part of a peer's handle table over, if one was asked for.
func (e *Engine) tableResponse(now time.Time, p *peer, m *enrp.HandleTableResponse) {
	switch {
	case !e.scope.operational && e.scope.mentor.id == p.id && e.scope.mentor.phase == mentorTable:
		e.mentorPart(now, p, m)
	case p.sync.running:
		e.resyncTable(now, p, m)
	default:
		e.stats.Ignored++
	}
}

// merge unpacks a part of a handle table into the handlespace and returns how many elements were in it. With owned only
// what the peer owns counts: RSPLIB may list others at the end.
func (e *Engine) merge(now time.Time, p *peer, m *enrp.HandleTableResponse, owned bool) (n int) {
	var c conflicts
	for i := range m.Pools {
		pool := &m.Pools[i]
		for j := range pool.PoolElements {
			pe := &pool.PoolElements[j]
			n++
			if owned && pe.HomeID != p.id || !e.fresher(p, pool.PoolHandle, pe) {
				continue
			}
			c.add(e.enter(now, p, pool.PoolHandle, *pe))
		}
	}
	e.conflict(p, &c)
	return n
}

// fresher reports whether an entry of a handle table is to be believed. What is known from the owner itself, by its updates,
// is newer than what others, or an owner that does not know of its loss yet, have in their tables.
func (e *Engine) fresher(p *peer, h param.PoolHandle, pe *param.PoolElement) bool {
	el := e.space.Lookup(h, pe.ID)
	if el == nil {
		return true
	}
	switch home := el.Home(); {
	case home == e.cfg.ServerID:
		return pe.HomeID == p.id && e.scope.yieldedTo(el) == p.id
	case pe.HomeID != p.id:
		return false
	case home == p.id:
		return true
	default:
		q := e.scope.peer(home)
		return q == nil || !q.alive()
	}
}

// conflicts counts the elements that the handlespace refused.
type conflicts struct {
	n     int
	first error
	h     param.PoolHandle
	id    uint32
}

func (c *conflicts) add(err error) {
	if err == nil {
		return
	}
	if c.n++; c.first == nil {
		c.first = err
		if x, ok := errors.AsType[*handlespace.Error](err); ok {
			c.h, c.id = x.Handle, x.ID
		}
	}
}

// conflict reports elements that were refused. The handlespaces differ until somebody ends that; the audits go on with
// their back-off.
func (e *Engine) conflict(p *peer, c *conflicts) {
	if c.n == 0 {
		return
	}
	e.stats.Conflicts += uint64(c.n)
	e.event(Event{Kind: EventConflict, Peer: p.id, Handle: c.h, ID: c.id, Count: c.n, Err: c.first})
}
