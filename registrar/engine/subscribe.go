// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// maxSubscriptions bounds those of all associations: an update for each of them is a message.
const maxSubscriptions = 1 << 16

// topics are the pools that somebody has subscribed to.
type topics struct {
	byHandle      map[param.PoolHandle]*topic
	changed       []*topic  // that have something to tell, in the order in which they changed
	due           time.Time // when the first of them may be told; zero: there is none
	subscriptions int
}

// A topic is a pool that somebody has subscribed to.
type topic struct {
	handle      param.PoolHandle
	subscribers []subscriber // in the order in which they subscribed
	told        time.Time    // when its subscribers were told last, each by an answer or all by an update
	changed     bool
}

type subscriber struct {
	a     *association
	items uint32 // as in its request
}

// subscribe notes whether an association wants updates about a pool, and reports whether it gets them.
//
// RFC 5352, Section 2.2.5: "The 'S' bit, if set to '1', requests the Home ENRP server to send updates to this Pool
// dynamically when the Pool changes for the lifetime of the SCTP association." "If a negative response is returned, no
// further updates to the Pool (when it is created) will occur." A later request without the bit is taken for the wish that
// there are no more updates.
//
// Section 2.2.6: "If this bit is set to '0', either the ENRP server does NOT support automatic updates, it has resource issues
// and cannot supply this feature, or the user did not request it."
func (e *Engine) subscribe(now time.Time, a *association, handle []byte, items uint32, wanted bool) bool {
	t := e.topics.byHandle[param.PoolHandle(handle)]
	i := -1
	if t != nil {
		i = slices.IndexFunc(t.subscribers, func(s subscriber) bool { return s.a == a })
	}
	switch {
	case !wanted && i >= 0:
		e.unsubscribe(a, t)
		return false
	case !wanted:
		return false
	case i >= 0:
		t.subscribers[i].items = items
		return true
	case len(a.topics) >= e.cfg.MaxSubscriptions || e.topics.subscriptions >= maxSubscriptions:
		return false
	case t == nil:
		t = &topic{handle: param.PoolHandle(handle), told: now}
		e.topics.byHandle[t.handle] = t
	}
	t.subscribers = append(t.subscribers, subscriber{a, items})
	a.topics = append(a.topics, t)
	e.topics.subscriptions++
	return true
}

// unsubscribe ends a subscription.
func (e *Engine) unsubscribe(a *association, t *topic) {
	a.topics = slices.DeleteFunc(a.topics, func(o *topic) bool { return o == t })
	t.subscribers = slices.DeleteFunc(t.subscribers, func(s subscriber) bool { return s.a == a })
	e.topics.subscriptions--
	if len(t.subscribers) > 0 {
		return
	}
	delete(e.topics.byHandle, t.handle)
	if t.changed {
		s := &e.topics
		s.changed = slices.DeleteFunc(s.changed, func(o *topic) bool { return o == t })
		s.due = time.Time{}
		for _, o := range s.changed {
			s.mayBeDue(e.dueTopic(o))
		}
	}
}

// mayBeDue notes when a topic may be told.
func (s *topics) mayBeDue(t time.Time) {
	if s.due.IsZero() || t.Before(s.due) {
		s.due = t
	}
}

// poolChanged notes that the subscribers of a pool are to be told. That is done when the next timeout is handled: there may
// be more to come, and who has caused it is answered first.
func (e *Engine) poolChanged(p *handlespace.Pool) {
	s := &e.topics
	if len(s.byHandle) == 0 {
		return
	}
	t := s.byHandle[p.Handle()]
	if t == nil || t.changed {
		return
	}
	t.changed = true
	s.changed = append(s.changed, t)
	s.mayBeDue(e.dueTopic(t))
}

func (e *Engine) dueTopic(t *topic) time.Time { return t.told.Add(max(e.cfg.UpdateInterval, 0)) }

// tellTopics sends the updates that are due.
func (e *Engine) tellTopics(now time.Time) {
	s := &e.topics
	if s.due.IsZero() || s.due.After(now) {
		return
	}
	s.due = time.Time{}
	s.changed = slices.DeleteFunc(s.changed, func(t *topic) bool {
		if due := e.dueTopic(t); due.After(now) {
			s.mayBeDue(due)
			return false
		}
		t.changed, t.told = false, now
		e.tellTopic(t)
		return true
	})
}

// tellTopic sends an update to each subscriber.
//
// RFC 5352, Section 2.2.5: "Dynamic updates to the pool will consist of additional ASAP_HANDLE_RESOLUTION_RESPONSE messages,
// without the user needing to send in an ASAP_HANDLE_RESOLUTION."
func (e *Engine) tellTopic(t *topic) {
	pool := e.space.Pool(t.handle)
	for _, s := range slices.Clone(t.subscribers) {
		e.stats.PoolUpdates++
		if pool != nil && e.listAll(s, pool) {
			continue
		}
		// It is gone, and the subscription with it. Or what it has does not fit into a message.
		code := param.CauseUnknownPoolHandle
		if pool != nil {
			code = param.CauseLackOfResources
		}
		e.unsubscribe(s.a, t)
		e.send(s.a, &asap.HandleResolutionResponse{PoolHandle: t.handle, Errors: param.OperationError{{Code: code}}})
	}
}

// listAll queues an update. An update is no selection, and turns nobody to the end of a round; only where the pool has more
// elements than are wanted, the policy decides which ones.
func (e *Engine) listAll(s subscriber, pool *handlespace.Pool) bool {
	e.selected = e.selected[:0]
	if n := e.items(s.items); pool.Len() > n {
		e.selected = e.space.Select(e.selected, pool, n)
	} else {
		e.selected = slices.AppendSeq(e.selected, pool.Elements())
	}
	defer clear(e.selected)
	return len(e.selected) > 0 && e.list(s.a, true)
}
