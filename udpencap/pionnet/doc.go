// SPDX-License-Identifier: Apache-2.0

// Package pionnet lets SCTP over UDP (package udpencap) run on any transport.Net
// of the Pion project: vnet, its virtual network with routers, NATs, loss and
// delay, for tests in one process; stdnet; or whatever an application of Pion's
// libraries already plugs in there.
//
// A virtual host of vnet is attached to one network only. A multi-homed host is
// made of several transport.Net, which New takes together.
//
// # Limitations
//
//   - A transport.Net knows no multicast: ListenMulticast and SetMulticast fail
//     with errors.ErrUnsupported.
//   - It passes no socket options and no control messages: datagrams are sent
//     and received one by one, and DF is not set. Whether a too large datagram
//     is refused is up to the network; vnet has no MTU.
//   - Writing waits where the transport.Net does. That of vnet does not.
//   - vnet drops what arrives while 1024 datagrams wait to be read.
package pionnet
