// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/simnet"
	"github.com/rserpool/rserpool/udpencap"
)

// EchoPort is the SCTP port of the echo service.
const EchoPort = 7

// AuthKey is the endpoint pair shared key of a system with "cfg:auth-key".
var AuthKey = []byte("0123456789abcdef0123456789ABCDEF")

// The addresses of the virtual network: three of the tester, one of the system under test, and three more that its host
// has and that "addip" may add.
var (
	testerAddrs = []netip.Addr{netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.1.0.3")}
	systemAddr  = netip.MustParseAddr("10.1.0.10")
	spareAddrs  = []netip.Addr{netip.MustParseAddr("10.1.0.11"), netip.MustParseAddr("10.1.0.12"), netip.MustParseAddr("10.1.0.13")}
)

// Open starts the system under test that a case is about, fresh, on a virtual network of its own where a packet takes
// 1 ms. mutant, if not nil, breaks it. It is to be called in a testing/synctest bubble: minutes cost nothing there. close
// ends everything.
func Open(c *conformance.Case, mutant *Mutant) (target *conformance.Target, close func(), err error) {
	net := simnet.New(1)
	net.Default().Set(simnet.Settings{Delay: time.Millisecond})
	system := net.Host("S", append([]netip.Addr{systemAddr}, spareAddrs...)...)
	side := net.Host("T", testerAddrs...)
	var network udpencap.Network = system.Network()
	var middlebox Middlebox
	if mutant != nil {
		middlebox = mutant.New()
		network = newBox(network, middlebox)
	}
	target = &conformance.Target{
		Role: c.Role, Addrs: []netip.Addr{systemAddr}, EncapPort: udpencap.DefaultPort,
		Network: side.Network(), Local: testerAddrs, Caps: map[string]bool{}, Spare: spareAddrs,
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	cfg := sctp.Config{Network: network, LocalAddrs: []netip.Addr{systemAddr}, EncapPort: udpencap.DefaultPort, Rand: rnd, CloseTimeout: -1}
	switch c.Role {
	case conformance.Server, conformance.Client, conformance.Endpoint:
		if slices.Contains(c.Needs, "cfg:auth-key") {
			cfg.AuthKeys = []sctp.AuthKey{{}, {ID: 1, Secret: AuthKey}}
			target.Caps["cfg:auth-key"] = true
		}
		cfg.Interleaving = slices.Contains(c.Needs, "idata")
		if slices.Contains(c.Needs, "cfg:no-pr") {
			cfg.NoPartialReliability = true
			target.Caps["cfg:no-pr"] = true
		}
		if slices.Contains(c.Needs, "cfg:nat") {
			cfg.BehindNAT = true
			target.Caps["cfg:nat"] = true
		}
		s, err := NewSCTP(&cfg, EchoPort)
		if err != nil {
			return nil, nil, err
		}
		target.Role, target.Port, target.Control = conformance.Endpoint, EchoPort, s
		for _, capability := range Caps(c.Role) {
			target.Caps[capability] = true
		}
		return target, s.Close, nil
	case conformance.Registrar:
		r := NewRegistrar(network, systemAddr, udpencap.DefaultPort)
		if slices.Contains(c.Needs, "tcp") {
			link := newTCPLink(netip.AddrPortFrom(systemAddr, asap.Port))
			link.written = middlebox.TCP
			r.tcp, target.TCP = link, link.dial
			target.Caps["tcp"] = true
		}
		var args conformance.Args
		if slices.Contains(c.Needs, "cfg:max-items-1") {
			args = conformance.Args{"max-items": "1"}
			target.Caps["cfg:max-items-1"] = true
		}
		if err := r.Start(args); err != nil {
			return nil, nil, err
		}
		target.Port, target.ENRPPort, target.Control = 3863, 9901, r
		target.Caps["mcast"] = true
		return target, r.Close, nil
	case conformance.PE, conformance.PU:
		p, err := NewPool(cfg)
		if err != nil {
			return nil, nil, err
		}
		target.Control = p
		return target, p.Close, nil
	}
	return nil, nil, fmt.Errorf("there is no %s", c.Role)
}

// Caps are the capabilities of our own implementation in a role, all of which it must show.
func Caps(role conformance.Role) []string {
	if conformance.Endpoint.Serves(role) {
		return []string{"echo", "echo-u", "grant", "pf", "auth", "asconf", "idata"}
	}
	return nil
}
