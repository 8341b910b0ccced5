// SPDX-License-Identifier: Apache-2.0

// Package registrar runs a registrar (ENRP server) of Reliable Server Pooling: it takes the registrations of pool
// elements, watches them, and resolves pool handles for pool users, by ASAP (RFC 5352) over SCTP (package sctp) and, for
// pool users that have none, over TCP ([Config].TCPPort), also with TLS.
//
//	srv, err := registrar.New(registrar.Config{LocalAddrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}})
//	err = srv.Serve(ctx) // until ctx ends
//
// The procedures are in package registrar/engine, which does no input or output. A [Server] has one goroutine for the
// timers, one for each association, and a lock around the engine, under which nothing waits: answers go into a bounded
// queue per association, and who does not read them is aborted. Announcements (ASAP_SERVER_ANNOUNCE) are sent from every
// local address, by multicast and to a list of addresses.
//
// # Limitations
//
// Pool users can reach it by TLS over TCP ([Config].TLSPort). For pool elements and other registrars there is no security
// beyond the check of addresses: run it where you trust the network between them, see RFC 5355.
package registrar
