// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"fmt"
	"reflect"
	"time"
)

// liveFields are the fields of Config that a running registrar can change.
var liveFields = map[string]bool{
	"AnnounceInterval": true, // within limits: see Reconfigure
	"Peers":            true, "PeerHeartbeatCycle": true, "MaxTimeLastHeard": true, "MaxTimeNoResponse": true, "TakeoverExpiry": true,
	"MaxPeers": true, "KeepAliveInterval": true, "KeepAliveTimeout": true, "MaxBadPEReport": true, "MaxResolutionItems": true,
	"MaxElements": true, "MaxPools": true, "MaxElementsPerAssoc": true, "MaxAssocs": true, "MaxHandle": true,
	"MaxResolutionRate": true, "MaxReportRate": true, "MaxSubscriptions": true, "UpdateInterval": true,
	"MaxTCP": true, "TCPIdleTimeout": true, "TCPReadTimeout": true, "SendTimeout": true, "StopTimeout": true,
}

// givenFields are those that a program gives, and that are not looked at again.
var givenFields = map[string]bool{"Stack": true, "Network": true, "TCPListener": true, "TLS": true, "Policies": true, "Rand": true, "Logger": true}

// Reconfigure has a running registrar take another configuration. What can be changed is changed at once: the peers,
// timers, thresholds and bounds. What is above a lower bound stays. The fields that differ from what the registrar runs
// with, but need another one to be started, are returned, in the order of Config; a change of AnnounceInterval to or from
// none is among them, and a ServerID of 0 stands for the present one. Stack, Network, TCPListener, TLS, Policies, Rand
// and Logger are not looked at. An error says which field is wrong; nothing has changed then.
func (s *Server) Reconfigure(cfg Config) (restart []string, err error) {
	s.reconfiguring.Lock()
	defer s.reconfiguring.Unlock()
	old := *s.live.Load()
	if cfg.ServerID == 0 {
		cfg.ServerID = old.ServerID
	}
	from, to := reflect.ValueOf(&old).Elem(), reflect.ValueOf(&cfg).Elem()
	for i := range from.NumField() {
		if name := from.Type().Field(i).Name; givenFields[name] && !(name == "TLS" && cfg.TLS != nil) { // a TLSPort needs one
			to.Field(i).Set(from.Field(i))
		}
	}
	if cfg, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		can := liveFields[name] || givenFields[name]
		if name == "AnnounceInterval" {
			can = (old.AnnounceInterval < 0) == (cfg.AnnounceInterval < 0)
		}
		if can || reflect.DeepEqual(from.Field(i).Interface(), to.Field(i).Interface()) {
			continue
		}
		restart = append(restart, name)
		to.Field(i).Set(from.Field(i))
	}
	cfg.TLS = old.TLS
	ec := cfg.engine()
	if !cfg.Standalone {
		ec.ENRP = s.peering(&cfg)
	}
	s.do(func(now time.Time) {
		switch {
		case s.stopping:
			err = ErrStopping
		default:
			err = s.eng.Reconfigure(now, ec)
		}
		if err == nil {
			s.live.Store(&cfg)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("registrar: %w", err)
	}
	return restart, nil
}
