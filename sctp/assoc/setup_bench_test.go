// SPDX-License-Identifier: Apache-2.0

package assoc

import "testing"

// The handshake, both sides of it, without a network: with RFC 4895 and RFC
// 5061, and without.
func BenchmarkSetup(b *testing.B) {
	for _, bb := range []struct {
		name string
		cfg  Config
	}{
		{"default", Config{}},
		{"NoAuth", Config{NoAuth: true}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			p := newPair(b, bb.cfg)
			if err := p.z.stack.Listen(5000); err != nil {
				b.Fatal(err)
			}
			buf := make([]byte, 65536)
			// carry takes a packet to a stack and returns its association.
			carry := func(t Transmit, ok bool, to *Stack) *Association {
				if !ok {
					b.Fatal("no packet")
				}
				d := Datagram{Local: t.Remote, Remote: t.Local, Data: buf[:t.Len]}
				a, _ := to.Route(p.now, d)
				if a != nil {
					a.HandlePacket(p.now, d)
				}
				return a
			}
			send := func(a *Association, to *Stack) *Association {
				t, ok := a.PollTransmit(p.now, buf)
				return carry(t, ok, to)
			}
			b.ReportAllocs()
			for b.Loop() {
				a, err := p.a.stack.Associate(p.now, AssociateParams{Remote: addrs("10.0.0.2"), Port: 5000})
				if err != nil {
					b.Fatal(err)
				}
				send(a, p.z.stack) // INIT
				t, ok := p.z.stack.PollReply(buf)
				carry(t, ok, p.a.stack) // INIT ACK
				z := send(a, p.z.stack) // COOKIE ECHO
				send(z, p.a.stack)      // COOKIE ACK
				if a.State() != StateEstablished || z.State() != StateEstablished {
					b.Fatal(a.State(), z.State())
				}
				a.close(nil)
				z.close(nil)
				p.a.stack.Sync(a)
				p.z.stack.Sync(z)
			}
		})
	}
}
