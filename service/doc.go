// SPDX-License-Identifier: Apache-2.0

// Package service has the example services that RSPLIB has, for pool elements and pool users: echo, discard, daytime,
// chargen, pingpong, fractal, calcapp and scripting. Those of both projects can be in one pool, and a session goes on from
// the ones to the others.
//
// The side of an element is a [pool.Handler] for a [pool.Server]:
//
//	srv := &pool.Server{}
//	err := service.Configure(srv, "fractal", 4, log) // at most 4 sessions at once, which are a load of 1
//	err = srv.Serve(ctx, client)
//
// [NewCalcApp] and [NewScripting] make handlers with options; the latter runs what others send, and does not do so without
// being told.
//
// The side of a user is for echo, discard, daytime and chargen the [pool.Session] itself; a [Pinger] sends Pings, a
// [Painter] receives an image, and [Draw] does so in parallel sessions. A [Calculator] has a job done, a [Scripter] a script
// run.
//
// # Limitations
//
// Cookies are not signed: who brings one is served from where it says. Of sessions with fractal, each takes all that one
// processor has, so the number of sessions should be bounded. There is no authentication: who reaches an element of
// scripting runs programs there. Work packages are not verified by GnuPG as RSPLIB's elements can do.
package service
