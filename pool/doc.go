// SPDX-License-Identifier: Apache-2.0

// Package pool is Reliable Server Pooling (RSerPool, RFC 5351): servers register under the handle of a pool, clients
// resolve the handle to those servers that are alive, and move to another one when theirs fails. A [Client] finds a
// registrar, stays with it and finds another when it is gone. In Basic Mode a program resolves handles and registers
// elements ([Client.Resolve], [Client.Register], [Client.ReportUnreachable]) and communicates as it likes. In Enhanced
// Mode it does so through the pool: [Client.Dial] gives a [Session] with a pool that survives the failure of its pool
// element, and a [Server] is an element with a handler for each session. What RSPLIB calls them is in docs/api.md.
//
// Registrars are reached by SCTP or by TCP, which is for pool users only (RFC 5352, Section 2.1). A pool user without SCTP
// ([Config].NoSCTP) has Basic Mode with elements that are reached by TCP or UDP.
//
//	client, err := pool.NewClient(&pool.Config{Registrars: []string{"10.0.0.1:3863"}})
//	sess, err := client.Dial(ctx, "EchoPool")
//	err = sess.Send(ctx, sctp.Message{Data: []byte("hello")})
//	m, err := sess.Recv(ctx) // *FailoverError: another element serves the session now
//
// Package asap/agent has the protocol (RFC 5352); this package runs it over package sctp. A pool element is registered
// from the SCTP port it listens to, so that a registrar which takes it over can set up an association to it, and
// answers keep-alives there. Nothing here calls into the program, apart from the handlers of a Server.
//
// # Limitations
//
// Sessions and servers speak SCTP; elements with other transports can be registered, resolved, and dialled if it is TCP or
// UDP ([Element.DialContext]). A session does not send a message again that its element has not answered: only the program
// knows whether that is safe ([Session.Do] is for those that are). Cookies and business cards are taken by Recv: a session
// that is not read does not learn of them. Nor does a net.Conn view survive its element ([Session.NetConn]). There is
// no TLS but to registrars at "tls://" addresses: anybody who reaches an element can talk to it, and an element that was
// chosen can say by a business card where its clients go next.
package pool
