// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"

	"github.com/rserpool/rserpool/registrar/handlespace"
)

// Reconfigure has a running registrar take another configuration. These fields of it count, from now on:
//
//   - KeepAliveInterval, KeepAliveTimeout, MaxBadPEReport, MaxResolutionItems, MaxElements, MaxPools,
//     MaxElementsPerAssoc, MaxAssocs, MaxHandle, MaxResolutionRate, MaxReportRate, MaxSubscriptions, UpdateInterval,
//     and DistanceStep;
//   - ServerAnnounce, if there are announcements before and after;
//   - of ENRP, if it is spoken before and after, HeartbeatCycle, MaxTimeLastHeard, MaxTimeNoResponse, TakeoverExpiry,
//     MaxPeers and Static.
//
// The others stay as they are. What is above a lower bound stays as well, and nothing is added to it. An error says which
// field is wrong; nothing has changed then.
func (e *Engine) Reconfigure(now time.Time, cfg Config) error {
	cfg.ServerID, cfg.Rand, cfg.Profile, cfg.Policies = e.cfg.ServerID, e.cfg.Rand, e.cfg.Profile, e.cfg.Policies
	cfg.Announce, cfg.MaxIncrement = e.cfg.Announce, e.cfg.MaxIncrement
	switch {
	case e.cfg.ENRP == nil:
		cfg.ENRP = nil
	case cfg.ENRP == nil:
		cfg.ENRP = e.cfg.ENRP
	default:
		n := *cfg.ENRP
		n.Self, n.Sources = e.cfg.ENRP.Self, e.cfg.ENRP.Sources
		n.MentorDiscovery, n.SuggestTakeover = e.cfg.ENRP.MentorDiscovery, e.cfg.ENRP.SuggestTakeover
		cfg.ENRP = &n
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if (cfg.ServerAnnounce > 0) != (e.cfg.ServerAnnounce > 0) {
		cfg.ServerAnnounce = e.cfg.ServerAnnounce
	}
	old := e.cfg
	e.cfg = cfg
	e.space.SetMaxElements(cfg.MaxElements)
	if cfg.ServerAnnounce != old.ServerAnnounce && !e.announceAt.IsZero() {
		e.announceAt = sooner(e.announceAt, now.Add(e.jitter(cfg.ServerAnnounce, 8)))
	}
	if cfg.KeepAliveInterval != old.KeepAliveInterval {
		e.rescheduleKeepAlives(now)
	}
	if s := &e.topics; cfg.UpdateInterval != old.UpdateInterval && len(s.changed) > 0 {
		s.due = time.Time{}
		for _, t := range s.changed {
			s.mayBeDue(e.dueTopic(t))
		}
	}
	if s := e.scope; s != nil {
		s.reconfigure(now, *cfg.ENRP)
		if cfg.ENRP.HeartbeatCycle != old.ENRP.HeartbeatCycle {
			s.heartbeatAt = sooner(s.heartbeatAt, now.Add(e.jitter(cfg.ENRP.HeartbeatCycle, 8)))
		}
		e.rearm()
	}
	return nil
}

// rescheduleKeepAlives does so for all own elements, apart from those that have been asked and have not answered yet.
func (e *Engine) rescheduleKeepAlives(now time.Time) {
	for el := range e.owned(e.cfg.ServerID) {
		if e.assocs[el.Assoc()] == nil {
			continue
		}
		_, planned := el.Deadline(handlespace.TimerKeepAlive)
		_, asked := el.Deadline(handlespace.TimerProbe)
		switch {
		case e.cfg.KeepAliveInterval <= 0:
			e.space.StopTimer(el, handlespace.TimerKeepAlive)
		case planned || !asked:
			e.scheduleKeepAlive(now, el)
		}
	}
}

// reconfigure looks for the peers that are listed now, and not for others any more. An association with one of those
// stays.
func (s *scope) reconfigure(now time.Time, cfg ENRP) {
	s.cfg = cfg
	old := s.statics
	s.statics = nil
	for _, t := range cfg.Static {
		i := slices.IndexFunc(old, func(st *static) bool { return st.target.same(&t) })
		if i < 0 {
			s.statics = append(s.statics, &static{target: t, at: now})
			continue
		}
		old[i].target = t // it may have more addresses
		s.statics = append(s.statics, old[i])
		old = slices.Delete(old, i, i+1)
	}
}

// sooner is the earlier of two times.
func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
