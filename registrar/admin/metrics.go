// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rserpool/rserpool/registrar"
)

const namespace = "rserpool_registrar"

// Collector returns the metrics of a registrar, for a registry of the program's own. All names begin with
// rserpool_registrar_; counters start at 0 with the registrar.
func Collector(srv *registrar.Server) prometheus.Collector { return &collector{srv} }

type collector struct{ srv *registrar.Server }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

// A metric is one number of registrar.Stats.
type metric struct {
	desc  *prometheus.Desc
	typ   prometheus.ValueType
	value func(*registrar.Stats) float64
}

func counter(name, help string, value func(*registrar.Stats) uint64) metric {
	return metric{desc(name, help), prometheus.CounterValue, func(s *registrar.Stats) float64 { return float64(value(s)) }}
}

func gauge(name, help string, value func(*registrar.Stats) int) metric {
	return metric{desc(name, help), prometheus.GaugeValue, func(s *registrar.Stats) float64 { return float64(value(s)) }}
}

var metrics = []metric{
	gauge("pools", "Pools in the handlespace.", func(s *registrar.Stats) int { return s.Pools }),
	gauge("pool_elements", "Pool elements in the handlespace.", func(s *registrar.Stats) int { return s.Elements }),
	gauge("associations", "SCTP associations and TCP connections.", func(s *registrar.Stats) int { return s.Associations }),
	gauge("tcp_connections", "TCP connections.", func(s *registrar.Stats) int { return s.TCP }),
	gauge("peers", "Other registrars that are known.", func(s *registrar.Stats) int { return s.Peers }),

	counter("registrations_total", "New pool elements registered here.", func(s *registrar.Stats) uint64 { return s.Registrations }),
	counter("reregistrations_total", "Re-registrations.", func(s *registrar.Stats) uint64 { return s.Reregistrations }),
	counter("deregistrations_total", "Deregistrations.", func(s *registrar.Stats) uint64 { return s.Deregistrations }),
	counter("rejections_total", "Registrations and deregistrations rejected.", func(s *registrar.Stats) uint64 { return s.Rejections }),
	counter("handle_resolutions_total", "Handle resolutions answered, those with an error included.",
		func(s *registrar.Stats) uint64 { return s.Resolutions }),
	counter("handle_resolutions_failed_total", "Handle resolutions answered with an error.",
		func(s *registrar.Stats) uint64 { return s.FailedResolutions }),
	gauge("subscriptions", "Subscriptions of pool users to pools.", func(s *registrar.Stats) int { return s.Subscriptions }),
	counter("pool_updates_total", "Updates sent to subscribers.", func(s *registrar.Stats) uint64 { return s.PoolUpdates }),
	counter("rate_limited_total", "Requests above their rate.", func(s *registrar.Stats) uint64 { return s.Limited }),
	counter("unreachable_reports_total", "Pool elements reported unreachable.", func(s *registrar.Stats) uint64 { return s.Reports }),
	counter("keep_alives_total", "Keep-alives sent.", func(s *registrar.Stats) uint64 { return s.KeepAlives }),
	counter("keep_alive_acks_total", "Keep-alives answered.", func(s *registrar.Stats) uint64 { return s.KeepAliveAcks }),
	counter("announcements_total", "Server announcements.", func(s *registrar.Stats) uint64 { return s.Announcements }),
	counter("announcement_errors_total", "Announcements that could not be sent.", func(s *registrar.Stats) uint64 { return s.AnnounceErrors }),
	counter("bad_messages_total", "Messages that could not be parsed.", func(s *registrar.Stats) uint64 { return s.BadMessages }),
	counter("ignored_messages_total", "Messages that are not for a registrar, or not from who may send them.",
		func(s *registrar.Stats) uint64 { return s.Ignored }),
	counter("foreign_messages_total", "Messages with another payload protocol identifier.", func(s *registrar.Stats) uint64 { return s.OtherPPIDs }),
	counter("associations_refused_total", "Associations and TCP connections above the bound.",
		func(s *registrar.Stats) uint64 { return s.Refused + s.TCPRefused }),
	counter("associations_aborted_total", "Associations whose last pool element did not answer.", func(s *registrar.Stats) uint64 { return s.Aborts }),
	counter("slow_clients_total", "Clients aborted because they did not read.", func(s *registrar.Stats) uint64 { return s.Slow }),
	counter("tls_handshakes_failed_total", "TCP connections closed because the handshake of TLS failed, or took too long.", func(s *registrar.Stats) uint64 { return s.BadHandshakes }),
	counter("tcp_not_asap_total", "TCP connections closed because they did not carry ASAP.", func(s *registrar.Stats) uint64 { return s.NotASAP }),

	counter("presences_total", "Presences of other registrars.", func(s *registrar.Stats) uint64 { return s.Presences }),
	counter("handle_updates_sent_total", "Handle updates sent, each to all peers.", func(s *registrar.Stats) uint64 { return s.UpdatesSent }),
	counter("handle_updates_received_total", "Handle updates obeyed.", func(s *registrar.Stats) uint64 { return s.UpdatesReceived }),
	counter("resynchronizations_total", "Audits that found a difference.", func(s *registrar.Stats) uint64 { return s.Resyncs }),
	counter("resynchronizations_failed_total", "Resynchronizations without an answer.", func(s *registrar.Stats) uint64 { return s.ResyncsFailed }),
	counter("takeovers_begun_total", "Takeovers of dead peers begun here.", func(s *registrar.Stats) uint64 { return s.Takeovers }),
	counter("takeovers_total", "Takeovers of dead peers completed here.", func(s *registrar.Stats) uint64 { return s.TakeoversDone }),
	counter("pool_elements_adopted_total", "Pool elements taken over.", func(s *registrar.Stats) uint64 { return s.Adopted }),
	counter("conflicts_total", "Pool elements of peers that the handlespace refused.", func(s *registrar.Stats) uint64 { return s.Conflicts }),
}

var (
	removedDesc     = desc("pool_elements_removed_total", "Pool elements removed, by the reason.", "reason")
	peerStateDesc   = desc("peer_state", "1 for the state that a peer is in.", "peer", "state")
	peerAgreesDesc  = desc("peer_agrees", "1 if the peer is alive and its checksum says that both know the same of it.", "peer")
	peerOwnsDesc    = desc("peer_pool_elements", "Pool elements that a peer owns.", "peer")
	operationalDesc = desc("operational", "1 when the initialization is complete.")
	infoDesc        = desc("info", "1, with the identifier of the registrar.", "id")
)

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range metrics {
		ch <- m.desc
	}
	for _, d := range []*prometheus.Desc{removedDesc, peerStateDesc, peerAgreesDesc, peerOwnsDesc, operationalDesc, infoDesc} {
		ch <- d
	}
}

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	stats := c.srv.Stats()
	for _, m := range metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.typ, m.value(&stats))
	}
	for i, n := range stats.Removed {
		if i > 0 {
			reason := strings.ReplaceAll(registrar.Reason(i).String(), " ", "_")
			ch <- prometheus.MustNewConstMetric(removedDesc, prometheus.CounterValue, float64(n), reason)
		}
	}
	for _, p := range c.srv.Peers() {
		id := text32(p.ID)
		ch <- prometheus.MustNewConstMetric(peerStateDesc, prometheus.GaugeValue, 1, id, strings.ReplaceAll(p.State.String(), " ", "_"))
		ch <- prometheus.MustNewConstMetric(peerAgreesDesc, prometheus.GaugeValue, number(p.Agrees()), id)
		ch <- prometheus.MustNewConstMetric(peerOwnsDesc, prometheus.GaugeValue, float64(p.Elements), id)
	}
	ch <- prometheus.MustNewConstMetric(operationalDesc, prometheus.GaugeValue, number(c.srv.Operational()))
	ch <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, text32(c.srv.ServerID()))
}

func text32(id uint32) string {
	b, _ := ID(id).MarshalText()
	return string(b)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
