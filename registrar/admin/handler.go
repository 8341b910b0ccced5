// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rserpool/rserpool/registrar"
)

const index = `/healthz      does it answer
/readyz       does it serve, and has it the handlespace of the others
/handlespace  pools and elements, JSON; ?pool=HANDLE for one
/peers        other registrars, JSON
/metrics      for Prometheus
`

// Handler returns what Serve serves, for a server of the program's own.
func Handler(srv *registrar.Server) http.Handler {
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(Collector(srv), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, index) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		srv.Stats() // it has the lock of the registrar for a moment
		text(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := srv.Ready(); err != nil {
			text(w, http.StatusServiceUnavailable, err.Error()+"\n")
			return
		}
		text(w, http.StatusOK, "ready\n")
	})
	var one sync.Mutex // a copy of the handlespace at a time
	mux.HandleFunc("GET /handlespace", func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		h := handlespace(srv.Snapshot())
		if q := r.URL.Query(); q.Has("pool") {
			if h = h.only(q.Get("pool")); len(h.Pools) == 0 {
				text(w, http.StatusNotFound, fmt.Sprintf("there is no pool %q\n", q.Get("pool")))
				return
			}
		}
		writeJSON(w, h)
	})
	mux.HandleFunc("GET /peers", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, peers(srv)) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

func text(w http.ResponseWriter, code int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	io.WriteString(w, s) // who does not read it has gone
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v) // as above
}
