// SPDX-License-Identifier: Apache-2.0

// Package admin shows operators what a registrar does, over HTTP.
//
//	go admin.Serve(ctx, listener, srv) // srv is a *registrar.Server
//
// It only shows; nothing can be changed by it.
//
//	/healthz      200 "ok" as long as the registrar answers at all
//	/readyz       200 "ready" when it serves and its start (RFC 5353, Section 3.2) is complete, 503 with the reason before
//	/handlespace  the pools with their elements, JSON ([Handlespace]); ?pool=HANDLE for one of them, 404 if there is none
//	/peers        the other registrars, JSON ([Peers])
//	/metrics      counters and gauges for Prometheus, of the registrar, the Go runtime and the process
//
// # Limitations
//
// There is no authentication and no encryption: whoever reaches the listener may read all of it. Listen on a loopback
// address, or behind a proxy that asks who it is. The handlespace is copied as a whole for each request for it, one request
// at a time.
package admin
